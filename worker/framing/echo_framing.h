#ifndef WINDLASS_WORKER_FRAMING_ECHO_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_ECHO_FRAMING_H_

#include "worker/framing/framing.h"

namespace windlass {

// `echo`: raw bytes, sent back as they arrive. No frames: the connection moves the bytes itself.
class EchoFraming : public Framing {
 public:
  CutOutcome CutHead(absl::string_view, CutState* state, RequestHead*, FrameError*) override {
    state->need = UINT32_MAX;
    return CutOutcome::kNeedMore;
  }
  void AppendResponseHead(const ResponseHead&, std::string*) override {}
  bool AppendError(const ResponseHead&, absl::string_view, std::string*) override { return false; }
  bool IsRaw() const override { return true; }
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_ECHO_FRAMING_H_
