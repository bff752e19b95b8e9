#ifndef WINDLASS_WORKER_IO_CREDIT_H_
#define WINDLASS_WORKER_IO_CREDIT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace windlass {

// How much may be in the kernel's job queue. What is there can be neither cancelled nor ordered
// fairly, so it is kept short; but a pool process must find its next job without waiting for a
// worker. All of it is arithmetic.

// About one millisecond of work, so that a worker that wakes late finds the pool still busy; at
// least 2, and at most 64, where more gains nothing (measured).
constexpr int kMinPrefetch = 2, kMaxPrefetch = 64;
constexpr double kPrefetchNs = 1e6;

inline int PrefetchFor(double mean_run_ns) {
  if (mean_run_ns <= 0) return kMinPrefetch;  // never measured: assume the worst
  return static_cast<int>(
      std::clamp(kPrefetchNs / mean_run_ns, double{kMinPrefetch}, double{kMaxPrefetch}));
}

// How many jobs one worker may have out: its share of what may be in the queue and in the pool, by
// how many clients wait for it (`mine`) of those that wait for any worker (`all`). So a client gets
// as much from a worker that has many as from one that has few. A share is seldom whole: it is
// rounded, and one that was rounded down has one more while its next job has waited longer than
// that of any other worker (`is_oldest`). At least 1, so that a reply always comes to wake it.
inline int JobsAllowedOut(int pool_processes, int prefetch, uint64_t mine, uint64_t all,
                          bool is_oldest) {
  const uint64_t total = static_cast<uint64_t>(pool_processes) + static_cast<uint64_t>(prefetch);
  const uint64_t of = std::max<uint64_t>(all, 1);
  const uint64_t rest = total * mine % of;
  const bool round_up = 2 * rest >= of || (rest > 0 && is_oldest);
  return std::max(1, static_cast<int>(total * mine / of + (round_up ? 1 : 0)));
}

// Mean run time of each handler's jobs, as this worker has seen it: exponentially weighted, the
// last 8 or so count.
class RunTimes {
 public:
  explicit RunTimes(size_t handlers) : mean_ns_(handlers, 0) {}
  double mean_ns(uint32_t handler) const { return mean_ns_[handler]; }
  void Add(uint32_t handler, uint64_t run_ns) {
    double& mean = mean_ns_[handler];
    const double run = static_cast<double>(std::max<uint64_t>(run_ns, 1));
    mean = mean == 0 ? run : mean + (run - mean) / 8;
  }

 private:
  std::vector<double> mean_ns_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_CREDIT_H_
