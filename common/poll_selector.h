#ifndef WINDLASS_COMMON_POLL_SELECTOR_H_
#define WINDLASS_COMMON_POLL_SELECTOR_H_

#include <poll.h>

#include <vector>

#include "common/selector.h"

namespace windlass {

// The poll(2) back end, for systems where epoll is not to be had. Registering and removing are O(1)
// (the last entry takes the place of the removed one); a turn costs O(registered).
class PollSelector : public Selector {
 public:
  absl::StatusOr<absl::Span<const Ready>> Select(int timeout_ms) override;

 protected:
  absl::Status Add(const SelectorKey& key) override;
  absl::Status Change(const SelectorKey& key) override;
  void Remove(int fd) override;

 private:
  std::vector<pollfd> entries_;
  std::vector<size_t> position_;  // indexed by descriptor: where its entry is
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_POLL_SELECTOR_H_
