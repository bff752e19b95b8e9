#include "worker/io/quarantine_list.h"

#include <algorithm>

#include "common/log.h"

namespace windlass {

QuarantineList::QuarantineList(const Config& config, uint32_t pool, int secret)
    : handlers_(static_cast<uint32_t>(config.handlers.size())) {
  if (config.pools[pool].quarantine_ttl == absl::ZeroDuration()) return;
  absl::StatusOr<Fingerprinter> made = Fingerprinter::FromSecret(secret);
  if (!made.ok()) {
    LOG(ERROR) << "no quarantine of payloads: " << made.status().ToString();
    return;
  }
  fingerprinter_ = *made;
}

void QuarantineList::Set(const proto::Command::Quarantine& list) {
  entries_.clear();
  if (!enabled()) return;
  for (const proto::Command::Quarantine::Entry& entry : list.entries()) {
    entries_.push_back({entry.bytes(), entry.handler(), Fingerprint{entry.high(), entry.low()},
                        Instant{static_cast<int64_t>(entry.expires_ns())}});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.bytes < b.bytes; });
}

absl::Duration QuarantineList::RefusedFor(uint32_t handler, absl::string_view content,
                                          Instant now) const {
  auto entry = std::lower_bound(entries_.begin(), entries_.end(), content.size(),
                                [](const Entry& one, uint64_t bytes) { return one.bytes < bytes; });
  std::optional<Fingerprint> fingerprint;
  for (; entry != entries_.end() && entry->bytes == content.size(); ++entry) {
    if (handler < handlers_ && handler != entry->handler) continue;
    if (!fingerprint) fingerprint = fingerprinter_->Of(content);
    if (*fingerprint == entry->fingerprint) return entry->expires - now;
  }
  return absl::ZeroDuration();
}

CrashedPayload QuarantineList::Describe(uint32_t handler, absl::string_view content) const {
  return {handler, content.size(), fingerprinter_->Of(content)};
}

}  // namespace windlass
