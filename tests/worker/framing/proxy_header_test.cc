#include "worker/framing/proxy_header.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

// Version 2: command, family and protocol, length, what follows.
std::string Binary(char command, char family, const std::string& rest, int more_length = 0) {
  const auto length = static_cast<int>(rest.size()) + more_length;
  return absl::StrCat(kSignature, std::string(1, command), std::string(1, family),
                      std::string(1, static_cast<char>(length >> 8)),
                      std::string(1, static_cast<char>(length & 0xff)), rest);
}

const std::string kInet = "\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x00\x50"s;
const std::string kInet6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x00\x50"s;

struct Row {
  std::string header, peer;
};
const Row kRows[] = {
    {"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n", "192.0.2.7:4711"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
    {"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n", "[2001:db8::1]:4711"},
    {"PROXY UNKNOWN\r\n", ""},
    {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""},
    {Binary(0x21, 0x11, kInet), "192.0.2.7:4711"},
    {Binary(0x21, 0x11, kInet + "\x04\0\x03"s + "abc"), "192.0.2.7:4711"},  // an extension
    {Binary(0x21, 0x21, kInet6), "[2001:db8::1]:4711"},
    {Binary(0x20, 0x00, ""), ""},                     // LOCAL: a health check of the proxy's
    {Binary(0x20, 0x11, kInet), ""},                  // the same, and what it says is no client's
    {Binary(0x21, 0x00, "anything"), ""},             // AF_UNSPEC
    {Binary(0x21, 0x31, std::string(216, 'u')), ""},  // AF_UNIX
};

TEST(CutProxyHeader, FindsTheClientAndTheEndOfTheHeader) {
  for (const Row& row : kRows) {
    ProxyHeader header;
    ASSERT_EQ(CutProxyHeader(row.header + "GET / HTTP/1.1\r\n", &header), ProxyOutcome::kDone)
        << row.header;
    EXPECT_EQ(header.bytes, row.header.size()) << row.header;
    EXPECT_EQ(header.peer, row.peer);
  }
}

TEST(CutProxyHeader, AsksForMoreAtEveryCut) {
  for (const Row& row : kRows) {
    for (size_t size = 0; size < row.header.size(); ++size) {
      ProxyHeader header;
      EXPECT_EQ(CutProxyHeader(row.header.substr(0, size), &header), ProxyOutcome::kNeedMore)
          << row.header << " at " << size;
    }
  }
}

TEST(CutProxyHeader, RefusesWhatIsNone) {
  const std::string bad[] = {
      "GET / HTTP/1.1\r\n",
      "\r\nGET",
      "proxy TCP4 192.0.2.7 10.0.0.1 4711 80\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80 1\r\n",
      "PROXY TCP4 192.0.2.7  10.0.0.1 4711 80\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 65536 80\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 -1 80\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 04711 80\r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 +4711 80\r\n",
      "PROXY TCP4 192.0.2.256 10.0.0.1 4711 80\r\n",
      "PROXY TCP4 2001:db8::1 2001:db8::2 4711 80\r\n",
      "PROXY TCP6 192.0.2.7 10.0.0.1 4711 80\r\n",
      "PROXY UDP4 192.0.2.7 10.0.0.1 4711 80\r\n",
      "PROXY UNKNOWNS\r\n",
      "PROXY \r\n",
      "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n" + std::string(107, 'x'),
      "PROXY UNKNOWN " + std::string(107, 'x') + "\r\n",  // too long
      Binary(0x22, 0x11, kInet),                          // a command that there is not
      Binary(0x11, 0x11, kInet),                          // version 1
      Binary(0x21, 0x11, kInet.substr(1)),                // too short for its family
      Binary(0x21, 0x21, kInet),
  };
  for (const std::string& input : bad) {
    ProxyHeader header;
    EXPECT_EQ(CutProxyHeader(input, &header), ProxyOutcome::kBad) << input;
  }
}

TEST(CutProxyHeader, NeverWantsMoreThanItSays) {
  ProxyHeader header;
  const std::string most = Binary(0x21, 0x11, kInet, 65535 - static_cast<int>(kInet.size()));
  EXPECT_EQ(CutProxyHeader(most, &header), ProxyOutcome::kNeedMore);
  EXPECT_EQ(CutProxyHeader(most + std::string(65535 - kInet.size(), 'x'), &header),
            ProxyOutcome::kDone);
  EXPECT_EQ(header.bytes, 65535u + 16);
}

}  // namespace
}  // namespace windlass
