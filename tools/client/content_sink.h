#ifndef WINDLASS_TOOLS_CLIENT_CONTENT_SINK_H_
#define WINDLASS_TOOLS_CLIENT_CONTENT_SINK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/client/output.h"
#include "tools/client/output_file.h"

namespace windlass {

// Role: where the content of an answer goes as it arrives: straight to standard output or to a
// file, so that a large one costs no memory, or kept, where the whole of it is needed first.
// DataLoss: more than kMaxKeptBytes to keep.
class ContentSink {
 public:
  // A JSON document or an error text of more than 1 GiB is of no use to anybody.
  static constexpr size_t kMaxKeptBytes = size_t{1} << 30;

  // `file`: null for standard output.
  explicit ContentSink(bool keep, OutputFile* file = nullptr) : file_(file), keep_(keep) {}

  void KeepFromNowOn() { keep_ = true; }
  absl::Status Add(absl::string_view bytes) {
    if (!keep_) return file_ != nullptr ? file_->Write(bytes) : WriteOut(bytes);
    if (bytes.size() > kMaxKeptBytes - kept_.size()) {
      return absl::DataLossError(
          absl::StrCat("the answer is longer than the ", kMaxKeptBytes, " bytes kept in memory"));
    }
    kept_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  const std::string& kept() const { return kept_; }

 private:
  OutputFile* const file_;
  bool keep_;
  std::string kept_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_CONTENT_SINK_H_
