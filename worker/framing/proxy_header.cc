#include "worker/framing/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/address.h"

namespace windlass {
namespace {

constexpr absl::string_view kText = "PROXY ";
constexpr absl::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kMostTextBytes = 107;  // with CR LF
constexpr size_t kBinaryHeadBytes = 16;

// Family and protocol of version 2 (section 2.2); protocol is 1 for streams, 2 for datagrams.
constexpr uint8_t kInet = 1, kInet6 = 2;
constexpr size_t kInetBytes = 12, kInet6Bytes = 36;

template <typename Address>
std::string Format(const Address& inet) {
  SocketAddress address;
  std::memcpy(&address.storage, &inet, sizeof(inet));
  address.length = sizeof(inet);
  return FormatSocketAddress(address);
}
// Host and port are in network byte order.
std::string Format(const in_addr& host, uint16_t port) {
  return Format(sockaddr_in{AF_INET, port, host, {}});
}
std::string Format(const in6_addr& host, uint16_t port) {
  return Format(sockaddr_in6{AF_INET6, port, 0, host, 0});
}

bool ParsePort(const std::string& text, uint16_t* port) {
  uint32_t number = 0;
  const bool is_plain =
      !text.empty() && (text == "0" || text[0] != '0') &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_plain || !absl::SimpleAtoi(text, &number) || number > 65535) return false;
  *port = htons(static_cast<uint16_t>(number));
  return true;
}

// "TCP4 SOURCE DESTINATION PORT PORT", or "UNKNOWN" and anything.
bool ParseText(absl::string_view line, std::string* peer) {
  if (line == "UNKNOWN" || absl::StartsWith(line, "UNKNOWN ")) return true;
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  uint16_t port = 0, ours = 0;
  if (words.size() != 5 || !ParsePort(words[3], &port) || !ParsePort(words[4], &ours)) return false;
  if (words[0] == "TCP4") {
    in_addr source, destination;
    if (::inet_pton(AF_INET, words[1].c_str(), &source) != 1 ||
        ::inet_pton(AF_INET, words[2].c_str(), &destination) != 1) {
      return false;
    }
    *peer = Format(source, port);
    return true;
  }
  in6_addr source, destination;
  if (words[0] != "TCP6" || ::inet_pton(AF_INET6, words[1].c_str(), &source) != 1 ||
      ::inet_pton(AF_INET6, words[2].c_str(), &destination) != 1) {
    return false;
  }
  *peer = Format(source, port);
  return true;
}

ProxyOutcome CutText(absl::string_view input, ProxyHeader* header) {
  const size_t end = input.substr(0, kMostTextBytes).find("\r\n");
  if (end == absl::string_view::npos) {
    return input.size() < kMostTextBytes ? ProxyOutcome::kNeedMore : ProxyOutcome::kBad;
  }
  header->bytes = end + 2;
  const absl::string_view line = input.substr(kText.size(), end - kText.size());
  return ParseText(line, &header->peer) ? ProxyOutcome::kDone : ProxyOutcome::kBad;
}

ProxyOutcome CutBinary(absl::string_view input, ProxyHeader* header) {
  if (input.size() < kBinaryHeadBytes) return ProxyOutcome::kNeedMore;
  const auto byte = [input](size_t at) { return static_cast<uint8_t>(input[at]); };
  constexpr uint8_t kLocal = 0x20, kProxy = 0x21;
  if (byte(12) != kLocal && byte(12) != kProxy) return ProxyOutcome::kBad;
  const size_t length = size_t{byte(14)} << 8 | byte(15);
  const uint8_t family = byte(13) >> 4;
  if (byte(12) == kProxy &&
      ((family == kInet && length < kInetBytes) || (family == kInet6 && length < kInet6Bytes))) {
    return ProxyOutcome::kBad;
  }
  header->bytes = kBinaryHeadBytes + length;
  if (input.size() < header->bytes) return ProxyOutcome::kNeedMore;
  if (byte(12) == kLocal) return ProxyOutcome::kDone;
  // Source, destination, source port, destination port.
  const char* const addresses = input.data() + kBinaryHeadBytes;
  uint16_t port = 0;
  if (family == kInet) {
    in_addr source;
    std::memcpy(&source, addresses, sizeof(source));
    std::memcpy(&port, addresses + 2 * sizeof(source), sizeof(port));
    header->peer = Format(source, port);
  } else if (family == kInet6) {
    in6_addr source;
    std::memcpy(&source, addresses, sizeof(source));
    std::memcpy(&port, addresses + 2 * sizeof(source), sizeof(port));
    header->peer = Format(source, port);
  }
  return ProxyOutcome::kDone;
}

bool IsBeginningOf(absl::string_view signature, absl::string_view input) {
  return signature.substr(0, input.size()) == input.substr(0, signature.size());
}

}  // namespace

ProxyOutcome CutProxyHeader(absl::string_view input, ProxyHeader* header) {
  *header = ProxyHeader();
  if (IsBeginningOf(kText, input)) {
    return input.size() < kText.size() ? ProxyOutcome::kNeedMore : CutText(input, header);
  }
  if (IsBeginningOf(kBinary, input)) {
    return input.size() < kBinary.size() ? ProxyOutcome::kNeedMore : CutBinary(input, header);
  }
  return ProxyOutcome::kBad;
}

}  // namespace windlass
