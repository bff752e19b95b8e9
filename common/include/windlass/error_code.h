#ifndef WINDLASS_ERROR_CODE_H_
#define WINDLASS_ERROR_CODE_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace windlass {

// Why a client got an error instead of an answer. The names are part of the wire protocols.
enum class ErrorCode : uint8_t {
  kOk,
  kInvalidArgument,
  kNotFound,
  kTooLarge,
  kOverloaded,
  kDeadlineExceeded,
  kHandlerCrashed,
  kQuarantined,
  kHandlerFailed,
  kUnavailable,
};
constexpr size_t kErrorCodeCount = 10;

constexpr std::array<absl::string_view, kErrorCodeCount> kErrorCodeNames = {"ok",
                                                                            "invalid_argument",
                                                                            "not_found",
                                                                            "too_large",
                                                                            "overloaded",
                                                                            "deadline_exceeded",
                                                                            "handler_crashed",
                                                                            "quarantined",
                                                                            "handler_failed",
                                                                            "unavailable"};

constexpr absl::string_view ErrorCodeName(ErrorCode code) {
  return kErrorCodeNames[static_cast<size_t>(code)];
}

// What a client is told when a handler returns `code`: handlers speak absl::Status, clients the
// table above.
constexpr ErrorCode ErrorCodeFor(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return ErrorCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ErrorCode::kInvalidArgument;
    case absl::StatusCode::kNotFound:
      return ErrorCode::kNotFound;
    case absl::StatusCode::kOutOfRange:
      return ErrorCode::kTooLarge;
    case absl::StatusCode::kDeadlineExceeded:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kHandlerFailed;
  }
}

}  // namespace windlass

#endif  // WINDLASS_ERROR_CODE_H_
