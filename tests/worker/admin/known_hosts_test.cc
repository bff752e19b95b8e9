#include "worker/admin/known_hosts.h"

#include <gtest/gtest.h>

#include "common/address.h"

namespace windlass {
namespace {

AdminConfig At(const char* address, std::vector<std::string> hosts = {}) {
  AdminConfig config;
  config.address = *ParseListenAddress(address);
  config.hosts = std::move(hosts);
  return config;
}

TEST(KnownHosts, AreAddressesAndLocalhostWithAnyPort) {
  const KnownHosts hosts(At("127.0.0.1:9465"));
  for (const char* host : {"", "127.0.0.1", "127.0.0.1:9465", "10.0.0.7:80", "[::1]", "[::1]:9465",
                           "[fe80::1]:1", "localhost", "LocalHost:9465", "localhost."}) {
    EXPECT_TRUE(hosts.Knows(host)) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:9465", "localhost.evil.example", "127.0.0.1.evil.example",
        "[::1].evil.example", "[evil]", "::1", "[", ":", "1", "0x7f.1", "127.1"}) {
    EXPECT_FALSE(hosts.Knows(host)) << host;
  }
}

TEST(KnownHosts, AreTheNameInTheAddressAndThoseThatWereChosen) {
  const KnownHosts hosts(At("Board.example:80", {"metrics.Example"}));
  EXPECT_TRUE(hosts.Knows("board.example"));
  EXPECT_TRUE(hosts.Knows("METRICS.example:80"));
  EXPECT_FALSE(hosts.Knows("other.example"));
  EXPECT_FALSE(hosts.Knows("a.board.example"));
}

TEST(KnownHosts, AreAllWithAStar) {
  EXPECT_TRUE(KnownHosts(At(":80", {"*"})).Knows("whatever.example"));
  EXPECT_FALSE(KnownHosts(At(":80")).Knows("whatever.example"));
}

}  // namespace
}  // namespace windlass
