#ifndef WINDLASS_WORKER_IO_PEER_LIMIT_H_
#define WINDLASS_WORKER_IO_PEER_LIMIT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/fingerprint.h"
#include "common/peer_counts.h"
#include "common/process_setup.h"

namespace windlass {

// Role: counts connections by client address (of IPv6 by /64 block, which is what one client has)
// and listener, over all workers of all generations, for listener.max_connections_per_address.
// Worker processes. Where a peer is counted, nobody outside can know: the hash is keyed. With tens
// of thousands of connections a peer may look as if it had one or two more than it has
// (common/peer_counts.h). Two workers that admit at the same moment may admit one too many, and
// while a connection moves from one to another neither counts it.
// Blocking: never. Errors: without the key's secret nobody is counted.
class PeerLimit {
 public:
  // One counted connection, for as long as this lives. Move-only; empty: it is not counted.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), columns_(other.columns_) {}
    Lease& operator=(Lease&& other) noexcept {
      Reset();
      counts_ = std::exchange(other.counts_, nullptr);
      columns_ = other.columns_;
      return *this;
    }
    ~Lease() { Reset(); }
    void Reset();

   private:
    friend class PeerLimit;
    using Columns = std::array<uint32_t, PeerCounts::kRows>;
    Lease(PeerCounts* counts, Columns columns) : counts_(counts), columns_(columns) {}
    PeerCounts* counts_ = nullptr;
    Columns columns_ = {};
  };

  explicit PeerLimit(const ProcessSetup& setup);

  // `peer`: "192.0.2.7:4711", "[2001:db8::1]:4711"; any other text is nobody, who is not counted.
  // nullopt: it has `most` connections with that listener already.
  std::optional<Lease> Admit(absl::string_view peer, absl::string_view listener, int most);
  // However many it has.
  Lease Take(absl::string_view peer, absl::string_view listener);

 private:
  std::optional<Lease::Columns> ColumnsOf(absl::string_view peer, absl::string_view listener) const;
  uint32_t CountOf(const Lease::Columns& columns) const;
  Lease Enter(const Lease::Columns& columns);

  const Scoreboard& board_;
  PeerCounts* own_ = nullptr;
  std::optional<Fingerprinter> fingerprinter_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_PEER_LIMIT_H_
