#ifndef WINDLASS_TOOLS_CLIENT_MESSAGE_ANSWER_H_
#define WINDLASS_TOOLS_CLIENT_MESSAGE_ANSWER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/framing/message_header.h"

namespace windlass {

// The header of an answer, owned.
struct AnswerHead {
  std::string json;    // the object as it came: valid JSON
  std::string status;  // "" = ok
  std::string content_type, content_encoding;
  uint64_t content_length = 0;
  std::string request_id;
  bool has_request_id = false;

  bool ok() const { return status.empty() || status == "ok"; }
};

// What an error answer says in its content: `error.message`, else `result`; "" when it is neither.
// Pure.
std::string ErrorMessageOf(absl::string_view content);

// The string at key `result` of a JSON object; DataLoss when there is none. Pure.
absl::StatusOr<std::string> ResultOf(absl::string_view content);

// Role: cuts one answer of the message protocol out of a byte stream, however it is cut. Blocking:
// never. Errors: DataLoss (malformed header) is final.
class MessageAnswerReader {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // the input is used up
    kHead,      // head() is complete; content follows
    kContent,   // some of it
    kDone,      // the answer is complete; what is left in the input is not part of it
  };

  // Takes what it can from the front of `input`; with kContent, *content is the part of the input
  // that is content.
  absl::StatusOr<Event> Step(absl::string_view* input, absl::string_view* content);

  const AnswerHead& head() const { return head_; }
  bool has_head() const { return state_ != State::kHead; }
  uint64_t content_seen() const { return content_seen_; }
  bool started() const { return has_head() || !partial_.empty(); }

 private:
  enum class State : uint8_t { kHead, kContent };

  // Moves bytes from *input until partial_ has `bytes`; false: not yet.
  bool Gather(size_t bytes, absl::string_view* input);
  absl::Status ParseHead(size_t header_bytes);

  State state_ = State::kHead;
  AnswerHead head_;
  uint64_t content_seen_ = 0;
  std::string partial_;  // the length bytes and the header, as far as they have come
  MessageHeaderParser parser_{MessageHeaderParser::Of::kAnswers};
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_MESSAGE_ANSWER_H_
