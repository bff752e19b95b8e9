#include "worker/admin/pages.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/control.pb.h"
#include "worker/admin/dashboard.h"
#include "worker/io/exchange.h"

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr absl::Duration kTick = absl::Milliseconds(5);  // the wheel's, rounded up

PageAnswer Metrics(const proto::StatusReport& report, absl::string_view accept) {
  return {200, "text/plain", absl::StrCat("generation ", report.generation(), " as ", accept), ""};
}

// What clients have got, by the address of their exchange.
class HeardSink : public PageSink {
 public:
  struct Heard {
    int answers = 0, status = 0;
    std::string content, headers;
    bool is_stream = false, has_ended = false, takes_no_more = false;
  };
  void Answer(Exchange* exchange, const PageAnswer& answer) override {
    Heard& heard = of_[exchange];
    ++heard.answers;
    heard.status = answer.http_status;
    heard.content = answer.content;
    heard.headers = std::string(answer.extra_headers);
  }
  void BeginStream(Exchange* exchange, absl::string_view content_type, absl::string_view) override {
    EXPECT_EQ(content_type, "text/event-stream");
    of_[exchange].is_stream = true;
  }
  bool StreamChunk(Exchange* exchange, absl::string_view bytes) override {
    Heard& heard = of_[exchange];
    EXPECT_TRUE(heard.is_stream && !heard.has_ended);
    if (!heard.takes_no_more) absl::StrAppend(&heard.content, bytes);
    return !heard.takes_no_more;
  }
  void EndStream(Exchange* exchange) override {
    EXPECT_FALSE(of_[exchange].has_ended);
    of_[exchange].has_ended = true;
  }
  Heard& of(Exchange* exchange) { return of_[exchange]; }

 private:
  std::map<Exchange*, Heard> of_;
};

// The pages of an admin process, and the master at the other end of its control channel.
class PagesTest : public testing::Test, public TimerOwner {
 protected:
  Exchange* Ask(absl::string_view path, absl::string_view method = "GET",
                absl::string_view host = "127.0.0.1:9465", bool is_head = false) {
    clients_.push_back(std::make_unique<Exchange>(static_cast<TimerOwner*>(this)));
    pages_.OnPage({method, path, "", host, "text/plain", is_head}, clients_.back().get());
    return clients_.back().get();
  }
  HeardSink::Heard& Heard(Exchange* exchange) { return sink_.of(exchange); }

