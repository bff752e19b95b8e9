#include "common/scoreboard.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics_board.h"

namespace windlass {
namespace {

constexpr size_t kPage = 4096;

size_t SlotOffset(SlotIndex index) { return kPage * (size_t{index.value} + 1); }

constexpr size_t kNamesBytes = (sizeof(MetricsNames) + kPage - 1) / kPage * kPage;
static_assert(sizeof(MetricsSlot) % kPage == 0);

}  // namespace

absl::StatusOr<Scoreboard> Scoreboard::Create(uint32_t worker_slots, uint32_t pool_slots) {
  Scoreboard board;
  board.worker_slots_ = worker_slots;
  board.pool_slots_ = pool_slots;
  const size_t size = board.size();
  absl::StatusOr<OwnedFd> memfd = MemfdCreate("windlass-scoreboard", size);
  if (!memfd.ok()) return memfd.status();
  board.writable_ = *std::move(memfd);
  if (auto sealed = AddSeals(board.writable_.get(), F_SEAL_SHRINK | F_SEAL_GROW); !sealed.ok())
    return sealed;
  if (absl::Status mapped = board.MapAll(size); !mapped.ok()) return mapped;
  ScoreboardHeader& header = board.MutableHeader();
  header.magic = ScoreboardHeader::kMagic;
  header.version = ScoreboardHeader::kVersion;
  header.worker_slots = worker_slots;
  header.pool_slots = pool_slots;
  return board;
}

absl::StatusOr<Scoreboard> Scoreboard::Adopt(OwnedFd memfd) {
  Scoreboard board;
  board.writable_ = std::move(memfd);
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(board.writable_.get());
  if (!identity.ok()) return identity.status();
  const absl::Status other = absl::FailedPreconditionError("the scoreboard has another layout");
  if (identity->size < (2 + 2 * ScoreboardHeader::kBays) * kPage) return other;
  if (absl::Status mapped = board.MapAll(identity->size); !mapped.ok()) return mapped;
  const ScoreboardHeader& header = board.header();
  if (header.magic != ScoreboardHeader::kMagic || header.version != ScoreboardHeader::kVersion) {
    return other;
  }
  board.worker_slots_ = header.worker_slots;
  board.pool_slots_ = header.pool_slots;
  if (board.size() != identity->size) return other;
  return board;
}

size_t Scoreboard::NamesOffset() const { return kPage * (size_t{slots()} + 1); }

size_t Scoreboard::MetricsOffset(SlotIndex index) const {
  return NamesOffset() + kNamesBytes + sizeof(MetricsSlot) * size_t{index.value};
}

size_t Scoreboard::size() const { return MetricsOffset(SlotIndex{worker_slots_}); }

absl::Status Scoreboard::MapAll(size_t size) {
  absl::StatusOr<OwnedFd> read_only = OpenReadOnly(absl::StrCat("/proc/self/fd/", fd()));
  if (!read_only.ok()) return read_only.status();
  read_only_ = *std::move(read_only);
  absl::StatusOr<Mapping> all = Mapping::Shared(fd(), size, 0, /*writable=*/true);
  if (!all.ok()) return all.status();
  all_ = *std::move(all);
  return absl::OkStatus();
}

absl::Status Scoreboard::EnterChild(SlotIndex own) {
  absl::Status entered = EnterZygote(own);
  if (!entered.ok()) return entered;
  writable_.Reset();
  read_only_.Reset();
  return absl::OkStatus();
}

absl::Status Scoreboard::EnterZygote(SlotIndex own) {
  CHECK(own.value < slots());
  absl::StatusOr<Mapping> page = Mapping::Shared(writable_.get(), kPage, SlotOffset(own), true);
  if (!page.ok()) return page.status();
  absl::StatusOr<Mapping> metrics{Mapping()};
  if (own.value < worker_slots_) {
    metrics = Mapping::Shared(writable_.get(), sizeof(MetricsSlot), MetricsOffset(own), true);
    if (!metrics.ok()) return metrics.status();
  }
  // From a read-only description, so that it cannot be made writable again by mprotect.
  absl::StatusOr<Mapping> all = Mapping::Shared(read_only_.get(), size(), 0, false);
  if (!all.ok()) return all.status();
  own_metrics_ = *std::move(metrics);
  own_ = *std::move(page);
  all_ = *std::move(all);
  own_index_ = own;
  is_child_ = true;
  return absl::OkStatus();
}

const ProcessSlot& Scoreboard::slot(SlotIndex index) const {
  CHECK(index.value < slots());
  return *reinterpret_cast<const ProcessSlot*>(all_.data() + SlotOffset(index));
}

ProcessSlot& Scoreboard::MutableSlot(SlotIndex index) {
  CHECK(index.value < slots());
  if (!is_child_) return *reinterpret_cast<ProcessSlot*>(all_.data() + SlotOffset(index));
  CHECK(index == own_index_);
  return *reinterpret_cast<ProcessSlot*>(own_.data());
}

const MetricsSlot& Scoreboard::metrics(SlotIndex index) const {
  CHECK(index.value < worker_slots_);
  return *reinterpret_cast<const MetricsSlot*>(all_.data() + MetricsOffset(index));
}

MetricsSlot& Scoreboard::MutableMetrics(SlotIndex index) {
  CHECK(index.value < worker_slots_);
  if (!is_child_) return *reinterpret_cast<MetricsSlot*>(all_.data() + MetricsOffset(index));
  CHECK(index == own_index_);
  return *reinterpret_cast<MetricsSlot*>(own_metrics_.data());
}

const MetricsNames& Scoreboard::names() const {
  return *reinterpret_cast<const MetricsNames*>(all_.data() + NamesOffset());
}

MetricsNames& Scoreboard::MutableNames() {
  CHECK(!is_child_);
  return *reinterpret_cast<MetricsNames*>(all_.data() + NamesOffset());
}

SlotRange Scoreboard::WorkersOf(uint32_t bay) const {
  CHECK(bay < ScoreboardHeader::kBays);
  const GenerationBay& workers = header().bays[bay];
  const uint32_t first =
      std::min(workers.first_worker.load(std::memory_order_relaxed), worker_slots_);
  const uint32_t count = workers.workers.load(std::memory_order_relaxed);
  return {first, first + std::min(count, worker_slots_ - first)};
}

SlotRange Scoreboard::PoolSlots() const {
  const uint32_t used = header().pool_slots_used.load(std::memory_order_relaxed);
  return {worker_slots_, worker_slots_ + std::min(used, pool_slots_)};
}

SlotRange Scoreboard::WorkersEver() const {
  return {0, std::min(header().worker_slots_ever.load(), worker_slots_)};
}

SlotRange Scoreboard::PoolEver() const {
  return {worker_slots_, worker_slots_ + std::min(header().pool_slots_ever.load(), pool_slots_)};
}

uint64_t Scoreboard::PayloadBytes() const {
  uint64_t sum = 0;
  const auto add = [&](SlotRange range) {
    for (uint32_t i = range.first; i < range.end; ++i) {
      sum += slot(SlotIndex{i}).payload_bytes.load();
    }
  };
  for (uint32_t bay = 0; bay < ScoreboardHeader::kBays; ++bay) add(WorkersOf(bay));
  add(PoolSlots());
  return sum;
}

const ScoreboardHeader& Scoreboard::header() const {
  return *reinterpret_cast<const ScoreboardHeader*>(all_.data());
}

ScoreboardHeader& Scoreboard::MutableHeader() {
  CHECK(!is_child_);
  return *reinterpret_cast<ScoreboardHeader*>(all_.data());
}

}  // namespace windlass
