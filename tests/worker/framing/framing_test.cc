#include "worker/framing/framing.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/worker/framing/cut_stream.h"

namespace windlass {
namespace {

using framing_test::CutWhole;

std::unique_ptr<Framing> FramingOf(Protocol protocol) {
  ListenerConfig listener;
  listener.protocol = protocol;
  listener.max_header = 10;
  listener.max_content = 20;
  listener.max_line = 30;
  return MakeFraming(listener);
}

TEST(Framing, EchoIsRawAndTheOthersAreNot) {
  EXPECT_TRUE(FramingOf(Protocol::kEcho)->IsRaw());
  EXPECT_FALSE(FramingOf(Protocol::kMessage)->IsRaw());
  EXPECT_FALSE(FramingOf(Protocol::kLine)->IsRaw());
  EXPECT_FALSE(FramingOf(Protocol::kLength)->IsRaw());
}

TEST(Framing, EchoHasNoRoomForAnError) {
  std::string out;
  EXPECT_FALSE(FramingOf(Protocol::kEcho)->AppendError(ResponseHead{}, "message", &out));
  EXPECT_EQ(out, "");
}

TEST(Framing, MessageHasTheHeaderLimitOfItsListener) {
  const std::unique_ptr<Framing> framing = FramingOf(Protocol::kMessage);
  EXPECT_EQ(CutWhole(framing.get(), absl::string_view("\0\x0a", 2)).size(), 0u);
  EXPECT_EQ(CutWhole(framing.get(), absl::string_view("\0\x0b", 2)).at(0).code,
            ErrorCode::kTooLarge);
}

TEST(Framing, LineHasTheLineLimitOfItsListener) {
  const std::unique_ptr<Framing> framing = FramingOf(Protocol::kLine);
  EXPECT_EQ(CutWhole(framing.get(), std::string(30, 'x')).size(), 0u);
  EXPECT_EQ(CutWhole(framing.get(), std::string(31, 'x')).at(0).code, ErrorCode::kTooLarge);
}

TEST(Framing, LengthHasTheContentLimitOfItsListener) {
  const std::unique_ptr<Framing> framing = FramingOf(Protocol::kLength);
  EXPECT_EQ(CutWhole(framing.get(), "20\n").at(0).outcome, CutOutcome::kRequest);
  EXPECT_EQ(CutWhole(framing.get(), "21\n").at(0).code, ErrorCode::kTooLarge);
}

TEST(Framing, AFrameIsItsHeadItsContentAndItsTail) {
  RequestHead head;
  head.head_bytes = 1;
  head.content_bytes = 20;
  head.tail_bytes = 300;
  EXPECT_EQ(head.frame_bytes(), 321u);
}

}  // namespace
}  // namespace windlass
