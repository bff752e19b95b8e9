#include "common/peer_filter.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {
namespace {

PeerFilter Filter(std::vector<std::string> entries) {
  const absl::StatusOr<PeerFilter> filter = PeerFilter::Parse(entries);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.value_or(PeerFilter::Nobody());
}

bool Allows(const PeerFilter& filter, const std::string& address) {
  sockaddr_in v4 = {AF_INET, 0, {}, {}};
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    return filter.AllowsAddress(reinterpret_cast<const sockaddr*>(&v4));
  }
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr), 1) << address;
  return filter.AllowsAddress(reinterpret_cast<const sockaddr*>(&v6));
}

TEST(PeerFilter, AllowsEverybodyWithoutEntries) {
  EXPECT_TRUE(Allows(Filter({}), "192.0.2.1"));
  EXPECT_TRUE(Filter({}).AllowsUser(1, {}));
  EXPECT_FALSE(Allows(PeerFilter::Nobody(), "192.0.2.1"));
  EXPECT_FALSE(PeerFilter::Nobody().AllowsUser(0, {}));
}

TEST(PeerFilter, KnowsBlocksOfAddressesToTheBit) {
  const PeerFilter filter =
      Filter({"10.0.0.0/8", "192.0.2.64/27", "192.0.2.7", "fd00::/8", "2001:db8::1"});
  for (const char* in : {"10.0.0.0", "10.255.255.255", "192.0.2.64", "192.0.2.95", "192.0.2.7",
                         "fd00::1", "fdff::", "2001:db8::1", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(Allows(filter, in)) << in;
  }
  for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.63", "192.0.2.96", "192.0.2.8",
                          "fc00::1", "fe00::", "2001:db8::2", "::ffff:11.1.2.3", "::10.1.2.3"}) {
    EXPECT_FALSE(Allows(filter, out)) << out;
  }
}

TEST(PeerFilter, OfAnythingOfAKindIsAllOfItsKind) {
  EXPECT_TRUE(Allows(Filter({"0.0.0.0/0"}), "203.0.113.9"));
  EXPECT_FALSE(Allows(Filter({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_TRUE(Allows(Filter({"::/0"}), "2001:db8::1"));
  EXPECT_FALSE(Allows(Filter({"::/0"}), "203.0.113.9"));
  EXPECT_TRUE(Allows(Filter({"::ffff:0:0/96"}), "203.0.113.9"));
}

TEST(PeerFilter, KnowsUsersAndGroupsByNumberAndName) {
  const PeerFilter filter = Filter({"uid:1234", "uid:root", "gid:99", "gid:root"});
  EXPECT_TRUE(filter.AllowsUser(1234, {}));
  EXPECT_TRUE(filter.AllowsUser(0, {5}));
  EXPECT_TRUE(filter.AllowsUser(77, {5, 99}));
  EXPECT_TRUE(filter.AllowsUser(77, {0}));
  EXPECT_FALSE(filter.AllowsUser(77, {5, 1234}));
  EXPECT_FALSE(Allows(filter, "127.0.0.1"));
}

TEST(PeerFilter, AsksTheKernelWhoItIs) {
  const absl::StatusOr<StreamPair> pair = UnixStreamPair();
  ASSERT_TRUE(pair.ok());
  EXPECT_TRUE(Filter({absl::StrCat("uid:", getuid())}).Allows(pair->ours.get()));
  EXPECT_TRUE(Filter({absl::StrCat("gid:", getgid())}).Allows(pair->ours.get()));
  EXPECT_FALSE(Filter({absl::StrCat("uid:", getuid() + 1)}).Allows(pair->ours.get()));
  EXPECT_FALSE(Filter({"0.0.0.0/0", "::/0"}).Allows(pair->ours.get()));
}

TEST(PeerFilter, SaysWhatIsWrongWithAnEntry) {
  const std::pair<const char*, const char*> wrong[] = {
      {"10.0.0.1/8", "\"10.0.0.1/8\" has bits set beyond the first 8"},
      {"10.0.0.0/33", "\"10.0.0.0/33\" must end with /0 to /32"},
      {"fd00::/129", "\"fd00::/129\" must end with /0 to /128"},
      {"10.0.0.0/", "\"10.0.0.0/\" must end with /0 to /32"},
      {"10.0.0", "\"10.0.0\" is neither an address (10.0.0.0/8, ::1) nor uid:USER nor gid:GROUP"},
      {"localhost",
       "\"localhost\" is neither an address (10.0.0.0/8, ::1) nor uid:USER nor gid:GROUP"},
      {"", "\"\" is neither an address (10.0.0.0/8, ::1) nor uid:USER nor gid:GROUP"},
      {"uid:nobody-of-that-name", "\"uid:nobody-of-that-name\" is no user here"},
      {"gid:", "\"gid:\" is no group here"}};
  for (const auto& [entry, message] : wrong) {
    EXPECT_EQ(PeerFilter::Parse({std::string(entry)}).status().message(), message);
  }
}

}  // namespace
}  // namespace windlass
