#include "master/resolve_within.h"

#include <gtest/gtest.h>

namespace windlass {
namespace {

std::vector<std::string> Formatted(const absl::StatusOr<std::vector<SocketAddress>>& addresses) {
  std::vector<std::string> formatted;
  EXPECT_TRUE(addresses.ok()) << addresses.status();
  if (!addresses.ok()) return formatted;
  for (const SocketAddress& address : *addresses) formatted.push_back(FormatSocketAddress(address));
  return formatted;
}

TEST(ResolveWithin, SaysWhatResolvingSays) {
  for (const char* text : {"localhost:7000", "127.0.0.1:7000", "[::1]:7000", ":7000", "unix:/a"}) {
    const ListenAddress address = *ParseListenAddress(text);
    EXPECT_EQ(Formatted(ResolveWithin(address, absl::Seconds(20))),
              Formatted(ResolveListenAddress(address)))
        << text;
  }
}

TEST(ResolveWithin, PassesErrorsOn) {
  const ListenAddress address = *ParseListenAddress("no-such-host.invalid:1");
  const absl::Status status = ResolveWithin(address, absl::Seconds(60)).status();
  EXPECT_EQ(status, ResolveListenAddress(address).status());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(ResolveWithin, DoesNotWaitLongerThanItsLimit) {
  const ListenAddress address = *ParseListenAddress("localhost:1");
  const absl::Status status = ResolveWithin(address, absl::ZeroDuration()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "resolve 'localhost' of address 'localhost:1': no answer within 0");
}

TEST(ResolveWithin, NeedsNoChildForWhatIsNoName) {
  const ListenAddress address = *ParseListenAddress("127.0.0.1:7000");
  EXPECT_TRUE(ResolveWithin(address, absl::ZeroDuration()).ok());
}

}  // namespace
}  // namespace windlass
