#include "worker/io/access_log.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/random/bernoulli_distribution.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/json_text.h"

namespace windlass {
namespace {

constexpr absl::Duration kFlushEvery = absl::Seconds(1);
// With the rest of a line less than PIPE_BUF, escaped.
constexpr size_t kMostTextBytes = 1024, kMostNameBytes = 512;

void AppendMicros(absl::string_view name, int64_t ns, std::string* line) {
  if (ns < 0) {
    absl::StrAppend(line, ", \"", name, "\": null");
  } else {
    absl::StrAppend(line, ", \"", name, "\": ", ns / 1000);
  }
}

}  // namespace

AccessLog::AccessLog(const ProcessSetup& setup, TimerWheel* timers)
    : setup_(setup), timers_(timers) {
  if (setup.access_logs.empty()) return;
  Word<uint64_t>* const dropped = &setup.scoreboard->MutableSlot(setup.slot).access_lines_dropped;
  for (const AccessLogFile& file : setup.access_logs) {
    paths_.push_back(file.path);
    sinks_.push_back(std::make_unique<AccessSink>(OwnedFd(file.fd), dropped));
  }
  for (const ListenerConfig& listener : setup.config->listeners) {
    const auto found = std::find(paths_.begin(), paths_.end(), listener.access_log);
    routes_.push_back({found == paths_.end() ? -1 : static_cast<int>(found - paths_.begin()),
                       listener.access_log_sample});
  }
  for (const HandlerConfig& handler : setup.config->handlers) {
    AppendJsonTextUpTo(handler.name, kMostNameBytes, &handlers_.emplace_back());
  }
}

std::string AccessLog::Start(absl::string_view listener, absl::string_view peer,
                             absl::string_view protocol) {
  std::string start = "\"listener\": ";
  AppendJsonTextUpTo(listener, kMostNameBytes, &start);
  start += ", \"peer\": ";
  AppendJsonTextUpTo(peer, kMostNameBytes, &start);
  absl::StrAppend(&start, ", \"protocol\": \"", protocol, "\"");
  return start;
}

// The wall clock is read once a second.
void AccessLog::AppendTime() {
  const Instant now = timers_->now();
  int64_t ms = (now.ns - second_began_.ns) / 1'000'000;
  if (second_.empty() || ms < 0 || ms >= 1000) {
    const absl::Time wall = absl::Now() - (MonotonicNow() - now);
    const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(wall));
    second_ = absl::FormatTime("%E4Y-%m-%dT%H:%M:%S", second, absl::UTCTimeZone());
    second_began_ = Instant{now.ns - absl::ToInt64Nanoseconds(wall - second)};
    ms = (now.ns - second_began_.ns) / 1'000'000;
  }
  const char digits[] = {'.',
                         static_cast<char>('0' + ms / 100),
                         static_cast<char>('0' + ms / 10 % 10),
                         static_cast<char>('0' + ms % 10),
                         'Z',
                         '\0'};
  absl::StrAppend(&line_, "{\"time\": \"", second_, digits, "\", ");
}

void AccessLog::AppendPool(uint32_t slot) {
  const Scoreboard& board = *setup_.scoreboard;
  const int32_t pid =
      slot < board.slots() ? board.slot(SlotIndex{slot}).pid.load(std::memory_order_relaxed) : 0;
  line_ += ", \"pool_pid\": ";
  if (pid > 0) {
    absl::StrAppend(&line_, pid);
  } else {
    line_ += "null";
  }
}

void AccessLog::Add(uint32_t listener, absl::string_view start, const AccessRecord& record) {
  const Route& route = routes_[listener];
  if (route.sample < 1 && !absl::Bernoulli(random_, route.sample)) return;
  line_.clear();
  AppendTime();
  absl::StrAppend(&line_, start, ", \"handler\": ",
                  record.handler < handlers_.size() ? handlers_[record.handler] : "null",
                  ", \"request_id\": ");
  if (record.has_request_id) {
    AppendJsonTextUpTo(record.request_id, kMostTextBytes, &line_);
  } else {
    line_ += "null";
  }
  absl::StrAppend(&line_, ", \"bytes_in\": ", record.bytes_in,
                  ", \"bytes_out\": ", record.bytes_out);
  AppendMicros("wait_us", record.wait_ns, &line_);
  AppendMicros("run_us", record.run_ns, &line_);
  AppendMicros("total_us", std::max<int64_t>(record.total_ns, 0), &line_);
  absl::StrAppend(&line_, ", \"code\": \"", record.code, "\", \"worker_pid\": ",
                  setup_.scoreboard->slot(setup_.slot).pid.load(std::memory_order_relaxed));
  AppendPool(record.pool_slot);
  absl::StrAppend(&line_, ", \"attempt\": ", record.attempt, "}\n");
  AccessSink& sink = *sinks_[static_cast<size_t>(route.sink)];
  sink.Add(line_, timers_->now());
  if (!flush_.armed()) timers_->Arm(&flush_, timers_->now() + kFlushEvery);
}

void AccessLog::Redirect(absl::string_view path, OwnedFd file) {
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (paths_[i] == path) return sinks_[i]->Redirect(std::move(file), timers_->now());
  }
}

void AccessLog::OnTimer(Timer*, Instant now) {
  bool is_left = false;
  for (const auto& sink : sinks_) {
    sink->Flush(now);
    is_left = is_left || !sink->empty();
  }
  if (is_left) timers_->Arm(&flush_, now + kFlushEvery);
}

}  // namespace windlass
