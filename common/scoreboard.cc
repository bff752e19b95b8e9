#include "common/scoreboard.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics_board.h"
#include "common/peer_counts.h"

namespace windlass {
namespace {

constexpr size_t kPage = 4096;

size_t SlotOffset(SlotIndex index) { return kPage * (size_t{index.value} + 1); }

constexpr size_t kNamesBytes = (sizeof(MetricsNames) + kPage - 1) / kPage * kPage;
static_assert(sizeof(MetricsSlot) % kPage == 0 && sizeof(PeerCounts) % kPage == 0);

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
  if (identity->size < (2 + (kMaxPools + 1) * ScoreboardHeader::kBays) * kPage) return other;
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

size_t Scoreboard::PeerCountsOffset(SlotIndex index) const {
  return MetricsOffset(SlotIndex{worker_slots_}) + sizeof(PeerCounts) * size_t{index.value};
}

size_t Scoreboard::AssignmentOffset() const { return PeerCountsOffset(SlotIndex{worker_slots_}); }

size_t Scoreboard::size() const {
  const size_t assignments = sizeof(SlotAssignment) * pool_slots_;
  return AssignmentOffset() + (assignments + kPage - 1) / kPage * kPage;
}

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
  absl::StatusOr<Mapping> metrics{Mapping()}, peers{Mapping()};
  if (own.value < worker_slots_) {
    metrics = Mapping::Shared(writable_.get(), sizeof(MetricsSlot), MetricsOffset(own), true);
    if (!metrics.ok()) return metrics.status();
    peers = Mapping::Shared(writable_.get(), sizeof(PeerCounts), PeerCountsOffset(own), true);
    if (!peers.ok()) return peers.status();
  }
  // From a read-only description, so that it cannot be made writable again by mprotect.
  absl::StatusOr<Mapping> all = Mapping::Shared(read_only_.get(), size(), 0, false);
  if (!all.ok()) return all.status();
  own_metrics_ = *std::move(metrics);
  own_peers_ = *std::move(peers);
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

const PeerCounts& Scoreboard::peer_counts(SlotIndex index) const {
  CHECK(index.value < worker_slots_);
  return *reinterpret_cast<const PeerCounts*>(all_.data() + PeerCountsOffset(index));
}

PeerCounts& Scoreboard::MutablePeerCounts(SlotIndex index) {
  CHECK(index.value < worker_slots_);
  if (!is_child_) return const_cast<PeerCounts&>(peer_counts(index));
  CHECK(index == own_index_);
  return *reinterpret_cast<PeerCounts*>(own_peers_.data());
}

// Gives the pages back, which then read as zeros. Without the right file system for that, by hand.
void Scoreboard::ClearPeerCounts(SlotIndex index) {
  CHECK(!is_child_ && index.value < worker_slots_);
  const int punched = ::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                  static_cast<off_t>(PeerCountsOffset(index)), sizeof(PeerCounts));
  if (punched == 0) return;
  for (auto& row : MutablePeerCounts(index).counts) {
    for (auto& count : row) count.store(0, std::memory_order_relaxed);
  }
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

const SlotAssignment& Scoreboard::assignment(SlotIndex index) const {
  CHECK(index.value - worker_slots_ < pool_slots_);
  return reinterpret_cast<const SlotAssignment*>(all_.data() +
                                                 AssignmentOffset())[index.value - worker_slots_];
}

SlotAssignment& Scoreboard::MutableAssignment(SlotIndex index) {
  CHECK(!is_child_);
  return const_cast<SlotAssignment&>(assignment(index));
}

uint64_t Scoreboard::PayloadBytes() const {
  uint64_t sum = 0;
  for (uint32_t bay = 0; bay < ScoreboardHeader::kBays; ++bay) {
    const SlotRange workers = WorkersOf(bay);
    for (uint32_t i = workers.first; i < workers.end; ++i) {
      for (const PoolLoad& load : slot(SlotIndex{i}).load) sum += load.payload_bytes.load();
    }
  }
  const SlotRange processes = PoolSlots();
  for (uint32_t i = processes.first; i < processes.end; ++i) {
    sum += slot(SlotIndex{i}).payload_bytes.load();
  }
  return sum;
}

uint64_t Scoreboard::PayloadBytes(uint64_t pool_key) const {
  uint64_t sum = 0;
  for (uint32_t bay = 0; bay < ScoreboardHeader::kBays; ++bay) {
    const auto& keys = header().bays[bay].pool_keys;
    uint32_t pool = 0;
    while (pool < kMaxPools && keys[pool].load(std::memory_order_relaxed) != pool_key) ++pool;
    if (pool == kMaxPools) continue;
    const SlotRange workers = WorkersOf(bay);
    for (uint32_t i = workers.first; i < workers.end; ++i) {
      sum += slot(SlotIndex{i}).load[pool].payload_bytes.load();
    }
  }
  const SlotRange processes = PoolSlots();
  for (uint32_t i = processes.first; i < processes.end; ++i) {
    if (assignment(SlotIndex{i}).pool_key.load(std::memory_order_relaxed) != pool_key) continue;
    sum += slot(SlotIndex{i}).payload_bytes.load();
  }
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
