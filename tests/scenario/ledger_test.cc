// The ledger itself: it is silent about a server that does its work, and notices one that does not.
#include "tests/scenario/ledger.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/server.h"

namespace windlass {
namespace {

void ExpectUntroubled(const Ledger& ledger) {
  EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u) << ledger.Report();
  EXPECT_EQ(ledger.sent(), ledger.answered() + ledger.refused()) << ledger.Report();
}

// --- A server that is left alone

TEST(ServerLeftAlone, AnswersEveryRequestOnceInOrderToTheByte) {
  const auto server = Server::StartUsual();
  Ledger ledger(
      {.message_address = server->address("message"), .line_address = server->address("line")});
  const absl::Time begin = absl::Now();
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() >= 20'000; }, absl::Seconds(60)));
  const double rate =
      static_cast<double>(ledger.answered()) / absl::ToDoubleSeconds(absl::Now() - begin);
  ledger.Stop();
  ExpectUntroubled(ledger);
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  RecordProperty("answers_per_second", std::to_string(rate));
}

TEST(ServerLeftAlone, RunsEveryRequestOnce) {
  const TemporaryFolder folder;
  const std::string sink = folder.Write("sink", "");
  ASSERT_EQ(::chmod(sink.c_str(), 0666), 0);  // pool processes run as nobody
  const auto server = Server::StartWithConfig(absl::StrCat(R"(
[workers]
count = 2
[pool]
processes = 2
[[handler]]
name = "append"
builtin = "append"
options = { file = ")",
                                                           sink, R"(" }
[[listener]]
address = "127.0.0.1:0"
protocol = "message"
[[listener]]
address = "127.0.0.1:0"
protocol = "line"
handler = "append"
)"));
  Ledger ledger({.message_address = server->address("message"),
                 .line_address = server->address("line"),
                 .handler = "append",
                 .only_small_payloads = true});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.answered() >= 20'000; }, absl::Seconds(60)));
  ledger.Stop();
  ExpectUntroubled(ledger);
  EXPECT_EQ(ledger.refused(), 0u) << ledger.Report();
  const ExecutionCheck check = Ledger::CheckExecutions(sink, ledger.AnsweredIds());
  EXPECT_EQ(check.records, ledger.sent());
  EXPECT_EQ(check.repeated, 0u) << check.examples;
  EXPECT_EQ(check.missing, 0u) << check.examples;
  EXPECT_EQ(check.torn, 0u) << check.examples;
}

// --- Servers that do not do their work

// A request as it came, and what an answer to it needs.
struct FakeRequest {
  std::string id, content;
};

// A server for one connection at a time, on loopback, with `serve` in the place of a job: it says
// what is sent for the n-th request (from 0, counted over all connections). "" is nothing; nullopt
// closes the connection.
class FakeServer {
 public:
  using Serve = std::function<std::optional<std::string>(int n, const FakeRequest& request)>;

  FakeServer(Protocol protocol, Serve serve) : protocol_(protocol), serve_(std::move(serve)) {
    listener_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  const std::string& address() const { return address_; }

 private:
  void Run() {
    for (;;) {
      const OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.valid()) return;
      std::string received;
      char chunk[4096];
      for (bool open = true; open;) {
        const ssize_t n = ::recv(socket.get(), chunk, sizeof(chunk), 0);
        if (n <= 0) break;
        received.append(chunk, static_cast<size_t>(n));
        while (std::optional<FakeRequest> request = Cut(&received)) {
          const std::optional<std::string> bytes = serve_(requests_++, *request);
          open = bytes && ::send(socket.get(), bytes->data(), bytes->size(), MSG_NOSIGNAL) >= 0;
          if (!open) break;
        }
      }
    }
  }

  std::optional<FakeRequest> Cut(std::string* received) const {
    if (protocol_ == Protocol::kLine) {
      const size_t end = received->find('\n');
      if (end == std::string::npos) return std::nullopt;
      FakeRequest request{"", received->substr(0, end)};
      received->erase(0, end + 1);
      return request;
    }
    // As the ledger writes them: request-id and content-length are the last keys.
    const size_t id = received->find(R"("request-id": ")"), end = received->find('}');
    if (end == std::string::npos) return std::nullopt;
    const size_t id_begin = id + 15, id_end = received->find('"', id_begin);
    size_t bytes = 0;
    EXPECT_TRUE(absl::SimpleAtoi(received->substr(id_end + 21, end - id_end - 21), &bytes));
    if (received->size() < end + 1 + bytes) return std::nullopt;
    FakeRequest request{received->substr(id_begin, id_end - id_begin),
                        received->substr(end + 1, bytes)};
    received->erase(0, end + 1 + bytes);
    return request;
  }

  const Protocol protocol_;
  const Serve serve_;
  OwnedFd listener_;
  std::string address_;
  int requests_ = 0;
  std::thread thread_;
};

class LedgerOf : public testing::TestWithParam<Protocol> {
 protected:
  static constexpr int kVictim = 57;  // the request that something happens to
  static constexpr size_t kDepth = 8;

  static Ledger::Options OptionsFor(const FakeServer& server) {
    Ledger::Options options;
    (GetParam() == Protocol::kLine ? options.line_address : options.message_address) =
        server.address();
    options.connections_per_protocol = 1;
    options.pipeline_depth = kDepth;
    options.finish_limit = absl::Seconds(1);
    return options;
  }

  // Has a ledger send at least 200 requests, and stops it.
  std::unique_ptr<Ledger> Run(FakeServer::Serve serve) {
    FakeServer server(GetParam(), std::move(serve));
    auto ledger = std::make_unique<Ledger>(OptionsFor(server));
    ledger->Start();
    EXPECT_TRUE(Eventually([&] { return ledger->sent() >= 200; })) << ledger->Report();
    ledger->Stop();
    EXPECT_EQ(ledger->in_flight(), 0u);
    EXPECT_EQ(ledger->sent(), ledger->answered() + ledger->refused() + ledger->wrong() +
                                  ledger->out_of_order() + ledger->lost());
    return ledger;
  }

  static std::string Answer(const FakeRequest& request, absl::string_view more = "") {
    if (GetParam() == Protocol::kLine) return request.content + "\n";
    return MessageRequest(request.content, "x/y", "binary",
                          absl::StrCat(R"(, "request-id": ")", request.id, "\"", more));
  }
};

TEST_P(LedgerOf, AServerThatDoesItsWorkHasNoTroubles) {
  ExpectUntroubled(*Run([](int, const FakeRequest& request) { return Answer(request); }));
}

TEST_P(LedgerOf, AServerThatAnswersTwiceHasADuplicate) {
  const auto ledger = Run([](int n, const FakeRequest& request) {
    return n == kVictim ? Answer(request) + Answer(request) : Answer(request);
  });
  EXPECT_EQ(ledger->duplicates(), 1u) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatSwapsTwoAnswersHasOneOutOfOrder) {
  std::string kept;
  const auto ledger = Run([&kept](int n, const FakeRequest& request) {
    if (n == kVictim) kept = Answer(request);
    if (n == kVictim) return std::string();
    return n == kVictim + 1 ? Answer(request) + kept : Answer(request);
  });
  EXPECT_EQ(ledger->out_of_order(), 1u) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatForgetsAnAnswerHasOneLost) {
  const auto ledger = Run([](int n, const FakeRequest& request) {
    return n == kVictim ? std::string() : Answer(request);
  });
  EXPECT_EQ(ledger->lost(), 1u) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatForgetsEveryAnswerFromOneOnHasThemLost) {
  FakeServer server(GetParam(), [](int n, const FakeRequest& request) {
    return n >= kVictim ? std::string() : Answer(request);
  });
  Ledger::Options options = OptionsFor(server);
  options.finish_limit = absl::Milliseconds(100);
  Ledger ledger(options);
  ledger.Start();
  EXPECT_TRUE(
      Eventually([&] { return ledger.answered() == kVictim && ledger.in_flight() == kDepth; }));
  ledger.Stop();
  EXPECT_EQ(ledger.lost(), kDepth) << ledger.Report();
  EXPECT_EQ(ledger.in_flight(), 0u);
}

TEST_P(LedgerOf, AServerThatClosesHasADroppedConnectionAndLostRequestsAndIsGoneOnWith) {
  const auto ledger = Run([](int n, const FakeRequest& request) {
    return n == kVictim ? std::nullopt : std::optional(Answer(request));
  });
  EXPECT_EQ(ledger->dropped_connections(), 1u) << ledger->Report();
  EXPECT_GE(ledger->lost(), 1u) << ledger->Report();
  EXPECT_LE(ledger->lost(), kDepth) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1 + ledger->lost()) << ledger->Report();
  EXPECT_GE(ledger->answered(), 100u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatChangesAByteHasAWrongAnswer) {
  const auto ledger = Run([](int n, const FakeRequest& request) {
    FakeRequest changed = request;
    if (n == kVictim) changed.content.back() ^= 1;
    return Answer(changed);
  });
  EXPECT_EQ(ledger->wrong(), 1u) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatAnswersWhatNobodyAskedHasAStranger) {
  const auto ledger = Run([](int n, const FakeRequest& request) {
    const FakeRequest another{"99-5", "99-5 0123456789abcdef x"};
    return n == kVictim ? Answer(another) + Answer(request) : Answer(request);
  });
  EXPECT_EQ(ledger->strangers(), 1u) << ledger->Report();
  EXPECT_EQ(ledger->troubles(), 1u) << ledger->Report();
}

TEST_P(LedgerOf, AServerThatAnswersTheLastRequestTwiceIsNoticedToo) {
  FakeServer server(GetParam(), [](int, const FakeRequest& request) {
    return Answer(request) + Answer(request);
  });
  Ledger ledger(OptionsFor(server));
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.sent() >= 100; }));
  ledger.Stop();
  EXPECT_EQ(ledger.duplicates(), ledger.sent()) << ledger.Report();
}

