#ifndef WINDLASS_WORKER_ADMIN_EVENT_STREAMS_H_
#define WINDLASS_WORKER_ADMIN_EVENT_STREAMS_H_

#include <string>
#include <vector>

#include "common/timer_wheel.h"
#include "worker/admin/asker.h"
#include "worker/admin/page_sink.h"

namespace windlass {

// Role: those who watch the server live (server-sent events): `status` once a second, `deaths` at
// first and when it has changed, each with the JSON of the page of that name; a comment while the
// master does not answer. The admin process. Asks the master only while there are any. One that does
// not take what is sent is let go: its browser comes again. Blocking: never.
class EventStreams : public TimerOwner {
 public:
  static constexpr size_t kMost = 32;
  static constexpr absl::Duration kEvery = absl::Seconds(1);

  EventStreams(Asker* asker, TimerWheel* timers, PageSink* sink);

  // Begins a stream; false: there are too many.
  bool Add(Exchange* exchange);
  void Remove(Exchange* exchange);  // its client has gone
  void EndAll();                    // for good: their clients find another process
  // Whether the answer with this number is one that it has asked for and not had.
  bool Awaits(Question question, uint64_t number) const;
  // That answer: the JSON; "" = the master does not answer.
  void OnStatus(absl::string_view json);
  void OnDeaths(absl::string_view json);
  void OnTimer(Timer* timer, Instant now) override;
  size_t size() const { return watchers_.size(); }

 private:
  struct Watcher {
    Exchange* exchange = nullptr;
    bool has_deaths = false;
  };

  void AskMaster();
  void Send(absl::string_view bytes, bool is_deaths, bool is_news);

  Asker* const asker_;
  TimerWheel* const timers_;
  PageSink* const sink_;
  std::vector<Watcher> watchers_;
  uint64_t status_asked_ = 0, deaths_asked_ = 0;  // 0: nothing is awaited
  std::string deaths_;                            // as it was sent last
  Timer tick_;
  bool ended_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_EVENT_STREAMS_H_
