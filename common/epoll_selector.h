#ifndef WINDLASS_COMMON_EPOLL_SELECTOR_H_
#define WINDLASS_COMMON_EPOLL_SELECTOR_H_

#include <sys/epoll.h>

#include <array>
#include <memory>

#include "common/selector.h"
#include "windlass/owned_fd.h"

namespace windlass {

// The epoll(7) back end: cost per turn grows with what is ready, not with what is registered.
class EpollSelector : public Selector {
 public:
  static absl::StatusOr<std::unique_ptr<Selector>> Create();
  absl::StatusOr<absl::Span<const Ready>> Select(int timeout_ms) override;

 protected:
  absl::Status Add(const SelectorKey& key) override;
  absl::Status Change(const SelectorKey& key) override;
  void Remove(int fd) override;

 private:
  explicit EpollSelector(OwnedFd epoll) : epoll_(std::move(epoll)) {}

  const OwnedFd epoll_;
  // One turn's worth: larger batches only delay what became ready meanwhile.
  std::array<epoll_event, 128> events_;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_EPOLL_SELECTOR_H_
