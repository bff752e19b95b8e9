#ifndef WINDLASS_TOOLS_CLIENT_RUN_PARTS_H_
#define WINDLASS_TOOLS_CLIENT_RUN_PARTS_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/client/run_context.h"
#include "windlass/handler.h"

namespace windlass {

// Role: runs a job as a pool does: whole, or, where the handler splits it, its parts one after the
// other and then Merge. Without a server; owns what the parts share, which the response may refer
// to. Blocking: as long as the handler. Lets exceptions through.
class SplitRun : private JobParts {
 public:
  absl::StatusOr<Response> Run(Handler* handler, const Request& request, RunContext* context);

 private:
  void Add(absl::string_view what) override;
  absl::StatusOr<absl::Span<char>> Share(size_t bytes) override;

  absl::Status PutContents(Response* response);

  std::vector<std::string> parts_, results_, contents_;
  std::vector<absl::string_view> result_views_;
  std::vector<uint64_t> content_bytes_;
  std::unique_ptr<char[]> shared_;
  size_t shared_bytes_ = 0;
  absl::Status fault_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_RUN_PARTS_H_
