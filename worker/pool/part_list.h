#ifndef WINDLASS_WORKER_POOL_PART_LIST_H_
#define WINDLASS_WORKER_POOL_PART_LIST_H_

#include <string>
#include <vector>

#include "common/posix.h"
#include "common/process_setup.h"
#include "windlass/handler.h"

namespace windlass {

// Role: what a handler cuts its job into, until the worker has it. Pool processes; one object
// serves all jobs, one after the other. Owns the memory that the parts will share, and accounts for
// it in this process's slot as long. Blocking: never.
class PartList : public JobParts {
 public:
  explicit PartList(const ProcessSetup& setup) : setup_(setup) {}
  ~PartList() override { Clear(); }

  void Add(absl::string_view what) override;
  absl::StatusOr<absl::Span<char>> Share(size_t bytes) override;

  const std::vector<std::string>& parts() const { return parts_; }
  int shared_fd() const { return memfd_.get(); }  // -1: nothing is shared
  uint64_t shared_bytes() const { return map_.size(); }
  // The handler has done what it must not: why it fails; else OK.
  const absl::Status& fault() const { return fault_; }
  bool is_refused() const { return is_refused_; }  // memory: the budget is used up
  void Clear();

 private:
  const ProcessSetup& setup_;
  std::vector<std::string> parts_;
  OwnedFd memfd_;
  Mapping map_;
  absl::Status fault_;
  bool is_refused_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_PART_LIST_H_
