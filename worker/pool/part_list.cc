#include "worker/pool/part_list.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "common/pools.h"
#include "worker/pool/handler_check.h"

namespace windlass {
namespace {

struct Made {
  OwnedFd memfd;
  Mapping map;
};
absl::StatusOr<Made> Make(uint64_t size) {
  absl::StatusOr<OwnedFd> memfd = MemfdCreate("windlass-parts", size);
  if (!memfd.ok()) return memfd.status();
  const absl::Status sealed = AddSeals(memfd->get(), F_SEAL_SHRINK | F_SEAL_GROW);
  if (!sealed.ok()) return sealed;
  absl::StatusOr<Mapping> map = Mapping::Shared(memfd->get(), size, 0, /*writable=*/true);
  if (!map.ok()) return map.status();
  return Made{*std::move(memfd), *std::move(map)};
}

}  // namespace

void PartList::Add(absl::string_view what) {
  const absl::Status checked = CheckPart(what, parts_.size());
  if (!checked.ok()) {
    fault_ = checked;
  } else {
    parts_.emplace_back(what);
  }
}

absl::StatusOr<absl::Span<char>> PartList::Share(size_t bytes) {
  if (memfd_.valid()) {
    fault_ = absl::InternalError("Split: memory is shared once");
    return fault_;
  }
  if (bytes == 0) return absl::Span<char>();
  // As requests: the other half is for results, without which nothing could be answered.
  const uint64_t budget = PoolShare(setup_.payload_budget_bytes, *setup_.config) / 2;
  const uint64_t size = std::min<uint64_t>(bytes, budget + 1);
  ProcessSlot& slot = setup_.scoreboard->MutableSlot(setup_.slot);
  slot.payload_bytes.fetch_add(size);  // first claim, then look
  const uint64_t key = PoolKey(setup_.config->pools[setup_.pool].name);
  is_refused_ = size < bytes || setup_.scoreboard->PayloadBytes(key) > budget;
  absl::StatusOr<Made> made =
      is_refused_ ? absl::ResourceExhaustedError("no memory left for payloads") : Make(size);
  if (!made.ok()) {
    slot.payload_bytes.fetch_sub(size);
    return made.status();
  }
  memfd_ = std::move(made->memfd);
  map_ = std::move(made->map);
  return absl::MakeSpan(map_.data(), bytes);
}

void PartList::Clear() {
  if (memfd_.valid()) {
    setup_.scoreboard->MutableSlot(setup_.slot).payload_bytes.fetch_sub(map_.size());
  }
  memfd_.Reset();
  map_ = Mapping();
  parts_.clear();
  fault_ = absl::OkStatus();
  is_refused_ = false;
}

}  // namespace windlass
