#include "common/epoll_selector.h"

#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

uint32_t ToEpoll(uint32_t interest) {
  return ((interest & kReadable) != 0 ? EPOLLIN : 0u) |
         ((interest & kWritable) != 0 ? EPOLLOUT : 0u) |
         ((interest & kExclusive) != 0 ? EPOLLEXCLUSIVE : 0u);
}

uint32_t FromEpoll(uint32_t events) {
  return ((events & EPOLLIN) != 0 ? kReadable : 0u) | ((events & EPOLLOUT) != 0 ? kWritable : 0u) |
         ((events & EPOLLHUP) != 0 ? kHangup : 0u) | ((events & EPOLLERR) != 0 ? kError : 0u);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Selector>> EpollSelector::Create() {
  absl::StatusOr<OwnedFd> epoll = EpollCreate();
  if (!epoll.ok()) return epoll.status();
  return std::unique_ptr<Selector>(new EpollSelector(*std::move(epoll)));
}

absl::Status EpollSelector::Add(const SelectorKey& key) {
  return EpollControl(epoll_.get(), EPOLL_CTL_ADD, key.fd, ToEpoll(key.interest), key.token.value);
}

absl::Status EpollSelector::Change(const SelectorKey& key) {
  return EpollControl(epoll_.get(), EPOLL_CTL_MOD, key.fd, ToEpoll(key.interest), key.token.value);
}

void EpollSelector::Remove(int fd) {
  const absl::Status removed = EpollControl(epoll_.get(), EPOLL_CTL_DEL, fd, 0, 0);
  CHECK(removed.ok()) << removed.ToString();
}

absl::StatusOr<absl::Span<const Ready>> EpollSelector::Select(int timeout_ms) {
  const absl::StatusOr<int> count = EpollWait(epoll_.get(), absl::MakeSpan(events_), timeout_ms);
  if (!count.ok()) return count.status();
  ready_.clear();
  for (int i = 0; i < *count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    ready_.push_back({SelectorToken{event.data.u64}, FromEpoll(event.events)});
  }
  return absl::MakeConstSpan(ready_);
}

}  // namespace windlass