  struct Asked {
    proto::Report::Ask::What what = proto::Report::Ask::NOTHING;
    OwnedFd socket;
  };
  // What has been asked of the master since the last time.
  std::vector<Asked> Questions() {
    std::vector<Asked> all;
    proto::Report report;
    while (master_.Receive(&report) == ControlChannel::Outcome::kMessage) {
      EXPECT_EQ(master_.fds().size(), 1u);
      all.push_back({report.ask().what(), std::move(master_.fds()[0])});
    }
    return all;
  }
  static std::vector<proto::Report::Ask::What> KindsOf(const std::vector<Asked>& asked) {
    std::vector<proto::Report::Ask::What> kinds;
    for (const Asked& one : asked) kinds.push_back(one.what);
    return kinds;
  }
  static void SendTo(const Asked& asked, absl::string_view bytes) {
    EXPECT_EQ(::send(asked.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static std::string Framed(const proto::CtlReply& reply) {
    const std::string message = reply.SerializeAsString();
    const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + message;
  }
  // The master answers what it was asked; `number` is in the answer.
  void Reply(const Asked& asked, uint32_t number = 1) {
    proto::CtlReply reply;
    if (asked.what == proto::Report::Ask::VERSION) reply.mutable_version()->set_pid(1);
    if (asked.what == proto::Report::Ask::STATUS) {
      reply.mutable_status()->set_generation(number);
      reply.mutable_status()->set_state("serving");
    }
    if (asked.what == proto::Report::Ask::DEATHS) reply.mutable_deaths()->set_total(number);
    SendTo(asked, Framed(reply));
    Turn();
  }
  void ReplyToAll(uint32_t number = 1) {
    for (const Asked& asked : Questions()) Reply(asked, number);
  }
  void Turn() {
    const absl::Span<const Ready> all = *selector_->Select(0);
    for (const Ready& ready : all) pages_.OnReady(ready.token);
  }
  void Advance(absl::Duration by) {
    now_ = now_ + by;
    timers_.Advance(now_);
  }
  void OnTimer(Timer*, Instant) override { FAIL() << "an exchange has no deadline here"; }

  Instant now_ = MonotonicNow();
  PacketPair pair_ = *SeqPacketPair(1 << 16);
  ControlChannel control_{std::move(pair_.send_end)}, master_{std::move(pair_.receive_end)};
  std::unique_ptr<Selector> selector_ = *Selector::Create(SelectorKind::kEpoll);
  TimerWheel timers_{now_};
  HeardSink sink_;
  std::vector<std::unique_ptr<Exchange>> clients_;
  Pages pages_{{}, &control_, selector_.get(), &timers_, &sink_, &Metrics};
};

TEST_F(PagesTest, SayWhatTheMasterAnswers) {
  const std::map<std::string, std::string> said = {
      {"/healthz", "ok\n"},
      {"/readyz", "no worker is ready\n"},
      {"/metrics", "generation 7 as text/plain"},
  };
  for (const auto& [path, text] : said) {
    Exchange* const client = Ask(path);
    EXPECT_EQ(Heard(client).answers, 0) << path;
    ReplyToAll(7);
    EXPECT_EQ(Heard(client).answers, 1) << path;
    EXPECT_EQ(Heard(client).content, text);
    EXPECT_THAT(Heard(client).headers, StartsWith("Cache-Control: no-store\r\n"));
    Advance(Asker::kPace + kTick);
  }
  Exchange* const status = Ask("/status");
  ReplyToAll(7);
  EXPECT_THAT(Heard(status).content, HasSubstr("\"generation\": 7"));
  Exchange* const deaths = Ask("/deaths");
  ReplyToAll(7);
  EXPECT_THAT(Heard(deaths).content, HasSubstr("\"total\": 7"));
}

TEST_F(PagesTest, HealthAsksForLittle) {
  Ask("/healthz");
  EXPECT_THAT(KindsOf(Questions()), ElementsAre(proto::Report::Ask::VERSION));
}

TEST_F(PagesTest, OneQuestionOfAKindIsOutAndWhoComesMeanwhileHasTheNextAnswer) {
  Exchange* const first = Ask("/status");
  const std::vector<Asked> asked = Questions();
  ASSERT_EQ(asked.size(), 1u);
  Exchange* const second = Ask("/status");
  Exchange* const third = Ask("/readyz");
  EXPECT_THAT(Questions(), IsEmpty());
  Reply(asked[0], 1);
  EXPECT_EQ(Heard(first).answers, 1);
  EXPECT_EQ(Heard(second).answers, 0) << "that answer may be older than its question";
  Advance(Asker::kPace + kTick);
  ReplyToAll(2);
  EXPECT_THAT(Heard(second).content, HasSubstr("\"generation\": 2"));
  EXPECT_EQ(Heard(third).answers, 1);
  Advance(Asker::kPace + kTick);
  EXPECT_THAT(Questions(), IsEmpty()) << "nobody waits";
}

TEST_F(PagesTest, QuestionsKeepTheirPace) {
  Ask("/status");
  ReplyToAll();
  Exchange* const soon = Ask("/status");
  EXPECT_THAT(Questions(), IsEmpty());
  Advance(Asker::kPace + kTick);
  ReplyToAll();
  EXPECT_EQ(Heard(soon).answers, 1);
}

TEST_F(PagesTest, MasterThatDoesNotAnswerInASecondIsSaid) {
  Exchange* const client = Ask("/healthz");
  Advance(Asker::kPatience - kTick);
  EXPECT_EQ(Heard(client).answers, 0);
  Exchange* const later = Ask("/healthz");
  Advance(2 * kTick);
  EXPECT_EQ(Heard(client).status, 503);
  EXPECT_EQ(Heard(client).content, "the master does not answer\n");
  EXPECT_EQ(Heard(later).answers, 0);
  Advance(kTick);  // its question goes out
  Advance(Asker::kPatience + kTick);
  EXPECT_EQ(Heard(later).status, 503);
}

TEST_F(PagesTest, NonsenseAndTheWrongAnswerAreNoAnswer) {
  for (const bool is_other : {false, true}) {
    Exchange* const client = Ask("/status");
    const std::vector<Asked> asked = Questions();
    ASSERT_EQ(asked.size(), 1u);
    proto::CtlReply other;
    other.mutable_done()->set_ok(false);
    SendTo(asked[0], is_other ? Framed(other) : "\x7f\xff\xff\xff nonsense");
    Turn();
    EXPECT_EQ(Heard(client).status, 503);
    Advance(Asker::kPace + kTick);
  }
}

TEST_F(PagesTest, RefusedQuestionIsNoAnswer) {
  Exchange* const client = Ask("/status");
  Questions();  // whose sockets are closed
  Turn();
  EXPECT_EQ(Heard(client).status, 503);
}

TEST_F(PagesTest, FullControlChannelIsNoAnswerAndNeverFromWithinTheQuestion) {
  proto::Report report;
  report.mutable_ready();
  while (control_.Send(report) == PacketOutcome::kDone) {
  }
  Exchange* const client = Ask("/status");
  EXPECT_EQ(Heard(client).answers, 0);
  Advance(kTick);
  EXPECT_EQ(Heard(client).status, 503);
}

TEST_F(PagesTest, ClientThatHasGoneIsNotAnswered) {
  Exchange* const client = Ask("/status");
  pages_.OnPageGone(client);
  ReplyToAll();
  EXPECT_EQ(Heard(client).answers, 0);
}

TEST_F(PagesTest, OnlyGetAndOnlyWhatThereIs) {
  EXPECT_EQ(Heard(Ask("/status", "POST")).status, 405);
  EXPECT_THAT(Heard(Ask("/", "DELETE")).headers, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
  for (const char* path : {"/Status", "/status/", "//", "", "*", "/favicon.ico"}) {
    EXPECT_EQ(Heard(Ask(path)).status, 404) << path;
  }
  EXPECT_EQ(Heard(Ask("/nowhere", "POST")).status, 404);
  EXPECT_THAT(Questions(), IsEmpty());
}

TEST_F(PagesTest, StrangersNamesAreRefusedEverywhere) {
  for (const char* path : {"/", "/status", "/events", "/healthz", "/nowhere"}) {
    EXPECT_EQ(Heard(Ask(path, "GET", "evil.example")).status, 403) << path;
  }
  EXPECT_THAT(Questions(), IsEmpty());
}

TEST_F(PagesTest, DashboardRunsItsOwnScriptsOnly) {
  Exchange* const client = Ask("/");
  EXPECT_EQ(Heard(client).status, 200);
  EXPECT_TRUE(Heard(client).content == DashboardPage());
  EXPECT_THAT(Heard(client).headers, HasSubstr("script-src 'sha256-"));
  EXPECT_FALSE(absl::StrContains(Heard(client).headers, "unsafe"));
}

// --- Those who watch

TEST_F(PagesTest, WatchersHaveTheStatusEverySecondAndDeathsWhenTheyChange) {
  Exchange* const watcher = Ask("/events");
  EXPECT_TRUE(Heard(watcher).is_stream);
  ReplyToAll(1);
  EXPECT_THAT(Heard(watcher).content, HasSubstr("event: status\ndata: {\"version\": "));
  EXPECT_THAT(Heard(watcher).content, HasSubstr("event: deaths\ndata: {\"deaths\": "));
  EXPECT_THAT(Heard(watcher).content, EndsWith("}\n\n"));
  const auto heard_after_a_second = [&](uint32_t number) {
    Heard(watcher).content.clear();
    Advance(EventStreams::kEvery + kTick);
    ReplyToAll(number);
    return Heard(watcher).content;
  };
  EXPECT_THAT(heard_after_a_second(1), StartsWith("event: status\n"));
  EXPECT_FALSE(absl::StrContains(Heard(watcher).content, "event: deaths"));
  EXPECT_THAT(heard_after_a_second(2), HasSubstr("event: deaths\n"));
}

TEST_F(PagesTest, LaterWatcherHasTheDeathsAtOnce) {
  Ask("/events");
  ReplyToAll();
  Exchange* const later = Ask("/events");
  Advance(Asker::kPace + kTick);
  ReplyToAll();
  EXPECT_THAT(Heard(later).content, HasSubstr("event: deaths\n"));
}

TEST_F(PagesTest, WhoAsksForStatusCausesNoEvents) {
  Exchange* const watcher = Ask("/events");
  ReplyToAll();
  const std::string before = Heard(watcher).content;
  Advance(Asker::kPace + kTick);
  Ask("/status");
  ReplyToAll();
  EXPECT_EQ(Heard(watcher).content, before);
}

TEST_F(PagesTest, WatchersHaveACommentWhileTheMasterDoesNotAnswer) {
  Exchange* const watcher = Ask("/events");
  Advance(Asker::kPatience - kTick);
  Advance(2 * kTick);
  EXPECT_THAT(Heard(watcher).content, EndsWith("\n\n: the master does not answer\n\n"));
}

TEST_F(PagesTest, HeadOfTheEventsIsNoStream) {
  for (size_t i = 0; i <= EventStreams::kMost; ++i) {
    EXPECT_EQ(Heard(Ask("/events", "GET", "127.0.0.1:9465", /*is_head=*/true)).status, 200) << i;
  }
  EXPECT_THAT(Questions(), IsEmpty()) << "nobody watches";
}

TEST_F(PagesTest, NobodyIsAskedWhenNobodyWatches) {
  Exchange* const watcher = Ask("/events");
  ReplyToAll();
  pages_.OnPageGone(watcher);
  Advance(3 * EventStreams::kEvery);
  EXPECT_THAT(Questions(), IsEmpty());
}

TEST_F(PagesTest, WatchersAreLimitedAndMakeRoom) {
  std::vector<Exchange*> watchers;
  for (size_t i = 0; i < EventStreams::kMost; ++i) watchers.push_back(Ask("/events"));
  Exchange* const late = Ask("/events");
  EXPECT_EQ(Heard(late).status, 503);
  EXPECT_THAT(Heard(late).headers, HasSubstr("Retry-After: "));
  pages_.OnPageGone(watchers[3]);
  EXPECT_TRUE(Heard(Ask("/events")).is_stream);
}

TEST_F(PagesTest, WatcherThatTakesNothingIsLetGo) {
  Exchange* const slow = Ask("/events");
  Exchange* const other = Ask("/events");
  Heard(slow).takes_no_more = true;
  ReplyToAll();
  Advance(Asker::kPace + kTick);
  ReplyToAll();
  EXPECT_TRUE(Heard(slow).has_ended);
  EXPECT_FALSE(Heard(other).has_ended);
  EXPECT_THAT(Heard(other).content, HasSubstr("event: status"));
}

TEST_F(PagesTest, StreamsEndWithTheProcessAndAnswersDoNot) {
  Exchange* const watcher = Ask("/events");
  Exchange* const reader = Ask("/status");
  pages_.OnDrain();
  EXPECT_TRUE(Heard(watcher).has_ended);
  EXPECT_EQ(Heard(Ask("/events")).status, 503);
  ReplyToAll();
  Advance(Asker::kPace + kTick);
  ReplyToAll();
  EXPECT_EQ(Heard(reader).answers, 1);
}

}  // namespace
}  // namespace windlass
