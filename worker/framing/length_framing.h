#ifndef WINDLASS_WORKER_FRAMING_LENGTH_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_LENGTH_FRAMING_H_

#include "worker/framing/framing.h"

namespace windlass {

// `length`: a decimal length, a newline, that many bytes; the answer is the body alone. Up to 20
// digits, leading zeros and one CR before the newline are fine. Errors have no room: the connection
// closes.
class LengthFraming : public Framing {
 public:
  explicit LengthFraming(uint64_t max_content_bytes) : max_content_bytes_(max_content_bytes) {}

  CutOutcome CutHead(absl::string_view input, CutState* state, RequestHead* head,
                     FrameError* error) override;
  void AppendResponseHead(const ResponseHead&, std::string*) override {}
  bool AppendError(const ResponseHead&, absl::string_view, std::string*) override { return false; }

 private:
  const uint64_t max_content_bytes_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_LENGTH_FRAMING_H_
