#ifndef WINDLASS_COMMON_SCOREBOARD_H_
#define WINDLASS_COMMON_SCOREBOARD_H_

#include <signal.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config.h"
#include "common/job_id.h"
#include "common/posix.h"
#include "windlass/error_code.h"

namespace windlass {

struct MetricsNames;
struct MetricsSlot;
struct PeerCounts;

enum class Role : uint8_t { kNone, kWorker, kPool, kZygote, kAdmin };

// What the master knows of a process; for its siblings, who share work with those that serve.
enum class ProcessState : uint8_t { kNone, kStarting, kServing, kDraining };

// A pool process's word: what it has in its hands.
//   kIdle -> kReceiving (before every recv) -> the job's id -> kIdle (after its reply has been
//   sent).
// A death in kReceiving is ambiguous: a job may or may not have been taken out of the queue.
constexpr uint64_t kSlotIdle = 0;
constexpr uint64_t kSlotReceiving = 1;  // no job id: those are >= 2^40

template <typename T>
using Word = std::atomic<T>;

// The call stack of a pool process, taken by itself: where it was when the master asked because its
// job was slow, or when it crashed. Raw return addresses, the innermost first; whoever has the same
// address layout can name them.
// The signal that asks for one is StackSampleSignal().
struct StackSample {
  static constexpr size_t kFrames = 64;
  Word<uint64_t> taken;  // how many so far; written last of all
  Word<uint64_t> job;    // that ran then, or a kSlot...
  Word<int32_t> signal;  // that it crashed by; 0: the master asked
  Word<uint32_t> frames;
  Word<uint64_t> fault_address;  // of a crash by SIGSEGV or SIGBUS
  std::array<Word<uint64_t>, kFrames> addresses;
};

// The system call for which a process's sandbox ended it.
struct ForbiddenCall {
  static constexpr size_t kPathBytes = 96;
  Word<uint64_t> taken;  // how many so far; written last of all
  Word<int32_t> number;
  std::array<Word<uint64_t>, 6> arguments;
  std::array<Word<uint64_t>, kPathBytes / 8>
      path;  // of those that take one; ends with a NUL, or not
};

// What a worker has to do for one pool (common/pools.h); zero when it is dead.
struct PoolLoad {
  Word<uint32_t> jobs_out;        // sent to the pool, not answered yet
  Word<uint32_t> jobs_queued;     // waiting in this worker
  Word<uint32_t> lanes_queued;    // the connections that those are of
  Word<int64_t> next_since_ns;    // since when the client of the next one has been waiting; 0: none
  Word<int64_t> queued_since_ns;  // since when the next one has been in this queue; 0: none
  Word<uint64_t> payload_bytes;   // memory of large requests
};

// Whose a pool slot is. Written by the master, in memory that nobody else can write to: what a
// process says of itself in its slot, it may say to harm another pool.
struct SlotAssignment {
  Word<uint32_t> generation;  // 0: nobody has had it yet
  Word<uint32_t> pool;        // index into Config::pools of that generation
  Word<uint64_t> pool_key;    // PoolKey of its name, which is the same in all generations
};

// Real-time, so that it is nobody's by custom; a few beyond the first, which libraries take.
inline int StackSampleSignal() { return SIGRTMIN + 7; }

// What one process says about itself: one page. Written by that process alone (by the master after
// the process is dead), read by all, atomics only: no lock that a killed process could hold.
// Counters belong to the slot for ever; a successor continues them, so that nothing ever goes
// backwards.
struct alignas(4096) ProcessSlot {
  // Written by the master, the pid also by the process itself, first of all.
  Word<Role> role;
  Word<ProcessState> state;
  Word<int32_t> pid;
  // Which of the processes that have had this slot; see JobId::NextIncarnation.
  Word<uint32_t> incarnation;
  Word<uint32_t> generation;

  // A pool process's memory of large results. Zero when it is dead.
  alignas(64) Word<uint64_t> payload_bytes;

