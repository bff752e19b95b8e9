// Clients as others write them, and clients that misbehave quietly.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

std::string ListenerConfig(absl::string_view protocol, absl::string_view more) {
  return absl::StrCat("[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"", protocol, "\"\n",
                      more, "\n");
}

std::unique_ptr<Server> StartWith(const TemporaryFolder& folder, const std::string& config,
                                  std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"--config", folder.Write("c.toml", config), "--workers=1",
                                        "--pool=1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return Server::Start(arguments);
}

TEST(HalfClosedClient, StillGetsItsAnswers) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(BurnRequest(50) + SearchRequest("morpheus"));
  client.ShutdownWrite();
  ASSERT_TRUE(client.ReadAnswer());
  const std::optional<MessageAnswer> second = client.ReadAnswer();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->content, kRabbit);
  EXPECT_TRUE(client.SeesEnd());
}

TEST(HalfClosedClient, CountsAsGoneWhereTheListenerSaysSo) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "half_close = \"cancel\""));
  Client client(server->address("message"));
  client.Send(BurnRequest(60'000));
  ASSERT_TRUE(
      Eventually([&] { return CpuTime(server->Children("pool")[0]) > absl::Milliseconds(100); }));
  client.ShutdownWrite();
  EXPECT_TRUE(client.SeesEnd());
  EXPECT_TRUE(Serves(
      server->address("message")));  // the one pool process is free again: the job was cancelled
}

TEST(GoneClient, CostsThePoolNothingMore) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", ""));
  {
    Client client(server->address("message"));
    std::string requests;
    for (int i = 0; i < 20; ++i) requests += BurnRequest(60'000);
    client.Send(requests);
    ASSERT_TRUE(
        Eventually([&] { return CpuTime(server->Children("pool")[0]) > absl::Milliseconds(100); }));
    client.CloseWithReset();
  }
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_FALSE(server->LogHas("was killed"));
}

TEST(Netcat, IsServed) {
  const auto server = Server::StartUsual();
  const std::string address = server->address("line");
  const std::string port = address.substr(address.rfind(':') + 1);
  const ProgramResult result = RunProgram({"/usr/bin/nc", "-N", "127.0.0.1", port}, "one\ntwo\n");
  EXPECT_EQ(result.out, "one\ntwo\n");
  const std::string length = server->address("length");
  EXPECT_EQ(
      RunProgram({"/usr/bin/nc", "-N", "127.0.0.1", length.substr(length.rfind(':') + 1)}, "3\nabc")
          .out,
      "abc");
}

TEST(ClientThatNeverReads, CostsBoundedMemoryAndNobodyElseAnything) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("echo", "") + ListenerConfig("message", ""));
  Client greedy(server->address("echo"));
  greedy.SetReceiveBuffer(4096);
  // Far more than the socket buffers and the bound together: at some point the server must stop
  // taking.
  const std::string chunk(1 << 20, 'g');
  size_t taken = 0;
  for (int i = 0; i < 64; ++i) {
    const ssize_t n = ::send(greedy.fd(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) taken += static_cast<size_t>(n);
    if (n < 0) absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_LT(taken, size_t{32} << 20);
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(ClientThatNeverReads, IsClosedAfterItsWriteTimeout) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "write_timeout = \"300ms\""));
  Client client(server->address("message"));
  client.SetReceiveBuffer(4096);
  const std::string big =
      MessageRequest(std::string(8 << 20, 'b'), "x/y", "binary", R"(, "handler": "echo")");
  ASSERT_TRUE(client.Send(big));
  // Not reading: only a peek at whether the stream has ended would see it, so look at the server's
  // side.
  ASSERT_TRUE(Eventually([&] {
    char byte;
    return ::send(client.fd(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
           (byte = 0) == 0;
  }));
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(SlowSender, IsClosedAfterItsFrameTimeout) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "frame_timeout = \"200ms\""));
  for (const std::string& part :
       {std::string("\0", 1), SearchRequest("x").substr(0, 40),
        MessageRequest(std::string(100'000, 'p'), "x/y", "binary").substr(0, 50'000)}) {
    Client client(server->address("message"));
    client.Send(part);
    EXPECT_TRUE(client.SeesEnd());
  }
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(SilentClient, IsClosedAfterItsIdleTimeoutAndNotBefore) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "idle_timeout = \"400ms\""));
  Client client(server->address("message"));
  for (int i = 0; i < 4; ++i) {  // active for longer than the timeout
    absl::SleepFor(absl::Milliseconds(150));
    client.Send(SearchRequest("morpheus"));
    ASSERT_TRUE(client.ReadAnswer()) << i;
  }
  EXPECT_TRUE(client.SeesEnd());
}

