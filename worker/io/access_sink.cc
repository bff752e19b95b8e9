#include "worker/io/access_sink.h"

#include <limits.h>

#include <algorithm>
#include <utility>

namespace windlass {
namespace {

// Nobody took anything: not tried again with every line.
constexpr absl::Duration kPause = absl::Milliseconds(10);

}  // namespace

AccessSink::AccessSink(OwnedFd fd, Word<uint64_t>* dropped)
    : output_(std::move(fd)), dropped_(dropped) {
  buffer_.reserve(kBufferBytes);
}

AccessSink::~AccessSink() {
  blocked_until_ = Instant{};
  Flush(Instant{});
  Bump(*dropped_, static_cast<uint64_t>(std::count(buffer_.begin(), buffer_.end(), '\n')));
}

void AccessSink::Add(absl::string_view line, Instant now) {
  if (buffer_.size() + line.size() > kBufferBytes) Flush(now);
  if (buffer_.size() + line.size() > kBufferBytes) return Bump(*dropped_);
  buffer_.append(line.data(), line.size());
}

// Bytes of the lines from `at` on that go together.
size_t AccessSink::PieceAt(size_t at) const {
  const size_t left = buffer_.size() - at;
  if (output_.is_file() || left <= PIPE_BUF) return left;
  return buffer_.rfind('\n', at + PIPE_BUF - 1) + 1 - at;
}

void AccessSink::Flush(Instant now) {
  if (buffer_.empty() || now < blocked_until_) return;
  size_t at = 0;
  while (at < buffer_.size()) {
    if (torn_ && output_.Write("\n") == 0) break;
    torn_ = false;
    const size_t bytes = PieceAt(at);
    const size_t taken = output_.Write(absl::string_view(buffer_).substr(at, bytes));
    at += taken;
    if (taken == bytes) continue;
    if (taken > 0 && buffer_[at - 1] != '\n') {
      torn_ = true;
      Bump(*dropped_);
      at = buffer_.find('\n', at) + 1;
    }
    blocked_until_ = now + kPause;
    break;
  }
  buffer_.erase(0, at);
}

void AccessSink::Redirect(OwnedFd fd, Instant now) {
  blocked_until_ = Instant{};
  Flush(now);
  output_.Redirect(std::move(fd));
  blocked_until_ = Instant{};
  torn_ = false;
}

}  // namespace windlass
