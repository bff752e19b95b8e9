#include "worker/io/access_sink.h"

#include <limits.h>

#include <cstring>
#include <utility>

#include "absl/algorithm/container.h"

namespace windlass {
namespace {

// Nobody took anything: not tried again with every line.
constexpr absl::Duration kPause = absl::Milliseconds(10);

}  // namespace

AccessSink::AccessSink(OwnedFd fd, Word<uint64_t>* dropped)
    : output_(std::move(fd)), dropped_(dropped), buffer_(new char[kBufferBytes]) {}

AccessSink::~AccessSink() {
  blocked_until_ = Instant{};
  Flush(Instant{});
  Bump(*dropped_, static_cast<uint64_t>(absl::c_count(left(), '\n')));
}

char* AccessSink::Room(size_t bytes, Instant now) {
  if (size_ + bytes > kBufferBytes) Flush(now);
  if (size_ + bytes <= kBufferBytes) return buffer_.get() + size_;
  Bump(*dropped_);
  return nullptr;
}

void AccessSink::Add(absl::string_view line, Instant now) {
  char* const room = Room(line.size(), now);
  if (room == nullptr) return;
  std::memcpy(room, line.data(), line.size());
  Commit(line.size());
}

// Bytes of the lines from `at` on that go together.
size_t AccessSink::PieceAt(size_t at) const {
  if (output_.is_file() || size_ - at <= PIPE_BUF) return size_ - at;
  return left().rfind('\n', at + PIPE_BUF - 1) + 1 - at;
}

void AccessSink::Flush(Instant now) {
  if (empty() || now < blocked_until_) return;
  size_t at = 0;
  while (at < size_) {
    if (torn_ && output_.Write("\n") == 0) break;
    torn_ = false;
    const size_t bytes = PieceAt(at);
    const size_t taken = output_.Write(left().substr(at, bytes));
    at += taken;
    if (taken == bytes) continue;
    if (taken > 0 && buffer_[at - 1] != '\n') {
      torn_ = true;
      Bump(*dropped_);
      at = left().find('\n', at) + 1;
    }
    blocked_until_ = now + kPause;
    break;
  }
  size_ -= at;
  std::memmove(buffer_.get(), buffer_.get() + at, size_);
}

void AccessSink::Redirect(OwnedFd fd, Instant now) {
  blocked_until_ = Instant{};
  Flush(now);
  output_.Redirect(std::move(fd));
  blocked_until_ = Instant{};
  torn_ = false;
}

}  // namespace windlass
