#include "master/slot_pool.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace windlass {
namespace {

TEST(SlotPool, GivesTheLowestFreeSlotFirst) {
  SlotPool pool(10, 3);
  EXPECT_EQ(pool.Take(), SlotIndex{10});
  EXPECT_EQ(pool.Take(), SlotIndex{11});
  pool.Give(SlotIndex{10});
  EXPECT_EQ(pool.Take(), SlotIndex{10});
  EXPECT_EQ(pool.Take(), SlotIndex{12});
}

TEST(SlotPool, HasNoneWhenAllAreTaken) {
  SlotPool pool(0, 2);
  pool.Take();
  pool.Take();
  EXPECT_EQ(pool.Take(), std::nullopt);
  pool.Give(SlotIndex{1});
  EXPECT_EQ(pool.Take(), SlotIndex{1});
  EXPECT_EQ(SlotPool(5, 0).Take(), std::nullopt);
}

TEST(SlotPool, SaysHowFarOneMustLookForThoseInUse) {
  SlotPool pool(10, 4);
  EXPECT_EQ(pool.used(), 0u);
  for (int i = 0; i < 3; ++i) pool.Take();
  EXPECT_EQ(pool.used(), 3u);
  pool.Give(SlotIndex{10});
  EXPECT_EQ(pool.used(), 3u) << "the last one is still taken";
  pool.Give(SlotIndex{12});
  EXPECT_EQ(pool.used(), 2u);
  pool.Give(SlotIndex{11});
  EXPECT_EQ(pool.used(), 0u);
}

TEST(SlotPool, SaysHowManyAreFree) {
  SlotPool pool(10, 4);
  EXPECT_EQ(pool.available(), 4u);
  pool.Take();
  pool.Claim(SlotIndex{13});
  EXPECT_EQ(pool.available(), 2u);
  pool.Give(SlotIndex{13});
  EXPECT_EQ(pool.available(), 3u);
}

TEST(SlotPool, ASlotThatIsClaimedIsGivenToNobodyElse) {
  SlotPool pool(10, 3);
  pool.Claim(SlotIndex{10});
  pool.Claim(SlotIndex{12});
  EXPECT_EQ(pool.used(), 3u);
  EXPECT_EQ(pool.Take(), SlotIndex{11});
  EXPECT_EQ(pool.Take(), std::nullopt);
}

TEST(SlotPoolDeathTest, ClaimingWhatIsTakenOrOutsideTheRangeIsAFault) {
  SlotPool pool(10, 3);
  pool.Take();
  EXPECT_DEATH(pool.Claim(SlotIndex{10}), "");
  EXPECT_DEATH(pool.Claim(SlotIndex{9}), "");
  EXPECT_DEATH(pool.Claim(SlotIndex{13}), "");
}

TEST(SlotPool, AgreesWithASetOfTheFreeOnesOnRandomOperations) {
  std::mt19937 random(1);
  SlotPool pool(100, 20);
  std::set<uint32_t> free, taken;
  for (uint32_t slot = 100; slot < 120; ++slot) free.insert(slot);
  for (int step = 0; step < 10'000; ++step) {
    if (random() % 2 == 0) {
      const std::optional<SlotIndex> got = pool.Take();
      ASSERT_EQ(got.has_value(), !free.empty());
      if (!got) continue;
      ASSERT_EQ(got->value, *free.begin());
      taken.insert(free.extract(free.begin()));
    } else if (!taken.empty()) {
      const auto given = std::next(taken.begin(), static_cast<ptrdiff_t>(random() % taken.size()));
      pool.Give(SlotIndex{*given});
      free.insert(taken.extract(given));
    }
    ASSERT_EQ(pool.available(), free.size());
    ASSERT_EQ(pool.used(), taken.empty() ? 0 : *taken.rbegin() - 99);
  }
}

}  // namespace
}  // namespace windlass
