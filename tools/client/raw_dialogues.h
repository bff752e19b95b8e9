#ifndef WINDLASS_TOOLS_CLIENT_RAW_DIALOGUES_H_
#define WINDLASS_TOOLS_CLIENT_RAW_DIALOGUES_H_

#include <cstdint>
#include <string>

#include "tools/client/content_sink.h"
#include "tools/client/conversation.h"
#include "tools/client/payload.h"
#include "tools/client/progress.h"

// The conversations of the protocols without headers: echo, line, length.

namespace windlass {

// `echo`: sends `text` and waits until just that has come back. DataLoss: something else came back.
class EchoDialogue : public Dialogue {
 public:
  explicit EchoDialogue(std::string text) : text_(std::move(text)) {}

  absl::StatusOr<absl::string_view> ToSend() override;
  void OnSent(size_t bytes) override { sent_ += bytes; }
  absl::StatusOr<bool> OnReceived(absl::string_view bytes) override;
  absl::Status OnEnd() override;
  bool IsComplete() const override { return received_ == text_.size(); }

 private:
  const std::string text_;
  size_t sent_ = 0, received_ = 0;
};

// `length`: sends the payload after its length; the answer is what comes until the server closes.
// Aborted: nothing came, which is how this protocol says that a request was refused.
class LengthDialogue : public Dialogue {
 public:
  // Borrows `sink`.
  LengthDialogue(Payload payload, bool half_close, ContentSink* sink);

  absl::StatusOr<absl::string_view> ToSend() override;
  void OnSent(size_t bytes) override;
  bool WantsHalfClose() const override { return half_close_; }
  absl::StatusOr<bool> OnReceived(absl::string_view bytes) override;
  absl::Status OnEnd() override;

 private:
  Payload payload_;
  const std::string head_;
  const bool half_close_;
  ContentSink* const sink_;
  uint64_t sent_ = 0, received_ = 0;  // `sent_` counts the head too
  ProgressBar sent_bar_;
};

// `line`: sends the lines of a descriptor as they come and prints the answers as they come.
// Complete when input has ended and every line has its answer: seen by the server's closing after
// our half-close or, without one, by counting newlines. Aborted: the server closed before that.
class LineDialogue : public Dialogue {
 public:
  LineDialogue(int input_fd, bool half_close, bool json);

  absl::StatusOr<absl::string_view> ToSend() override;
  void OnSent(size_t bytes) override;
  bool WantsHalfClose() const override { return half_close_ && input_ended_; }
  absl::StatusOr<bool> OnReceived(absl::string_view bytes) override;
  absl::Status OnEnd() override;
  bool IsComplete() const override { return !half_close_ && AllAnswered(); }
  int InputFd() const override;
  absl::Status OnInputReady() override;
  bool AwaitsAnswer() const override { return answers_ < lines_ || input_ended_; }

 private:
  bool AllAnswered() const { return input_ended_ && to_send_.empty() && answers_ >= lines_; }
  absl::Status Print(absl::string_view bytes);

  const int input_fd_;
  const bool half_close_;
  const bool json_;
  std::string to_send_;
  size_t sent_ = 0;  // of to_send_
  bool input_ended_ = false;
  bool at_line_start_ = true;  // of the input
  uint64_t lines_ = 0, answers_ = 0;
  std::string partial_answer_;  // json only
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_RAW_DIALOGUES_H_
