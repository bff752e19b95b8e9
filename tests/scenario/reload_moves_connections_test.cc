// Connections move to the new workers at a reload, whatever their clients are in the middle of.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

std::string RandomBytes(size_t bytes, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string EchoRequest(absl::string_view content, absl::string_view more = "") {
  return MessageRequest(content, "x/y", "binary", absl::StrCat(R"(, "handler": "echo")", more));
}

// A request, and what must come back: for `message` the content of the answer, else the bytes.
struct Exchange {
  std::string protocol, request, answer;
};

std::string ReadBack(const Exchange& exchange, Client* client) {
  if (exchange.protocol != "message") return client->Read(exchange.answer.size());
  const std::optional<MessageAnswer> answer = client->ReadAnswer();
  if (!answer) return "no answer";
  EXPECT_EQ(answer->status, "");
  return answer->content;
}

// Not EXPECT_EQ: megabytes would go into the message.
void ExpectSame(const std::string& got, const std::string& wanted, const std::string& what) {
  EXPECT_TRUE(got == wanted) << what << ": " << got.size() << " bytes instead of " << wanted.size()
                             << ", the same up to "
                             << std::mismatch(got.begin(),
                                              got.begin() + static_cast<int64_t>(std::min(
                                                                got.size(), wanted.size())),
                                              wanted.begin())
                                        .first -
                                    got.begin();
}

std::vector<Exchange> Exchanges() {
  std::vector<Exchange> all = {{"message", SearchRequest("morpheus"), std::string(kRabbit)},
                               {"line", "a line of some length\n", "a line of some length\n"},
                               {"length", "00020\na body of some bytes", "a body of some bytes"}};
  for (const size_t bytes : {size_t{1000}, size_t{300} << 10, size_t{5} << 20}) {
    const std::string content = RandomBytes(bytes, bytes);
    all.push_back({"message", EchoRequest(content), content});
    all.push_back({"length", absl::StrCat(bytes, "\n", content), content});
  }
  return all;
}

// Where to tear a request: in its head, at its ends and in its middle.
std::vector<size_t> Cuts(const std::string& request) {
  return {
      0, 1, 2, std::min<size_t>(20, request.size() / 3), request.size() / 2, request.size() - 1};
}

TEST(ClientInTheMiddleOfARequest, GoesOnWithItAtTheNewWorker) {
  const auto server = Server::StartWithConfig(ConfigText());
  struct Torn {
    Exchange exchange;
    size_t cut;
    std::unique_ptr<Client> client;
  };
  std::vector<Torn> torn;
  for (const Exchange& exchange : Exchanges()) {
    for (const size_t cut : Cuts(exchange.request)) {
      torn.push_back({exchange, cut, std::make_unique<Client>(server->address(exchange.protocol))});
      ASSERT_TRUE(torn.back().client->Send(absl::string_view(exchange.request).substr(0, cut)));
    }
  }
  ASSERT_TRUE(ReadsEverything(*server));
  ASSERT_TRUE(Reload(*server));
  // Nobody has to send anything for the old processes to be gone.
  EXPECT_TRUE(OldGenerationsEnd(*server));
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("connections_moved"), torn.size());
  for (Torn& one : torn) {
    ASSERT_TRUE(one.client->Send(absl::string_view(one.exchange.request).substr(one.cut)));
    ExpectSame(ReadBack(one.exchange, one.client.get()), one.exchange.answer,
               absl::StrCat(one.exchange.protocol, " of ", one.exchange.request.size(), " cut at ",
                            one.cut));
    // And the connection is as good as any.
    ASSERT_TRUE(one.client->Send(one.exchange.request));
    ExpectSame(ReadBack(one.exchange, one.client.get()), one.exchange.answer, "the next request");
  }
}

TEST(RequestSentAcrossManyReloads, IsAnsweredToTheByte) {
  const auto server = Server::StartWithConfig(ConfigText());
  std::vector<Exchange> exchanges = Exchanges();
  std::vector<std::unique_ptr<Client>> clients;
  for (const Exchange& exchange : exchanges)
    clients.push_back(std::make_unique<Client>(server->address(exchange.protocol)));
  constexpr size_t kParts = 4;
  for (size_t part = 0; part < kParts; ++part) {
    for (size_t i = 0; i < exchanges.size(); ++i) {
      const std::string& request = exchanges[i].request;
      const size_t from = request.size() * part / kParts, to = request.size() * (part + 1) / kParts;
      ASSERT_TRUE(clients[i]->Send(absl::string_view(request).substr(from, to - from)));
    }
    if (part + 1 < kParts) {
      ASSERT_TRUE(Reload(*server));
    }
  }
  for (size_t i = 0; i < exchanges.size(); ++i) {
    ExpectSame(ReadBack(exchanges[i], clients[i].get()), exchanges[i].answer,
               absl::StrCat(exchanges[i].protocol, " of ", exchanges[i].request.size()));
  }
}

