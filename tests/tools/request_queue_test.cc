#include "tools/bench/request_queue.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

class RequestQueueTest : public testing::Test {
 protected:
  std::string Unsent(size_t room) {
    std::string out(room, '?');
    out.resize(queue_.CopyUnsent(text_, out.data(), room));
    return out;
  }
  void Push(uint64_t number) { queue_.Push({number, Instant{}, Instant{}}); }

  const NumberedTemplate text_ = NumberedTemplate::WithNumber("<", ">");
  RequestQueue queue_{3};
};

TEST_F(RequestQueueTest, SendsTheRequestsInOrder) {
  Push(1);
  Push(2);
  EXPECT_EQ(Unsent(100), "<0000000001><0000000002>");
  queue_.MarkSent(text_, 24);
  EXPECT_FALSE(queue_.has_unsent());
  EXPECT_EQ(Unsent(100), "");
  Push(3);
  EXPECT_EQ(Unsent(100), "<0000000003>");
}

TEST_F(RequestQueueTest, GoesOnWhereASendStopped) {
  Push(1);
  Push(2);
  std::string sent;
  while (queue_.has_unsent()) {
    const std::string some = Unsent(5);
    sent += some;
    queue_.MarkSent(text_, some.size());
  }
  EXPECT_EQ(sent, "<0000000001><0000000002>");
}

TEST_F(RequestQueueTest, ARequestIsSentOnlyWithItsLastByte) {
  Push(1);
  queue_.MarkSent(text_, 11);
  EXPECT_FALSE(queue_.front_sent());
  queue_.MarkSent(text_, 1);
  EXPECT_TRUE(queue_.front_sent());
}

TEST_F(RequestQueueTest, KeepsItsOrderRoundItsEnd) {
  for (uint64_t number = 1; number <= 100; ++number) {
    Push(number);
    if (number < 3) continue;
    EXPECT_TRUE(queue_.full());
    EXPECT_EQ(queue_.front().number, number - 2);
    queue_.MarkSent(text_, Unsent(100).size());
    queue_.Pop();
  }
  EXPECT_EQ(queue_.size(), 2u);
}

TEST_F(RequestQueueTest, PoppingARequestThatWasNotSentForgetsItsRest) {
  Push(1);
  Push(2);
  queue_.MarkSent(text_, 5);
  queue_.Pop();
  EXPECT_EQ(Unsent(100), "<0000000002>");
}

TEST_F(RequestQueueTest, IsLikeNewWhenCleared) {
  Push(1);
  Push(2);
  queue_.MarkSent(text_, 15);
  queue_.Clear();
  EXPECT_TRUE(queue_.empty());
  Push(3);
  EXPECT_EQ(Unsent(100), "<0000000003>");
}

}  // namespace
}  // namespace windlass
