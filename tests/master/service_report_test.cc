#include "master/service_report.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace windlass {
namespace {

using Phase = ServiceReport::Phase;

constexpr Instant kNow{1'000'000'000};
const ServiceReport kServing = {Phase::kServing, "serving: 2 workers", Instant::Never()};

TEST(Notification, OfAStartExtendsTheTimeoutBeyondItsDeadline) {
  const ServiceReport starting = {Phase::kStarting, "starting: 2 workers",
                                  kNow + absl::Seconds(60)};
  EXPECT_EQ(NotificationFor(std::nullopt, starting, kNow),
            "EXTEND_TIMEOUT_USEC=65000000\nSTATUS=starting: 2 workers\n");
}

TEST(Notification, SaysReadyWhenItServes) {
  const ServiceReport starting = {Phase::kStarting, "starting: 2 workers", kNow};
  EXPECT_EQ(NotificationFor(starting, kServing, kNow), "READY=1\nSTATUS=serving: 2 workers\n");
}

TEST(Notification, OfTheNextBinarySaysReadyAtOnce) {
  EXPECT_EQ(NotificationFor(std::nullopt, kServing, kNow), "READY=1\nSTATUS=serving: 2 workers\n");
}

TEST(Notification, IsEmptyWhenNothingHasChanged) {
  EXPECT_EQ(NotificationFor(kServing, kServing, kNow), "");
}

TEST(Notification, OfAFailedReloadIsItsStatusAlone) {
  ServiceReport failed = kServing;
  failed.status = "serving: 2 workers; the last reload failed: a.toml:1:1: no";
  EXPECT_EQ(NotificationFor(kServing, failed, kNow),
            "STATUS=serving: 2 workers; the last reload failed: a.toml:1:1: no\n");
}

TEST(Notification, OfAReloadIsFollowedByReady) {
  const ServiceReport reloading = {Phase::kReloading, "reloading", kNow + absl::Seconds(1)};
  EXPECT_EQ(NotificationFor(kServing, reloading, kNow),
            "RELOADING=1\nEXTEND_TIMEOUT_USEC=6000000\nSTATUS=reloading\n");
  EXPECT_EQ(NotificationFor(reloading, kServing, kNow), "READY=1\nSTATUS=serving: 2 workers\n");
}

TEST(Notification, OfAStopThatIsHurriedHasTheNewDeadline) {
  const ServiceReport slow = {Phase::kStopping, "stopping", kNow + absl::Seconds(30)};
  EXPECT_EQ(NotificationFor(kServing, slow, kNow),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000\nSTATUS=stopping\n");
  const ServiceReport fast = {Phase::kStopping, "stopping", kNow};
  EXPECT_EQ(NotificationFor(slow, fast, kNow + absl::Seconds(1)), "EXTEND_TIMEOUT_USEC=5000000\n");
}

TEST(StatusAssignment, IsOneLine) {
  EXPECT_EQ(StatusAssignment("a.toml:1:1: no\na.toml:2:1: no\tREADY=1"),
            "STATUS=a.toml:1:1: no a.toml:2:1: no READY=1");
}

TEST(StatusAssignment, IsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 3000) text += "\u20ac";  // three bytes
  const std::string assignment = StatusAssignment(text);
  EXPECT_LE(assignment.size(), 1024u + 10);
  EXPECT_TRUE(absl::EndsWith(assignment, "\u20ac...")) << assignment;
  EXPECT_EQ((assignment.size() - 10) % 3, 0u);
}

}  // namespace
}  // namespace windlass
