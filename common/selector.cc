#include "common/selector.h"

#include "common/epoll_selector.h"
#include "common/log.h"
#include "common/poll_selector.h"

namespace windlass {

absl::StatusOr<std::unique_ptr<Selector>> Selector::Create(SelectorKind kind) {
  switch (kind) {
    case SelectorKind::kEpoll:
      return EpollSelector::Create();
    case SelectorKind::kPoll:
      return std::make_unique<PollSelector>();
  }
  std::abort();
}

absl::Status Selector::Register(int fd, uint32_t interest, SelectorToken token) {
  CHECK(fd >= 0);
  const size_t index = static_cast<size_t>(fd);
  if (index >= keys_.size()) keys_.resize(index + 1 + index / 2);
  CHECK(keys_[index].fd < 0) << "fd " << fd << " is registered already";
  const SelectorKey key{fd, interest, token};
  if (absl::Status added = Add(key); !added.ok()) return added;
  keys_[index] = key;
  return absl::OkStatus();
}

absl::Status Selector::Modify(int fd, uint32_t interest) {
  CHECK(Find(fd) != nullptr) << "fd " << fd << " is not registered";
  SelectorKey& key = keys_[static_cast<size_t>(fd)];
  if (key.interest == interest) return absl::OkStatus();
  CHECK(((key.interest | interest) & kExclusive) == 0) << "fd " << fd;
  const uint32_t before = std::exchange(key.interest, interest);
  absl::Status changed = Change(key);
  if (!changed.ok()) key.interest = before;
  return changed;
}

void Selector::Unregister(int fd) {
  CHECK(Find(fd) != nullptr) << "fd " << fd << " is not registered";
  Remove(fd);
  keys_[static_cast<size_t>(fd)].fd = -1;
}

const SelectorKey* Selector::Find(int fd) const {
  const size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= keys_.size() || keys_[index].fd < 0) return nullptr;
  return &keys_[index];
}

}  // namespace windlass
