#include "worker/io/split_job.h"

#include <fcntl.h>

#include <utility>

namespace windlass {

SplitMemory::SplitMemory(PayloadPool* payloads, std::string content,
                         std::unique_ptr<RequestBuffer> request, uint64_t request_bytes,
                         OwnedFd shared, uint64_t shared_bytes)
    : payloads_(payloads),
      content_(std::move(content)),
      request_(std::move(request)),
      request_bytes_(request_bytes),
      shared_(std::move(shared)),
      shared_bytes_(shared_bytes) {
  payloads_->Charge(shared_bytes_);
}

SplitMemory::~SplitMemory() {
  payloads_->Discharge(shared_bytes_);
  payloads_->Recycle(std::move(request_));
}

absl::string_view SplitMemory::content() const {
  if (request_ == nullptr) return content_;
  return absl::string_view(request_->data(), request_bytes_);
}

OwnedFd SplitMemory::DupShared() const {
  return OwnedFd(::fcntl(shared_.get(), F_DUPFD_CLOEXEC, 0));
}

}  // namespace windlass
