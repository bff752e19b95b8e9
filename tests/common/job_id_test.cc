#include "common/job_id.h"

#include <gtest/gtest.h>

#include "common/scoreboard.h"

namespace windlass {
namespace {

constexpr uint64_t kMaxSequence = (uint64_t{1} << 40) - 1;

TEST(JobId, KeepsItsPartsApart) {
  for (const uint32_t slot : {0u, 1u, 511u, JobId::kMaxSlots - 1}) {
    for (const uint32_t incarnation : {1u, 2u, JobId::kIncarnations - 1}) {
      for (const uint64_t sequence : {uint64_t{0}, uint64_t{1}, kMaxSequence}) {
        const JobId id = JobId::Make(SlotIndex{slot}, incarnation, sequence);
        EXPECT_EQ(id.slot(), SlotIndex{slot});
        EXPECT_EQ(id.incarnation(), incarnation);
        EXPECT_EQ(id.sequence(), sequence);
      }
    }
  }
}

TEST(JobId, IsOneWordThatComesBack) {
  const JobId id = JobId::Make(SlotIndex{3}, 7, 11);
  EXPECT_EQ(JobId::FromWord(id.word()), id);
  EXPECT_EQ(sizeof(JobId), sizeof(uint64_t));
}

TEST(JobId, DiffersWhenOnlyTheIncarnationDiffers) {
  EXPECT_FALSE(JobId::Make(SlotIndex{3}, 7, 11) == JobId::Make(SlotIndex{3}, 8, 11));
}

TEST(JobId, ASequenceThatWrapsAroundStaysOutOfTheOtherParts) {
  const JobId id = JobId::Make(SlotIndex{3}, 7, kMaxSequence + 5);
  EXPECT_EQ(id.slot(), SlotIndex{3});
  EXPECT_EQ(id.incarnation(), 7u);
  EXPECT_EQ(id.sequence(), 4u);
}

// A pool slot's job word is an id or one of two other words; a crash is judged by which.
TEST(JobId, IsNeverAWordThatTheScoreboardMeansOtherwise) {
  uint32_t incarnation = 0;
  for (uint32_t process = 0; process < 3 * JobId::kIncarnations; ++process) {
    incarnation = JobId::NextIncarnation(incarnation);
    for (const uint64_t sequence : {kSlotIdle, kSlotReceiving}) {
      const JobId id = JobId::Make(SlotIndex{0}, incarnation, sequence);
      ASSERT_EQ(id.incarnation(), incarnation);
      ASSERT_NE(id.word(), kSlotIdle) << "incarnation " << incarnation;
      ASSERT_NE(id.word(), kSlotReceiving) << "incarnation " << incarnation;
    }
  }
}

TEST(JobId, SuccessiveIncarnationsDiffer) {
  for (uint32_t incarnation = 0; incarnation < JobId::kIncarnations; ++incarnation) {
    EXPECT_NE(JobId::NextIncarnation(incarnation), incarnation);
  }
}

}  // namespace
}  // namespace windlass
