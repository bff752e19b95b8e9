#ifndef WINDLASS_COMMON_BYTE_BUFFER_H_
#define WINDLASS_COMMON_BYTE_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/log.h"

namespace windlass {

// Role: a queue of bytes that owns memory only while bytes are in it, so that an idle connection
// costs none. Appended at the back, consumed at the front; kPadding readable bytes always follow
// the last one (JSON parsers read ahead).
class ByteBuffer {
 public:
  static constexpr size_t kPadding = 64;

  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() { std::free(data_); }

  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  // Valid until the next call that is not const.
  absl::string_view view() const { return {data_ + begin_, end_ - begin_}; }

  // Room for at least `bytes` more behind the last one; write there, then call Commit.
  char* Reserve(size_t bytes) {
    if (capacity_ - end_ >= bytes && data_ != nullptr) return data_ + end_;
    if (data_ != nullptr && begin_ > 0) {
      std::memmove(data_, data_ + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (data_ == nullptr || capacity_ - end_ < bytes) {
      size_t grown = end_ + bytes;
      if (grown < size_t{2} * capacity_) grown = size_t{2} * capacity_;
      CHECK(grown < UINT32_MAX - kPadding);
      char* const moved = static_cast<char*>(std::realloc(data_, grown + kPadding));
      CHECK(moved != nullptr) << "out of memory";
      data_ = moved;
      capacity_ = static_cast<uint32_t>(grown);
    }
    return data_ + end_;
  }
  size_t room() const { return capacity_ - end_; }
  void Commit(size_t bytes) { end_ += static_cast<uint32_t>(bytes); }
  void Append(absl::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    Commit(bytes.size());
  }
  // Gives the memory back when nothing is left.
  void Consume(size_t bytes) {
    begin_ += static_cast<uint32_t>(bytes);
    if (begin_ == end_) Clear();
  }
  void Clear() {
    std::free(data_);
    data_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }

 private:
  char* data_ = nullptr;
  uint32_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_BYTE_BUFFER_H_
