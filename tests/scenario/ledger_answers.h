#ifndef WINDLASS_TESTS_SCENARIO_LEDGER_ANSWERS_H_
#define WINDLASS_TESTS_SCENARIO_LEDGER_ANSWERS_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/config.h"
#include "worker/framing/message_header.h"

namespace windlass {

struct LedgerAnswer {
  std::string id;             // the request-id, or what a line begins with; "" when there is none
  std::string status;         // an error code; "" = ok
  absl::string_view content;  // without the newline of a line
};

// Role: cuts what a server sends into answers, for `message` and `line`. Blocking: never.
class LedgerAnswers {
 public:
  explicit LedgerAnswers(Protocol protocol);

  void Append(absl::string_view bytes);  // copies
  // Next whole answer; nullopt when more bytes are needed or the stream is broken. The content is
  // valid until the next call on *this.
  std::optional<LedgerAnswer> Next();
  bool broken() const { return broken_; }  // final: where the next answer begins is not known
  bool empty() const { return at_ == received_.size(); }  // between answers

 private:
  std::optional<LedgerAnswer> NextLine();
  std::optional<LedgerAnswer> NextMessage();
  bool ReadHead();  // into head_ and content_bytes_; false: not whole yet, or broken

  const Protocol protocol_;
  MessageHeaderParser parser_;
  std::string received_;  // from at_ on it is not taken yet
  size_t at_ = 0;
  size_t scanned_ = 0;                // behind at_, without a newline
  std::optional<LedgerAnswer> head_;  // of a message whose content is awaited
  uint64_t content_bytes_ = 0;
  bool broken_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_LEDGER_ANSWERS_H_
