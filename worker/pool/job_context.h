#ifndef WINDLASS_WORKER_POOL_JOB_CONTEXT_H_
#define WINDLASS_WORKER_POOL_JOB_CONTEXT_H_

#include <algorithm>
#include <optional>
#include <string>

#include "common/captured_output.h"
#include "common/clock.h"
#include "common/job_id.h"
#include "common/scoreboard.h"
#include "windlass/handler.h"
#include "worker/handlers/json_content.h"
#include "worker/pool/reply_sender.h"
#include "worker/pool/scratch_memory.h"

namespace windlass {

// Role: what a running handler may ask, answered from the job's envelope and the scoreboard. Pool
// processes; one object serves all jobs, one after the other. Blocking: never.
class JobContext : public HandlerContext {
 public:
  // `pools`: how many the configuration has; `ready`: how many processes of this one's there are.
  JobContext(const Scoreboard& scoreboard, size_t pools, const Word<uint32_t>& ready,
             ReplySender* replies)
      : scoreboard_(scoreboard), pools_(pools), ready_(ready), replies_(replies) {}

  // `header` must stay valid until the next Begin. `attempt`: from 1.
  void Begin(JobId id, int attempt, Instant deadline, absl::string_view header);
  // Whose job it is, for lines in the log; static.
  void SetHandler(absl::string_view name) { handler_ = name; }

  // The handler turned out to have a shorter deadline than the job was sent with.
  void ShortenTo(Instant deadline) { deadline_ = std::min(deadline_, deadline); }
  Instant deadline() const { return deadline_; }

  uint64_t job_id() const override { return id_.word(); }
  int attempt() const override { return attempt_; }
  absl::Duration time_left() const override;
  bool cancelled() const override;
  std::optional<std::string> header(absl::string_view key) override;
  void Log(HandlerLogLevel level, absl::string_view line) override;
  absl::Span<char> Scratch(size_t bytes) override { return scratch_.Take(bytes); }
  int processes() const override {
    return std::max(1, static_cast<int>(ready_.load(std::memory_order_relaxed)));
  }

  absl::StatusOr<absl::Span<char>> ResponseMemory(size_t bytes) override {
    return replies_->Reserve(bytes);
  }

  // Gives memory of large jobs back. REQUIRES: no job is running.
  void Trim() { scratch_.Trim(); }
  bool holds_memory() const { return scratch_.holds_memory(); }

 private:
  const Scoreboard& scoreboard_;
  const size_t pools_;
  const Word<uint32_t>& ready_;
  ReplySender* const replies_;
  JobId id_;
  int attempt_ = 1;
  absl::string_view handler_;
  Instant deadline_;
  absl::string_view header_;
  std::optional<JsonContent> parsed_header_;
  ScratchMemory scratch_;
  LogLimit log_limit_{kOutputRate};
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_JOB_CONTEXT_H_
