#include "tests/scenario/client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "worker/framing/message_header.h"

namespace windlass {

std::string MessageAnswer::whole() const { return RawMessage(header, content); }

std::string RawMessage(absl::string_view header, absl::string_view content) {
  const char length[2] = {static_cast<char>(header.size() >> 8),
                          static_cast<char>(header.size() & 255)};
  return absl::StrCat(absl::string_view(length, 2), header, content);
}

std::string MessageRequest(absl::string_view content, absl::string_view type,
                           absl::string_view encoding, absl::string_view more) {
  return RawMessage(absl::StrCat(R"({"byteorder": "little", "content-type": ")", type,
                                 R"(", "content-encoding": ")", encoding,
                                 R"(", "content-length": )", content.size(), more, "}"),
                    content);
}

std::string SearchRequest(absl::string_view value, absl::string_view more) {
  return MessageRequest(absl::StrCat(R"({"action": "search", "value": ")", value, R"("})"),
                        "text/json", "utf-8", more);
}

std::string BurnRequest(int ms, absl::string_view more) {
  return MessageRequest(absl::StrCat(R"({"action": "burn", "ms": )", ms, "}"), "text/json", "utf-8",
                        more);
}

bool Serves(const std::string& message_address) {
  Client client(message_address);
  client.Send(SearchRequest("morpheus"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  return answer && answer->content == kRabbit;
}

Client::Client(const std::string& address) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = ResolveConnectAddress(address);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  if (!resolved.ok()) return;
  const SocketAddress& to = resolved->front();
  socket_.Reset(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket_.get(), to.get(), to.length), 0) << address << ": " << strerror(errno);
}

bool Client::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    pollfd writable = {fd(), POLLOUT, 0};
    if (::poll(&writable, 1, static_cast<int>(absl::ToInt64Milliseconds(kSoon))) <= 0) return false;
    const ssize_t n = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0 && errno != EAGAIN) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool Client::SendByteByByte(absl::string_view bytes) {
  for (const char& byte : bytes) {
    if (!Send(absl::string_view(&byte, 1))) return false;
  }
  return true;
}

void Client::ShutdownWrite() { ::shutdown(fd(), SHUT_WR); }

void Client::CloseWithReset() {
  const linger hard = {1, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  Close();
}

std::string Client::Read(size_t bytes, absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  while (received_.size() < bytes) {
    pollfd readable = {fd(), POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(end - absl::Now());
    if (left < 0 || ::poll(&readable, 1, static_cast<int>(left) + 1) <= 0) break;
    char chunk[64 << 10];
    const ssize_t n =
        ::recv(fd(), chunk, std::min(sizeof(chunk), bytes - received_.size()), MSG_DONTWAIT);
    if (n <= 0) break;
    received_.append(chunk, static_cast<size_t>(n));
  }
  const size_t count = std::min(bytes, received_.size());
  std::string taken = received_.substr(0, count);
  received_.erase(0, count);
  return taken;
}

std::string Client::ReadToEnd(absl::Duration limit) { return Read(size_t{1} << 40, limit); }

std::optional<MessageAnswer> Client::ReadAnswer(absl::Duration limit) {
  const std::string length = Read(2, limit);
  if (length.size() < 2) return std::nullopt;
  const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(length[0])) << 8 |
                              static_cast<unsigned char>(length[1]);
  MessageAnswer answer;
  answer.header = Read(header_bytes, limit);
  if (answer.header.size() < header_bytes) return std::nullopt;
  std::string padded = answer.header;
  padded.append(kInputPadding, '\0');
  MessageHeaderParser parser(MessageHeaderParser::Of::kAnswers);
  MessageHeader header;
  FrameError error;
  const CutOutcome outcome =
      parser.Parse(absl::string_view(padded.data(), header_bytes), &header, &error);
  EXPECT_EQ(outcome, CutOutcome::kRequest) << error.message << ": " << answer.header;
  if (outcome != CutOutcome::kRequest) return std::nullopt;
  answer.status = std::string(header.status);
  answer.request_id = std::string(header.request_id);
  answer.close = header.close;
  answer.content = Read(header.content_length, limit);
  if (answer.content.size() < header.content_length) return std::nullopt;
  return answer;
}

bool Client::SeesEnd(absl::Duration limit) {
  pollfd readable = {fd(), POLLIN, 0};
  if (::poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) <= 0) return false;
  char byte;
  return ::recv(fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) <= 0;
}

void Client::SetReceiveBuffer(int bytes) {
  ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

}  // namespace windlass
