#ifndef WINDLASS_WORKER_FRAMING_LINE_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_LINE_FRAMING_H_

#include "worker/framing/framing.h"

namespace windlass {

// `line`: each line is a request, without its newline; an answer is the result plus a newline.
// Bytes are opaque. Errors have no room: the connection closes.
class LineFraming : public Framing {
 public:
  explicit LineFraming(uint64_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  CutOutcome CutHead(absl::string_view input, CutState* state, RequestHead* head,
                     FrameError* error) override;
  void AppendResponseHead(const ResponseHead&, std::string*) override {}
  bool AppendError(const ResponseHead&, absl::string_view, std::string*) override { return false; }
  absl::string_view ResponseTail() const override { return "\n"; }

 private:
  const uint64_t max_line_bytes_;  // without the newline
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_LINE_FRAMING_H_
