#include "master/quarantine.h"

#include <algorithm>

namespace windlass {
namespace {

using Poisons = std::deque<Poison>;

Poisons::iterator Find(Poisons* list, absl::string_view handler, uint64_t bytes,
                       Fingerprint fingerprint) {
  return std::find_if(list->begin(), list->end(), [&](const Poison& one) {
    return one.fingerprint == fingerprint && one.bytes == bytes && one.handler == handler;
  });
}

Poison TakeOut(Poisons* list, Poisons::iterator at) {
  Poison taken = std::move(*at);
  list->erase(at);
  return taken;
}

void Append(Poisons* list, Poison poison, size_t most) {
  if (list->size() == most) list->pop_front();
  list->push_back(std::move(poison));
}

template <typename Condition>
size_t RemoveIf(Poisons* list, Condition condition) {
  const auto end = std::remove_if(list->begin(), list->end(), condition);
  const size_t removed = static_cast<size_t>(list->end() - end);
  list->erase(end, list->end());
  return removed;
}

void DescribeOne(const Poison& poison, proto::UpgradeState::Poison* state) {
  state->set_handler(poison.handler);
  state->set_bytes(poison.bytes);
  state->set_high(poison.fingerprint.high);
  state->set_low(poison.fingerprint.low);
  state->set_crashes(poison.crashes);
  state->set_last_unix_ms(absl::ToUnixMillis(poison.last_crash));
  state->set_expires_ns(static_cast<uint64_t>(poison.expires.ns));
}

Poison AdoptOne(const proto::UpgradeState::Poison& state) {
  return {state.handler(),
          state.bytes(),
          {state.high(), state.low()},
          state.crashes(),
          absl::FromUnixMillis(state.last_unix_ms()),
          Instant{static_cast<int64_t>(state.expires_ns())}};
}

}  // namespace

const Poison* Quarantine::OnCrash(absl::string_view handler, uint64_t bytes,
                                  Fingerprint fingerprint, absl::Duration ttl, absl::Time wall,
                                  Instant now) {
  Expire(now);
  Poison poison{std::string(handler), bytes, fingerprint, 0, wall, now};
  const auto entry = Find(&entries_, handler, bytes, fingerprint);
  const bool is_known = entry != entries_.end();
  if (is_known) {
    poison.crashes = TakeOut(&entries_, entry).crashes;
  } else if (const auto at = Find(&suspects_, handler, bytes, fingerprint); at != suspects_.end()) {
    poison.crashes = TakeOut(&suspects_, at).crashes;
  }
  ++poison.crashes;
  poison.expires = now + ttl;
  if (poison.crashes < kCrashes) {
    Append(&suspects_, std::move(poison), kSuspects);
    return nullptr;
  }
  ++version_;
  Append(&entries_, std::move(poison), kEntries);
  return is_known ? nullptr : &entries_.back();
}

void Quarantine::Expire(Instant now) {
  const auto is_over = [now](const Poison& one) { return one.expires <= now; };
  RemoveIf(&suspects_, is_over);
  if (RemoveIf(&entries_, is_over) > 0) ++version_;
}

size_t Quarantine::Clear(absl::string_view which) {
  const auto is_meant = [which](const Poison& one) {
    return which == "all" || ShortName(one.fingerprint) == which;
  };
  RemoveIf(&suspects_, is_meant);
  const size_t removed = RemoveIf(&entries_, is_meant);
  if (removed > 0) ++version_;
  return removed;
}

proto::Command Quarantine::CommandFor(const Config& config) const {
  proto::Command command;
  proto::Command::Quarantine& list = *command.mutable_quarantine();
  for (const Poison& poison : entries_) {
    for (size_t i = 0; i < config.handlers.size(); ++i) {
      if (config.handlers[i].name != poison.handler) continue;
      proto::Command::Quarantine::Entry& entry = *list.add_entries();
      entry.set_handler(static_cast<uint32_t>(i));
      entry.set_bytes(poison.bytes);
      entry.set_high(poison.fingerprint.high);
      entry.set_low(poison.fingerprint.low);
      entry.set_expires_ns(static_cast<uint64_t>(poison.expires.ns));
    }
  }
  return command;
}

void Quarantine::Describe(proto::UpgradeState* state) const {
  for (const Poison& poison : suspects_) DescribeOne(poison, state->add_suspects());
  for (const Poison& poison : entries_) DescribeOne(poison, state->add_quarantine());
}

void Quarantine::Adopt(const proto::UpgradeState& state) {
  for (const auto& poison : state.suspects()) Append(&suspects_, AdoptOne(poison), kSuspects);
  for (const auto& poison : state.quarantine()) Append(&entries_, AdoptOne(poison), kEntries);
  if (!entries_.empty()) ++version_;
}

}  // namespace windlass
