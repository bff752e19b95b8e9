#include "master/control_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/pool_mark.h"
#include "tests/common/socket_pairs.h"

namespace windlass {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(5);  // the wheel's, rounded up

std::string Framed(absl::string_view message) {
  const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
  return absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&length), sizeof(length)),
                      message);
}

std::string StatusRequest() {
  proto::CtlRequest request;
  request.mutable_status();
  return Framed(request.SerializeAsString());
}

proto::CtlReply Progress(const std::string& line) {
  proto::CtlReply reply;
  reply.mutable_progress()->set_line(line);
  return reply;
}

proto::CtlReply Done(const std::string& message) {
  proto::CtlReply reply;
  reply.mutable_done()->set_ok(true);
  reply.mutable_done()->set_message(message);
  return reply;
}

// A person at the other end, whose socket never blocks.
class Operator {
 public:
  explicit Operator(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  bool connected() const { return connected_; }
  void Send(absl::string_view bytes) {
    ASSERT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void FinishSending() { ::shutdown(socket_.get(), SHUT_WR); }
  void FinishReading() { ::shutdown(socket_.get(), SHUT_RD); }
  void Leave() { socket_.Reset(); }

  // Takes what has come, at most `capacity` bytes of it.
  size_t Take(size_t capacity = 1 << 20) {
    std::string bytes(capacity, '\0');
    const ssize_t n = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) sees_end_ = true;
    if (n > 0) received_.append(bytes.data(), static_cast<size_t>(n));
    return n > 0 ? static_cast<size_t>(n) : 0;
  }
  bool sees_end() const { return sees_end_; }
  // The next whole reply of what was taken.
  std::optional<proto::CtlReply> Next() {
    uint32_t length = 0;
    if (received_.size() < sizeof(length)) return std::nullopt;
    std::memcpy(&length, received_.data(), sizeof(length));
    length = ntohl(length);
    if (received_.size() < sizeof(length) + length) return std::nullopt;
    proto::CtlReply reply;
    EXPECT_TRUE(reply.ParseFromString(received_.substr(sizeof(length), length)));
    received_.erase(0, sizeof(length) + length);
    return reply;
  }

 private:
  OwnedFd socket_;
  bool connected_ = false;
  bool sees_end_ = false;
  std::string received_;
};

class ControlServerTest : public testing::Test, public ControlCommands {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "control_server_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/control.sock";
    selector_ = *Selector::Create(SelectorKind::kEpoll);
    absl::StatusOr<std::unique_ptr<ControlServer>> server =
        ControlServer::Create(path_, selector_.get(), &timers_, this);
    ASSERT_EQ(server.status(), absl::OkStatus());
    server_ = *std::move(server);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void OnRequest(const proto::CtlRequest& request, ControlClientId client) override {
    requests_.push_back(request);
    clients_.push_back(client);
    on_request_(client);
  }
  void OnClientGone(ControlClientId client) override {
    gone_.push_back(client);
    on_gone_();
  }

  // Serves what is ready now; how much that was.
  size_t Turn() {
    const absl::StatusOr<absl::Span<const Ready>> ready = selector_->Select(0);
    EXPECT_EQ(ready.status(), absl::OkStatus());
    const std::vector<Ready> events(ready->begin(), ready->end());
    for (const Ready& event : events) {
      EXPECT_EQ(event.token.value >> 56, ControlServer::kTokenKind);
      server_->OnReady(event.token, event.events);
    }
    return events.size();
  }
  void Settle() {
    for (int turn = 0; Turn() > 0; ++turn) ASSERT_LT(turn, 10000) << "spins";
  }
  void Pass(absl::Duration time) {
    now_ = now_ + time;
    timers_.Advance(now_);
    Settle();
  }
  // Serves and takes until there is a reply, or nothing more comes.
  std::optional<proto::CtlReply> Receive(Operator* who) {
    for (;;) {
      const bool served = Turn() > 0;
      const bool took = who->Take() > 0;
      if (std::optional<proto::CtlReply> reply = who->Next()) return reply;
      if (!served && !took) return std::nullopt;
    }
  }
  // What went wrong, by the reply; "" when there is another reply or none.
  std::string Complaint(Operator* who) {
    const std::optional<proto::CtlReply> reply = Receive(who);
    if (!reply.has_value() || !reply->has_done() || reply->done().ok()) return "";
    return reply->done().message();
  }
  bool IsEnded(Operator* who) {
    Settle();
    while (who->Take() > 0) {
    }
    return who->sees_end();
  }
  ControlClientId Ask(Operator* who) {
    who->Send(StatusRequest());
    Settle();
    return clients_.empty() ? ControlClientId{} : clients_.back();
  }

