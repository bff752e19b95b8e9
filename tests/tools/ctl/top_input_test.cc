#include "tools/ctl/top_input.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

TopControls After(const std::string& keys, TopControls controls = {}) {
  for (const char key : keys) ApplyKey(key, 10, &controls);
  return controls;
}

TopControls Every(absl::Duration interval) {
  TopControls controls;
  controls.interval = interval;
  return controls;
}

TEST(TopKeys, QEnds) {
  TopControls controls;
  EXPECT_EQ(ApplyKey('q', 10, &controls), TopAction::kQuit);
  EXPECT_EQ(ApplyKey('Q', 10, &controls), TopAction::kNothing);
}

TEST(TopKeys, HelpAndStacksComeAndGo) {
  EXPECT_EQ(After("h").page, TopPage::kHelp);
  EXPECT_EQ(After("hh").page, TopPage::kProcesses);
  EXPECT_EQ(After("hs").page, TopPage::kStacks);
  EXPECT_EQ(After("hs\x1b").page, TopPage::kProcesses);
  TopControls controls;
  EXPECT_EQ(ApplyKey('s', 10, &controls), TopAction::kAsk);  // the server, for the stacks
  EXPECT_EQ(ApplyKey('s', 10, &controls), TopAction::kRedraw);
}

TEST(TopKeys, ColumnsGoRoundInBothDirections) {
  EXPECT_EQ(After(">").order.column, TopColumn::kPid);
  EXPECT_EQ(After("<").order.column, TopColumn::kHandler);
  EXPECT_EQ(After("<>").order.column, TopColumn::kProcess);
  TopControls controls;
  for (size_t i = 0; i < kTopColumnCount; ++i) ApplyKey(kTopKeyRight, 10, &controls);
  EXPECT_EQ(controls.order.column, TopColumn::kProcess);
  ApplyKey(kTopKeyLeft, 10, &controls);
  EXPECT_EQ(controls.order.column, TopColumn::kHandler);
}

TEST(TopKeys, NumbersAreSortedFromTheLargestAndNamesFromA) {
  EXPECT_TRUE(After("C").order.descending);
  EXPECT_FALSE(After("Cr").order.descending);
  EXPECT_FALSE(After("CN").order.descending);
  EXPECT_TRUE(After("Nr").order.descending);
  EXPECT_EQ(After("R").order.column, TopColumn::kRate);
  EXPECT_EQ(After("M").order.column, TopColumn::kRss);
  EXPECT_EQ(After("T").order.column, TopColumn::kRan);
}

TEST(TopKeys, FiltersReplaceEachOther) {
  EXPECT_EQ(After("w").order.filter, TopFilter::kWorkers);
  EXPECT_EQ(After("wp").order.filter, TopFilter::kPool);
  EXPECT_EQ(After("wpa").order.filter, TopFilter::kAll);
  EXPECT_EQ(After("hw").order.filter, TopFilter::kAll);  // there is no list to filter in the help
}

TEST(TopKeys, TheIntervalGoesInStepsAndHasEnds) {
  EXPECT_EQ(After("+").interval, absl::Seconds(2));
  EXPECT_EQ(After("-").interval, absl::Milliseconds(500));
  EXPECT_EQ(After("+-").interval, absl::Seconds(1));
  EXPECT_EQ(After("----------").interval, absl::Milliseconds(100));
  EXPECT_EQ(After("++++++++++++").interval, absl::Minutes(5));
  EXPECT_EQ(After("+", Every(absl::Seconds(3))).interval, absl::Seconds(5));
  EXPECT_EQ(After("-", Every(absl::Seconds(3))).interval, absl::Seconds(2));
  EXPECT_EQ(After("+", Every(absl::Hours(1))).interval, absl::Hours(1));
  EXPECT_EQ(After("-", Every(absl::Hours(1))).interval, absl::Minutes(5));
}

TEST(TopKeys, GoingOnAfterAPauseAsksAtOnce) {
  TopControls controls;
  EXPECT_EQ(ApplyKey(' ', 10, &controls), TopAction::kRedraw);
  EXPECT_TRUE(controls.paused);
  EXPECT_EQ(ApplyKey(' ', 10, &controls), TopAction::kAsk);
  EXPECT_FALSE(controls.paused);
}

TEST(TopKeys, ScrollingStopsAtTheTopAndANewListStartsThere) {
  TopControls controls;
  ApplyKey(kTopKeyUp, 10, &controls);
  EXPECT_EQ(controls.scroll, 0u);
  ApplyKey(kTopKeyDown, 10, &controls);
  ApplyKey(kTopKeyPageDown, 10, &controls);
  EXPECT_EQ(controls.scroll, 11u);
  ApplyKey(kTopKeyPageUp, 10, &controls);
  EXPECT_EQ(controls.scroll, 1u);
  ApplyKey(kTopKeyPageUp, 10, &controls);
  EXPECT_EQ(controls.scroll, 0u);
  ApplyKey(kTopKeyEnd, 10, &controls);
  EXPECT_GT(controls.scroll, 1'000'000u);
  EXPECT_EQ(After("s", controls).scroll, 0u);
  EXPECT_EQ(After("w", controls).scroll, 0u);
  ApplyKey(kTopKeyHome, 10, &controls);
  EXPECT_EQ(controls.scroll, 0u);
}

}  // namespace
}  // namespace windlass
