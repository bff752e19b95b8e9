#ifndef WINDLASS_WORKER_IO_DISPATCHER_H_
#define WINDLASS_WORKER_IO_DISPATCHER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/job_channel.h"
#include "common/log_limit.h"
#include "common/process_setup.h"
#include "common/timer_wheel.h"
#include "proto/job.pb.h"
#include "worker/io/backlog.h"
#include "worker/io/credit.h"
#include "worker/io/exchange.h"
#include "worker/io/fence.h"
#include "worker/io/payload_pool.h"
#include "worker/io/quarantine_list.h"
#include "worker/io/result_memory.h"
#include "worker/io/split_job.h"

namespace windlass {

// Whose answers these are: the connections. Called at most once for each exchange, never after
// Abandon. Must not call the dispatcher back.
class AnswerSink {
 public:
  virtual void OnAnswer(Exchange* exchange, const Answer& answer) = 0;
  virtual BacklogLane** LaneOf(Exchange* exchange) = 0;
  // A process died of what may be the fault of `crash`, which the master counts.
  virtual void OnCrash(const CrashedPayload& crash) = 0;

 protected:
  virtual ~AnswerSink() = default;
};

// Who has the dispatchers of the other pools.
class PoolSwitch {
 public:
  // Only the content told the handler, and it is another pool's. The exchange goes there, with
  // its content; it is out nowhere.
  virtual void OnElsewhere(Exchange* exchange, uint32_t handler) = 0;

 protected:
  virtual ~PoolSwitch() = default;
};

// What a job is, beside its content.
struct JobRequest {
  proto::JobKind kind = proto::RUN;
  uint32_t handler = 0;
  uint32_t listener = 0;
  absl::string_view content_type, content_encoding, header;
  bool big_endian = false;
  Instant deadline;
  uint32_t asked_deadline_ms = 0;  // by the client, which may be longer; 0: none
};

// A job whose process is dead, and what the master knows of it.
struct LostJob {
  JobId id;
  absl::string_view cause;  // for the client: "was killed by SIGSEGV"
  bool may_retry = false;   // it was a crash
  bool counts = false;      // that the payload may have caused
  bool had_begun = true;    // false: no handler has seen it, for sure
  uint32_t handler = 0;     // 1 + index of the one that ran it; 0: not known. Not to be trusted
};

// Role: sends jobs to one pool and matches answers with their exchanges. Worker processes.
// Owns the table of jobs that are out, the backlog, and the buffers of large requests while the
// pool reads them. Invariants:
//   1. Every exchange that is submitted is answered exactly once - by its reply, its deadline, the
//   death of the process
//      that ran it, or a refusal - unless it is abandoned.
//   2. An answer is matched by its job id; one that matches nothing is dropped and counted.
//   3. A request's memory is not used again before the job's reply, or its loss, is known.
//   4. At most JobsAllowedOut jobs (credit.h) are out; what waits, waits in the backlog, at most
//   about
//      pool.queue jobs in all workers together.
//   5. A job is sent to this pool at most kMostAttempts times, counted before it is sent. Once more
//   only after a crash, under a new id, within its first deadline, before what waits, and only if
//   its handler is idempotent or has surely not begun. A job in doubt, which the fence found lost,
//   may have begun.
// Blocking: never. Errors: what a pool process sends is checked; a broken reply is an error answer
// to its own job.
class Dispatcher : public TimerOwner {
 public:
  // `pool`: an index into Config::pools. `others`: null where there is one pool.
  Dispatcher(const ProcessSetup& setup, uint32_t pool, TimerWheel* timers, PayloadPool* payloads,
             AnswerSink* sink, PoolSwitch* others);

  // Prepares the envelope of a job whose content has not arrived yet.
  void Prepare(Exchange* exchange, const JobRequest& request);
  // Small content: sent at once or copied. REQUIRES: at most kInlinePayloadMax bytes.
  void Submit(Exchange* exchange, const JobRequest& request, absl::string_view content);
  // Large content, in exchange->request, prepared before.
  void SubmitPrepared(Exchange* exchange);
  // An exchange of another pool's that this one runs; its request's memory counts here.
  void TakeOver(Exchange* exchange, uint32_t handler);
  // Answers it with an error. REQUIRES: it is neither out nor waiting.
  void Refuse(Exchange* exchange, ErrorCode code, absl::string_view message);
  // Nobody waits for it any more. The exchange is the caller's again, whatever happens to the job.
  void Abandon(Exchange* exchange);

