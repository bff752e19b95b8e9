#ifndef WINDLASS_TESTS_MASTER_LISTENERS_FIXTURE_H_
#define WINDLASS_TESTS_MASTER_LISTENERS_FIXTURE_H_

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
#include "master/listeners.h"

namespace windlass {

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
    const absl::StatusOr<ListenerSet> bound =
        ListenerSet::Bind(config.listeners, &*before_, passed_);
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
    absl::StatusOr<ListenerSet> bound = ListenerSet::Bind(config.listeners, former, passed_);
    ASSERT_EQ(bound.status(), absl::OkStatus());
    into->emplace(*std::move(bound));
  }
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_MASTER_LISTENERS_FIXTURE_H_
