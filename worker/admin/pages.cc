#include "worker/admin/pages.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/report/list_json.h"
#include "common/report/printable_text.h"
#include "common/report/status_json.h"
#include "worker/admin/dashboard.h"
#include "worker/admin/readiness.h"

namespace windlass {
namespace {

constexpr absl::string_view kPlainText = "text/plain; charset=utf-8";
constexpr absl::string_view kJson = "application/json";
// No cache keeps what is only true now, and no other site's page gets hold of it.
constexpr absl::string_view kAlways =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";
constexpr absl::string_view kThePages =
    "no such page; there are / /healthz /readyz /status /deaths /events /metrics";
constexpr absl::string_view kNoAnswer = "the master does not answer";

}  // namespace

struct Pages::Known {
  absl::string_view path;
  Page page;
  Question question;
};

const Pages::Known* Pages::FindPage(absl::string_view path) {
  static constexpr std::array<Known, 5> kKnown = {{
      // The lightest question: whether its loop turns.
      {"/healthz", Page::kHealth, Question::kVersion},
      {"/readyz", Page::kReady, Question::kStatus},
      {"/status", Page::kStatus, Question::kStatus},
      {"/deaths", Page::kDeaths, Question::kDeaths},
      {"/metrics", Page::kMetrics, Question::kStatus},
  }};
  const auto* const found = std::find_if(kKnown.begin(), kKnown.end(),
                                         [=](const Known& one) { return one.path == path; });
  return found == kKnown.end() ? nullptr : found;
}

Pages::Pages(const AdminConfig& config, ControlChannel* control, Selector* selector,
             TimerWheel* timers, PageSink* sink, MetricsPage metrics)
    : timers_(timers),
      sink_(sink),
      metrics_(std::move(metrics)),
      hosts_(config),
      asker_(control, selector, timers, this),
      streams_(&asker_, timers, sink) {}

void Pages::OnPage(const PageRequest& request, Exchange* exchange) {
  if (!hosts_.Knows(request.host)) {
    LOG_LIMITED(WARNING, unknown_host_log_, timers_->now())
        << "admin pages asked for under the name " << PrintableLine(request.host)
        << ", which is not in admin.hosts: refused";
    return AnswerText(exchange, 403, "this server does not go by that name: see admin.hosts");
  }
  const bool is_dashboard = request.path == "/";
  const bool is_stream = request.path == "/events";
  const Known* const known = FindPage(request.path);
  const bool is_missing = known != nullptr && known->page == Page::kMetrics && metrics_ == nullptr;
  if (is_missing || (known == nullptr && !is_dashboard && !is_stream)) {
    return AnswerText(exchange, 404, kThePages);
  }
  if (request.method != "GET") {
    return AnswerText(exchange, 405, "these pages can only be read",
                      absl::StrCat("Allow: ", kPageMethods, "\r\n"));
  }
  if (is_dashboard) {
    const std::string headers = absl::StrCat(kAlways, DashboardHeaders());
    return sink_->Answer(exchange,
                         {200, "text/html; charset=utf-8", std::string(DashboardPage()), headers});
  }
  if (is_stream && request.is_head) {
    return sink_->Answer(exchange, {200, "text/event-stream", "", kAlways});
  }
  if (is_stream) return Watch(exchange);
  const uint64_t number = asker_.Ask(known->question);
  waiting_.push_back({exchange, known->page, known->question, number, std::string(request.accept)});
}

void Pages::Watch(Exchange* exchange) {
  if (streams_.Add(exchange)) return;
  AnswerText(exchange, 503, "too many watch already", "Retry-After: 10\r\n");
}

void Pages::OnPageGone(Exchange* exchange) {
  streams_.Remove(exchange);
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [=](const Waiting& one) { return one.exchange == exchange; }),
                 waiting_.end());
}

// What waits for an answer has it within a second.
void Pages::OnDrain() { streams_.EndAll(); }

void Pages::OnAnswer(Question question, uint64_t number, const proto::CtlReply* reply) {
  const auto first_due = std::stable_partition(
      waiting_.begin(), waiting_.end(),
      [=](const Waiting& one) { return one.question != question || one.number > number; });
  const std::vector<Waiting> due(std::make_move_iterator(first_due),
                                 std::make_move_iterator(waiting_.end()));
  waiting_.erase(first_due, waiting_.end());
  for (const Waiting& waiting : due) Answer(waiting, reply);
  if (!streams_.Awaits(question, number)) return;
  if (question == Question::kStatus) {
    streams_.OnStatus(reply != nullptr && reply->has_status() ? StatusJson(reply->status()) : "");
  } else {
    streams_.OnDeaths(reply != nullptr && reply->has_deaths() ? DeathsJson(reply->deaths()) : "");
  }
}

void Pages::Answer(const Waiting& waiting, const proto::CtlReply* reply) {
  Exchange* const exchange = waiting.exchange;
  const bool is_understood =
      reply != nullptr && (waiting.question == Question::kVersion  ? reply->has_version()
                           : waiting.question == Question::kStatus ? reply->has_status()
                                                                   : reply->has_deaths());
  if (!is_understood) return AnswerText(exchange, 503, kNoAnswer);
  switch (waiting.page) {
    case Page::kHealth:
      return AnswerText(exchange, 200, "ok");
    case Page::kReady: {
      const Readiness readiness = ReadinessOf(reply->status());
      return AnswerText(exchange, readiness.is_ready ? 200 : 503, readiness.why);
    }
    case Page::kStatus:
      return sink_->Answer(exchange, {200, kJson, StatusJson(reply->status()), kAlways});
    case Page::kDeaths:
      return sink_->Answer(exchange, {200, kJson, DeathsJson(reply->deaths()), kAlways});
    case Page::kMetrics: {
      PageAnswer metrics = metrics_(reply->status(), waiting.accept);
      const std::string headers = absl::StrCat(kAlways, metrics.extra_headers);
      metrics.extra_headers = headers;
      return sink_->Answer(exchange, metrics);
    }
  }
}

void Pages::AnswerText(Exchange* exchange, int http_status, absl::string_view line,
                       absl::string_view more_headers) {
  const std::string headers = absl::StrCat(kAlways, more_headers);
  sink_->Answer(exchange, {http_status, kPlainText, absl::StrCat(line, "\n"), headers});
}

}  // namespace windlass
