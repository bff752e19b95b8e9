#include "master/listeners.h"

#include <gtest/gtest.h>

#include "tests/master/listeners_fixture.h"

namespace windlass {
namespace {

TEST_F(ListenersTest, AnAddressWrittenTheSameKeepsItsSocketAndItsPort) {
  Start({"127.0.0.1:0", unix_});
  const std::vector<std::string> bound = Addresses(*before_);
  Prepare({"127.0.0.1:0", unix_});
  EXPECT_EQ(Addresses(*after_), bound);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(Inode(after_->sockets()[i]), Inode(before_->sockets()[i]));
    EXPECT_NE(after_->sockets()[i].fd, before_->sockets()[i].fd) << "each closes its own";
  }
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
  for (const std::string& address : bound) EXPECT_TRUE(Answers(address));
}

TEST_F(ListenersTest, ClientsInTheQueueOfAKeptSocketAreTheNewOnes) {
  Start({"127.0.0.1:0"});
  const OwnedFd client = Connect(Addresses(*before_)[0]);
  Prepare({"127.0.0.1:0"});
  Commit();
  EXPECT_TRUE(Accepts(after_->sockets()[0]));
}

TEST_F(ListenersTest, AnAddressWrittenOtherwiseIsKeptIfItIsTheSame) {
  Start({"127.0.0.1:0"});
  const std::string port = PortOf(Addresses(*before_)[0]);
  Prepare({absl::StrCat("127.0.0.1:", port)});
  EXPECT_EQ(Inode(after_->sockets()[0]), Inode(before_->sockets()[0]));
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(Answers(absl::StrCat("127.0.0.1:", port)));
}

TEST_F(ListenersTest, AHostNameKeepsTheAddressThatItStandsFor) {
  Start({"127.0.0.1:0"});
  const std::string port = PortOf(Addresses(*before_)[0]);
  Prepare({absl::StrCat("localhost:", port)});
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0}));
}

TEST_F(ListenersTest, AUnixPathWrittenOtherwiseIsBoundAnewOnlyIfItIsAnother) {
  Start({unix_});
  Prepare({unix_, "unix:" + directory_ + "/other.sock"});
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(PathExists());
  EXPECT_TRUE(Answers("unix:" + directory_ + "/other.sock"));
}

TEST_F(ListenersTest, WhatIsRemovedIsNotKeptAndListensNoMore) {
  Start({"127.0.0.1:0", "127.0.0.2:0", unix_});
  const std::vector<std::string> bound = Addresses(*before_);
  Prepare({"127.0.0.2:0"});
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{1}));
  EXPECT_FALSE(Answers(bound[0]));
  EXPECT_TRUE(Answers(bound[1]));
  EXPECT_FALSE(PathExists());
}

TEST_F(ListenersTest, WhatIsNewIsNotAmongTheKept) {
  Start({"127.0.0.1:0"});
  Prepare({"127.0.0.2:0", "127.0.0.1:0", unix_});
  EXPECT_NE(Addresses(*after_)[0], Addresses(*before_)[0]);
  EXPECT_EQ(Addresses(*after_)[1], Addresses(*before_)[0]);
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(Answers(unix_));
}