TEST(SlowReaderOfLargeAnswers, GetsTheRestFromTheNewWorker) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("message"));
  client.SetReceiveBuffer(16 << 10);
  const std::string content = RandomBytes(size_t{12} << 20);
  ASSERT_TRUE(client.Send(EchoRequest(content, R"(, "request-id": "large")") +
                          EchoRequest("small", R"(, "request-id": "small")")));
  const std::string first = client.Read(100'000);  // so the answer is on its way
  ASSERT_EQ(first.size(), 100'000u);
  ASSERT_TRUE(Reload(*server));
  // It has moved in the middle of its answer: the old generation does not wait for it.
  ASSERT_TRUE(OldGenerationsEnd(*server));
  const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(first[0])) << 8 |
                              static_cast<unsigned char>(first[1]);
  const size_t head = 2 + header_bytes;
  const std::string rest = client.Read(head + content.size() - first.size());
  ExpectSame(absl::StrCat(first.substr(head), rest), content, "answer");
  const std::optional<MessageAnswer> next = client.ReadAnswer();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->request_id, "small");
  EXPECT_EQ(next->content, "small");
}

TEST(SlowReaderOfLargeAnswers, MayMoveManyTimes) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("length"));
  client.SetReceiveBuffer(16 << 10);
  const std::string content = RandomBytes(size_t{12} << 20);
  ASSERT_TRUE(client.Send(absl::StrCat(content.size(), "\n", content, "4\nnext")));
  std::string got;
  for (int i = 0; i < 4; ++i) {
    got += client.Read(size_t{1} << 20);
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server));
  }
  got += client.Read(content.size() - got.size());
  ExpectSame(got, content, "answer");
  EXPECT_EQ(client.Read(4), "next");
}

TEST(SlowReaderOfAFile, GetsTheRestFromTheNewWorker) {
  TemporaryFolder folder;
  const std::string content = RandomBytes(size_t{24} << 20);
  folder.Write("large.bin", content);
  const auto server = Server::StartWithConfig(
      ConfigText({.handlers = HandlerText("file", absl::StrCat("root = \"", folder.path(), "\"")),
                  .listeners = ListenerText("length", "keepalive = true\nhandler = \"file\"") +
                               ListenerText("message", "handler = \"file\"")}));
  Client length(server->address("length")), message(server->address("message"));
  length.SetReceiveBuffer(16 << 10);
  message.SetReceiveBuffer(16 << 10);
  // Two of them are due at once.
  ASSERT_TRUE(length.Send("9\nlarge.bin9\nlarge.bin"));
  ASSERT_TRUE(message.Send(MessageRequest("large.bin", "x/y", "binary", R"(, "handler": "file")")));
  std::string got = length.Read(50'000);
  ASSERT_EQ(got.size(), 50'000u);
  const std::string length_bytes = message.Read(2);
  ASSERT_EQ(length_bytes.size(), 2u);
  const size_t header_bytes = static_cast<size_t>(static_cast<unsigned char>(length_bytes[0]))
                                  << 8 |
                              static_cast<unsigned char>(length_bytes[1]);
  ASSERT_EQ(message.Read(header_bytes).size(), header_bytes);
  ASSERT_TRUE(Reload(*server));
  ASSERT_TRUE(OldGenerationsEnd(*server));
  got += length.Read(content.size() - got.size());
  ExpectSame(got, content, "the first answer");
  ExpectSame(length.Read(content.size()), content, "the second answer");
  ExpectSame(message.Read(content.size()), content, "the answer to a message");
  ASSERT_TRUE(length.Send("9\nlarge.bin"));
  ExpectSame(length.Read(content.size()), content, "another answer");
}

TEST(HalfClosedClient, GetsTheAnswersThatAreDueAndThenTheEnd) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client busy(server->address("message")), slow(server->address("message"));
  slow.SetReceiveBuffer(16 << 10);
  const std::string content = RandomBytes(size_t{12} << 20);
  slow.Send(EchoRequest(content));
  slow.ShutdownWrite();
  ASSERT_EQ(slow.Read(2).size(), 2u);  // its answer is on its way
  busy.Send(BurnRequest(400) + BurnRequest(400) + SearchRequest("morpheus"));
  busy.ShutdownWrite();
  ASSERT_TRUE(RunsJobs(*server, 2));
  ASSERT_TRUE(Reload(*server));
  for (int i = 0; i < 2; ++i) {
    const std::optional<MessageAnswer> answer = busy.ReadAnswer();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->status, "");
  }
  const std::optional<MessageAnswer> last = busy.ReadAnswer();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->content, kRabbit);
  EXPECT_TRUE(busy.SeesEnd());
  EXPECT_TRUE(OldGenerationsEnd(*server));  // although the slow one has not read its answer
  const std::string rest = slow.ReadToEnd();
  ASSERT_GE(rest.size(), content.size());
  ExpectSame(rest.substr(rest.size() - content.size()), content, "the slow reader's answer");
}

