#ifndef WINDLASS_WORKER_FRAMING_MESSAGE_FRAMING_H_
#define WINDLASS_WORKER_FRAMING_MESSAGE_FRAMING_H_

#include "worker/framing/framing.h"
#include "worker/framing/message_header.h"

namespace windlass {

// `message`: 2-byte length, JSON header, content. The server's side; message_header.h is what
// clients share.
class MessageFraming : public Framing {
 public:
  struct Limits {
    uint64_t max_header_bytes;
    uint64_t max_content_bytes;
  };
  explicit MessageFraming(const Limits& limits) : limits_(limits) {}

  CutOutcome CutHead(absl::string_view input, CutState* state, RequestHead* head,
                     FrameError* error) override;
  void AppendResponseHead(const ResponseHead& head, std::string* out) override;
  bool AppendError(const ResponseHead& head, absl::string_view message, std::string* out) override;

 private:
  const Limits limits_;
  // Scratch reused between calls.
  MessageHeaderParser parser_{MessageHeaderParser::Of::kRequests};
  MessageHeader header_;
  std::string error_content_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_MESSAGE_FRAMING_H_
