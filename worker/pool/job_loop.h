#ifndef WINDLASS_WORKER_POOL_JOB_LOOP_H_
#define WINDLASS_WORKER_POOL_JOB_LOOP_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "common/captured_output.h"
#include "common/control_channel.h"
#include "common/job_channel.h"
#include "common/mapping_cache.h"
#include "common/process_setup.h"
#include "common/selector.h"
#include "proto/job.pb.h"
#include "windlass/handler.h"
#include "worker/handlers/handler_set.h"
#include "worker/handlers/router.h"
#include "worker/pool/job_context.h"
#include "worker/pool/part_list.h"
#include "worker/pool/process_limits.h"
#include "worker/pool/reply_sender.h"
#include "worker/pool/sandbox.h"

namespace windlass {

// Role: takes jobs from the queue that all pool processes share, one at a time, runs their handlers
// and answers. Pool processes. Owns the handlers and the mappings of request memory; the queue is
// borrowed. Invariants:
//   1. The slot's word says RECEIVING before every recv, then the job's id, then IDLE only after
//   the reply is sent: from
//      it the master knows which job died with this process.
//   2. Every job received is answered once, unless this process dies.
//   3. It waits only in the selector, where a command of the master reaches it, never in recv or
//   send.
//   4. What a handler prints is logged after its job, as its job's.
//   5. A job that was out of memory costs this process only if it has kept so much that the next
//   one would be, too.
// Blocking: as long as handlers do. Errors: a broken packet is counted and dropped; the master gone
// ends the process.
class JobLoop {
 public:
  // `output`: nullopt where what handlers print is not captured.
  static absl::StatusOr<std::unique_ptr<JobLoop>> Create(ProcessSetup setup,
                                                         ControlChannel* control,
                                                         HandlerSet handlers,
                                                         std::optional<OutputCapture> output);
  // Call when all is loaded: from here on this process is within its limits and its sandbox.
  absl::Status EnterWalls(const Sandbox& sandbox);
  // Until the master says drain (0) or is gone (0).
  int Run();

 private:
  JobLoop(ProcessSetup setup, ControlChannel* control, HandlerSet handlers,
          std::unique_ptr<Selector> selector, std::optional<OutputCapture> output);
  bool ReceiveJob();  // false: the queue is empty
  void RunJob();
  void RunHandler(uint32_t index, absl::string_view content);
  void AnswerWith(Handler& handler, const Request& request);
  // Jobs that are split, and their parts (job_loop_parts.cc).
  bool MapShared();
  absl::StatusOr<bool> Split(Handler& handler, const Request& request);
  void RunPart(Handler& handler, const Request& request);
  absl::StatusOr<Response> Merge(Handler& handler, const Request& request);
  void SendStatus(const absl::Status& status);
  void OnOutOfMemory();
  bool Wait(int timeout_ms);  // false: end the process
  int TrimDelayMs() const;
  bool HandleControl();
  void LogOutput(absl::string_view whose);

  // Fixed after construction.
  const ProcessSetup setup_;
  ControlChannel* const control_;
  const HandlerSet handlers_;
  const std::unique_ptr<Selector> selector_;
  std::optional<OutputCapture> output_;
  ProcessSlot& slot_;
  // Working state.
  Router router_;
  MappingCache requests_;
  ReplySender replies_;
  bool stopping_ = false;
  bool is_elsewhere_ = false;  // the job is another pool's
  ProcessLimits limits_;
  LogLimit output_limit_{kOutputRate}, malformed_log_;
  uint32_t waits_ = 0;
  // Scratch reused between jobs.
  JobPacketReceiver receiver_;
  proto::Job job_;
  JobContext context_;
  PartList parts_;
  Mapping shared_;  // by the parts of the job
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_JOB_LOOP_H_