  std::string directory_, path_;
  Instant now_{1'000'000'000};
  TimerWheel timers_{now_};
  std::unique_ptr<Selector> selector_;
  std::unique_ptr<ControlServer> server_;
  std::vector<proto::CtlRequest> requests_;
  std::vector<ControlClientId> clients_, gone_;
  std::function<void(ControlClientId)> on_request_ = [](ControlClientId) {};
  std::function<void()> on_gone_ = [] {};
};

TEST_F(ControlServerTest, ARequestIsAnsweredAndTheConnectionEnds) {
  Operator who(path_);
  proto::CtlRequest request;
  request.mutable_kill_job()->set_id(17);
  who.Send(Framed(request.SerializeAsString()));
  Settle();
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].kill_job().id(), 17u);
  server_->Send(clients_[0], Done("killed"));
  EXPECT_EQ(Receive(&who)->done().message(), "killed");
  EXPECT_TRUE(IsEnded(&who));
  EXPECT_TRUE(gone_.empty()) << "it was answered";
}

TEST_F(ControlServerTest, AReplyMayBeSentWhileTheRequestIsHandedOver) {
  on_request_ = [this](ControlClientId client) { server_->Send(client, Done("at once")); };
  Operator who(path_);
  who.Send(StatusRequest());
  EXPECT_EQ(Receive(&who)->done().message(), "at once");
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, AReplyIsSentWithoutAnotherTurn) {
  Operator who(path_);
  server_->Send(Ask(&who), Done("the last words of a master"));
  who.Take();
  EXPECT_EQ(who.Next()->done().message(), "the last words of a master");
}

TEST_F(ControlServerTest, ProgressComesInOrderBeforeTheLastReply) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  server_->Send(client, Progress("one"));
  server_->Send(client, Progress("two"));
  server_->Send(client, Done("three"));
  server_->Send(client, Done("too late"));
  EXPECT_EQ(Receive(&who)->progress().line(), "one");
  EXPECT_EQ(Receive(&who)->progress().line(), "two");
  EXPECT_EQ(Receive(&who)->done().message(), "three");
  EXPECT_FALSE(Receive(&who).has_value());
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, AReportIsALastReplyToo) {
  Operator who(path_);
  proto::CtlReply report;
  report.mutable_status();
  server_->Send(Ask(&who), report);
  EXPECT_TRUE(Receive(&who)->has_status());
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, ARequestMayComeByteByByte) {
  Operator who(path_);
  for (const char byte : StatusRequest()) {
    EXPECT_TRUE(requests_.empty());
    who.Send(absl::string_view(&byte, 1));
    Settle();
  }
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ControlServerTest, ARequestOfTheGreatestLengthIsTaken) {
  proto::CtlRequest request;
  request.mutable_log_level()->set_level(std::string(ControlDialogue::kMaxRequestBytes - 8, 'x'));
  ASSERT_EQ(request.ByteSizeLong(), ControlDialogue::kMaxRequestBytes);
  Operator who(path_);
  who.Send(Framed(request.SerializeAsString()));
  Settle();
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ControlServerTest, ClientsAreAnsweredEachWithItsOwn) {
  Operator first(path_);
  Operator second(path_);
  const ControlClientId first_id = Ask(&first);
  const ControlClientId second_id = Ask(&second);
  EXPECT_NE(first_id, second_id);
  server_->Send(second_id, Done("second"));
  server_->Send(first_id, Done("first"));
  EXPECT_EQ(Receive(&first)->done().message(), "first");
  EXPECT_EQ(Receive(&second)->done().message(), "second");
}

