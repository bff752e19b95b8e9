#include "common/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

using Kind = ListenAddress::Kind;

std::vector<std::string> Formatted(const absl::StatusOr<std::vector<SocketAddress>>& addresses) {
  if (!addresses.ok()) return {addresses.status().ToString()};
  std::vector<std::string> texts;
  for (const SocketAddress& address : *addresses) texts.push_back(FormatSocketAddress(address));
  return texts;
}

std::vector<std::string> Resolved(const std::string& text) {
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
  if (!address.ok()) return {address.status().ToString()};
  return Formatted(ResolveListenAddress(*address));
}

bool HaveIpv6() { return StreamSocket(AF_INET6).ok(); }

TEST(ParseListenAddress, ReadsIpv4HostAndPort) {
  const ListenAddress address = *ParseListenAddress("127.0.0.1:65432");
  EXPECT_EQ(address.kind, Kind::kTcp);
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_EQ(address.port, 65432);
  EXPECT_EQ(address.text, "127.0.0.1:65432");
}

TEST(ParseListenAddress, ReadsIpv6InBrackets) {
  const ListenAddress address = *ParseListenAddress("[::1]:65432");
  EXPECT_EQ(address.host, "::1");
  EXPECT_EQ(address.port, 65432);
}

TEST(ParseListenAddress, ReadsAnEmptyHostAsEveryInterface) {
  const ListenAddress address = *ParseListenAddress(":0");
  EXPECT_EQ(address.kind, Kind::kTcp);
  EXPECT_EQ(address.host, "");
  EXPECT_EQ(address.port, 0);
}

TEST(ParseListenAddress, ReadsNames) {
  EXPECT_EQ(ParseListenAddress("localhost:1")->host, "localhost");
  EXPECT_EQ(ParseListenAddress("my-host.example_1:1")->host, "my-host.example_1");
}

TEST(ParseListenAddress, ReadsUnixPathsAndSystemdNames) {
  EXPECT_EQ(ParseListenAddress("unix:/run/a:b.sock")->kind, Kind::kUnix);
  EXPECT_EQ(ParseListenAddress("unix:/run/a:b.sock")->path, "/run/a:b.sock");
  EXPECT_EQ(ParseListenAddress("systemd:web")->kind, Kind::kSystemd);
  EXPECT_EQ(ParseListenAddress("systemd:web")->path, "web");
}

TEST(ParseListenAddress, NamesTheAddressAndWhatIsWrongWithIt) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "address '': needs a port, as in 127.0.0.1:65432"},
      {"127.0.0.1", "address '127.0.0.1': needs a port, as in 127.0.0.1:65432"},
      {"[::1]", "address '[::1]': needs a port, as in 127.0.0.1:65432"},
      {"127.0.0.1:", "address '127.0.0.1:': port '' is not a number from 0 to 65535"},
      {"a:65536", "address 'a:65536': port '65536' is not a number from 0 to 65535"},
      {"a:-1", "address 'a:-1': port '-1' is not a number from 0 to 65535"},
      {"a:+1", "address 'a:+1': port '+1' is not a number from 0 to 65535"},
      {"a: 1", "address 'a: 1': port ' 1' is not a number from 0 to 65535"},
      {"a:http", "address 'a:http': port 'http' is not a number from 0 to 65535"},
      {"::1:80", "address '::1:80': an IPv6 address is written in brackets, as in [::1]:65432"},
      {"[1.2.3.4]:80", "address '[1.2.3.4]:80': no IPv6 address between '[' and ']'"},
      {"[::1:80", "address '[::1:80': no ']' before the port"},
      {"1.2.3:80", "address '1.2.3:80': the host is no valid IPv4 address"},
      {"1.2.3.256:80", "address '1.2.3.256:80': the host is no valid IPv4 address"},
      {"*:80",
       "address '*:80': the host is no name and no IP address (for every interface, write :PORT)"},
      {"a b:80",
       "address 'a b:80': the host is no name and no IP address (for every interface, write "
       ":PORT)"},
      {"unix:", "address 'unix:': the path must start with '/'"},
      {"unix:a.sock", "address 'unix:a.sock': the path must start with '/'"},
      {"systemd:", "address 'systemd:': needs a name, as in systemd:web"},
  };
  for (const auto& [text, message] : kCases) {
    const absl::Status status = ParseListenAddress(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(status.message(), message);
  }
}

TEST(ParseListenAddress, TakesTheLongestUnixPathAndNoLonger) {
  EXPECT_TRUE(ParseListenAddress(absl::StrCat("unix:/", std::string(106, 'x'))).ok());
  const absl::Status status =
      ParseListenAddress(absl::StrCat("unix:/", std::string(107, 'x'))).status();
  EXPECT_NE(status.message().find("108 bytes long, and a unix socket can have at most 107"),
            absl::string_view::npos)
      << status;
}

TEST(ResolveListenAddress, GivesLiteralsAsTheyAre) {
  EXPECT_EQ(Resolved("127.0.0.1:65432"), std::vector<std::string>{"127.0.0.1:65432"});
  EXPECT_EQ(Resolved("[::1]:65432"), std::vector<std::string>{"[::1]:65432"});
  EXPECT_EQ(Resolved("unix:/run/x.sock"), std::vector<std::string>{"unix:/run/x.sock"});
}

