#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/worker/framing/cut_stream.h"
#include "tests/worker/framing/message_reference.h"
#include "worker/framing/message_framing.h"

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::MessageGenerator;
using framing_test::MessageRules;
using framing_test::Seen;

constexpr uint64_t kMaxContent = 99;

TEST(MessageFramingGenerated, AgreesWithTheRulesOnGeneratedStreams) {
  MessageFraming framing({.max_header_bytes = 4096, .max_content_bytes = kMaxContent});
  const MessageRules rules(kMaxContent);
  MessageGenerator generator(8259);
  for (int round = 0; round < 5000; ++round) {
    std::vector<Seen> meaning;
    const std::string stream = generator.Stream(rules, &meaning);
    framing_test::ExpectSameMeaning(CutWhole(&framing, stream), meaning, stream);
    framing_test::ExpectSameFramesInRandomPieces(&framing, stream, generator.random());
    if (HasFatalFailure()) return;
  }
}

TEST(MessageFramingGenerated, EveryCutOfGeneratedStreamsGivesTheSameFrames) {
  MessageFraming framing({.max_header_bytes = 4096, .max_content_bytes = kMaxContent});
  const MessageRules rules(kMaxContent);
  MessageGenerator generator(2119);
  for (int round = 0; round < 60; ++round) {
    std::vector<Seen> meaning;
    framing_test::ExpectSameFramesHoweverCut(&framing, generator.Stream(rules, &meaning));
    if (HasFatalFailure()) return;
  }
}

// Guards the generator: a reference that never sees a refusal proves nothing.
TEST(MessageFramingGenerated, TheGeneratorMakesEveryOutcomeOften) {
  const MessageRules rules(kMaxContent);
  MessageGenerator generator(8259);
  std::map<std::pair<CutOutcome, ErrorCode>, int> count;
  for (int round = 0; round < 5000; ++round) {
    std::vector<Seen> meaning;
    generator.Stream(rules, &meaning);
    for (const Seen& seen : meaning) ++count[{seen.outcome, seen.code}];
  }
  EXPECT_GT((count[{CutOutcome::kRequest, ErrorCode::kOk}]), 2000);
  EXPECT_GT((count[{CutOutcome::kRefused, ErrorCode::kInvalidArgument}]), 300);
  EXPECT_GT((count[{CutOutcome::kLost, ErrorCode::kInvalidArgument}]), 300);
  EXPECT_GT((count[{CutOutcome::kLost, ErrorCode::kTooLarge}]), 20);
}

}  // namespace
}  // namespace windlass