TEST_F(ControlServerTest, WhatFollowsARequestIsIgnored) {
  Operator who(path_);
  who.Send(StatusRequest() + StatusRequest());
  Settle();
  who.Send("more");
  Settle();
  EXPECT_EQ(requests_.size(), 1u);
  server_->Send(clients_[0], Done("once"));
  EXPECT_EQ(Receive(&who)->done().message(), "once");
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, WhatIsNoRequestIsRefusedAndNotHandedOver) {
  const std::pair<std::string, const char*> kCases[] = {
      {Framed("\xff\xff\xff"), "what came is no request"},
      {Framed(""), "unknown request (is windlassctl of another version than windlassd?)"},
      {Framed(absl::string_view("\xd2\x0f\x00", 3)),
       "unknown request (is windlassctl of another version than windlassd?)"},
      {std::string("\x00\x01\x00\x01", 4), "a request of 65537 bytes: more than 65536"},
      {"GET / HTTP/1.1\r\n\r\n", "a request of 1195725856 bytes: more than 65536"},
  };
  for (const auto& [bytes, complaint] : kCases) {
    Operator who(path_);
    who.Send(bytes);
    EXPECT_EQ(Complaint(&who), complaint);
    EXPECT_TRUE(IsEnded(&who)) << complaint;
  }
  EXPECT_TRUE(requests_.empty());
  EXPECT_TRUE(gone_.empty());
}

TEST_F(ControlServerTest, AClientThatGoesInTheMiddleOfItsRequestIsForgotten) {
  Operator closes(path_);
  Operator stops(path_);
  closes.Send(StatusRequest().substr(0, 5));
  stops.Send(StatusRequest().substr(0, 5));
  Settle();
  closes.Leave();
  stops.FinishSending();
  EXPECT_TRUE(IsEnded(&stops));
  EXPECT_TRUE(requests_.empty());
  EXPECT_TRUE(gone_.empty());
}

TEST_F(ControlServerTest, AClientThatDoesNotAskInTimeIsClosed) {
  Operator silent(path_);
  Operator dripping(path_);
  Settle();
  Pass(ControlServer::kRequestTimeout - absl::Seconds(1));
  dripping.Send(absl::string_view("\x00", 1));
  EXPECT_FALSE(IsEnded(&silent));
  EXPECT_FALSE(IsEnded(&dripping));
  Pass(absl::Seconds(1) + kTick);
  EXPECT_TRUE(IsEnded(&silent));
  EXPECT_TRUE(IsEnded(&dripping)) << "the time is for the whole request";
  EXPECT_TRUE(gone_.empty());
}

TEST_F(ControlServerTest, AClientMayWaitForItsReplyForAnyTime) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  Pass(absl::Hours(1));
  server_->Send(client, Progress("still at it"));
  Settle();
  Pass(absl::Hours(1));
  server_->Send(client, Done("done"));
  EXPECT_EQ(Receive(&who)->progress().line(), "still at it");
  EXPECT_EQ(Receive(&who)->done().message(), "done");
}

TEST_F(ControlServerTest, AClientThatGoesWhileItWaitsIsReportedOnce) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  who.Leave();
  Settle();
  Pass(kTick);
  EXPECT_EQ(gone_, std::vector<ControlClientId>{client});
  server_->Send(client, Done("to nobody"));
  EXPECT_EQ(Turn(), 0u);
  Pass(absl::Hours(1));
  EXPECT_EQ(gone_.size(), 1u);
}

TEST_F(ControlServerTest, AClientThatIsFoundGoneBySendingIsReportedAfterwards) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  who.Leave();
  bool sending = true;
  on_gone_ = [&sending] { EXPECT_FALSE(sending); };
  server_->Send(client, Progress("a"));
  server_->Send(client, Progress("b"));
  sending = false;
  EXPECT_TRUE(gone_.empty());
  Pass(kTick);
  EXPECT_EQ(gone_, std::vector<ControlClientId>{client});
}

TEST_F(ControlServerTest, AClientThatReadsNoMoreIsReported) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  who.FinishReading();
  server_->Send(client, Progress("a"));
  Pass(kTick);
  EXPECT_EQ(gone_, std::vector<ControlClientId>{client});
}

TEST_F(ControlServerTest, AClientThatIsGoneWhenItsLastReplyIsSentIsNotReported) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  who.Leave();
  server_->Send(client, Done("to nobody"));
  Pass(absl::Hours(1));
  EXPECT_TRUE(gone_.empty());
}

TEST_F(ControlServerTest, AClientThatSendsNoMoreStillGetsItsReply) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  who.FinishSending();
  Settle();
  EXPECT_EQ(Turn(), 0u) << "the end of its stream does not show again and again";
  server_->Send(client, Done("done"));
  EXPECT_EQ(Receive(&who)->done().message(), "done");
}

