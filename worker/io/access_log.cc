#include "worker/io/access_log.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/random/bernoulli_distribution.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/json_text.h"

namespace windlass {
namespace {

constexpr absl::Duration kFlushEvery = absl::Seconds(1);
// As JSON. With two names, what a connection's lines begin with, and numbers a line stays below
// kMostLineBytes, and that below PIPE_BUF.
constexpr size_t kMostRequestIdBytes = 1024, kMostNameBytes = 300, kMostLineBytes = 3000;
static_assert(kMostLineBytes <= PIPE_BUF);

// Writes a line into memory that has room for it: appending to a string costs more than the rest of
// the line.
class LineWriter {
 public:
  explicit LineWriter(char* at) : begin_(at), at_(at) {}
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

  LineWriter& operator<<(absl::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  LineWriter& operator<<(uint64_t number) {
    at_ = std::to_chars(at_, at_ + 20, number).ptr;
    return *this;
  }
  LineWriter& Micros(absl::string_view key, int64_t ns) {
    return *this << key << static_cast<uint64_t>(ns) / 1000;
  }

 private:
  char* const begin_;
  char* at_;
};

}  // namespace

AccessLog::AccessLog(const ProcessSetup& setup, TimerWheel* timers)
    : setup_(setup), timers_(timers), worker_(absl::StrCat("\",\"worker_pid\":", ::getpid())) {
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
    AppendJsonTextUpTo(handler.name, kMostNameBytes, &handlers_.emplace_back(",\"handler\":"));
  }
}

std::string AccessLog::Start(absl::string_view listener, absl::string_view peer,
                             absl::string_view protocol) {
  std::string start = "\"listener\":";
  AppendJsonTextUpTo(listener, kMostNameBytes, &start);
  start += ",\"peer\":";
  AppendJsonTextUpTo(peer, kMostNameBytes, &start);
  absl::StrAppend(&start, ",\"protocol\":\"", protocol, "\"");
  return start;
}

// The wall clock is read once a second.
void AccessLog::UpdateSecond(Instant now) {
  const absl::Time wall = absl::Now() - (MonotonicNow() - now);
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(wall));
  second_ = absl::FormatTime("{\"time\":\"%E4Y-%m-%dT%H:%M:%S.", second, absl::UTCTimeZone());
  second_began_ = Instant{now.ns - absl::ToInt64Nanoseconds(wall - second)};
}

void AccessLog::Add(uint32_t listener, absl::string_view start, const AccessRecord& record) {
  const Route& route = routes_[listener];
  if (route.sample < 1 && !absl::Bernoulli(random_, route.sample)) return;
  const Instant now = timers_->now();
  AccessSink& sink = *sinks_[static_cast<size_t>(route.sink)];
  char* const room = sink.Room(kMostLineBytes, now);
  if (!flush_.armed()) timers_->Arm(&flush_, now + kFlushEvery);
  if (room == nullptr) return;
  const int64_t since = now.ns - second_began_.ns;
  if (since < 0 || since >= 1'000'000'000) UpdateSecond(now);
  const int64_t ms = (now.ns - second_began_.ns) / 1'000'000;
  const char fraction[] = {static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10),
                           static_cast<char>('0' + ms % 10)};
  LineWriter line(room);
  // What there was not is left out: an inline answer's line is a quarter shorter for it.
  line << second_ << absl::string_view(fraction, sizeof(fraction)) << "Z\"," << start;
  if (record.handler < handlers_.size()) line << handlers_[record.handler];
  if (record.has_request_id) {
    request_id_.clear();
    AppendJsonTextUpTo(record.request_id, kMostRequestIdBytes, &request_id_);
    line << ",\"request_id\":" << request_id_;
  }
  line << ",\"bytes_in\":" << record.bytes_in << ",\"bytes_out\":" << record.bytes_out;
  if (record.wait_ns >= 0) line.Micros(",\"wait_us\":", record.wait_ns);
  if (record.run_ns >= 0) line.Micros(",\"run_us\":", record.run_ns);
  line.Micros(",\"total_us\":", std::max<int64_t>(record.total_ns, 0))
      << ",\"code\":\"" << record.code << worker_;
  const Scoreboard& board = *setup_.scoreboard;
  if (record.pool_slot < board.slots()) {
    const SlotIndex slot{record.pool_slot};
    line << ",\"pool_pid\":"
         << uint64_t{static_cast<uint32_t>(board.slot(slot).pid.load(std::memory_order_relaxed))};
  }
  if (record.attempt > 0) line << ",\"attempt\":" << uint64_t{record.attempt};
  line << "}\n";
  sink.Commit(line.size());
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
