#include "common/poll_selector.h"

#include "common/posix.h"

namespace windlass {
namespace {

short ToPoll(uint32_t interest) {
  return static_cast<short>(((interest & kReadable) != 0 ? POLLIN : 0) |
                            ((interest & kWritable) != 0 ? POLLOUT : 0));
}

uint32_t FromPoll(short events) {
  return ((events & POLLIN) != 0 ? kReadable : 0u) | ((events & POLLOUT) != 0 ? kWritable : 0u) |
         ((events & POLLHUP) != 0 ? kHangup : 0u) |
         ((events & (POLLERR | POLLNVAL)) != 0 ? kError : 0u);
}

}  // namespace

absl::Status PollSelector::Add(const SelectorKey& key) {
  const size_t index = static_cast<size_t>(key.fd);
  if (index >= position_.size()) position_.resize(index + 1);
  position_[index] = entries_.size();
  entries_.push_back({key.fd, ToPoll(key.interest), 0});
  return absl::OkStatus();
}

absl::Status PollSelector::Change(const SelectorKey& key) {
  entries_[position_[static_cast<size_t>(key.fd)]].events = ToPoll(key.interest);
  return absl::OkStatus();
}

void PollSelector::Remove(int fd) {
  const size_t at = position_[static_cast<size_t>(fd)];
  entries_[at] = entries_.back();
  position_[static_cast<size_t>(entries_[at].fd)] = at;
  entries_.pop_back();
}

absl::StatusOr<absl::Span<const Ready>> PollSelector::Select(int timeout_ms) {
  absl::StatusOr<int> count = Poll(absl::MakeSpan(entries_), timeout_ms);
  if (!count.ok()) return count.status();
  ready_.clear();
  for (const pollfd& entry : entries_) {
    if (*count == 0) break;
    if (entry.revents == 0) continue;
    --*count;
    ready_.push_back({keys_[static_cast<size_t>(entry.fd)].token, FromPoll(entry.revents)});
  }
  return absl::MakeConstSpan(ready_);
}

}  // namespace windlass
