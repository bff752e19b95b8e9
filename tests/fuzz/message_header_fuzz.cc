// What is read can be written, and is read again as the same.
#include "tests/fuzz/fuzz_input.h"
#include "worker/framing/message_header.h"

namespace windlass {
namespace {

bool IsSame(const MessageHeader& a, const MessageHeader& b) {
  return a.big_endian == b.big_endian && a.content_length == b.content_length &&
         a.content_type == b.content_type && a.content_encoding == b.content_encoding &&
         a.status == b.status && a.request_id == b.request_id &&
         a.has_request_id == b.has_request_id && a.handler == b.handler &&
         a.deadline_ms == b.deadline_ms && a.close == b.close;
}

void Check(MessageHeaderParser::Of of, absl::string_view json) {
  static MessageHeaderParser parsers[] = {MessageHeaderParser(MessageHeaderParser::Of::kRequests),
                                          MessageHeaderParser(MessageHeaderParser::Of::kRequests),
                                          MessageHeaderParser(MessageHeaderParser::Of::kAnswers),
                                          MessageHeaderParser(MessageHeaderParser::Of::kAnswers)};
  const size_t first = of == MessageHeaderParser::Of::kRequests ? 0 : 2;
  MessageHeaderParser& parser = parsers[first];
  MessageHeaderParser& other = parsers[first + 1];
  const fuzz::PaddedBytes bytes(json), alike(json, '"');
  MessageHeader header, again;
  FrameError error, other_error;
  const CutOutcome outcome = parser.Parse(bytes.view(), &header, &error);
  CHECK(outcome == other.Parse(alike.view(), &again, &other_error)) << "the padding matters";
  CHECK(IsSame(header, again) && error.message == other_error.message);
  CHECK(outcome != CutOutcome::kNeedMore);
  CHECK((outcome == CutOutcome::kRequest) == error.message.empty());
  if (outcome != CutOutcome::kRequest) return;
  std::string written = "x";
  if (!AppendMessageHeader(header, header.has_other_keys ? R"(, "own": 1)" : "", &written)) {
    CHECK(written == "x");
    return;
  }
  const fuzz::PaddedBytes second(absl::string_view(written).substr(3));
  CHECK(other.Parse(second.view(), &again, &error) == CutOutcome::kRequest) << written;
  CHECK(IsSame(header, again)) << written;
  CHECK(header.has_other_keys == again.has_other_keys);
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using windlass::MessageHeaderParser;
  const absl::string_view json(reinterpret_cast<const char*>(data), size);
  windlass::Check(MessageHeaderParser::Of::kRequests, json);
  windlass::Check(MessageHeaderParser::Of::kAnswers, json);
  return 0;
}