  // A worker's load. An admin process has connections, too.
  alignas(64) std::array<PoolLoad, kMaxPools> load;
  Word<uint32_t> connections;  // zero when it is dead

  // A pool process's job; kept after its death until the master has read it.
  alignas(64) Word<uint64_t> job;
  Word<int64_t> job_started_ns;
  Word<int64_t> job_deadline_ns;  // 0: none
  Word<uint64_t> job_bytes;       // of content
  Word<uint32_t> job_handler;     // 1 + index in its configuration; 0: not known (yet)
  Word<uint32_t> job_attempt;     // from 1
  StackSample stack;
  ForbiddenCall forbidden;

  // Counters of a worker.
  alignas(64) Word<uint64_t> accepted;
  Word<uint64_t> requests;
  std::array<Word<uint64_t>, kErrorCodeCount> answers;  // by code
  Word<uint64_t> late_replies;  // dropped: their job was answered, lost or unknown
  Word<uint64_t> closed_idle, closed_frame, closed_write;  // by timeout
  Word<uint64_t> shed_connections;  // closed at once: not allowed, or no room
  Word<uint64_t> moved_out;         // connections given to another worker
  Word<uint64_t> moved_in;
  Word<uint64_t> jobs_retried;          // run once more, because their process crashed
  Word<uint64_t> access_lines_dropped;  // that an access log did not take

  // Log lines of this process, whatever its role, that the sink did not take, and that were too
  // many of their kind.
  Word<uint64_t> log_lines_dropped, log_lines_limited;

  // Counters of a pool process.
  Word<uint64_t> jobs_done, jobs_expired, replies_dropped;

