#ifndef WINDLASS_WORKER_ADMIN_PAGES_H_
#define WINDLASS_WORKER_ADMIN_PAGES_H_

#include <functional>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/log_limit.h"
#include "worker/admin/asker.h"
#include "worker/admin/event_streams.h"
#include "worker/admin/known_hosts.h"
#include "worker/admin/page_sink.h"
#include "worker/io/page_source.h"

namespace windlass {

// The text of /metrics in the form that `accept` (of the request) prefers.
using MetricsPage =
    std::function<PageAnswer(const proto::StatusReport& report, absl::string_view accept)>;

// Role: the pages for operators; what each says stands in windlassd(8). The admin process. Owns
// what is asked of the master for them. Nothing here changes anything, in whatever way it is asked
// for. Invariants: 1. every request is answered once, kPatience of Asker after it came at the
// latest; 2. every answer but the dashboard's is as fresh as the request. Blocking: never.
class Pages : public PageSource, public AskerOwner {
 public:
  // All pointers are borrowed. `metrics`: null: there is no such page.
  Pages(const AdminConfig& config, ControlChannel* control, Selector* selector, TimerWheel* timers,
        PageSink* sink, MetricsPage metrics);

  void OnPage(const PageRequest& request, Exchange* exchange) override;
  void OnPageGone(Exchange* exchange) override;
  void OnDrain() override;
  void OnReady(SelectorToken token) { asker_.OnReady(token); }
  void OnAnswer(Question question, uint64_t number, const proto::CtlReply* reply) override;

 private:
  // Those that the master has to be asked for.
  enum class Page : uint8_t { kHealth, kReady, kStatus, kDeaths, kMetrics };
  struct Known;
  static const Known* FindPage(absl::string_view path);
  struct Waiting {
    Exchange* exchange = nullptr;
    Page page = Page::kHealth;
    Question question = Question::kVersion;
    uint64_t number = 0;
    std::string accept;
  };

  void AnswerText(Exchange* exchange, int http_status, absl::string_view line,
                  absl::string_view more_headers = "");
  void Answer(const Waiting& waiting, const proto::CtlReply* reply);
  void Watch(Exchange* exchange);

  TimerWheel* const timers_;
  PageSink* const sink_;
  const MetricsPage metrics_;
  const KnownHosts hosts_;
  Asker asker_;
  EventStreams streams_;
  std::vector<Waiting> waiting_;
  LogLimit unknown_host_log_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_PAGES_H_
