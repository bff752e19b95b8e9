#include "worker/admin/event_streams.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace windlass {
namespace {

// One line of data: our JSON has no newline but the last.
std::string Event(absl::string_view name, absl::string_view json) {
  return absl::StrCat("event: ", name, "\ndata: ", absl::StripSuffix(json, "\n"), "\n\n");
}

}  // namespace

EventStreams::EventStreams(Asker* asker, TimerWheel* timers, PageSink* sink)
    : asker_(asker), timers_(timers), sink_(sink), tick_(this) {}

bool EventStreams::Add(Exchange* exchange) {
  if (ended_ || watchers_.size() == kMost) return false;
  watchers_.push_back({exchange});
  // Where there is a proxy, it must not keep events for later.
  sink_->BeginStream(exchange, "text/event-stream", "X-Accel-Buffering: no\r\n");
  sink_->StreamChunk(exchange, "retry: 1000\n\n");
  AskMaster();
  if (!tick_.armed()) timers_->Arm(&tick_, timers_->now() + kEvery);
  return true;
}

void EventStreams::Remove(Exchange* exchange) {
  watchers_.erase(std::remove_if(watchers_.begin(), watchers_.end(),
                                 [=](const Watcher& one) { return one.exchange == exchange; }),
                  watchers_.end());
  if (watchers_.empty()) tick_.Disarm();
}

void EventStreams::EndAll() {
  ended_ = true;
  tick_.Disarm();
  for (const Watcher& watcher : watchers_) sink_->EndStream(watcher.exchange);
  watchers_.clear();
}

void EventStreams::AskMaster() {
  // What is awaited already comes first: those who come meanwhile take part in it.
  const uint64_t status = asker_->Ask(Question::kStatus);
  const uint64_t deaths = asker_->Ask(Question::kDeaths);
  if (status_asked_ == 0) status_asked_ = status;
  if (deaths_asked_ == 0) deaths_asked_ = deaths;
}

bool EventStreams::Awaits(Question question, uint64_t number) const {
  if (question == Question::kVersion || watchers_.empty()) return false;
  const uint64_t asked = question == Question::kStatus ? status_asked_ : deaths_asked_;
  return asked != 0 && number >= asked;
}

void EventStreams::OnTimer(Timer*, Instant now) {
  AskMaster();
  timers_->Arm(&tick_, now + kEvery);
}

void EventStreams::OnStatus(absl::string_view json) {
  status_asked_ = 0;
  Send(json.empty() ? ": the master does not answer\n\n" : Event("status", json), false, false);
}

void EventStreams::OnDeaths(absl::string_view json) {
  deaths_asked_ = 0;
  if (json.empty()) return;
  const bool is_news = json != deaths_;
  if (is_news) deaths_ = std::string(json);
  Send(Event("deaths", json), true, is_news);
}

// To all, but deaths only to those who do not know them.
void EventStreams::Send(absl::string_view bytes, bool is_deaths, bool is_news) {
  std::vector<Watcher> stay;
  for (Watcher watcher : watchers_) {
    if (is_deaths && watcher.has_deaths && !is_news) {
      stay.push_back(watcher);
      continue;
    }
    if (!sink_->StreamChunk(watcher.exchange, bytes)) {
      sink_->EndStream(watcher.exchange);
      continue;
    }
    watcher.has_deaths = watcher.has_deaths || is_deaths;
    stay.push_back(watcher);
  }
  watchers_ = std::move(stay);
}

}  // namespace windlass
