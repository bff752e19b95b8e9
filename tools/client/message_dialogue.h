#ifndef WINDLASS_TOOLS_CLIENT_MESSAGE_DIALOGUE_H_
#define WINDLASS_TOOLS_CLIENT_MESSAGE_DIALOGUE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tools/client/client_options.h"
#include "tools/client/content_sink.h"
#include "tools/client/conversation.h"
#include "tools/client/message_answer.h"
#include "tools/client/payload.h"
#include "tools/client/progress.h"

namespace windlass {

// `message`: one request, one answer. The content of an ok answer goes to the sink; that of an
// error answer is always kept. Errors: DataLoss (malformed, another request's id, bytes behind the
// answer), Unavailable (early end).
class MessageDialogue : public Dialogue {
 public:
  // `head` is EncodeMessageHead's. Borrows `sink`.
  MessageDialogue(std::string head, Payload payload, std::optional<std::string> request_id,
                  ContentSink* sink);

  absl::StatusOr<absl::string_view> ToSend() override;
  void OnSent(size_t bytes) override;
  absl::StatusOr<bool> OnReceived(absl::string_view bytes) override;
  absl::Status OnEnd() override;

  // Complete after the conversation ended well.
  const AnswerHead& answer() const { return reader_.head(); }

 private:
  absl::Status OnHead();

  // Fixed after construction.
  std::string head_;  // and a small content, so that both leave in one segment
  Payload payload_;
  const uint64_t payload_start_;  // where in the stream the rest of the content begins
  const std::optional<std::string> request_id_;
  ContentSink* const sink_;
  // Working state.
  uint64_t sent_ = 0;
  MessageAnswerReader reader_;
  ProgressBar sent_bar_;
  std::optional<ProgressBar> received_bar_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_MESSAGE_DIALOGUE_H_
