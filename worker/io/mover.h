#ifndef WINDLASS_WORKER_IO_MOVER_H_
#define WINDLASS_WORKER_IO_MOVER_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/process_setup.h"
#include "proto/handover.pb.h"
#include "worker/io/connection_table.h"
#include "worker/io/io_services.h"

namespace windlass {

// Pure. What each of `workers` should have of `total` connections, rounded up: nobody ends below
// it.
constexpr uint64_t MeanConnections(uint64_t total, uint32_t workers) {
  return (total + workers - 1) / workers;
}
// Pure. How many of its `own` connections a worker gives away when all `workers` have `total`.
constexpr uint32_t SurplusConnections(uint32_t own, uint64_t total, uint32_t workers) {
  const uint64_t mean = MeanConnections(total, workers);
  return own > mean ? static_cast<uint32_t>(own - mean) : 0;
}

// Role: gives this worker's connections to other workers, over links that the master makes: all of
// them when this worker leaves, idle ones when it has more than its share. Worker processes. Owns
// the links, not the connections. Each connection is quiesced (its jobs are answered, nothing more
// is taken from it), taken out of the selector, offered, and let go of when the other worker says
// that it has it; a refusal, or the death of the other worker before it said so, and it goes on
// here, to be offered again. Invariants:
//   1. A connection is offered to one worker at a time.
//   2. A link with offers out is never closed from this side: only its end tells that the other
//      worker has not taken them.
//   3. Nobody is offered to a worker that has not been heard from: it may be stopped, and would
//   keep what it was offered for as long.
// Blocking: never.
class Mover : public TimerOwner {
 public:
  static constexpr uint64_t kTokenKind = 5;

  Mover(const ProcessSetup& setup, IoServices* io, ConnectionTable* connections);
  ~Mover();

  void AddLink(OwnedFd socket, SlotIndex to, bool even_out);
  // All connections are to go, from now on.
  void BeginLeaving();
  void OnReady(SelectorToken token);
  // Offers what can be offered.
  void EndTurn();
  void OnTimer(Timer* timer, Instant now) override;

 private:
  // Offers that a link may have out: enough to keep the other worker busy, and its verdicts always
  // fit into the socket.
  static constexpr size_t kMaxOffered = 64;
  struct Link {
    OwnedFd socket;
    SlotIndex to;
    uint32_t number = 0;
    bool even_out = false;
    Instant made;
    Instant rests_until;  // it has refused
    Instant answered;     // its last word; never before its first
    Instant heard;        // its last verdict, or the first offer after it had none out
    absl::flat_hash_map<uint64_t, SelectorToken> offered;
  };

  // Whose worker has the fewest connections; null: none now. One that has as many offers out as it
  // may is waited for, so that the load stays even, unless it has said nothing for a while.
  // Not one that has `enough` already.
  Link* PickLink(uint64_t enough = UINT64_MAX);
  // False: the link takes no more now, and the connection is as it was.
  bool Offer(Connection* connection, Link* link);
  bool TakeVerdicts(Link* link);  // false: the link has ended
  void TakeVerdict(Link* link, const proto::Verdicts::Verdict& verdict);
  void RemoveLink(Link* link);
  void OfferLeaving();
  void OfferSurplus();
  void DropEvenLinks();
  struct Share {
    uint32_t surplus = 0;  // that this worker has
    uint64_t mean = 0;
  };
  Share ShareOfThis() const;
  void TryAgainIn(absl::Duration delay);

  // Fixed after construction.
  const ProcessSetup& setup_;
  IoServices* const io_;
  ConnectionTable* const connections_;
  // Working state.
  std::vector<std::unique_ptr<Link>> links_;
  uint32_t next_link_ = 0;
  uint64_t next_offer_ = 1;
  std::deque<SelectorToken> queue_;     // that may be able to move
  std::vector<SelectorToken> refused_;  // to be quiesced again
  uint32_t cursor_ = 0;                 // where the search for idle ones goes on
  int idle_tries_ = 0;                  // in vain
  Timer retry_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_MOVER_H_
