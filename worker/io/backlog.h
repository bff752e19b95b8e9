#ifndef WINDLASS_WORKER_IO_BACKLOG_H_
#define WINDLASS_WORKER_IO_BACKLOG_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "worker/io/exchange.h"

namespace windlass {

// Role: the jobs that wait in a worker because the pool has enough to do, in a lane for each
// connection; lanes are served round robin, so a connection with a thousand jobs delays another
// one's single job by one job, not by a thousand. Worker processes. Owns the lanes, not the
// exchanges. Blocking: never. Every operation is O(1).
class Backlog {
 public:
  Backlog() = default;
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;
  ~Backlog();

  // `*lane` is the connection's, null while it has no jobs here; made and deleted as needed.
  void Push(Exchange* exchange, BacklogLane** lane);
  void PushFirst(Exchange* exchange, BacklogLane** lane);  // its turn is next
  void PushAhead(Exchange* exchange, BacklogLane** lane);  // first of its lane; turns stay
  // The one whose turn it is; null when empty. Stays until PopNext.
  Exchange* PeekNext() const { return turn_ == nullptr ? nullptr : turn_->first; }
  void PopNext(BacklogLane** lane);
  void Remove(Exchange* exchange, BacklogLane** lane);
  void ForEach(absl::FunctionRef<void(const Exchange&)> visit) const;  // O(n)
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t lanes() const { return lanes_; }

 private:
  BacklogLane* turn_ = nullptr;  // whose turn it is
  size_t size_ = 0, lanes_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_BACKLOG_H_
