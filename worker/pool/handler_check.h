#ifndef WINDLASS_WORKER_POOL_HANDLER_CHECK_H_
#define WINDLASS_WORKER_POOL_HANDLER_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "windlass/handler.h"

namespace windlass {

// What a handler is told of parts and responses that cannot be, by a pool as by `windlass run`.
// Pure. OK: they can.

// A part that Split adds to `count` others.
inline absl::Status CheckPart(absl::string_view what, size_t count) {
  if (what.size() > JobParts::kMostBytes) {
    return absl::InternalError(
        absl::StrCat("Split: a part of ", what.size(), " bytes, at most ", JobParts::kMostBytes));
  }
  if (count < JobParts::kMost) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("Split: more than ", JobParts::kMost, " parts"));
}

// What a part has for Merge.
inline absl::Status CheckPartResult(absl::string_view bytes) {
  if (bytes.size() <= kMaxPartResultBytes) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("HandlePart: a result of ", bytes.size(),
                                          " bytes, at most ", kMaxPartResultBytes,
                                          ": more is content, or goes into the shared memory"));
}

// A piece that is the content of a part. `content_bytes`: of each part. `seen`: of the pieces
// before it, a bit for each part.
inline absl::Status CheckPartPiece(int part, absl::Span<const uint64_t> content_bytes,
                                   uint64_t* seen) {
  const auto index = static_cast<size_t>(part);
  const auto wrong = [part](absl::string_view why) {
    return absl::InternalError(absl::StrCat("response with OfPart(", part, "): ", why));
  };
  if (content_bytes.empty()) return wrong("only Merge has parts");
  if (index >= content_bytes.size()) {
    return wrong(absl::StrCat("there are ", content_bytes.size(), " parts"));
  }
  if (content_bytes[index] == 0) return wrong("that part has no content");
  if ((*seen >> index & 1) != 0) return wrong("it is there twice");
  *seen |= uint64_t{1} << index;
  return absl::OkStatus();
}
static_assert(JobParts::kMost <= 64);

inline std::string TooManyPieces(size_t pieces) {
  return absl::StrCat("response of too many pieces: ", pieces,
                      " beside contents of parts, at most ", kMaxResponsePieces);
}

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_HANDLER_CHECK_H_