  void OnRepliesReady();  // takes replies, perhaps not all that are there, then sends what waits
  void OnJobLost(const LostJob& lost);
  // `have_run`: the jobs in doubt have run to their end, and only their answers are missing.
  void OnFenceRequested(absl::string_view cause, bool have_run = false);
  // From now on these payloads are refused, also those that wait.
  void OnQuarantine(const proto::Command::Quarantine& list);
  void OnDeadline(Exchange* exchange);  // of a job that was prepared or submitted
  void OnTimer(Timer* timer, Instant now) override;
  // Every job that somebody waits for; `queued`: in this worker's backlog.
  void ForEachJob(absl::FunctionRef<void(const Exchange&, bool queued)> visit) const;
  // An operator wants it gone: answered with an error. REQUIRES: no process runs it; it waits in
  // the backlog or in the kernel's queue.
  bool DropWaiting(JobId id);
  // Answers everything that is open with `code`.
  void AnswerAll(ErrorCode code, absl::string_view message);

  ResultMemory& results() { return results_; }
  bool idle() const { return out_.empty() && backlog_.empty(); }

 private:
  struct OutJob {
    Exchange* exchange = nullptr;  // null: abandoned or answered already
    std::unique_ptr<RequestBuffer> request;
    uint32_t handler = 0;
    uint64_t send_order = 0;     // the queue's order: not that of ids, which are given out earlier
    std::string content;         // abandoned: the small content, which may still crash its process
    uint64_t request_bytes = 0;  // the same of large content
    std::shared_ptr<SplitMemory> memory;  // of a job that was split, or of a part of one
  };
  static constexpr int kMostAttempts = 2;
  using OutTable = absl::flat_hash_map<uint64_t, OutJob>;

  void EncodeJob(Exchange* exchange, const JobRequest& request, std::string* envelope);
  bool HasCredit(const Exchange& exchange) const;
  struct Siblings {
    uint64_t clients = 0;
    Instant oldest = Instant::Never();
  };
  Siblings LookAtSiblings() const;
  int PoolReady() const;
  bool BacklogIsFull() const;
  bool Send(Exchange* exchange, absl::string_view envelope, absl::string_view content);
  absl::string_view ContentInPacket(const Exchange& exchange) const;
  void KeepContent(Exchange* exchange, absl::string_view content);
  void DropContent(Exchange* exchange);
  void Enqueue(Exchange* exchange);
  void Pump();
  void TakeReplies(int most);
  void TakeWholeChannel();  // all that is in it now
  void TakeReply();
  void Finish(OutTable::iterator job);
  void NoteRun(Exchange* exchange) const;
  // Of jobs that their handlers split (dispatcher_split.cc).
  void BeginSplit(OutTable::iterator job);
  absl::Status CheckSplit(const OutJob& job);
  void EnqueueNextPart(Exchange* whole);
  void FinishPart(Exchange* part, const absl::Status& accepted);
  void BeginMerge(Exchange* whole);
  void DropParts(Exchange* whole);
  void Forget(Exchange* exchange);
  std::string WithDeadline(absl::string_view message, const Exchange& exchange) const;
  void AnswerError(Exchange* exchange, ErrorCode code, absl::string_view message);
  void AnswerUnaccepted(Exchange* exchange, const absl::Status& why);  // of its reply
  void CheckFence();
  void Lose(OutTable::iterator job, const LostJob& lost);
  void NoteCrash(uint32_t known_handler, const LostJob& lost, absl::string_view content);
  uint32_t HandlerOf(uint32_t known_handler, const LostJob& lost) const;
  bool MayRunAgain(const Exchange& exchange, const LostJob& lost) const;
  void SendAgain(Exchange* exchange, const LostJob& lost);
  bool RefuseQuarantined(Exchange* exchange, absl::string_view content);
  bool IsMine(JobId id) const;
  JobId NextId();
  void Cancel(JobId id);
  bool IsElsewhere(const OutJob& job) const;
  void PublishLoad();
  int RetryMs() const;

  // Fixed after construction.
  const ProcessSetup& setup_;
  const uint32_t pool_;
  const PoolConfig& config_;
  const PoolChannels channels_;
  const Scoreboard& board_;
  ProcessSlot& slot_;
  PoolLoad& load_;
  TimerWheel* const timers_;
  PayloadPool* const payloads_;
  AnswerSink* const sink_;
  PoolSwitch* const others_;
  const uint32_t unknown_handler_;  // index for jobs whose handler the pool finds
  // Working state.
  OutTable out_;
  Backlog backlog_;
  RunTimes run_times_;
  uint64_t next_sequence_;  // each pool's numbers are its own
  uint64_t next_send_ = 1;
  Fence fence_;
  LogLimit broken_reply_log_;
  bool has_broken_reply_ = false;  // since the last fence: of which job, it must find out
  QuarantineList quarantine_;
  Timer retry_;  // the queue was full, or the fence waits for a process
  ResultMemory results_;
  // Scratch reused between turns.
  JobPacketReceiver receiver_;
  proto::Job job_;
  proto::Reply reply_;
  std::string envelope_;
  std::vector<std::string> spare_contents_;
  std::vector<AnswerPiece> pieces_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_DISPATCHER_H_
