#include "master/listeners.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/posix.h"

namespace windlass {
namespace {

// A server's listeners before and after a reload, in a directory of its own for unix sockets.
class ListenersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "listeners_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/app.sock";
    unix_ = "unix:" + path_;
  }
  void TearDown() override {
    after_.reset();
    before_.reset();
    std::filesystem::remove_all(directory_);
  }

  static Config Listening(const std::vector<std::string>& addresses) {
    Config config;
    for (const std::string& address : addresses) {
      config.listeners.emplace_back().address = ParseListenAddress(address).value();
    }
    return config;
  }
  void StartWith(const Config& config) { BindInto(config, nullptr, &before_); }
  void Start(const std::vector<std::string>& addresses) { StartWith(Listening(addresses)); }
  // Binds what the new configuration says, beside the former, which serves on.
  void PrepareWith(const Config& config) { BindInto(config, &*before_, &after_); }
  void Prepare(const std::vector<std::string>& addresses) { PrepareWith(Listening(addresses)); }
  absl::Status PrepareFails(const Config& config) {
    const absl::StatusOr<ListenerSet> bound = ListenerSet::Bind(config, &*before_, passed_);
    EXPECT_FALSE(bound.ok());
    return bound.status();
  }
  // The new one serves; the former is gone. Returns which sockets of the former were kept.
  std::vector<uint32_t> Commit() {
    std::vector<uint32_t> kept = before_->HandOverTo(&*after_);
    std::sort(kept.begin(), kept.end());
    before_.reset();
    return kept;
  }
  // Prepared, but never committed.
  void RollBack() { after_.reset(); }

  static uint64_t Inode(const ListenSocket& socket) { return IdentifyFile(socket.fd)->inode; }
  static std::vector<std::string> Addresses(const ListenerSet& set) {
    std::vector<std::string> addresses;
    for (const ListenSocket& socket : set.sockets()) addresses.push_back(socket.address);
    return addresses;
  }
  static std::string PortOf(const std::string& address) {
    return std::vector<std::string>(absl::StrSplit(address, ':')).back();
  }
  // Whether somebody listens there: the server, wherever its socket came from.
  static bool Answers(const std::string& address) {
    const std::vector<SocketAddress> addresses = ResolveConnectAddress(address).value();
    for (const SocketAddress& to : addresses) {
      const OwnedFd probe(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(probe.get(), to.get(), to.length) == 0) return true;
    }
    return false;
  }
  OwnedFd Connect(const std::string& address) {
    const SocketAddress to = ResolveConnectAddress(address)->front();
    OwnedFd client(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), to.get(), to.length), 0);
    return client;
  }
  static bool Accepts(const ListenSocket& socket) {
    OwnedFd accepted;
    return AcceptSome(socket.fd, &accepted) == AcceptOutcome::kAccepted;
  }
  static uint32_t Backlog(const ListenSocket& socket) {
    tcp_info info = {};
    socklen_t length = sizeof(info);
    EXPECT_EQ(::getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    return info.tcpi_sacked;  // what the kernel calls it for a listening socket
  }
  unsigned Mode() const {
    struct stat info = {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info.st_mode & 0777;
  }
  bool PathExists() const { return std::filesystem::exists(path_); }

  std::string directory_, path_, unix_;
  PassedSockets passed_;
  std::optional<ListenerSet> before_, after_;

 private:
  void BindInto(const Config& config, const ListenerSet* former, std::optional<ListenerSet>* into) {
    absl::StatusOr<ListenerSet> bound = ListenerSet::Bind(config, former, passed_);
    ASSERT_EQ(bound.status(), absl::OkStatus());
    into->emplace(*std::move(bound));
  }
};

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
  absl::StatusOr<ListenerSet> other = ListenerSet::Bind(Listening({unix_}), nullptr, passed_);
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
  *before_ = *ListenerSet::Bind(Listening({"127.0.0.1:0"}), nullptr, passed_);
  EXPECT_FALSE(PathExists());
}

// --- Sockets that systemd passed

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
      ListenerSet::Bind(Listening({"systemd:wob"}), nullptr, passed_).status();
  EXPECT_EQ(status.message(),
            "address 'systemd:wob': systemd passed no socket of that name (it passed: web); is the "
            "socket unit active?");
}

TEST_F(PassedListenersTest, OneThatIsInTheWayIsNamed) {
  const std::string address = Pass("web", "[::]:0");
  const absl::Status status =
      ListenerSet::Bind(Listening({"127.0.0.1:" + PortOf(address)}), nullptr, passed_).status();
  EXPECT_EQ(status.message(),
            absl::StrCat("bind 127.0.0.1:", PortOf(address),
                         ": Address already in use; systemd passed socket 'web' bound to ", address,
                         ": to use it, the addresses must be equal"));
}

TEST_F(PassedListenersTest, OneSocketIsNotTwoListeners) {
  const std::string address = Pass("web", "127.0.0.1:0");
  const absl::Status status =
      ListenerSet::Bind(Listening({"systemd:web", address}), nullptr, passed_).status();
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
