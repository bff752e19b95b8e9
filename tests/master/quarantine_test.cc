#include "master/quarantine.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "master/quarantine_report.h"

namespace windlass {
namespace {

constexpr absl::Duration kTtl = absl::Minutes(10);

class QuarantineTest : public testing::Test {
 protected:
  // Whether it made an entry.
  bool Crash(uint64_t payload, absl::string_view handler = "resize", uint64_t bytes = 100) {
    const absl::Time wall = absl::FromUnixSeconds(1'700'000'000);
    return quarantine_.OnCrash(handler, bytes, {payload, payload}, kTtl, wall, now_) != nullptr;
  }
  void Advance(absl::Duration by) {
    now_ = now_ + by;
    quarantine_.Expire(now_);
  }

  Quarantine quarantine_;
  Instant now_{1'000'000'000'000};
};

TEST_F(QuarantineTest, TwoCrashesOfOnePayloadMakeAnEntryOnce) {
  EXPECT_FALSE(Crash(1));
  EXPECT_TRUE(quarantine_.entries().empty());
  EXPECT_EQ(quarantine_.version(), 0u);
  EXPECT_TRUE(Crash(1));
  ASSERT_EQ(quarantine_.entries().size(), 1u);
  EXPECT_EQ(quarantine_.entries()[0].handler, "resize");
  EXPECT_EQ(quarantine_.entries()[0].crashes, 2u);
  EXPECT_TRUE(quarantine_.suspects().empty());
  EXPECT_FALSE(Crash(1)) << "one that was on its way when the entry was made";
  ASSERT_EQ(quarantine_.entries().size(), 1u);
  EXPECT_EQ(quarantine_.entries()[0].crashes, 3u);
}

TEST_F(QuarantineTest, OtherPayloadsHandlersAndLengthsAreCountedApart) {
  EXPECT_FALSE(Crash(1));
  EXPECT_FALSE(Crash(2));
  EXPECT_FALSE(Crash(1, "blur"));
  EXPECT_FALSE(Crash(1, "resize", 101));
  EXPECT_TRUE(quarantine_.entries().empty());
}

TEST_F(QuarantineTest, AnEntryEndsItsTimeAfterTheLastCrash) {
  Crash(1);
  Crash(1);
  Advance(kTtl - absl::Seconds(1));
  Crash(1);
  Advance(kTtl - absl::Seconds(1));
  EXPECT_EQ(quarantine_.entries().size(), 1u);
  const uint64_t version = quarantine_.version();
  Advance(absl::Seconds(1));
  EXPECT_TRUE(quarantine_.entries().empty());
  EXPECT_NE(quarantine_.version(), version);
  EXPECT_FALSE(Crash(1)) << "it starts anew";
}

TEST_F(QuarantineTest, TwoCrashesThatAreFarApartMakeNoEntry) {
  Crash(1);
  Advance(kTtl);
  EXPECT_FALSE(Crash(1));
}

TEST_F(QuarantineTest, OneOrAllAreCleared) {
  for (const uint64_t payload : {1, 1, 2, 2, 3, 3, 4}) Crash(payload);
  EXPECT_EQ(quarantine_.Clear("nonsense"), 0u);
  EXPECT_EQ(quarantine_.Clear(ShortName({2, 2})), 1u);
  EXPECT_EQ(quarantine_.entries().size(), 2u);
  EXPECT_EQ(quarantine_.Clear("all"), 2u);
  EXPECT_TRUE(quarantine_.entries().empty());
  EXPECT_TRUE(quarantine_.suspects().empty());
  EXPECT_EQ(quarantine_.Clear("all"), 0u);
}

TEST_F(QuarantineTest, BothListsAreBoundedAndTheOldestGiveWay) {
  for (uint64_t i = 0; i < Quarantine::kSuspects; ++i) Crash(i);
  Crash(0, "another");
  EXPECT_EQ(quarantine_.suspects().size(), Quarantine::kSuspects);
  EXPECT_FALSE(Crash(0)) << "it has been forgotten";
  EXPECT_TRUE(Crash(2));
  for (uint64_t i = 0; i < 2 * Quarantine::kEntries; ++i) {
    Crash(10'000 + i);
    Crash(10'000 + i);
  }
  EXPECT_EQ(quarantine_.entries().size(), Quarantine::kEntries);
  EXPECT_EQ(quarantine_.entries().back().fingerprint.low, 10'000 + 2 * Quarantine::kEntries - 1);
}

TEST_F(QuarantineTest, WorkersGetTheEntriesOfHandlersThatTheyHave) {
  Config config;
  config.handlers.resize(2);
  config.handlers[0].name = "echo";
  config.handlers[1].name = "resize";
  for (int i = 0; i < 2; ++i) {
    Crash(1);
    Crash(2, "gone by reload");
  }
  const proto::Command command = quarantine_.CommandFor(config);
  ASSERT_EQ(command.quarantine().entries_size(), 1);
  const proto::Command::Quarantine::Entry& entry = command.quarantine().entries(0);
  EXPECT_EQ(entry.handler(), 1u);
  EXPECT_EQ(entry.bytes(), 100u);
  EXPECT_EQ(entry.high(), 1u);
  EXPECT_EQ(entry.low(), 1u);
  EXPECT_EQ(static_cast<int64_t>(entry.expires_ns()), (now_ + kTtl).ns);
}

TEST_F(QuarantineTest, TheLongestListFitsIntoOnePacket) {
  Config config;
  config.handlers.resize(200);
  config.handlers[199].name = "resize";
  for (uint64_t i = 0; i < Quarantine::kEntries; ++i) {
    Crash(UINT64_MAX - i, "resize", UINT64_MAX);
    Crash(UINT64_MAX - i, "resize", UINT64_MAX);
  }
  const proto::Command command = quarantine_.CommandFor(config);
  ASSERT_EQ(command.quarantine().entries_size(), static_cast<int>(Quarantine::kEntries));
  EXPECT_LT(command.ByteSizeLong(), 32u << 10) << "control_channel.cc takes no more";
}

TEST_F(QuarantineTest, AllOfItSurvivesAnUpgrade) {
  for (const uint64_t payload : {1, 1, 2}) Crash(payload);
  proto::UpgradeState state;
  quarantine_.Describe(&state);
  Quarantine next;
  next.Adopt(state);
  ASSERT_EQ(next.entries().size(), 1u);
  EXPECT_NE(next.version(), 0u) << "so that the workers are told";
  EXPECT_EQ(next.entries()[0].fingerprint, (Fingerprint{1, 1}));
  EXPECT_EQ(next.entries()[0].expires, now_ + kTtl);
  EXPECT_EQ(next.entries()[0].last_crash, quarantine_.entries()[0].last_crash);
  EXPECT_NE(next.OnCrash("resize", 100, {2, 2}, kTtl, absl::Now(), now_), nullptr)
      << "its second crash";
}

TEST_F(QuarantineTest, TheReportHasWhatIsRefusedNow) {
  Crash(1);
  Crash(1);
  const proto::QuarantineReport report = MakeQuarantineReport(quarantine_, now_ + absl::Minutes(4));
  ASSERT_EQ(report.entries_size(), 1);
  EXPECT_EQ(report.entries(0).id(), "0000000000000001");
  EXPECT_EQ(report.entries(0).handler(), "resize");
  EXPECT_EQ(report.entries(0).bytes(), 100u);
  EXPECT_EQ(report.entries(0).crashes(), 2u);
  EXPECT_EQ(report.entries(0).expires_ms(), 6 * 60 * 1000);
  EXPECT_EQ(MakeQuarantineReport(quarantine_, now_ + kTtl).entries_size(), 0);
}

}  // namespace
}  // namespace windlass
