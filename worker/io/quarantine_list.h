#ifndef WINDLASS_WORKER_IO_QUARANTINE_LIST_H_
#define WINDLASS_WORKER_IO_QUARANTINE_LIST_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/fingerprint.h"
#include "proto/control.pb.h"

namespace windlass {

// What the master is told of a payload that may have crashed a process.
struct CrashedPayload {
  uint32_t handler = 0;  // index in the configuration
  uint64_t bytes = 0;
  Fingerprint fingerprint;
};

// Role: knows the payloads that the master has put into quarantine. Workers. A fingerprint is taken
// only of a payload whose length and handler are in the list. Blocking: never. Errors: without its
// secret it refuses nothing, and says so once in the log.
class QuarantineList {
 public:
  // `secret`: of the fingerprints, borrowed for the call.
  QuarantineList(const Config& config, uint32_t pool, int secret);

  bool enabled() const { return fingerprinter_.has_value(); }  // pool.quarantine_ttl is not zero
  bool empty() const { return entries_.empty(); }
  // In place of all that was in it.
  void Set(const proto::Command::Quarantine& list);
  // For how much longer `content` is refused; zero or less: it is not. `handler`: an index, or, if
  // it is none, whatever handler the pool will find.
  absl::Duration RefusedFor(uint32_t handler, absl::string_view content, Instant now) const;
  // REQUIRES: enabled().
  CrashedPayload Describe(uint32_t handler, absl::string_view content) const;

 private:
  struct Entry {
    uint64_t bytes = 0;
    uint32_t handler = 0;
    Fingerprint fingerprint;
    Instant expires;
  };

  const uint32_t handlers_;
  std::optional<Fingerprinter> fingerprinter_;
  std::vector<Entry> entries_;  // by bytes
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_QUARANTINE_LIST_H_
