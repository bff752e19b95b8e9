#ifndef WINDLASS_WORKER_POOL_JOB_CONTEXT_H_
#define WINDLASS_WORKER_POOL_JOB_CONTEXT_H_

#include <algorithm>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/job_id.h"
#include "common/scoreboard.h"
#include "worker/handlers/handler.h"
#include "worker/handlers/json_content.h"

namespace windlass {

// Role: what a running handler may ask, answered from the job's envelope and the scoreboard. Pool
// processes; one object serves all jobs, one after the other. Blocking: never.
class JobContext : public HandlerContext {
 public:
  explicit JobContext(const Scoreboard& scoreboard) : scoreboard_(scoreboard) {}

  // `header` must stay valid until the next Begin.
  void Begin(JobId id, Instant deadline, absl::string_view header);

  // The handler turned out to have a shorter deadline than the job was sent with.
  void ShortenTo(Instant deadline) { deadline_ = std::min(deadline_, deadline); }
  Instant deadline() const { return deadline_; }

  uint64_t job_id() const override { return id_.word(); }
  absl::Duration time_left() const override { return deadline_ - MonotonicNow(); }
  bool cancelled() const override;
  std::optional<std::string> header(absl::string_view key) override;

 private:
  const Scoreboard& scoreboard_;
  JobId id_;
  Instant deadline_;
  absl::string_view header_;
  std::optional<JsonContent> parsed_header_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_JOB_CONTEXT_H_
