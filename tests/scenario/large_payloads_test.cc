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
  const auto server = Server::StartUsual({"--set=workers.payload_memory=\"8MiB\"", "--workers=2"});
  // Two clients hold the half of the budget that is for requests: they have sent most of their
  // content.
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
  pid_t victim = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const pid_t before = victim;
    ASSERT_TRUE(Eventually([&] {
      const std::vector<pid_t> pool = server->Children("pool");
      victim = pool.empty() ? before : pool[0];
      return victim != before && CpuTime(victim) > absl::Milliseconds(80);
    }));
    ::kill(victim, SIGKILL);
  }
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "handler_crashed");
  const std::string content = Marked(3, 100'000);
  client.Send(MessageRequest(content, "x/y", "binary", kEcho));
  EXPECT_TRUE(client.ReadAnswer()->content == content);
}

// A worker dies with the answer to a large job unread in its channel. Its successor inherits the
// channel and throws the answer away; by then its memory holds another client's answer.
TEST(AnswerToADeadWorker, DoesNotFreeMemoryThatAnotherClientsAnswerLiesIn) {
  TemporaryFolder folder;
  const std::string path = "unix:" + folder.path() + "/slow.sock";
  const auto server = Server::StartUsual({"--pool=1", "--listen=message://" + path});
  constexpr size_t kBytes = 4 << 20;
  const auto request = [&](uint32_t mark) {
    return MessageRequest(Marked(mark, kBytes), "x/y", "binary", kEcho);
  };
  const std::string slow = path;
  const pid_t dying = server->Children("worker").at(0);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(std::make_unique<Client>(slow));
  for (auto& client : clients) {
    client->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(client->ReadAnswer());
  }
  // Which worker has which client: those of a stopped one get no answer.
  ::kill(dying, SIGSTOP);
  std::vector<Client*> of_dying, of_living;
  for (auto& client : clients) {
    client->Send(SearchRequest("morpheus"));
    const bool answered = client->ReadAnswer(absl::Milliseconds(200)).has_value();
    (answered ? of_living : of_dying).push_back(client.get());
  }
  ::kill(dying, SIGCONT);
  ASSERT_FALSE(of_dying.empty());
  ASSERT_GE(of_living.size(), 3u);
  ASSERT_TRUE(of_dying[0]->ReadAnswer());
  // The one pool process is busy while the doomed job is sent; its answer comes after the stop.
  of_living[2]->Send(BurnRequest(500));
  absl::SleepFor(absl::Milliseconds(50));
  ASSERT_TRUE(of_dying[0]->Send(request(1)));
  absl::SleepFor(absl::Milliseconds(150));
  ::kill(dying, SIGSTOP);
  ASSERT_TRUE(of_living[2]->ReadAnswer());
  absl::SleepFor(absl::Milliseconds(300));
  ::kill(dying, SIGKILL);
  absl::SleepFor(absl::Milliseconds(10));
  // The freed memory holds this answer, which its client does not read yet.
  ASSERT_TRUE(of_living[0]->Send(request(2)));
  ASSERT_TRUE(Eventually([&] { return server->Children("worker").size() == 2; }));
  absl::SleepFor(absl::Milliseconds(300));
  ASSERT_TRUE(of_living[1]->Send(request(3)));
  absl::SleepFor(absl::Milliseconds(200));
  const std::optional<MessageAnswer> second = of_living[0]->ReadAnswer();
  const std::optional<MessageAnswer> third = of_living[1]->ReadAnswer();
  ASSERT_TRUE(second && third);
  EXPECT_TRUE(second->content == Marked(2, kBytes));
  EXPECT_TRUE(third->content == Marked(3, kBytes));
}

TEST(LargeAnswersThatNobodyReads, StayWithinThePayloadBudget) {
  TemporaryFolder folder;
  const std::string path = "unix:" + folder.path() + "/slow.sock";
  const auto server =
      Server::StartUsual({"--set=workers.payload_memory=\"16MiB\"", "--listen=message://" + path});
  std::vector<std::unique_ptr<Client>> greedy;
  const std::string request = MessageRequest(Marked(1, 6 << 20), "x/y", "binary", kEcho);
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(std::make_unique<Client>(path));
    ASSERT_TRUE(greedy.back()->Send(request));
  }
  int answered = 0, refused = 0;
  for (auto& client : greedy) {
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    if (answer->status.empty()) ++answered;
    if (answer->status == "overloaded") ++refused;
  }
  EXPECT_EQ(answered + refused, 4);
  EXPECT_GE(answered, 1);
  EXPECT_GE(refused, 1) << "four answers of 6 MiB do not fit into 16 MiB";
  EXPECT_TRUE(Serves(server->address("message")));
}

TEST(LongLineUnderMemoryPressure, KeepsItsFirstByte) {
  TemporaryFolder folder;
  const std::string config =
      folder.Write("c.toml",
                   "[workers]\npayload_memory = \"2MiB\"\n"
                   "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"line\"\n"
                   "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"message\"\n");
  const auto server = Server::Start({"--config", config, "--workers=1", "--pool=1"});
  const std::string hog_request =
      MessageRequest(std::string(1'000'000, 'h'), "x/y", "binary", kEcho);
  Client hog(server->address("message"));
  ASSERT_TRUE(hog.Send(hog_request.substr(0, hog_request.size() - 1)));
  absl::SleepFor(absl::Milliseconds(100));
  std::string line = "0123";
  line.append(50'000, 'l');
  line += "END\n";
  Client client(server->address("line"));
  ASSERT_TRUE(client.Send(line + "next\n"));
  absl::SleepFor(absl::Milliseconds(200));
  ASSERT_TRUE(hog.Send(hog_request.substr(hog_request.size() - 1)));
  ASSERT_TRUE(hog.ReadAnswer());
  const std::string expected = line + "next\n";
  EXPECT_TRUE(client.Read(expected.size()) == expected);
}

}  // namespace
}  // namespace windlass
