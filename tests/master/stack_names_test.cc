#include "master/stack_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace windlass {
namespace {

using testing::ElementsAre;

class StackNamesTest : public testing::Test {
 protected:
  StackNamesTest() : timers_(Instant{1'000'000'000}), names_(&timers_) {
    PacketPair pair = SeqPacketPair(64 << 10).value();
    master_ = std::make_unique<ControlChannel>(std::move(pair.send_end));
    zygote_ = std::make_unique<ControlChannel>(std::move(pair.receive_end));
  }
  StackNames::Told Into(std::vector<std::string>* told) {
    return [told](std::vector<std::string> stack) { *told = std::move(stack); };
  }
  // What the zygote is asked next.
  proto::Command::Symbolize Asked() {
    proto::Command command;
    EXPECT_EQ(zygote_->Receive(&command), ControlChannel::Outcome::kMessage);
    return command.symbolize();
  }
  static proto::Report::Symbolized Answer(uint32_t number, std::vector<std::string> lines) {
    proto::Report::Symbolized answer;
    answer.set_number(number);
    for (const std::string& line : lines) answer.add_lines(line);
    return answer;
  }

  std::vector<std::string> told_, ignored_;
  TimerWheel timers_;
  StackNames names_;
  std::unique_ptr<ControlChannel> master_, zygote_;
};

TEST_F(StackNamesTest, TheZygoteNamesThem) {
  names_.Ask(master_.get(), {0x10, 0x20}, Into(&told_));
  const proto::Command::Symbolize asked = Asked();
  EXPECT_THAT(asked.addresses(), ElementsAre(0x10, 0x20));
  EXPECT_THAT(told_, ElementsAre());
  names_.OnNamed(Answer(asked.number(), {"A()", "B()"}));
  EXPECT_THAT(told_, ElementsAre("A()", "B()"));
}

TEST_F(StackNamesTest, AnAnswerThatIsShortOrUnprintableDoesNoHarm) {
  names_.Ask(master_.get(), {0x10, 0x20}, Into(&told_));
  names_.OnNamed(Answer(Asked().number(), {"A\n\x1b"}));
  EXPECT_THAT(told_, ElementsAre("A??", "0x20"));
}

TEST_F(StackNamesTest, AnAnswerThatNobodyAskedForIsDropped) {
  names_.Ask(master_.get(), {0x10}, Into(&told_));
  names_.OnNamed(Answer(Asked().number() + 7, {"A()"}));
  EXPECT_THAT(told_, ElementsAre());
}

TEST_F(StackNamesTest, WithoutAZygoteTheAddressesDo) {
  names_.Ask(nullptr, {0xabc}, Into(&told_));
  EXPECT_THAT(told_, ElementsAre("0xabc"));
}

TEST_F(StackNamesTest, AZygoteThatDoesNotAnswerIsNotWaitedForLong) {
  names_.Ask(master_.get(), {0xabc}, Into(&told_));
  timers_.Advance(timers_.now() + (StackNames::kPatience - absl::Milliseconds(10)));
  EXPECT_THAT(told_, ElementsAre());
  timers_.Advance(timers_.now() + absl::Milliseconds(20));
  EXPECT_THAT(told_, ElementsAre("0xabc"));
}

TEST_F(StackNamesTest, InAStormOnlySoManyAreAsked) {
  for (size_t i = 0; i < StackNames::kMostAsked; ++i) {
    names_.Ask(master_.get(), {0x10}, Into(&ignored_));
  }
  EXPECT_THAT(ignored_, ElementsAre());
  names_.Ask(master_.get(), {0x20}, Into(&told_));
  EXPECT_THAT(told_, ElementsAre("0x20"));
}

TEST(FramesOf, IsNotFooledByACountThatIsGarbage) {
  auto sample = std::make_unique<StackSample>();
  sample->frames.store(1u << 31);
  sample->addresses[0].store(5);
  EXPECT_EQ(FramesOf(*sample).size(), StackSample::kFrames);
  EXPECT_EQ(FramesOf(*sample)[0], 5u);
}

}  // namespace
}  // namespace windlass
