// Content beyond what travels inside a packet: memfds, recycled buffers, budgets.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

constexpr absl::string_view kEcho = R"(, "handler": "echo")";

// Bytes that say where they belong: any piece of another payload is seen.
std::string Marked(uint32_t mark, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<char>(mark * 2654435761u + i / 64 * 40503u + i);
  return text;
}

TEST(PayloadOfAnySize, ComesBackFromThePoolAsItWas) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  for (size_t bytes :
       {size_t{0}, size_t{1}, size_t{1024}, size_t{1025}, size_t{32} << 10, (size_t{32} << 10) + 1,
        (size_t{64} << 10) - 64, (size_t{64} << 10) - 63, size_t{64} << 10, size_t{1} << 20,
        (size_t{5} << 20) + 7, size_t{64} << 20}) {
    const std::string content = Marked(static_cast<uint32_t>(bytes), bytes);
    ASSERT_TRUE(client.Send(MessageRequest(content, "x/y", "binary", kEcho)));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << bytes;
    EXPECT_EQ(answer->status, "") << answer->content.substr(0, 200);
    EXPECT_TRUE(answer->content == content) << bytes;
  }
}

TEST(LengthBodyOfAnySize, ComesBackInline) {
  const auto server = Server::StartUsual();
  for (size_t bytes : {size_t{32} << 10, (size_t{32} << 10) + 1, size_t{3} << 20}) {
    const std::string content = Marked(7, bytes);
    Client client(server->address("length"));
    ASSERT_TRUE(client.Send(absl::StrCat(bytes, "\n", content)));
    EXPECT_TRUE(client.ReadToEnd() == content) << bytes;
  }
}

TEST(LargeJsonContent, IsRoutedByThePool) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  for (size_t padding : {size_t{20'000}, size_t{200'000}}) {
    const std::string json = absl::StrCat(R"({"padding": ")", std::string(padding, 'p'),
                                          R"(", "action": "search", "value": "morpheus"})");
    client.Send(MessageRequest(json));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
    client.Send(MessageRequest(
        absl::StrCat(R"({"padding": ")", std::string(padding, 'p'), R"(", "action": "jump"})")));
    const std::optional<MessageAnswer> unknown = client.ReadAnswer();
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->content, R"({"result": "Error: invalid action 'jump'."})");
    EXPECT_EQ(unknown->status, "invalid_argument");
  }
}

// A slow reader's answer lies in memory that the pool would like to write again, while others'
// answers go through the same buffers all the time.
TEST(RecycledBuffer, NeverShowsInAnAnswerThatIsStillBeingSent) {
  // The slow one comes over a unix socket, whose buffers are small: most of its answers stay in the
  // server.
  TemporaryFolder folder;
  const std::string path = "unix:" + folder.path() + "/slow.sock";
  const auto server = Server::StartUsual({"--listen=message://" + path});
  constexpr size_t kBytes = 2 << 20;
  Client slow(path);
  std::thread sender([&] {
    for (uint32_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(slow.Send(MessageRequest(Marked(1000 + i, kBytes), "x/y", "binary", kEcho)));
    }
  });
  std::vector<std::thread> others;
  for (uint32_t c = 0; c < 2; ++c) {
    others.emplace_back([&, c] {
      Client client(server->address("message"));
      for (uint32_t i = 0; i < 30; ++i) {
        const std::string content = Marked(c * 100 + i, kBytes - i * 1000);
        ASSERT_TRUE(client.Send(MessageRequest(content, "x/y", "binary", kEcho)));
        const std::optional<MessageAnswer> answer = client.ReadAnswer();
        ASSERT_TRUE(answer);
        EXPECT_TRUE(answer->content == content) << c << " " << i;
      }
    });
  }
  for (std::thread& other : others) other.join();
  for (uint32_t i = 0; i < 4; ++i) {
    const std::optional<MessageAnswer> answer = slow.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    EXPECT_TRUE(answer->content == Marked(1000 + i, kBytes)) << i;
  }
  sender.join();
}

TEST(PayloadBudget, RefusesLargeContentBeyondItAndServesTheRest) {
  const auto server = Server::StartUsual({"--set=workers.payload_memory=\"4MiB\"", "--workers=2"});
  // Two clients hold most of the budget: they have sent most of their content.
  const std::string content = Marked(1, 2 << 20);
  const std::string request = MessageRequest(content, "x/y", "binary", kEcho);
  Client first(server->address("message")), second(server->address("message"));
  ASSERT_TRUE(first.Send(request.substr(0, request.size() - 1)));
  ASSERT_TRUE(second.Send(request.substr(0, request.size() - 1)));
  absl::SleepFor(absl::Milliseconds(200));
  Client third(server->address("message"));
  ASSERT_TRUE(third.Send(request + SearchRequest("morpheus")));
  const std::optional<MessageAnswer> refused = third.ReadAnswer();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, "overloaded");
  EXPECT_EQ(third.ReadAnswer()->content,
            kRabbit);  // the connection goes on behind the refused content
  for (Client* client : {&first, &second}) {
    ASSERT_TRUE(client->Send(request.substr(request.size() - 1)));
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->content == content);
  }
  // And the budget is free again.
  Client fourth(server->address("message"));
  ASSERT_TRUE(fourth.Send(request));
  EXPECT_TRUE(fourth.ReadAnswer()->content == content);
}

TEST(LargeJobOfAKilledPoolProcess, IsAnsweredAndItsBufferIsUsedAgain) {
  const auto server = Server::StartUsual({"--pool=1", "--workers=1"});
  Client client(server->address("message"));
  const std::string burn = absl::StrCat(R"({"padding": ")", std::string(100'000, 'p'),
                                        R"(", "action": "burn", "ms": 60000})");
  client.Send(MessageRequest(burn));
  const pid_t victim = server->Children("pool").at(0);
  ASSERT_TRUE(Eventually([&] { return CpuTime(victim) > absl::Milliseconds(80); }));
  ::kill(victim, SIGKILL);
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  const std::string content = Marked(3, 100'000);
  client.Send(MessageRequest(content, "x/y", "binary", kEcho));
  EXPECT_TRUE(client.ReadAnswer()->content == content);
}

}  // namespace
}  // namespace windlass