  // Jobs of this worker that nobody waits for any more, at CancelledAt. A later cancellation may
  // overwrite an earlier one of the same pool: then that job merely runs to its end.
  static constexpr size_t kCancelled = 256;
  // `pools`: of the configuration. The n-th job of a pool has the sequence 1 + pool + n * pools.
  static size_t CancelledAt(JobId id, size_t pools) {
    const size_t each = kCancelled / pools, sequence = id.sequence() - 1;
    return sequence % pools * each + sequence / pools % each;
  }
  std::array<Word<uint64_t>, kCancelled> cancelled;
};
static_assert(sizeof(ProcessSlot) == 4096);
static_assert(Word<uint64_t>::is_always_lock_free && Word<Role>::is_always_lock_free);

// Adds to a word that only this process writes: no locked instruction.
template <typename T>
inline void Bump(Word<T>& word, T by = 1) {
  word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// What the processes of one generation share beside their slots.
struct GenerationBay {
  Word<uint32_t> generation;    // 0: vacant
  Word<uint32_t> first_worker;  // its workers are in slots [first_worker, + workers)
  Word<uint32_t> workers;
  std::array<Word<uint32_t>, kMaxPools> pool_ready;  // processes that are ready, by pool
  std::array<Word<uint64_t>, kMaxPools> pool_keys;   // PoolKey of their names; 0: none
};

// The first page.
struct alignas(4096) ScoreboardHeader {
  static constexpr uint64_t kMagic = 0x57494e444c415353;  // "WINDLASS"
  static constexpr uint32_t kVersion = 9;  // changes with the layout of anything in here
  static constexpr uint32_t kBays = 8;     // generations at a time
  uint64_t magic;
  uint32_t version;
  // Workers' slots come first, then those of pool processes, then for each pool and bay one of a
  // zygote, then for each bay one of an admin process.
  uint32_t worker_slots, pool_slots;
  Word<uint32_t> pool_slots_used;  // pool processes are in the first so many of theirs
  // The most that have ever been used, for those who add up counters.
  Word<uint32_t> worker_slots_ever, pool_slots_ever;
  Word<uint64_t> log_lines_dropped, log_lines_limited;  // as in a slot, of the master
  std::array<GenerationBay, kBays> bays;
};

// Slots [first, end).
struct SlotRange {
  uint32_t first = 0, end = 0;
};
static_assert(sizeof(ScoreboardHeader) == 4096);

// Role: the one mapping that all processes share; a memfd, made by the master before any fork.
// After fork: a child calls EnterChild, which leaves it its own slot writable and everything else
// read-only. Errors: none after Create. The master must survive any garbage in it: whatever is read
// is checked before use.
class Scoreboard {
 public:
  static absl::StatusOr<Scoreboard> Create(uint32_t worker_slots, uint32_t pool_slots);
  // One that a former binary made, in its place. FailedPrecondition: of another layout.
  static absl::StatusOr<Scoreboard> Adopt(OwnedFd memfd);

  absl::Status EnterChild(SlotIndex own);
  // A process that will be cloned: as EnterChild, but for its clones, which call EnterChild in
  // turn.
  absl::Status EnterZygote(SlotIndex own);
  // REQUIRES: index < slots().
  const ProcessSlot& slot(SlotIndex index) const;
  // The slot that this process may write: its own in a child, any in the master.
  ProcessSlot& MutableSlot(SlotIndex index);
  // What workers count of their requests (common/metrics_board.h): in pages behind the slots, of
  // which a worker may write its own. REQUIRES: index < worker_slots().
  const MetricsSlot& metrics(SlotIndex index) const;
  MetricsSlot& MutableMetrics(SlotIndex index);
  // Of a worker, who may write its own (common/peer_counts.h). REQUIRES: index < worker_slots().
  const PeerCounts& peer_counts(SlotIndex index) const;
  PeerCounts& MutablePeerCounts(SlotIndex index);
  void ClearPeerCounts(SlotIndex index);  // the master only: the worker is dead
  const MetricsNames& names() const;
  MetricsNames& MutableNames();  // the master only
  const ScoreboardHeader& header() const;
  ScoreboardHeader& MutableHeader();          // the master only
  int fd() const { return writable_.get(); }  // the master's only
  // What a zygote must keep open.
  std::array<int, 2> fds() const { return {writable_.get(), read_only_.get()}; }
  uint32_t slots() const { return AdminSlot(0).value + ScoreboardHeader::kBays; }
  uint32_t worker_slots() const { return worker_slots_; }
  uint32_t pool_slots() const { return pool_slots_; }
  SlotIndex ZygoteSlot(uint32_t bay, uint32_t pool = 0) const {
    return {worker_slots_ + pool_slots_ + pool * ScoreboardHeader::kBays + bay};
  }
  SlotIndex AdminSlot(uint32_t bay) const { return ZygoteSlot(bay, kMaxPools); }
  // REQUIRES: a pool process's slot.
  const SlotAssignment& assignment(SlotIndex index) const;
  SlotAssignment& MutableAssignment(SlotIndex index);  // the master only
  // The slots that may be in use. Within the board, whatever the header says.
  SlotRange WorkersOf(uint32_t bay) const;  // REQUIRES: bay < kBays
  SlotRange PoolSlots() const;
  SlotRange WorkersEver() const;
  SlotRange PoolEver() const;
  // Memory that large payloads hold in all processes together, and those of one pool, which in
  // another generation may have another index.
  uint64_t PayloadBytes() const;
  uint64_t PayloadBytes(uint64_t pool_key) const;

 private:
  absl::Status MapAll(size_t size);
  size_t NamesOffset() const;
  size_t MetricsOffset(SlotIndex index) const;
  size_t PeerCountsOffset(SlotIndex index) const;
  size_t AssignmentOffset() const;
  size_t size() const;

  uint32_t worker_slots_ = 0, pool_slots_ = 0;
  OwnedFd writable_, read_only_;
  Mapping all_, own_, own_metrics_, own_peers_;
  SlotIndex own_index_;
  bool is_child_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_SCOREBOARD_H_