TEST_F(ControlServerTest, OthersMayBeAnsweredWhenAClientIsGone) {
  Operator leaves(path_);
  Operator stays(path_);
  Ask(&leaves);
  const ControlClientId other = Ask(&stays);
  on_gone_ = [&] { server_->Send(other, Done("now you")); };
  leaves.Leave();
  Settle();
  Pass(kTick);
  EXPECT_EQ(Receive(&stays)->done().message(), "now you");
}

TEST_F(ControlServerTest, ASlowReaderGetsALargeReplyWhole) {
  Operator who(path_);
  std::string large(8 << 20, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * i >> 7);
  server_->Send(Ask(&who), Done(large));
  std::optional<proto::CtlReply> reply;
  for (int sip = 0; !reply.has_value(); ++sip) {
    ASSERT_LT(sip, 1000);
    Pass(ControlServer::kTakeTimeout - absl::Seconds(1));
    who.Take(256 << 10);
    Settle();
    reply = who.Next();
  }
  EXPECT_TRUE(reply->done().message() == large);
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, AReaderThatStopsIsClosed) {
  Operator who(path_);
  server_->Send(Ask(&who), Done(std::string(8 << 20, 'x')));
  Settle();
  EXPECT_EQ(who.Take(1), 1u);
  Pass(ControlServer::kTakeTimeout + kTick);
  while (who.Take() > 0) {
  }
  EXPECT_TRUE(who.sees_end());
  EXPECT_FALSE(who.Next().has_value());
  EXPECT_TRUE(gone_.empty()) << "it was answered";
}

TEST_F(ControlServerTest, AWaitingClientThatTakesNoProgressIsReported) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  server_->Send(client, Progress(std::string(8 << 20, 'x')));
  Pass(ControlServer::kTakeTimeout + kTick);
  EXPECT_EQ(gone_, std::vector<ControlClientId>{client});
}

TEST_F(ControlServerTest, AReplyBeyondTheLimitIsReplacedByOneThatSaysSo) {
  Operator who(path_);
  server_->Send(Ask(&who), Done(std::string(ControlDialogue::kMaxOutputBytes, 'x')));
  EXPECT_EQ(Complaint(&who), "the reply is too long: 67108876 bytes");
  EXPECT_TRUE(IsEnded(&who));
}

TEST_F(ControlServerTest, ProgressBeyondTheLimitIsDropped) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  const std::string large(40 << 20, 'x');
  server_->Send(client, Progress(large));
  server_->Send(client, Progress(large));
  server_->Send(client, Done("done"));
  EXPECT_EQ(Receive(&who)->progress().line().size(), large.size());
  EXPECT_EQ(Receive(&who)->done().message(), "done");
}

TEST_F(ControlServerTest, TheSeventeenthClientWaitsForAPlace) {
  std::vector<Operator> sixteen;
  for (size_t i = 0; i < ControlServer::kMaxClients; ++i) {
    sixteen.emplace_back(path_);
    Ask(&sixteen.back());
  }
  Operator next(path_);
  EXPECT_TRUE(next.connected());
  next.Send(StatusRequest());
  Settle();
  EXPECT_EQ(requests_.size(), 16u);
  EXPECT_EQ(Turn(), 0u) << "who waits does not show again and again";
  server_->Send(clients_[3], Done("done"));
  EXPECT_EQ(Receive(&sixteen[3])->done().message(), "done");
  Settle();
  EXPECT_EQ(requests_.size(), 17u);
  sixteen[5].Leave();
  Operator last(path_);
  last.Send(StatusRequest());
  Settle();
  Pass(kTick);
  EXPECT_EQ(requests_.size(), 18u);
}

