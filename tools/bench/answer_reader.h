#ifndef WINDLASS_TOOLS_BENCH_ANSWER_READER_H_
#define WINDLASS_TOOLS_BENCH_ANSWER_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/bench/load_shape.h"
#include "tools/bench/tally.h"
#include "worker/framing/message_header.h"

namespace windlass {

// What the header of a message answer says that matters here.
struct AnswerFacts {
  bool malformed = false;
  bool refused = false;
  ErrorKind refused_with = ErrorKind::kRefused;
  bool close = false;
  uint64_t content_bytes = 0;
};

// Role: reads headers of message answers, for all connections. In a run nearly all headers are the
// same bytes, so the last one is remembered and not parsed again. Blocking: never.
class AnswerHeadParser {
 public:
  const AnswerFacts& Parse(absl::string_view json);  // valid until the next call

 private:
  MessageHeaderParser parser_{MessageHeaderParser::Of::kAnswers};
  std::string last_;
  AnswerFacts facts_ = {.malformed = true};  // as the empty last_ is
  std::vector<char> padded_;
};

// Role: cuts the answers out of one connection's bytes and compares each with what it must be, as
// it arrives: contents are never collected. No allocation per answer (but for a header torn over
// two reads). Blocking: never.
class AnswerReader {
 public:
  enum class Verdict : uint8_t {
    kNeedMore,      // the input is used up
    kRight,         // the answer is complete and right
    kWrong,         // complete; the wrong bytes, or too many or few
    kRefused,       // complete; an error answer: see refused_with()
    kWrongAndLost,  // the wrong bytes in a protocol without headers: what follows cannot be read
    kMalformed,     // no header of an answer: what follows cannot be read
  };

  // Takes what it can from the front of `input`; at most one answer, which must be that of request
  // `number`.
  Verdict Step(const LoadShape& shape, AnswerHeadParser* heads, uint64_t number,
               absl::string_view* input);
  ErrorKind refused_with() const { return facts_.refused_with; }
  // After a complete answer: the server will close the connection.
  bool closes() const { return facts_.close; }
  void Reset() { *this = AnswerReader(); }  // for a new connection

 private:
  bool TakeHead(AnswerHeadParser* heads, absl::string_view* input);
  Verdict StepMessage(const LoadShape& shape, AnswerHeadParser* heads, uint64_t number,
                      absl::string_view* input);

  bool in_content_ = false;
  bool wrong_ = false;
  uint64_t offset_ = 0;  // into the content
  AnswerFacts facts_;
  std::string partial_;  // a head that has not all come yet
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_ANSWER_READER_H_