INSTANTIATE_TEST_SUITE_P(Protocols, LedgerOf, testing::Values(Protocol::kMessage, Protocol::kLine),
                         [](const auto& instance) {
                           return instance.param == Protocol::kLine ? "line" : "message";
                         });

TEST(Ledger, CountsRefusalsByTheirCode) {
  FakeServer server(Protocol::kMessage, [](int n, const FakeRequest& request) {
    const std::string more = absl::StrCat(R"(, "request-id": ")", request.id, "\"");
    const std::string status =
        n % 2 == 0 ? R"(, "status": "overloaded")" : R"(, "status": "deadline_exceeded")";
    return MessageRequest("{}", "text/json", "utf-8", n < 10 ? more + status : more);
  });
  Ledger ledger({.message_address = server.address(), .connections_per_protocol = 1});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.wrong() > 0; }));
  ledger.Stop();
  EXPECT_EQ(ledger.refused(), 10u);
  EXPECT_EQ(ledger.refused_by_code(),
            (std::map<std::string, uint64_t>{{"overloaded", 5}, {"deadline_exceeded", 5}}));
}

TEST(Ledger, CountsConnectionsThatCannotBeMade) {
  std::string address;
  { address = FakeServer(Protocol::kLine, nullptr).address(); }
  Ledger ledger({.line_address = address, .connections_per_protocol = 1});
  ledger.Start();
  EXPECT_TRUE(Eventually([&] { return ledger.failed_connects() >= 2; }));
  ledger.Stop();
  EXPECT_EQ(ledger.sent(), 0u);
  EXPECT_EQ(ledger.troubles(), ledger.failed_connects());
}

// --- The file that `append` writes

std::string Record(absl::string_view id) {
  std::mt19937_64 random(1);
  std::string record;
  AppendPayload(id, RandomPayload(PayloadSizes::kSmall, &random), &record);
  return record;
}

TEST(CheckExecutions, CountsWhatIsThereTwiceOrNotAtAllOrNotWhole) {
  const TemporaryFolder folder;
  const std::string torn = Record("1-3"), whole = Record("1-1") + "\n";
  const std::string file =
      folder.Write("sink", absl::StrCat(whole, Record("1-2"), "\n", whole, whole,
                                        torn.substr(0, torn.size() - 1), "\n"));
  const ExecutionCheck check = Ledger::CheckExecutions(file, {"1-1", "1-2", "1-3", "2-1"});
  EXPECT_EQ(check.records, 5u);
  EXPECT_EQ(check.repeated, 1u) << "ids, however often";
  EXPECT_EQ(check.torn, 1u);
  EXPECT_EQ(check.missing, 2u);
  for (const char* id : {"repeated 1-1", "torn 1-3", "missing 1-3", "missing 2-1"})
    EXPECT_TRUE(absl::StrContains(check.examples, id)) << check.examples;
}

}  // namespace
}  // namespace windlass