TEST_F(ControlServerTest, ManyThatAreRefusedAtOnceTakeNoPlace) {
  std::vector<Operator> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.emplace_back(path_);
    crowd.back().Send("nonsense");
    Settle();
  }
  for (Operator& who : crowd) EXPECT_TRUE(IsEnded(&who));
  Operator who(path_);
  Ask(&who);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ControlServerTest, ThoseWhoDidNotConnectTakeNobodysPlaceAndAreFew) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < ControlServer::kMaxAdopted; ++i) {
    pairs.push_back(SocketPair());
    EXPECT_NE(server_->AdoptClient(std::move(pairs.back().theirs)), ControlClientId{}) << i;
  }
  Pair late = SocketPair();
  EXPECT_EQ(server_->AdoptClient(std::move(late.theirs)), ControlClientId{});
  char byte;
  EXPECT_EQ(::recv(late.ours.get(), &byte, 1, 0), 0) << "it hears that it is refused";
  std::vector<std::unique_ptr<Operator>> operators;
  for (size_t i = 0; i < ControlServer::kMaxClients; ++i) {
    operators.push_back(std::make_unique<Operator>(path_));
    Ask(operators.back().get());
    EXPECT_EQ(clients_.size(), i + 1);
  }
  pairs.pop_back();  // gone without its answer: room for another one
  Settle();
  Pass(kTick);
  pairs.push_back(SocketPair());
  EXPECT_NE(server_->AdoptClient(std::move(pairs.back().theirs)), ControlClientId{});
}

TEST_F(ControlServerTest, WithoutDescriptorsClientsAreTriedAgainLater) {
  // Before that: a sanitizer that meets a type for the first time needs descriptors, too.
  Operator first(path_);
  Ask(&first);
  Operator who(path_);
  who.Send(StatusRequest());
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none = {0, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Settle();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(Turn(), 0u) << "who waits does not show again and again";
  EXPECT_EQ(requests_.size(), 1u);
  Pass(absl::Seconds(1) + kTick);
  EXPECT_EQ(requests_.size(), 2u);
}

TEST_F(ControlServerTest, AnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  // The user of a peer is that of the moment when it connects.
  ASSERT_EQ(::seteuid(65534), 0);
  Operator stranger(path_);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(stranger.connected());
  stranger.Send(StatusRequest());
  EXPECT_EQ(Complaint(&stranger), "permission denied");
  EXPECT_TRUE(IsEnded(&stranger));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ControlServerTest, AProcessOfAPoolIsRefusedAlthoughItIsTheSameUser) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!MarkAsPoolProcess().ok()) ::_exit(1);
    Operator handler(path_);
    handler.Send(StatusRequest());
    std::optional<proto::CtlReply> reply;
    ::alarm(20);  // its end, whatever comes
    while (!reply.has_value() && !handler.sees_end()) {
      handler.Take();
      reply = handler.Next();
    }
    ::_exit(reply.has_value() && reply->done().message() == "permission denied" ? 0 : 2);
  }
  int status = -1;
  while (::waitpid(child, &status, WNOHANG) == 0) Turn();
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ControlServerTest, AForkedChildThatDropsItDisturbsNothing) {
  Operator who(path_);
  const ControlClientId client = Ask(&who);
  const pid_t child = ::fork();
  if (child == 0) {
    server_.reset();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  Operator another(path_);
  Ask(&another);
  EXPECT_EQ(requests_.size(), 2u);
  server_->Send(client, Done("done"));
  EXPECT_EQ(Receive(&who)->done().message(), "done");
}

TEST_F(ControlServerTest, TheNextProgramServesThoseWhoWaited) {
  OwnedFd handed_over(::dup(server_->listening_fd()));
  Operator waiting(path_);
  waiting.Send(StatusRequest());
  server_->KeepFile();
  server_.reset();
  absl::StatusOr<std::unique_ptr<ControlServer>> next =
      ControlServer::Adopt(std::move(handed_over), path_, selector_.get(), &timers_, this);
  ASSERT_EQ(next.status(), absl::OkStatus());
  server_ = *std::move(next);
  EXPECT_EQ(server_->path(), path_);
  Settle();
  ASSERT_EQ(requests_.size(), 1u);
  server_->Send(clients_[0], Done("by the new one"));
  EXPECT_EQ(Receive(&waiting)->done().message(), "by the new one");
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_)) << "it is the new one's to remove";
}

TEST_F(ControlServerTest, ASecondServerIsRefused) {
  const absl::Status second =
      ControlServer::Create(path_, selector_.get(), &timers_, this).status();
  EXPECT_TRUE(absl::IsAlreadyExists(second)) << second;
  Operator who(path_);
  Ask(&who);
  EXPECT_EQ(requests_.size(), 1u) << "the first one is as it was";
}

}  // namespace
}  // namespace windlass
