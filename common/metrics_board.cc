#include "common/metrics_board.h"

#include <algorithm>
#include <cstring>

#include "absl/types/span.h"

namespace windlass {
namespace {

constexpr absl::string_view kOtherName = "other";
constexpr uint32_t kHandlerBits = 8;
static_assert(MetricsNames::kOtherHandler < 1u << kHandlerBits);

uint32_t Pack(MetricsSlot::Key key) { return key.listener << kHandlerBits | key.handler; }

absl::Span<const MetricsName> Used(const Word<uint32_t>& count,
                                   absl::Span<const MetricsName> names) {
  return names.subspan(0, std::min<size_t>(count.load(std::memory_order_acquire), names.size()));
}

size_t Find(absl::Span<const MetricsName> names, absl::string_view name) {
  const absl::string_view cut = name.substr(0, MetricsName::kMost);
  const auto* const found = std::find_if(names.begin(), names.end(),
                                         [=](const MetricsName& one) { return one.view() == cut; });
  return static_cast<size_t>(found - names.begin());
}

void Add(Word<uint32_t>* count, absl::Span<MetricsName> names, absl::string_view name) {
  const size_t at = count->load();
  if (Find(Used(*count, names), name) < at || at >= names.size()) return;
  MetricsName& free = names[at];
  const size_t bytes = std::min(name.size(), MetricsName::kMost);
  std::memcpy(free.text.data(), name.data(), bytes);
  free.bytes.store(static_cast<uint32_t>(bytes), std::memory_order_relaxed);
  count->store(static_cast<uint32_t>(at) + 1, std::memory_order_release);
}

}  // namespace

absl::string_view MetricsName::view() const {
  return {text.data(), std::min<size_t>(bytes.load(std::memory_order_relaxed), kMost)};
}

uint32_t MetricsNames::AddListener(absl::string_view name) {
  Add(&listeners, absl::MakeSpan(listener_names), name);
  return FindListener(name);
}

uint32_t MetricsNames::AddHandler(absl::string_view name) {
  Add(&handlers, absl::MakeSpan(handler_names), name);
  return FindHandler(name);
}

uint32_t MetricsNames::FindListener(absl::string_view name) const {
  const absl::Span<const MetricsName> used = Used(listeners, listener_names);
  const size_t at = Find(used, name);
  return at < used.size() ? static_cast<uint32_t>(at) : kOtherListener;
}

uint32_t MetricsNames::FindHandler(absl::string_view name) const {
  const absl::Span<const MetricsName> used = Used(handlers, handler_names);
  const size_t at = Find(used, name);
  return at < used.size() ? static_cast<uint32_t>(at) + 1 : kOtherHandler;
}

absl::string_view MetricsNames::ListenerName(uint32_t number) const {
  const absl::Span<const MetricsName> used = Used(listeners, listener_names);
  return number < used.size() ? used[number].view() : kOtherName;
}

absl::string_view MetricsNames::HandlerName(uint32_t number) const {
  if (number == kNoHandler) return "";
  const absl::Span<const MetricsName> used = Used(handlers, handler_names);
  return number - 1 < used.size() ? used[number - 1].view() : kOtherName;
}

uint32_t MetricsSlot::rows_used() const {
  return std::min(used.load(std::memory_order_acquire), kRows);
}

MetricsSlot::Key MetricsSlot::KeyOf(uint32_t row) const {
  const uint32_t packed = keys[row].load(std::memory_order_relaxed);
  return {packed >> kHandlerBits, packed & ((1u << kHandlerBits) - 1)};
}

MetricsRow& MetricsSlot::RowFor(Key key) {
  const uint32_t count = rows_used();
  for (uint32_t i = 0; i < count; ++i) {
    if (KeyOf(i) == key) return rows[i];
  }
  if (count == kRows) return rows[kRows - 1];
  if (count == kRows - 1) key = kOther;
  keys[count].store(Pack(key), std::memory_order_relaxed);
  used.store(count + 1, std::memory_order_release);
  return rows[count];
}

void RequestCounts::Add(const MetricsRow& row) {
  for (size_t code = 0; code < kErrorCodeCount; ++code) {
    answers[code] += row.answers[code].load(std::memory_order_relaxed);
  }
  bytes_in += row.bytes_in.load(std::memory_order_relaxed);
  bytes_out += row.bytes_out.load(std::memory_order_relaxed);
  latency.Add(row.latency);
  queue_wait.Add(row.queue_wait);
  run_time.Add(row.run_time);
}

void RequestCounts::Add(const RequestCounts& other) {
  for (size_t code = 0; code < kErrorCodeCount; ++code) answers[code] += other.answers[code];
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  latency.Add(other.latency);
  queue_wait.Add(other.queue_wait);
  run_time.Add(other.run_time);
}

RequestCountsByName CountRequests(const Scoreboard& board) {
  RequestCountsByName all;
  const MetricsNames& names = board.names();
  const SlotRange workers = board.WorkersEver();
  for (uint32_t i = workers.first; i < workers.end; ++i) {
    const MetricsSlot& slot = board.metrics(SlotIndex{i});
    for (uint32_t row = 0; row < slot.rows_used(); ++row) {
      const MetricsSlot::Key key = slot.KeyOf(row);
      all[{std::string(names.ListenerName(key.listener)),
           std::string(names.HandlerName(key.handler))}]
          .Add(slot.rows[row]);
    }
  }
  return all;
}

}  // namespace windlass
