#include "tests/scenario/http_get.h"

#include <poll.h>
#include <sys/socket.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/address.h"

namespace windlass {
namespace {

// To the end of the stream; nullopt: no end, or a reset.
std::optional<std::string> ReadAll(int fd, absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  std::string all;
  for (;;) {
    pollfd entry = {fd, POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(end - absl::Now());
    if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) <= 0) return std::nullopt;
    char chunk[16384];
    const ssize_t n = ::recv(fd, chunk, sizeof(chunk), 0);
    if (n < 0) return std::nullopt;
    if (n == 0) return all;
    all.append(chunk, static_cast<size_t>(n));
  }
}

}  // namespace

std::optional<Page> HttpGet(const std::string& address, absl::string_view path,
                            absl::string_view headers, absl::string_view method,
                            absl::Duration limit) {
  const absl::StatusOr<std::vector<SocketAddress>> to = ResolveConnectAddress(address);
  if (!to.ok()) return std::nullopt;
  const OwnedFd socket(::socket(to->front().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), to->front().get(), to->front().length) != 0) return std::nullopt;
  const std::string request = absl::StrCat(method, " ", path, " HTTP/1.1\r\n", headers, "\r\n");
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
  const std::optional<std::string> answer = ReadAll(socket.get(), limit);
  if (!answer) return std::nullopt;
  const size_t end = answer->find("\r\n\r\n");
  Page page;
  if (end == std::string::npos || answer->size() < 12 ||
      !absl::SimpleAtoi(answer->substr(9, 3), &page.status)) {
    return std::nullopt;
  }
  page.head = answer->substr(0, end + 2);
  page.content = answer->substr(end + 4);
  return page;
}

std::string Said(const std::string& address, absl::string_view path) {
  const std::optional<Page> page = HttpGet(address, path);
  if (!page) return "no answer";
  return absl::StrCat(page->status, " ", absl::StripSuffix(page->content, "\n"));
}

}  // namespace windlass