TEST_F(ListenersTest, EachSocketNamesItsListenerInTheNewOrder) {
  Start({"127.0.0.1:0", "127.0.0.2:0"});
  Prepare({unix_, "127.0.0.2:0", "127.0.0.1:0"});
  const std::vector<ListenSocket> sockets = after_->sockets();
  ASSERT_EQ(sockets.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(sockets[i].listener, i);
  EXPECT_EQ(Inode(sockets[1]), Inode(before_->sockets()[1]));
  EXPECT_EQ(Inode(sockets[2]), Inode(before_->sockets()[0]));
}

TEST_F(ListenersTest, TwoListenersWithTheSameTextStayTwoPorts) {
  Start({"127.0.0.1:0", "127.0.0.1:0"});
  const std::vector<std::string> bound = Addresses(*before_);
  EXPECT_NE(bound[0], bound[1]);
  Prepare({"127.0.0.1:0", "127.0.0.1:0"});
  EXPECT_EQ(Addresses(*after_), bound);
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
  for (const std::string& address : bound) EXPECT_TRUE(Answers(address));
}

TEST_F(ListenersTest, AThirdListenerWithTheSameTextGetsAPortOfItsOwn) {
  Start({"127.0.0.1:0", "127.0.0.1:0"});
  Prepare({"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"});
  EXPECT_EQ(after_->size(), 3u);
  EXPECT_NE(Addresses(*after_)[2], Addresses(*after_)[0]);
  EXPECT_NE(Addresses(*after_)[2], Addresses(*after_)[1]);
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
}

TEST_F(ListenersTest, OneListenerOnSeveralAddressesKeepsThemAll) {
  Start({":0", "127.0.0.1:0"});
  const std::vector<std::string> bound = Addresses(*before_);
  Prepare({"127.0.0.1:0", ":0"});
  ASSERT_EQ(after_->size(), bound.size());
  EXPECT_EQ(Addresses(*after_)[0], bound.back());
  for (size_t i = 1; i < bound.size(); ++i) {
    EXPECT_EQ(Addresses(*after_)[i], bound[i - 1]);
    EXPECT_EQ(after_->sockets()[i].listener, 1u);
    EXPECT_EQ(PortOf(Addresses(*after_)[i]), PortOf(bound[0])) << "one port for all of them";
  }
}

TEST_F(ListenersTest, OfSeveralAddressesThoseThatAreStillWantedAreKept) {
  Start({":0"});
  const std::vector<std::string> bound = Addresses(*before_);
  const std::string port = PortOf(bound[0]);
  Prepare({absl::StrCat("0.0.0.0:", port)});
  ASSERT_EQ(after_->size(), 1u);
  EXPECT_EQ(Addresses(*after_)[0], absl::StrCat("0.0.0.0:", port));
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{static_cast<uint32_t>(bound.size() - 1)}));
  EXPECT_TRUE(Answers(absl::StrCat("127.0.0.1:", port)));
}

TEST_F(ListenersTest, AKeptUnixPathIsTheNewOnesToRemove) {
  Start({unix_});
  Prepare({unix_});
  Commit();
  EXPECT_TRUE(Answers(unix_)) << "the former's end does not remove it";
  after_.reset();
  EXPECT_FALSE(PathExists());
}

TEST_F(ListenersTest, APreparedOneThatIsGivenUpLeavesAllToTheFormer) {
  Start({unix_, "127.0.0.1:0"});
  Prepare({unix_, "127.0.0.1:0", "unix:" + directory_ + "/new.sock"});
  const std::string fresh = Addresses(*after_)[2];
  EXPECT_TRUE(Answers(fresh));
  RollBack();
  EXPECT_TRUE(Answers(unix_));
  EXPECT_TRUE(Answers(Addresses(*before_)[1]));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/new.sock"));
  before_.reset();
  EXPECT_FALSE(PathExists());
}

TEST_F(ListenersTest, ASocketGoesThroughManyReloads) {
  Start({"127.0.0.1:0", unix_});
  const std::vector<std::string> bound = Addresses(*before_);
  const uint64_t inode = Inode(before_->sockets()[0]);
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 0) {
      Prepare({unix_, "127.0.0.1:0"});
      EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
    } else {
      Prepare({"127.0.0.1:0", unix_});
      EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
    }
    before_.emplace(*std::exchange(after_, std::nullopt));
    std::vector<uint64_t> inodes;
    for (const ListenSocket& socket : before_->sockets()) inodes.push_back(Inode(socket));
    EXPECT_EQ(std::count(inodes.begin(), inodes.end(), inode), 1);
  }
  EXPECT_TRUE(Answers(bound[0]));
  EXPECT_TRUE(Answers(unix_));
}

// --- What fails

TEST_F(ListenersTest, APortThatIsTakenLeavesTheFormerAsItWas) {
  const OwnedFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  SocketAddress taken;
  taken.storage = *LocalAddress(other.get(), &taken.length);

  Start({unix_, "127.0.0.1:0"});
  const std::vector<std::string> bound = Addresses(*before_);
  const std::string fresh = directory_ + "/fresh.sock";
  const absl::Status failed =
      PrepareFails(Listening({unix_, "unix:" + fresh, "127.0.0.1:0", FormatSocketAddress(taken)}));
  EXPECT_NE(failed.message().find(FormatSocketAddress(taken)), absl::string_view::npos) << failed;
  for (const std::string& former : bound) EXPECT_TRUE(Answers(former));
  EXPECT_EQ(Addresses(*before_), bound);
  EXPECT_FALSE(std::filesystem::exists(fresh));
  // And it can be handed over later.
  Prepare({unix_, "127.0.0.1:0"});
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0, 1}));
  EXPECT_TRUE(Answers(unix_));
}

