// Datagrams between our own processes (common/posix.h): what is read after the other end died.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "common/posix.h"

namespace windlass {
namespace {

class PacketsTest : public testing::Test {
 protected:
  PacketsTest() : pair_(*SeqPacketPair(64 << 10)) {}

  static PacketOutcome Send(const OwnedFd& end, std::string bytes, std::vector<int> fds = {}) {
    const iovec piece = {bytes.data(), bytes.size()};
    return SendPacket(end.get(), {&piece, 1}, fds);
  }
  // The next packet; "nothing" or "end" when there is none.
  static std::string Receive(const OwnedFd& end) {
    char buffer[64];
    const iovec room = {buffer, sizeof(buffer)};
    const ReceivedPacket packet = ReceivePacket(end.get(), {&room, 1}, {});
    if (packet.outcome == PacketOutcome::kFull) return "nothing";
    if (packet.outcome == PacketOutcome::kPeerGone) return "end";
    return {buffer, packet.bytes};
  }

  PacketPair pair_;
  OwnedFd& ours_ = pair_.send_end;
  OwnedFd& theirs_ = pair_.receive_end;
};

TEST_F(PacketsTest, WhatThePeerSentBeforeItDiedIsReadBeforeItsEnd) {
  Send(theirs_, "one");
  Send(theirs_, "two");
  theirs_.Reset();
  EXPECT_EQ(Receive(ours_), "one");
  EXPECT_EQ(Receive(ours_), "two");
  EXPECT_EQ(Receive(ours_), "end");
  EXPECT_EQ(Receive(ours_), "end");
}

// The kernel reports a reset first, once, when packets of ours were left unread.
TEST_F(PacketsTest, WhatThePeerSentIsReadAlsoWhenItDiedWithPacketsOfOursUnread) {
  Send(ours_, "never read");
  Send(theirs_, "one");
  Send(theirs_, "two");
  theirs_.Reset();
  EXPECT_EQ(Receive(ours_), "one");
  EXPECT_EQ(Receive(ours_), "two");
  EXPECT_EQ(Receive(ours_), "end");
  EXPECT_EQ(Receive(ours_), "end");
}

TEST_F(PacketsTest, APeerThatDiedWithPacketsOfOursUnreadAndSaidNothingIsGone) {
  Send(ours_, "never read");
  theirs_.Reset();
  EXPECT_EQ(Receive(ours_), "end");
  EXPECT_EQ(Receive(ours_), "end");
}

TEST_F(PacketsTest, WhatThePeerSentIsReadAfterSendingToItHasFailed) {
  Send(ours_, "never read");
  Send(theirs_, "one");
  theirs_.Reset();
  EXPECT_EQ(Send(ours_, "too late"), PacketOutcome::kPeerGone);
  EXPECT_EQ(Send(ours_, "too late"), PacketOutcome::kPeerGone);
  EXPECT_EQ(Receive(ours_), "one");
  EXPECT_EQ(Receive(ours_), "end");
}

TEST_F(PacketsTest, ThereIsNothingWhileThePeerLivesAndSaysNothing) {
  EXPECT_EQ(Receive(ours_), "nothing");
  Send(theirs_, "one");
  EXPECT_EQ(Receive(ours_), "one");
  EXPECT_EQ(Receive(ours_), "nothing");
}

TEST_F(PacketsTest, APacketThatIsTooLongIsCutAndSaysSo) {
  Send(theirs_, std::string(100, 'x'));
  char buffer[10];
  const iovec room = {buffer, sizeof(buffer)};
  const ReceivedPacket packet = ReceivePacket(ours_.get(), {&room, 1}, {});
  EXPECT_TRUE(packet.truncated);
  EXPECT_EQ(Receive(ours_), "nothing") << "its rest is gone";
}

TEST_F(PacketsTest, AsManyDescriptorsAsAPacketHoldsArrive) {
  const OwnedFd file(::dup(0));
  ASSERT_EQ(Send(theirs_, "fds", std::vector<int>(kMaxPacketFds, file.get())),
            PacketOutcome::kDone);
  char buffer[10];
  const iovec room = {buffer, sizeof(buffer)};
  std::array<OwnedFd, kMaxPacketFds> fds;
  const ReceivedPacket packet = ReceivePacket(ours_.get(), {&room, 1}, absl::MakeSpan(fds));
  EXPECT_EQ(packet.fd_count, kMaxPacketFds);
  EXPECT_FALSE(packet.fds_truncated);
}

TEST_F(PacketsTest, DescriptorsThatThereIsNoRoomForAreClosedAndMissed) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  const int passed[] = {write_end.get(), write_end.get(), write_end.get()};
  ASSERT_EQ(Send(theirs_, "fds", {passed, passed + 3}), PacketOutcome::kDone);
  write_end.Reset();
  {
    char buffer[10];
    const iovec room = {buffer, sizeof(buffer)};
    std::array<OwnedFd, 1> fds;
    const ReceivedPacket packet = ReceivePacket(ours_.get(), {&room, 1}, absl::MakeSpan(fds));
    EXPECT_TRUE(packet.fds_truncated);
    EXPECT_EQ(packet.fd_count, 1u);
  }
  char byte;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0) << "a copy is open somewhere";
}

}  // namespace
}  // namespace windlass
