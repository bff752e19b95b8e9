#ifndef WINDLASS_WORKER_IO_EXCHANGE_H_
#define WINDLASS_WORKER_IO_EXCHANGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/job_id.h"
#include "common/mapping_cache.h"
#include "common/payload_buffer.h"
#include "common/timer_wheel.h"
#include "windlass/error_code.h"
#include "windlass/owned_fd.h"

namespace windlass {

class Connection;
class SplitMemory;
struct Exchange;
struct SplitJob;

// Jobs of one connection that wait in this worker, in order. Made by Backlog while there are any.
struct BacklogLane {
  Exchange* first = nullptr;
  Exchange* last = nullptr;
  BacklogLane* next = nullptr;  // the ring of lanes
  BacklogLane* prev = nullptr;
};

// A large part of an answer, sent from where it lies.
struct AnswerPiece {
  const char* data = nullptr;  // memory: in `result` or `request`
  OwnedFd file;                // or a regular file, from `offset`
  uint64_t offset = 0;
  uint64_t bytes = 0;
  MappingCache::Entry* result = nullptr;  // pinned while this piece is needed; see ResultMemory
  JobId owner;                            // whose result it is
  bool is_static = false;                 // memory that stays as it is as long as the process
  std::shared_ptr<SplitMemory> shared;    // whose file it is, and is accounted for as long
};

// What became of a request: the content of its answer. Views are valid during the call that hands
// it over.
struct Answer {
  ErrorCode code = ErrorCode::kOk;
  bool is_plain_error = false;  // `message` says why; there is no content
  absl::string_view message;
  absl::string_view content_type, content_encoding;
  absl::string_view content;                   // small content, or
  std::vector<AnswerPiece>* pieces = nullptr;  // a list of parts, to be moved from
  uint16_t http_status = 0;                    // 0: by `code`
  uint32_t retry_ms = 0;                       // when to try again; 0: unknown
};

// A timer that knows whose deadline it is.
class DeadlineTimer : public Timer {
 public:
  DeadlineTimer(TimerOwner* owner, Exchange* of) : Timer(owner), exchange(of) {}
  Exchange* const exchange;
};

// One request and its answer: from the moment the request's head is complete until the answer's
// last byte has been given to the kernel. Owned by ExchangePool; listed in its connection (in
// request order), while it waits in a backlog lane, and while it is out in the dispatcher's table
// by id.
struct Exchange {
  enum class State : uint8_t {
    kReceiving,  // its content is still arriving
    kQueued,     // waits in the backlog
    kOut,        // sent to the pool
    kSplit,      // its parts are out or wait
    kAnswered,   // `out` and `pieces` are what the client gets
  };

  explicit Exchange(TimerOwner* deadline_owner);
  ~Exchange();
  uint64_t unsent_bytes() const;
  // The request's. Valid while it is not out and not answered.
  absl::string_view whole_content() const;

  State state = State::kReceiving;
  bool has_request_id = false;
  bool close_after = false;  // the connection closes after this answer
  bool is_inline = false;    // answered with its own content, by the worker
  // Of http (worker/framing/framing.h).
  bool omit_content = false;
  uint8_t answer_form = 0;
  bool is_interim = false;  // no answer: a word that goes before one
  bool is_page = false;     // a page source has it (worker/io/page_source.h)
  bool is_open = false;     // answered, and more of the answer is to come
  uint32_t handler = 0;     // index for run-time estimates
  uint32_t pool = 0;        // index into Config::pools: whose job it is, or will be
  Connection* connection = nullptr;
  Exchange* next = nullptr;  // in the connection's order
  JobId id;
  Instant created;  // as a job
  Instant queued;   // when it came to the backlog where it waits
  DeadlineTimer deadline;
  std::string request_id;

  // Until it is answered: a job whose process crashed may be sent once more, and its payload may
  // come under suspicion.
  Exchange* lane_next = nullptr;
  Exchange* lane_prev = nullptr;
  std::string envelope;                    // encoded
  std::string content;                     // small content: a copy
  std::unique_ptr<RequestBuffer> request;  // large content; while it is out, the dispatcher has it
  uint64_t request_bytes = 0;
  uint8_t attempts = 0;            // how often it has been sent
  uint32_t asked_deadline_ms = 0;  // by the client; 0: none
  // Of a job that its handler has split (worker/io/split_job.h), and of each of its parts, which
  // are exchanges that no connection has.
  std::unique_ptr<SplitJob> split;
  std::shared_ptr<SplitMemory> memory;  // the request and what its parts share
  Exchange* part_of = nullptr;          // a part: of this one

  // What there is to tell of it, once it is answered (Connection::OnDelivered).
  static constexpr uint32_t kUnknown = UINT32_MAX;
  Instant arrived;         // when its head was complete; 0: no request of this worker's
  Instant submitted;       // as a job, with its content
  uint64_t bytes_in = 0;   // head and content, as far as it was taken
  uint64_t bytes_out = 0;  // the whole answer
  // Of the job that answered it; negative: none did. What a pool process says, within what can be.
  int64_t wait_ns = -1;  // from `submitted` until a process took it
  int64_t run_ns = -1;
  uint32_t pool_slot = kUnknown;
  uint32_t route_handler = kUnknown;  // index into Config::handlers
  ErrorCode code = ErrorCode::kOk;

  // When it is answered.
  std::string out;
  std::vector<AnswerPiece> pieces;
  size_t out_sent = 0;    // of `out`
  size_t piece_at = 0;    // the piece being sent
  size_t tail_bytes = 0;  // the last bytes of `out` go after the pieces
};

// Role: keeps the memory of finished exchanges for the next ones, strings with their capacity, so
// that a request in the steady state allocates nothing. Owns all of them.
class ExchangePool {
 public:
  explicit ExchangePool(TimerOwner* deadline_owner) : deadline_owner_(deadline_owner) {}
  ~ExchangePool();
  Exchange* Take(Connection* connection);
  void Give(Exchange* exchange);  // must be in no list and hold no buffers

 private:
  TimerOwner* const deadline_owner_;
  Exchange* free_ = nullptr;  // linked by next
  size_t free_count_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_EXCHANGE_H_
