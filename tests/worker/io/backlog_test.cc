#include "worker/io/backlog.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace windlass {
namespace {

class NobodysTimer : public TimerOwner {
  void OnTimer(Timer*, Instant) override {}
};

class BacklogTest : public testing::Test {
 protected:
  Exchange* Make(size_t connection) {
    exchanges_.push_back(std::make_unique<Exchange>(&timer_owner_));
    exchanges_.back()->handler = static_cast<uint32_t>(connection);  // whose it is
    return exchanges_.back().get();
  }
  Exchange* Push(size_t connection) {
    Exchange* const exchange = Make(connection);
    backlog_.Push(exchange, &lanes_[connection]);
    return exchange;
  }
  Exchange* Pop() {
    Exchange* const next = backlog_.PeekNext();
    if (next != nullptr) backlog_.PopNext(&lanes_[next->handler]);
    return next;
  }

  NobodysTimer timer_owner_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::array<BacklogLane*, 8> lanes_ = {};
  Backlog backlog_;
};

TEST_F(BacklogTest, ServesConnectionsInTurnHoweverManyJobsEachHas) {
  std::vector<Exchange*> flood;
  for (int i = 0; i < 5; ++i) flood.push_back(Push(0));
  Exchange* const single = Push(1);
  EXPECT_EQ(Pop(), flood[0]);
  EXPECT_EQ(Pop(), single);
  EXPECT_EQ(Pop(), flood[1]);
  EXPECT_EQ(Pop(), flood[2]);
}

TEST_F(BacklogTest, OneThatIsPushedFirstIsNextWhateverWaits) {
  Exchange* const waiting = Push(0);
  Push(1);
  Exchange* const first = Make(1);
  backlog_.PushFirst(first, &lanes_[1]);
  EXPECT_EQ(backlog_.size(), 3u);
  EXPECT_EQ(Pop(), first);
  EXPECT_EQ(Pop(), waiting);
  Exchange* const alone = Make(2);
  backlog_.PushFirst(alone, &lanes_[2]);
  EXPECT_EQ(Pop(), alone);
  EXPECT_NE(Pop(), nullptr);
  EXPECT_TRUE(backlog_.empty());
}

TEST_F(BacklogTest, KeepsEachConnectionsOrder) {
  std::vector<Exchange*> mine;
  for (int i = 0; i < 3; ++i) {
    mine.push_back(Push(2));
    Push(3);
  }
  std::vector<Exchange*> popped;
  while (Exchange* const next = Pop()) {
    if (next->handler == 2) popped.push_back(next);
  }
  EXPECT_EQ(popped, mine);
}

TEST_F(BacklogTest, ForgetsWhatIsRemovedWhereverItStands) {
  Exchange* const first = Push(0);
  Exchange* const middle = Push(0);
  Exchange* const last = Push(0);
  backlog_.Remove(middle, &lanes_[0]);
  EXPECT_EQ(backlog_.size(), 2u);
  EXPECT_EQ(Pop(), first);
  EXPECT_EQ(Pop(), last);
  EXPECT_EQ(lanes_[0], nullptr) << "an empty lane takes no memory";
  EXPECT_TRUE(backlog_.empty());
}

// Against a list of queues that is as simple as can be.
TEST_F(BacklogTest, AgreesWithAnObviousReferenceOnRandomOperations) {
  std::mt19937 random(7);
  std::deque<std::pair<size_t, std::deque<Exchange*>>> reference;  // in turn order
  const auto lane_of = [&](size_t connection) {
    return std::find_if(reference.begin(), reference.end(),
                        [&](const auto& lane) { return lane.first == connection; });
  };
  for (int step = 0; step < 20000; ++step) {
    const size_t connection = random() % lanes_.size();
    switch (random() % 3) {
      case 0: {
        Exchange* const exchange = Push(connection);
        if (lane_of(connection) == reference.end()) reference.push_back({connection, {}});
        lane_of(connection)->second.push_back(exchange);
        break;
      }
      case 1: {
        Exchange* expected = nullptr;
        if (!reference.empty()) {
          auto lane = reference.front();
          reference.pop_front();
          expected = lane.second.front();
          lane.second.pop_front();
          if (!lane.second.empty()) reference.push_back(lane);
        }
        ASSERT_EQ(Pop(), expected) << step;
        break;
      }
      case 2: {
        const auto lane = lane_of(connection);
        if (lane == reference.end()) break;
        const size_t at = random() % lane->second.size();
        backlog_.Remove(lane->second[at], &lanes_[connection]);
        lane->second.erase(lane->second.begin() + static_cast<ptrdiff_t>(at));
        if (lane->second.empty()) reference.erase(lane);
        break;
      }
    }
    size_t size = 0;
    for (const auto& lane : reference) size += lane.second.size();
    ASSERT_EQ(backlog_.size(), size);
  }
}

}  // namespace
}  // namespace windlass