TEST(ClientThatAsksToClose, GetsItsAnswerWithConnectionCloseAndThenTheEnd) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(SearchRequest("morpheus", R"(, "connection": "close")") + SearchRequest("ring"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->close);
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST(ListenerWithoutKeepalive, ClosesAfterOneAnswerAndSaysSo) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "keepalive = false"));
  Client client(server->address("message"));
  client.Send(SearchRequest("morpheus"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->close);
  EXPECT_TRUE(client.SeesEnd());
}

TEST(LengthListenerWithKeepalive, ServesOneMessageAfterTheOther) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("length", "keepalive = true"));
  Client client(server->address("length"));
  client.Send("3\nabc0\n5\r\nhello");
  EXPECT_EQ(client.Read(8), "abchello");
}

TEST(LineListenerWithAPoolHandler, AnswersEachLineInOrder) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("line", "handler = \"binary\""));
  Client client(server->address("line"));
  client.Send("abc\n0123456789xyz\n");
  const std::string expected =
      "First 10 bytes of request: abc\nFirst 10 bytes of request: 0123456789\n";
  EXPECT_EQ(client.Read(expected.size()), expected);
}

TEST(LengthListenerWithAFileHandler, StreamsFilesAndNeverLeavesItsRoot) {
  TemporaryFolder folder;
  std::string big;
  for (int i = 0; i < 3'000'000; ++i) big.push_back(static_cast<char>(i * 7 + i / 4096));
  folder.Write("big.bin", big);
  folder.Write("empty", "");
  const std::string config =
      absl::StrCat(ListenerConfig("length", "handler = \"files\"\nkeepalive = true"),
                   ListenerConfig("message", ""),
                   "[[handler]]\nname = \"files\"\nbuiltin = \"file\"\noptions = { root = \"",
                   folder.path(), "\" }\n");
  const auto server = StartWith(folder, config);
  Client client(server->address("length"));
  client.Send("7\nbig.bin5\nempty7\nbig.bin");
  EXPECT_EQ(client.Read(2 * big.size()), big + big);
  Client outside(server->address("message"));
  outside.Send(MessageRequest("../../etc/passwd", "x/y", "binary", R"(, "handler": "files")"));
  const std::optional<MessageAnswer> answer = outside.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "not_found");
}

TEST(OtherCharsets, OfJsonContentAreUnderstood) {
  const auto server = Server::StartUsual();
  const std::string ascii = R"({"action": "search", "value": "morpheus"})";
  std::string little, big;
  for (char c : ascii) {
    little.append({c, '\0'});
    big.append({'\0', c});
  }
  Client client(server->address("message"));
  client.Send(MessageRequest(little, "text/json", "utf-16"));
  client.Send(RawMessage(
      absl::StrCat(
          R"({"byteorder": "big", "content-type": "text/json", "content-encoding": "utf-16", )",
          R"("content-length": )", big.size(), "}"),
      big));
  client.Send(MessageRequest(ascii, "text/json", "ISO-8859-1"));
  for (int i = 0; i < 3; ++i) {
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->content, kRabbit) << i;
  }
}

TEST(LineListenerWithAJsonHandler, TakesLinesAsUtf8) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("line", "handler = \"search\""));
  Client client(server->address("line"));
  client.Send("{\"action\": \"search\", \"value\": \"morpheus\"}\n");
  EXPECT_EQ(client.Read(kRabbit.size() + 1), absl::StrCat(kRabbit, "\n"));
}

TEST(ClientThatSendsMoreAfterItsLastRequest, StillGetsTheWholeAnswer) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", ""));
  const std::string content(1 << 20, 'c');
  for (size_t extra : {size_t{2000}, size_t{20'000}}) {
    Client client(server->address("message"));
    client.SetReceiveBuffer(32 << 10);
    ASSERT_TRUE(client.Send(
        MessageRequest(content, "x/y", "binary", R"(, "handler": "echo", "connection": "close")") +
        std::string(extra, 'x')));
    client.ShutdownWrite();
    absl::SleepFor(absl::Milliseconds(300));  // the server has shut its side by now
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->content == content);
  }
}

TEST(SlowSenderOfRefusedContent, IsClosedAfterItsFrameTimeout) {
  TemporaryFolder folder;
  const auto server = StartWith(folder, ListenerConfig("message", "frame_timeout = \"200ms\""));
  Client client(server->address("message"));
  client.Send(RawMessage(
      R"({"content-type": "a", "content-encoding": "b", "content-length": 1000})", "part"));
  ASSERT_TRUE(client.ReadAnswer());
  EXPECT_TRUE(client.SeesEnd());
}

}  // namespace
}  // namespace windlass
