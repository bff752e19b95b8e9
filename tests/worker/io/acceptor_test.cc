#include "worker/io/acceptor.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TEST(MayAccept, AWorkerAloneAlwaysMay) { EXPECT_TRUE(MayAccept(100'000, 100'000, 1)); }

TEST(MayAccept, SmallNumbersDoNotMatter) { EXPECT_TRUE(MayAccept(4, 4, 2)); }

TEST(MayAccept, AWorkerWellOverTheMeanLeavesTheNextOnesToItsSiblings) {
  EXPECT_FALSE(MayAccept(600, 1000, 2));
  EXPECT_TRUE(MayAccept(500, 1000, 2));
  EXPECT_TRUE(MayAccept(400, 1000, 2));
}

TEST(MayAccept, SomebodyAlwaysMay) {
  for (uint32_t workers : {2u, 3u, 16u}) {
    for (uint64_t total = 0; total < 5000; total += 7)
      EXPECT_TRUE(MayAccept(static_cast<uint32_t>(total / workers), total, workers));
  }
}

}  // namespace
}  // namespace windlass
