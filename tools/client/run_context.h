#ifndef WINDLASS_TOOLS_CLIENT_RUN_CONTEXT_H_
#define WINDLASS_TOOLS_CLIENT_RUN_CONTEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "windlass/handler.h"
#include "worker/handlers/json_content.h"
#include "worker/pool/scratch_memory.h"

namespace windlass {

// Role: what a handler may ask when it runs without a server: job 1, which nobody cancels. Its log
// lines go to standard error. Blocking: as long as standard error does.
class RunContext : public HandlerContext {
 public:
  // `header`: "" or a JSON object. Both views must outlive this.
  RunContext(absl::string_view handler, absl::string_view header, Instant deadline, int processes)
      : handler_(handler), header_(header), deadline_(deadline), processes_(processes) {}

  uint64_t job_id() const override { return 1; }
  int attempt() const override { return 1; }
  absl::Duration time_left() const override;
  bool cancelled() const override { return false; }
  std::optional<std::string> header(absl::string_view key) override;
  void Log(HandlerLogLevel level, absl::string_view line) override;
  absl::Span<char> Scratch(size_t bytes) override { return scratch_.Take(bytes); }
  int processes() const override { return processes_; }
  absl::StatusOr<absl::Span<char>> ResponseMemory(size_t bytes) override {
    if (!response_.empty()) return absl::InternalError("ResponseMemory: asked for twice");
    constexpr size_t kPage = 4096;
    response_.assign(bytes + kPage, '?');  // any bytes
    const size_t skip = kPage - reinterpret_cast<uintptr_t>(response_.data()) % kPage;
    return absl::MakeSpan(response_.data() + skip, bytes);
  }
  // The next call of the handler is another job's.
  void DropResponse() { response_.clear(); }

 private:
  const absl::string_view handler_, header_;
  const Instant deadline_;
  const int processes_;
  std::optional<JsonContent> parsed_header_;
  ScratchMemory scratch_;
  std::vector<char> response_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_RUN_CONTEXT_H_
