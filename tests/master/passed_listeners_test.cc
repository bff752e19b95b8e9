// Listeners on sockets that systemd passed.
#include <gtest/gtest.h>

#include "master/listeners.h"
#include "tests/master/listeners_fixture.h"

namespace windlass {
namespace {

// A listening socket, as systemd would pass it.
class PassedListenersTest : public ListenersTest {
 protected:
  static OwnedFd ListeningSocket(const std::string& address, bool v6_only = false) {
    const SocketAddress to = ResolveListenAddress(*ParseListenAddress(address))->front();
    OwnedFd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (to.family() == AF_INET6) {
      EXPECT_TRUE(SetIntOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only, "").ok());
    }
    EXPECT_EQ(::bind(fd.get(), to.get(), to.length), 0) << address;
    EXPECT_EQ(::listen(fd.get(), 5), 0);
    return fd;
  }
  // Returns its address.
  std::string Pass(const std::string& name, const std::string& address) {
    kept_.push_back(ListeningSocket(address));
    std::vector<PassedSocket> all = passed_.all();
    all.push_back(*DescribePassedSocket(kept_.back().get(), name));
    passed_ = PassedSockets(all);
    return all.back().address;
  }
  static bool IsSameSocket(const ListenSocket& socket, const OwnedFd& passed) {
    return Inode(socket) == IdentifyFile(passed.get())->inode;
  }

  std::vector<OwnedFd> kept_;
};

TEST_F(PassedListenersTest, AreTakenByName) {
  const std::string web = Pass("web", "127.0.0.1:0");
  const std::string other = Pass("other", unix_);
  Start({"systemd:other", "systemd:web"});
  EXPECT_EQ(Addresses(*before_), (std::vector<std::string>{other, web}));
  EXPECT_TRUE(IsSameSocket(before_->sockets()[0], kept_[1]));
  EXPECT_NE(before_->sockets()[0].fd, kept_[1].get()) << "the passed one stays for later reloads";
}

TEST_F(PassedListenersTest, AllOfOneNameAreOneListener) {
  const std::string first = Pass("web", "127.0.0.1:0");
  const std::string second = Pass("web", "127.0.0.1:0");
  Start({"systemd:web"});
  EXPECT_EQ(Addresses(*before_), (std::vector<std::string>{first, second}));
  EXPECT_EQ(before_->sockets()[1].listener, 0u);
}

TEST_F(PassedListenersTest, OneThatIsBoundToAConfiguredAddressStandsInForBinding) {
  const std::string address = Pass("web", "127.0.0.1:0");
  Pass("path", unix_);
  Start({address, unix_});
  EXPECT_TRUE(IsSameSocket(before_->sockets()[0], kept_[0]));
  EXPECT_TRUE(IsSameSocket(before_->sockets()[1], kept_[1]));
  EXPECT_EQ(Backlog(before_->sockets()[0]), 5u) << "as its unit says";
}

TEST_F(PassedListenersTest, TheirPathsAreNotOursToRemove) {
  Pass("path", unix_);
  Start({unix_});
  before_.reset();
  EXPECT_TRUE(PathExists());
}

TEST_F(PassedListenersTest, OneOfBothFamiliesIsEveryInterface) {
  const std::string address = Pass("web", "[::]:0");
  Start({":" + PortOf(address)});
  EXPECT_EQ(Addresses(*before_), std::vector<std::string>{address});
  EXPECT_TRUE(Answers("127.0.0.1:" + PortOf(address)));
}

TEST_F(PassedListenersTest, StayOverReloads) {
  const std::string address = Pass("web", "127.0.0.1:0");
  Start({"systemd:web"});
  const OwnedFd client = Connect(address);
  Prepare({"systemd:web"});
  EXPECT_EQ(Commit(), std::vector<uint32_t>{0});
  EXPECT_TRUE(Accepts(after_->sockets()[0]));
  EXPECT_EQ(Backlog(after_->sockets()[0]), 5u) << "not the configuration's";
}

TEST_F(PassedListenersTest, CanBeTakenUpByALaterReload) {
  const std::string address = Pass("web", "127.0.0.1:0");
  Start({"127.0.0.1:0"});
  Prepare({"127.0.0.1:0", "systemd:web"});
  Commit();
  EXPECT_EQ(Addresses(*after_)[1], address);
}

TEST_F(PassedListenersTest, AreKeptWhenTheAddressIsWrittenOtherwise) {
  const std::string address = Pass("web", "127.0.0.1:0");
  Start({"systemd:web"});
  Prepare({address});
  EXPECT_EQ(Commit(), std::vector<uint32_t>{0});
  EXPECT_TRUE(IsSameSocket(after_->sockets()[0], kept_[0]));
}

TEST_F(PassedListenersTest, ANameThatWasNotPassedIsAnErrorThatSaysWhatWas) {
  Pass("web", "127.0.0.1:0");
  const absl::Status status =
      ListenerSet::Bind(Listening({"systemd:wob"}).listeners, nullptr, passed_).status();
  EXPECT_EQ(status.message(),
            "address 'systemd:wob': systemd passed no socket of that name (it passed: web); is the "
            "socket unit active?");
}

TEST_F(PassedListenersTest, OneThatIsInTheWayIsNamed) {
  const std::string address = Pass("web", "[::]:0");
  const absl::Status status =
      ListenerSet::Bind(Listening({"127.0.0.1:" + PortOf(address)}).listeners, nullptr, passed_)
          .status();
  EXPECT_EQ(status.message(),
            absl::StrCat("bind 127.0.0.1:", PortOf(address),
                         ": Address already in use; systemd passed socket 'web' bound to ", address,
                         ": to use it, the addresses must be equal"));
}

TEST_F(PassedListenersTest, OneSocketIsNotTwoListeners) {
  const std::string address = Pass("web", "127.0.0.1:0");
  const absl::Status status =
      ListenerSet::Bind(Listening({"systemd:web", address}).listeners, nullptr, passed_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
}

TEST_F(PassedListenersTest, WhatIsNoListeningSocketIsRefused) {
  const OwnedFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const OwnedFd idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (const OwnedFd* fd : {&datagrams, &idle}) {
    const absl::Status status = DescribePassedSocket(fd->get(), "web").status();
    EXPECT_EQ(status.message(),
              "socket 'web' that systemd passed: it is no listening stream socket (ListenStream=, "
              "Accept=no)");
  }
}

}  // namespace
}  // namespace windlass
