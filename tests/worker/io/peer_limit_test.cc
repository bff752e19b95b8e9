#include "worker/io/peer_limit.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr absl::string_view kHere = "127.0.0.1:7000", kThere = "127.0.0.1:7001";

// Two workers of one generation and one of another.
class PeerLimitTest : public testing::Test {
 protected:
  PeerLimitTest() {
    board_.MutableHeader().bays[0].workers = 2;
    board_.MutableHeader().bays[3].first_worker = 2;
    board_.MutableHeader().bays[3].workers = 1;
    for (uint32_t slot = 0; slot < 3; ++slot) {
      ProcessSetup setup;
      setup.slot = SlotIndex{slot};
      setup.scoreboard = &board_;
      setup.fingerprint_secret = secret_.get();
      workers_.emplace_back(setup);
    }
  }
  // How many more `peer` may have, when it may have 1000.
  int Left(absl::string_view peer, absl::string_view listener = kHere) {
    std::vector<PeerLimit::Lease> leases;
    for (;;) {
      std::optional<PeerLimit::Lease> lease = workers_[0].Admit(peer, listener, 1000);
      if (!lease) return static_cast<int>(leases.size());
      leases.push_back(*std::move(lease));
      if (leases.size() > 1000) return -1;  // nobody counts
    }
  }

  const OwnedFd secret_ = *CreateFingerprintSecret();
  Scoreboard board_ = *Scoreboard::Create(3, 1);
  std::vector<PeerLimit> workers_;
};

TEST_F(PeerLimitTest, CountsOverAllWorkersOfAllGenerations) {
  const PeerLimit::Lease one = workers_[0].Take("192.0.2.7:1", kHere);
  const PeerLimit::Lease two = workers_[1].Take("192.0.2.7:2", kHere);
  const PeerLimit::Lease three = workers_[2].Take("192.0.2.7:3", kHere);
  EXPECT_FALSE(workers_[1].Admit("192.0.2.7:4", kHere, 3));
  EXPECT_TRUE(workers_[1].Admit("192.0.2.7:4", kHere, 4));
  EXPECT_EQ(Left("192.0.2.7:5"), 997);
}

TEST_F(PeerLimitTest, GivesBackWhatEnds) {
  {
    PeerLimit::Lease lease = *workers_[0].Admit("192.0.2.7:1", kHere, 1);
    EXPECT_FALSE(workers_[1].Admit("192.0.2.7:2", kHere, 1));
    PeerLimit::Lease moved = std::move(lease);
    lease.Reset();
    EXPECT_FALSE(workers_[1].Admit("192.0.2.7:2", kHere, 1));
  }
  EXPECT_TRUE(workers_[1].Admit("192.0.2.7:2", kHere, 1));
}

TEST_F(PeerLimitTest, OtherAddressesAndListenersCountByThemselves) {
  const PeerLimit::Lease lease = workers_[0].Take("192.0.2.7:1", kHere);
  EXPECT_EQ(Left("192.0.2.8:1"), 1000);
  EXPECT_EQ(Left("192.0.2.7:1", kThere), 1000);
  EXPECT_EQ(Left("[2001:db8::7]:1"), 1000);
}

TEST_F(PeerLimitTest, AClientOfIPv6IsItsBlock) {
  const PeerLimit::Lease lease = workers_[0].Take("[2001:db8:1:2::7]:1", kHere);
  EXPECT_EQ(Left("[2001:db8:1:2:ffff::8]:9"), 999);
  EXPECT_EQ(Left("[2001:db8:1:3::7]:1"), 1000);
}

TEST_F(PeerLimitTest, AnAddressOfIPv4IsTheSameHoweverItComes) {
  const PeerLimit::Lease lease = workers_[0].Take("[::ffff:192.0.2.7]:1", kHere);
  EXPECT_EQ(Left("192.0.2.7:1"), 999);
}

TEST_F(PeerLimitTest, WhoHasNoAddressIsNotCounted) {
  for (const char* peer : {"?", "", "unix:", "unix:/run/x.sock", "nonsense:1", "[:1", "[::1:1"}) {
    EXPECT_EQ(Left(peer), -1) << peer;
  }
}

TEST_F(PeerLimitTest, ADeadWorkersAreForgotten) {
  PeerLimit::Lease lost = workers_[1].Take("192.0.2.7:1", kHere);
  EXPECT_EQ(Left("192.0.2.7:2"), 999);
  board_.ClearPeerCounts(SlotIndex{1});
  EXPECT_EQ(Left("192.0.2.7:2"), 1000);
  const PeerLimit::Lease again = workers_[1].Take("192.0.2.7:1", kHere);  // so that it ends well
}

TEST_F(PeerLimitTest, ThousandsOfOthersHardlyCount) {
  std::vector<PeerLimit::Lease> others;
  for (int i = 0; i < 10'000; ++i) {
    others.push_back(workers_[i % 3].Take(
        absl::StrCat("10.", i >> 16 & 255, ".", i >> 8 & 255, ".", i & 255, ":1"), kHere));
  }
  EXPECT_GE(Left("192.0.2.7:2"), 995);
}

}  // namespace
}  // namespace windlass
