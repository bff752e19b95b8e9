#include "common/report/reply_reader.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/common/report/replies.h"

namespace windlass {
namespace {

TEST(EncodeRequest, PutsTheLengthFirstInNetworkByteOrder) {
  proto::CtlRequest request;
  request.mutable_reload()->set_check_only(true);
  EXPECT_EQ(EncodeRequest(request), absl::string_view("\0\0\0\x04\x12\x02\x08\x01", 8));
}

TEST(ReplyReader, CutsTheStreamWhereverItIsTorn) {
  const std::string stream = Encoded(ProgressReply("one")) + Encoded(DoneReply(true, "two"));
  for (size_t tear = 0; tear <= stream.size(); ++tear) {
    ReplyReader reader;
    std::vector<std::string> lines;
    for (const std::string& part : {stream.substr(0, tear), stream.substr(tear)}) {
      reader.Append(part);
      for (auto reply = *reader.Next(); reply.has_value(); reply = *reader.Next()) {
        lines.push_back(reply->has_progress() ? reply->progress().line() : reply->done().message());
      }
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"})) << tear;
  }
}

TEST(ReplyReader, RefusesALengthOverTheLimitAtOnce) {
  ReplyReader reader;
  reader.Append("HTTP");
  EXPECT_TRUE(absl::IsDataLoss(reader.Next().status()));
  ReplyReader at_the_limit;
  at_the_limit.Append(absl::string_view("\x04\0\0\0", 4));
  EXPECT_TRUE(at_the_limit.Next().ok());
}

TEST(ReplyReader, RefusesWhatIsNoMessageOrNoneThatItKnows) {
  for (const auto& message : {std::string("\0\0\0\x02\xff\xff", 6),       // no protobuf
                              std::string("\0\0\0\0", 4),                 // says nothing
                              std::string("\0\0\0\x03\xfa\x01\0", 7)}) {  // field 31
    ReplyReader reader;
    reader.Append(message);
    EXPECT_TRUE(absl::IsDataLoss(reader.Next().status()));
  }
}

}  // namespace
}  // namespace windlass
