#ifndef WINDLASS_WORKER_POOL_REPLY_SENDER_H_
#define WINDLASS_WORKER_POOL_REPLY_SENDER_H_

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/control_channel.h"
#include "common/log_limit.h"
#include "common/payload_buffer.h"
#include "common/process_setup.h"
#include "proto/job.pb.h"
#include "windlass/handler.h"
#include "worker/pool/part_list.h"

namespace windlass {

constexpr char kNoPayloadMemory[] =
    "the memory for payloads in flight is used up, retry in 1000 ms";

// Role: sends a job's answer to the worker that owns the job. Pool processes. Owns the memory of
// large results, and of those that handlers make in it (Reserve) or in parts, whatever their size.
// Other small results travel inside the packet; results over kInlinePayloadMax, and
// results over 1 KiB while the channel is more than half full, in a result buffer, which is written
// again only when the worker has let go of it, does not want it any more, or is dead. Result
// buffers count against the server's payload budget. Blocking: never, above all not on a worker
// that does not read: an answer that does not fit is dropped and counted, and the master is told,
// which ends that worker.
class ReplySender {
 public:
  ReplySender(const ProcessSetup& setup, ControlChannel* control);

  // The job that the next Send or SendError answers, and when it started.
  void Begin(JobId id, Instant started);
  // Which handler runs: an index into the configuration's.
  void NoteHandler(uint32_t handler) { reply_.set_handler(handler + 1); }
  void Send(const Response& response);
  void SendError(ErrorCode code, absl::string_view message);
  // Not an answer: `handler`, an index into the configuration's, is another pool's.
  void SendElsewhere(uint32_t handler);
  // Not an answer: the job is to be cut into these. Clears them.
  void SendSplit(PartList* parts);
  // Of a part: what its handler returned.
  void SendPartResult(const PartResult& result);
  // To MERGE: what of the next response lies in `shared`, or is the content of a part, of so many
  // bytes each, reaches the client from where it is: the worker has it. Both until the next Begin.
  void NoteParts(absl::Span<const char> shared, absl::Span<const uint64_t> part_bytes);
  // For this job's handler (HandlerContext::ResponseMemory): of a result buffer. Internal: twice.
  absl::StatusOr<absl::Span<char>> Reserve(size_t bytes);
  bool is_refused() const { return is_refused_; }  // memory by Reserve, to this job

  // Forgets what a Send that threw has begun; then SendError.
  void Abort();

  bool holds_memory() const { return !buffers_.empty(); }
  void Trim();  // frees the result buffers that no worker uses

 private:
  struct Held {
    std::unique_ptr<ResultBuffer> buffer;
    JobId owner;           // whose answer is in it
    uint64_t touched = 0;  // bytes that have been accounted for
  };
  // Where the bytes of a piece of the answer are.
  enum class Place : uint8_t {
    kFile,
    kShared,    // in what the parts share
    kPart,      // the worker has it as the content of a part
    kReserved,  // in the result buffer that the handler has made them in
    kElsewhere  // in this process: to be copied
  };
  Place PlaceOf(const ResponsePiece& piece) const;
  Held* FindFree(uint64_t bytes);
  bool Grow(Held* held, uint64_t bytes);
  bool IsFree(const Held& held) const;
  int ReplyChannel() const;  // -1: of no worker of ours
  bool ChannelIsHalfFull() const;
  bool PutInBuffer(absl::Span<const ResponsePiece> pieces, uint64_t bytes);
  void AddPieces(absl::Span<const ResponsePiece> pieces, bool in_buffer);
  void GiveBack(Held** held);
  void Transmit();

  // Fixed after construction.
  const ProcessSetup& setup_;
  ControlChannel* const control_;
  // Working state.
  std::vector<std::unique_ptr<Held>> buffers_;
  JobId id_;
  Instant started_;
  // Scratch reused between jobs.
  proto::Reply reply_;
  std::string encoded_;
  std::vector<absl::string_view> payload_;
  std::vector<int> fds_;
  Held* used_ = nullptr;      // of the current answer: what was copied
  Held* reserved_ = nullptr;  // the same: what was made in its place
  bool is_refused_ = false;
  bool sends_reserved_ = false;
  absl::Span<const char> shared_;
  absl::Span<const uint64_t> part_bytes_;
  LogLimit no_memory_log_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_REPLY_SENDER_H_
