#ifndef WINDLASS_WORKER_IO_OUTPUT_QUEUE_H_
#define WINDLASS_WORKER_IO_OUTPUT_QUEUE_H_

#include <sys/uio.h>

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "common/byte_buffer.h"
#include "worker/io/exchange.h"

namespace windlass {

// Role: what one connection still owes its client: bytes that need no request to wait for, then the
// exchanges in request order, each sent when it is answered and all before it are sent. Worker
// processes. Owns nothing but the bytes; exchanges belong to their pool and are handed back through
// `finished`. Blocking: never.
class OutputQueue {
 public:
  enum class Outcome : uint8_t {
    kIdle,      // everything that can be sent has been sent
    kBlocked,   // more to send: wait until the socket is writable
    kPeerGone,  // the client does not take it any more
    kClose,     // the answer after which the connection closes has been sent
  };

  bool empty() const { return raw_.empty() && first_ == nullptr; }
  bool has_exchanges() const { return first_ != nullptr; }
  bool all_answered() const { return unanswered_ == 0; }
  uint32_t exchanges() const { return exchanges_; }
  uint64_t answered_bytes() const { return raw_.size() + answered_bytes_; }

  // They go before all exchanges. REQUIRES for appending: !has_exchanges().
  ByteBuffer& raw() { return raw_; }
  void Push(Exchange* exchange);
  void OnAnswered(const Exchange& exchange) {
    answered_bytes_ += exchange.unsent_bytes();
    --unanswered_;
  }
  // So much was added to the answer of one that is_open.
  void OnGrown(size_t bytes) { answered_bytes_ += bytes; }
  // Takes the last one out again. REQUIRES: there is one, and it is not answered.
  Exchange* TakeLast();
  // Everything unsent, in order: memory, and files, whose bytes go where the call comes. True: the
  // connection closes after that. REQUIRES: all_answered(). The views are valid until the next call
  // that is not const.
  bool ForEachUnsent(absl::FunctionRef<void(absl::string_view)> memory,
                     absl::FunctionRef<void(const AnswerPiece&)> file) const;
  // Sends what can be sent, at most about a megabyte, so that one reader with a fast link does not
  // hold up the others. *sent grows by the bytes that the kernel took.
  Outcome Flush(int fd, uint64_t* sent, absl::FunctionRef<void(Exchange*)> finished);
  // Takes out all exchanges, answered or not.
  void TakeAll(absl::FunctionRef<void(Exchange*)> taken);

 private:
  static constexpr size_t kMaxChunks = 64;

  size_t Gather(iovec* chunks) const;
  Outcome FlushFile(int fd, uint64_t* sent);
  void Advance(uint64_t bytes);
  static bool IsSent(const Exchange& exchange);
  bool NextIsFile() const;

  ByteBuffer raw_;
  Exchange* first_ = nullptr;
  Exchange* last_ = nullptr;
  uint32_t exchanges_ = 0;
  uint32_t unanswered_ = 0;
  uint64_t answered_bytes_ = 0;  // of the exchanges
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_OUTPUT_QUEUE_H_
