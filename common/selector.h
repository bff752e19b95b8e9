#ifndef WINDLASS_COMMON_SELECTOR_H_
#define WINDLASS_COMMON_SELECTOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/config.h"

namespace windlass {

// What to watch a descriptor for, and what was seen on it. Errors and hang-ups are always watched,
// at interest 0 too.
enum : uint32_t {
  kReadable = 1,
  kWritable = 2,
  kExclusive = 4,  // interest only: wake one of the processes that watch this listener (epoll;
                   // ignored by poll)
  kHangup = 8,     // readiness only: both directions are shut
  kError = 16,     // readiness only: reset or another error
};

// Names the owner of a registration without pointing at it, so that an event for an owner that is
// gone finds nobody.
struct SelectorToken {
  uint64_t value = 0;
  friend bool operator==(SelectorToken, SelectorToken) = default;
};

// One registration, as it was last set.
struct SelectorKey {
  int fd = -1;
  uint32_t interest = 0;
  SelectorToken token;
};

struct Ready {
  SelectorToken token;
  uint32_t events = 0;
};

// Role: waits until some of many descriptors are ready; level-triggered. Any process; one thread.
// Owns nothing but its kernel object: descriptors are borrowed and must be unregistered before they
// are closed (a descriptor that was passed to another process goes on reporting otherwise).
// Blocking: Select only, as long as it is told. Errors: those of the system call (out of memory,
// too many watches); registering twice, or touching a descriptor that is not registered, is a
// CHECK. Modify may not touch kExclusive (epoll_ctl(2) refuses it): Unregister and Register
// instead.
class Selector {
 public:
  static absl::StatusOr<std::unique_ptr<Selector>> Create(SelectorKind kind);
  virtual ~Selector() = default;

  absl::Status Register(int fd, uint32_t interest, SelectorToken token);
  absl::Status Modify(int fd, uint32_t interest);  // no system call when nothing changes
  void Unregister(int fd);
  const SelectorKey* Find(int fd) const;  // null: not registered. Valid until the next Register
  // Waits up to timeout_ms (negative: no limit) and returns what is ready; empty at the timeout or
  // on a signal. The span is valid until the next call. A descriptor appears at most once.
  virtual absl::StatusOr<absl::Span<const Ready>> Select(int timeout_ms) = 0;

 protected:
  virtual absl::Status Add(const SelectorKey& key) = 0;
  virtual absl::Status Change(const SelectorKey& key) = 0;
  virtual void Remove(int fd) = 0;

  std::vector<SelectorKey> keys_;  // indexed by descriptor; fd < 0: not registered
  std::vector<Ready> ready_;       // scratch reused between turns
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_SELECTOR_H_