TEST(PipelinedRequests, AreAnsweredAllAndInOrderWhenSomeRunAtTheReload) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("message"));
  // More than max_in_flight, so that some are not taken yet.
  constexpr int kRequests = 400;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) {
    const std::string id = absl::StrCat(R"(, "request-id": ")", i, "\"");
    requests += i % 10 == 0 ? BurnRequest(15, id) : SearchRequest("morpheus", id);
  }
  ASSERT_TRUE(client.Send(requests));
  int next = 0;
  const auto read_until = [&](int end) {
    for (; next < end; ++next) {
      const std::optional<MessageAnswer> answer = client.ReadAnswer();
      if (!answer) return ADD_FAILURE() << "no answer " << next;
      ASSERT_EQ(answer->request_id, absl::StrCat(next));
      ASSERT_EQ(answer->status, "") << next;
    }
  };
  for (const int at : {5, 130, 250}) {
    read_until(at);
    ASSERT_TRUE(Reload(*server));
  }
  read_until(kRequests);
  EXPECT_GE(ServerStatus::Of(*server).totals.at("connections_moved"), 1u);
}

TEST(IdleClients, StayThroughTwentyReloadsAndNoOldProcessDoes) {
  const auto server = Server::StartWithConfig(ConfigText());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(server->address("message")));
    clients.back()->Send(SearchRequest("morpheus"));
    ASSERT_TRUE(clients.back()->ReadAnswer());
  }
  const ServerStatus before = ServerStatus::Of(*server);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(Reload(*server));
    ASSERT_TRUE(OldGenerationsEnd(*server)) << "reload " << i;
  }
  const ServerStatus after = ServerStatus::Of(*server);
  EXPECT_EQ(after.generation, before.generation + 20);
  EXPECT_GE(after.totals.at("connections_moved"), 20u * clients.size());
  EXPECT_EQ(after.totals.at("connections"), clients.size());
  EXPECT_EQ(after.totals.at("accepted"), clients.size());
  EXPECT_EQ(after.totals.at("deaths"), 0u);
  for (const char* role : {"worker", "pool"}) {
    for (const pid_t pid : before.Pids(role)) EXPECT_FALSE(ProcessExists(pid)) << pid;
    EXPECT_EQ(server->Children(role), after.Pids(role));
  }
  for (auto& client : clients) {
    ASSERT_TRUE(client->Send(SearchRequest("morpheus")));
    const std::optional<MessageAnswer> answer = client->ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->content, kRabbit);
  }
}

TEST(EchoStream, GoesThroughReloadsUnchanged) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("echo"));
  const std::string stream = RandomBytes(size_t{24} << 20);
  std::thread sender([&] { client.Send(stream); });
  std::string got;
  for (int i = 0; i < 6; ++i) {
    got += client.Read(size_t{4} << 20);
    EXPECT_TRUE(Reload(*server));
  }
  got += client.Read(stream.size() - got.size());
  sender.join();
  ExpectSame(got, stream, "stream");
  client.ShutdownWrite();
  EXPECT_TRUE(client.SeesEnd());
}

TEST(EchoStream, WhoseClientDoesNotReadMovesWithWhatItIsOwed) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client client(server->address("echo"));
  client.SetReceiveBuffer(16 << 10);
  const std::string stream = RandomBytes(size_t{16} << 20);
  std::thread sender([&] { client.Send(stream); });
  // Until the server takes no more.
  EXPECT_TRUE(Eventually([&] {
    const ServerConnections seen = ServerConnections::Of(*server);
    return seen.connections.size() == 1 && seen.connections[0].state == "at-limit";
  }));
  EXPECT_TRUE(Reload(*server));
  EXPECT_TRUE(OldGenerationsEnd(*server));
  const std::string got = client.Read(stream.size());
  sender.join();
  ExpectSame(got, stream, "stream");
}

TEST(LinesAndLengths, KeepTheirPlaceInTheStreamOverReloads) {
  const auto server = Server::StartWithConfig(ConfigText());
  Client line(server->address("line")), length(server->address("length"));
  std::string lines, lengths, bodies;
  for (int i = 0; i < 3000; ++i) {
    const std::string body(static_cast<size_t>(i % 97), static_cast<char>('a' + i % 26));
    absl::StrAppend(&lines, i, " ", body, "\n");
    absl::StrAppend(&lengths, body.size(), i % 2 == 0 ? "\r\n" : "\n", body);
    bodies += body;
  }
  constexpr size_t kParts = 10;
  const auto part_of = [](const std::string& all, size_t part) {
    const size_t from = all.size() * part / kParts;
    return absl::string_view(all).substr(from, all.size() * (part + 1) / kParts - from);
  };
  for (size_t part = 0; part < kParts; ++part) {
    ASSERT_TRUE(line.Send(part_of(lines, part)));
    ASSERT_TRUE(length.Send(part_of(lengths, part)));
    if (part % 2 == 1) {
      ASSERT_TRUE(Reload(*server));
    }
  }
  ExpectSame(line.Read(lines.size()), lines, "lines");
  ExpectSame(length.Read(bodies.size()), bodies, "bodies");
}

}  // namespace
}  // namespace windlass
