#ifndef WINDLASS_WORKER_IO_TAKER_H_
#define WINDLASS_WORKER_IO_TAKER_H_

#include <memory>
#include <vector>

#include "common/job_channel.h"
#include "common/log_limit.h"
#include "common/selector.h"
#include "proto/handover.pb.h"
#include "worker/io/handover_message.h"

namespace windlass {

// Who serves the connections that arrive.
class MovedConnectionSink {
 public:
  // Whether it can be served here. Changes nothing.
  virtual proto::Verdicts::Outcome Examine(const IncomingConnection& connection) = 0;
  // It is ours. Called after the other worker has been told so, and before its first byte is read.
  virtual void Take(IncomingConnection connection) = 0;

 protected:
  virtual ~MovedConnectionSink() = default;
};

// Role: takes connections that other workers offer, over links that the master makes. Worker
// processes. Owns the links. A connection is served only after the verdict that it was taken is in
// the socket: were it read before, and this process died, the other worker would go on with a
// stream that has lost bytes. Blocking: never. Errors: an offer that cannot be read is refused; a
// link that does not take our verdict is given up, and with it the offer.
class Taker {
 public:
  static constexpr uint64_t kTokenKind = 6;

  Taker(Selector* selector, MovedConnectionSink* sink) : selector_(selector), sink_(sink) {}
  ~Taker();

  void AddLink(OwnedFd socket);
  void OnReady(SelectorToken token);

 private:
  struct Link {
    OwnedFd socket;
    uint32_t number = 0;
  };
  bool TakeOne(Link* link);  // false: the link is empty or has ended
  void Remove(Link* link);

  Selector* const selector_;
  MovedConnectionSink* const sink_;
  std::vector<std::unique_ptr<Link>> links_;
  uint32_t next_link_ = 0;
  std::unique_ptr<JobPacketReceiver> receiver_;  // made with the first link
  LogLimit trouble_log_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_TAKER_H_