TEST(ResolveListenAddress, GivesBothFamiliesForEveryInterface) {
  std::vector<std::string> expected = {"0.0.0.0:7000"};
  if (HaveIpv6()) expected.insert(expected.begin(), "[::]:7000");
  EXPECT_EQ(Resolved(":7000"), expected);
}

TEST(ResolveListenAddress, GivesEveryAddressOfANameOnce) {
  const std::vector<std::string> addresses = Resolved("localhost:7000");
  ASSERT_FALSE(addresses.empty());
  for (const std::string& address : addresses) {
    EXPECT_TRUE(address == "127.0.0.1:7000" || address == "[::1]:7000") << address;
    EXPECT_EQ(std::count(addresses.begin(), addresses.end(), address), 1);
  }
}

TEST(ResolveListenAddress, ResultCanBeBound) {
  const std::vector<SocketAddress> addresses =
      *ResolveListenAddress(*ParseListenAddress("127.0.0.1:0"));
  ASSERT_EQ(addresses.size(), 1u);
  for (const SocketAddress& address : addresses) {
    const OwnedFd socket = *StreamSocket(address.family());
    EXPECT_EQ(BindSocket(socket.get(), address.get(), address.length, "test"), absl::OkStatus());
  }
}

TEST(ResolveListenAddress, SaysThatAnUnknownNameIsUnavailable) {
  const absl::Status status =
      ResolveListenAddress(*ParseListenAddress("no-such-host.invalid:1")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("resolve 'no-such-host.invalid'"), absl::string_view::npos)
      << status;
}

TEST(ResolveListenAddress, SaysThatSystemdsSocketsAreNotBound) {
  const absl::Status status = ResolveListenAddress(*ParseListenAddress("systemd:web")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "address 'systemd:web' is a socket that systemd passes");
}

TEST(ResolveConnectAddress, ReadsAnEmptyHostAsLoopback) {
  const std::vector<std::string> addresses = Formatted(ResolveConnectAddress(":7000"));
  EXPECT_EQ(std::count(addresses.begin(), addresses.end(), "127.0.0.1:7000"), 1);
  for (const std::string& address : addresses) {
    EXPECT_TRUE(address == "127.0.0.1:7000" || address == "[::1]:7000") << address;
  }
}

TEST(ResolveConnectAddress, TakesTheFormsThatListenersTake) {
  EXPECT_EQ(Formatted(ResolveConnectAddress("127.0.0.1:7")),
            std::vector<std::string>{"127.0.0.1:7"});
  EXPECT_EQ(Formatted(ResolveConnectAddress("[::1]:7")), std::vector<std::string>{"[::1]:7"});
  EXPECT_EQ(Formatted(ResolveConnectAddress("unix:/a")), std::vector<std::string>{"unix:/a"});
  EXPECT_FALSE(ResolveConnectAddress("nonsense").ok());
}

TEST(ResolveConnectAddress, RefusesPortZero) {
  EXPECT_EQ(ResolveConnectAddress("127.0.0.1:0").status().message(),
            "address '127.0.0.1:0': port 0 cannot be connected to");
}

TEST(FormatSocketAddress, ShowsUnnamedAndAbstractUnixSockets) {
  SocketAddress address;
  address.storage.ss_family = AF_UNIX;
  address.length = sizeof(sa_family_t);
  EXPECT_EQ(FormatSocketAddress(address), "unix:");
  std::memcpy(reinterpret_cast<char*>(&address.storage) + sizeof(sa_family_t), "\0name", 5);
  address.length = sizeof(sa_family_t) + 5;
  EXPECT_EQ(FormatSocketAddress(address), "unix:@name");
}

TEST(FormatSocketAddress, ShowsAPathThatFillsTheWholeField) {
  SocketAddress address;
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::memset(name.sun_path, 'x',
              sizeof(name.sun_path));  // no terminating NUL, as the kernel may report it
  std::memcpy(&address.storage, &name, sizeof(name));
  address.length = sizeof(name);
  EXPECT_EQ(FormatSocketAddress(address), "unix:" + std::string(sizeof(name.sun_path), 'x'));
}

TEST(AddressesClash, IsTrueForWhatCannotBothBeBound) {
  const auto clash = [](const char* a, const char* b) {
    return AddressesClash(*ParseListenAddress(a), *ParseListenAddress(b));
  };
  EXPECT_TRUE(clash("127.0.0.1:1", "127.0.0.1:1"));
  EXPECT_TRUE(clash("[::1]:1", "[0:0::1]:1"));
  EXPECT_TRUE(clash("LocalHost:1", "localhost:1"));
  EXPECT_TRUE(clash(":1", "127.0.0.1:1"));
  EXPECT_TRUE(clash("unix:/a", "unix:/a"));
  EXPECT_FALSE(clash("127.0.0.1:1", "127.0.0.1:2"));
  EXPECT_FALSE(clash("127.0.0.1:1", "127.0.0.2:1"));
  EXPECT_FALSE(clash("127.0.0.1:0", "127.0.0.1:0"));
  EXPECT_FALSE(clash("unix:/a", "unix:/b"));
}

}  // namespace
}  // namespace windlass
