#include "tools/bench/request_queue.h"

#include "common/log.h"

namespace windlass {

size_t RequestQueue::At(size_t position) const {
  const size_t index = first_ + position;
  return index < slots_.size() ? index : index - slots_.size();
}

void RequestQueue::Push(const OpenRequest& request) {
  CHECK(!full());
  slots_[At(count_)] = request;
  ++count_;
}

void RequestQueue::Pop() {
  CHECK(!empty());
  first_ = At(1);
  --count_;
  if (sent_ > 0) {
    --sent_;
  } else {
    sent_offset_ = 0;
  }
}

void RequestQueue::Clear() { first_ = count_ = sent_ = sent_offset_ = 0; }

size_t RequestQueue::CopyUnsent(const NumberedTemplate& text, char* into, size_t room) const {
  size_t copied = 0;
  size_t offset = sent_offset_;
  for (size_t position = sent_; position < count_ && copied < room; ++position) {
    copied += text.CopyOut(slots_[At(position)].number, offset, into + copied, room - copied);
    offset = 0;
  }
  return copied;
}

void RequestQueue::MarkSent(const NumberedTemplate& text, size_t bytes) {
  const size_t through = sent_offset_ + bytes;
  sent_ += through / text.size();
  sent_offset_ = through % text.size();
  CHECK(sent_ < count_ || (sent_ == count_ && sent_offset_ == 0));
}

}  // namespace windlass