TEST_F(ListenersTest, AServersPathIsNotTakenFromIt) {
  Start({"127.0.0.1:0"});
  absl::StatusOr<ListenerSet> other =
      ListenerSet::Bind(Listening({unix_}).listeners, nullptr, passed_);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(PrepareFails(Listening({"127.0.0.1:0", unix_})).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Answers(unix_));
}

TEST_F(ListenersTest, APathThatADeadServerLeftIsReplaced) {
  Start({"127.0.0.1:0"});
  {
    const OwnedFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress address = ResolveListenAddress(ParseListenAddress(unix_).value())->front();
    ASSERT_EQ(::bind(dead.get(), address.get(), address.length), 0);
  }
  ASSERT_TRUE(PathExists());
  Prepare({"127.0.0.1:0", unix_});
  EXPECT_TRUE(Answers(unix_));
}

TEST_F(ListenersTest, WhatIsNoSocketIsNotReplaced) {
  std::ofstream(path_) << "precious";
  Start({"127.0.0.1:0"});
  EXPECT_NE(PrepareFails(Listening({unix_})).message(), "");
  EXPECT_TRUE(PathExists());
  EXPECT_TRUE(Answers(Addresses(*before_)[0]));
}

TEST_F(ListenersTest, APathWhoseOwnerIsUnknownIsNotLeftBehind) {
  Config config = Listening({unix_});
  config.listeners[0].owner = "nobody-by-this-name";
  Start({"127.0.0.1:0"});
  EXPECT_NE(PrepareFails(config).message().find("nobody-by-this-name"), absl::string_view::npos);
  EXPECT_FALSE(PathExists());
}

// --- What the configuration says of a kept socket

TEST_F(ListenersTest, ABacklogChangesWhenTheNewOneServesAndNotBefore) {
  Config config = Listening({"127.0.0.1:0"});
  config.listeners[0].backlog = 7;
  StartWith(config);
  ASSERT_EQ(Backlog(before_->sockets()[0]), 7u);
  config.listeners[0].backlog = 11;
  PrepareWith(config);
  EXPECT_EQ(Backlog(before_->sockets()[0]), 7u);
  Commit();
  EXPECT_EQ(Backlog(after_->sockets()[0]), 11u);
}

TEST_F(ListenersTest, AModeChangesWhenTheNewOneServesAndNotBefore) {
  Config config = Listening({unix_});
  config.listeners[0].mode = 0600;
  StartWith(config);
  EXPECT_EQ(Mode(), 0600u);
  config.listeners[0].mode = 0666;
  PrepareWith(config);
  EXPECT_EQ(Mode(), 0600u);
  Commit();
  EXPECT_EQ(Mode(), 0666u);
}

TEST_F(ListenersTest, AModeThatIsGivenUpChangesNothing) {
  Config config = Listening({unix_});
  config.listeners[0].mode = 0600;
  StartWith(config);
  config.listeners[0].mode = 0666;
  PrepareWith(config);
  RollBack();
  EXPECT_EQ(Mode(), 0600u);
}

TEST_F(ListenersTest, AKeptSocketWhoseOwnerIsUnknownServesAllTheSame) {
  Start({unix_});
  Config config = Listening({unix_});
  config.listeners[0].owner = "nobody-by-this-name";
  PrepareWith(config);
  EXPECT_EQ(Commit(), (std::vector<uint32_t>{0}));
  EXPECT_TRUE(Answers(unix_));
}

TEST_F(ListenersTest, ASetThatTakesAnothersPlaceRemovesThePathsOfTheOther) {
  Start({unix_});
  *before_ = *ListenerSet::Bind(Listening({"127.0.0.1:0"}).listeners, nullptr, passed_);
  EXPECT_FALSE(PathExists());
}

}  // namespace
}  // namespace windlass
