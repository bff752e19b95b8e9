#ifndef WINDLASS_WORKER_IO_ACCESS_LOG_H_
#define WINDLASS_WORKER_IO_ACCESS_LOG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "common/process_setup.h"
#include "common/timer_wheel.h"
#include "worker/io/access_sink.h"

namespace windlass {

// One request, as its line in an access log tells of it.
struct AccessRecord {
  absl::string_view request_id;
  bool has_request_id = false;
  uint32_t handler = UINT32_MAX;  // index into Config::handlers; beyond it: not known
  uint64_t bytes_in = 0, bytes_out = 0;
  int64_t wait_ns = -1, run_ns = -1;  // negative: no pool process answered it
  int64_t total_ns = 0;
  absl::string_view code;
  uint32_t pool_slot = UINT32_MAX;  // beyond the board: none
  uint32_t attempt = 0;             // 0: it was no job
};

// Role: the access logs of a worker's listeners: one line of JSON for each request, or for a random
// share of them. Worker processes. Owns the descriptors that the master opened, one for each file,
// and their buffers. What is buffered is written after a second, when there is much, when the file
// changes, and by the destructor. Blocking: as AccessSink. Errors: lines that are not taken are
// counted in the worker's slot.
class AccessLog : private TimerOwner {
 public:
  AccessLog(const ProcessSetup& setup, TimerWheel* timers);

  // `listener`: index into Config::listeners.
  bool IsOn(uint32_t listener) const { return !routes_.empty() && routes_[listener].sink >= 0; }
  // Writes a line, or leaves it out by chance. `start`: the members that are the same for all
  // requests of a connection (Start). REQUIRES: IsOn(listener).
  void Add(uint32_t listener, absl::string_view start, const AccessRecord& record);
  // `"listener": ..., "peer": ..., "protocol": ...`.
  static std::string Start(absl::string_view listener, absl::string_view peer,
                           absl::string_view protocol);
  // Lines of the log at `path` go to `file` from now on.
  void Redirect(absl::string_view path, OwnedFd file);

 private:
  struct Route {
    int sink = -1;  // index; -1: no log
    double sample = 1;
  };
  void OnTimer(Timer* timer, Instant now) override;
  void UpdateSecond(Instant now);

  // Fixed after construction.
  const ProcessSetup& setup_;
  TimerWheel* const timers_;
  const std::string worker_;           // this process, as JSON
  std::vector<std::string> handlers_;  // names, as JSON, with their key
  std::vector<Route> routes_;          // by listener
  std::vector<std::string> paths_;     // of the sinks
  // Working state.
  std::vector<std::unique_ptr<AccessSink>> sinks_;
  absl::InsecureBitGen random_;
  Timer flush_{this};
  std::string request_id_;  // scratch
  std::string second_;      // the beginning of a line up to the seconds of its time, as of
  Instant second_began_;    // this
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_ACCESS_LOG_H_
