#include "tests/scenario/ledger_book.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace windlass {
namespace {
constexpr size_t kMaxNotes = 20;
}  // namespace

uint64_t LedgerTotals::Troubles() const {
  return wrong + out_of_order + lost + duplicates + strangers + dropped_connections +
         failed_connects;
}

void LedgerTotals::Note(absl::string_view trouble) {
  const std::lock_guard lock(mutex);
  if (notes.size() < kMaxNotes) notes.emplace_back(trouble);
}

LedgerBook::LedgerBook(absl::string_view name, LedgerTotals* totals)
    : connection_(totals->connections++),
      prefix_(absl::StrCat(name, connection_, "-")),
      totals_(totals) {}

std::string LedgerBook::IdOf(uint32_t number) const { return absl::StrCat(prefix_, number); }

std::string LedgerBook::NextId() const { return IdOf(next_); }

std::string LedgerBook::Describe() const {
  return absl::StrCat("connection ", connection_, " with ", waiting_.size(), " waiting");
}

void LedgerBook::Add(const LedgerPayload& payload, uint64_t end) {
  waiting_.push_back({next_++, payload, end});
}

void LedgerBook::OnSent(uint64_t bytes) {
  for (; sent_ < waiting_.size() && waiting_[sent_].end <= bytes; ++sent_) {
    ++totals_->in_flight;
    ++totals_->sent;
  }
}

void LedgerBook::OnAnswer(const LedgerAnswer& answer) {
  absl::string_view digits = answer.id;
  uint32_t number = 0;
  const bool ours = absl::ConsumePrefix(&digits, prefix_) && absl::SimpleAtoi(digits, &number);
  const uint32_t first = next_ - static_cast<uint32_t>(waiting_.size());
  // Large content may be refused while it is still on its way.
  if (ours && number == first + sent_ && sent_ < waiting_.size() && !answer.status.empty()) {
    OnSent(waiting_[sent_].end);
  }
  if (!ours || number >= first + sent_) {
    ++totals_->strangers;
    totals_->Note(absl::StrCat("answer to '", answer.id, "' on ", Describe()));
    return;
  }
  if (number < first) return OnLateAnswer(number, answer);
  for (; waiting_.front().number != number; waiting_.pop_front(), --sent_)
    overtaken_.push_back(waiting_.front());
  const Entry entry = waiting_.front();
  waiting_.pop_front();
  --sent_;
  Settle(entry, answer);
}

void LedgerBook::OnLateAnswer(uint32_t number, const LedgerAnswer& answer) {
  const auto found = std::find_if(overtaken_.begin(), overtaken_.end(),
                                  [number](const Entry& entry) { return entry.number == number; });
  if (found == overtaken_.end()) {
    ++totals_->duplicates;
    totals_->Note(absl::StrCat(answer.id, " was answered again"));
    return;
  }
  overtaken_.erase(found);
  ++totals_->out_of_order;
  --totals_->in_flight;
  totals_->Note(absl::StrCat(answer.id, " was answered out of order"));
}

void LedgerBook::Settle(const Entry& entry, const LedgerAnswer& answer) {
  if (!answer.status.empty()) {
    const std::lock_guard lock(totals_->mutex);
    ++totals_->refused_by_code[answer.status];
    ++totals_->refused;
  } else if (IsPayload(answer.content, answer.id, entry.payload)) {
    const std::lock_guard lock(totals_->mutex);
    totals_->executed.push_back({connection_, entry.number});
    ++totals_->answered;
  } else {
    ++totals_->wrong;
    totals_->Note(absl::StrCat(answer.id, " got other content: ", answer.content.substr(0, 80)));
  }
  --totals_->in_flight;
}

void LedgerBook::OnEnd() {
  const size_t lost = sent_ + overtaken_.size();
  if (lost > 0) {
    const uint32_t first = overtaken_.empty() ? waiting_.front().number : overtaken_[0].number;
    totals_->Note(absl::StrCat(lost, " lost, the first is ", IdOf(first)));
  }
  totals_->lost += lost;
  totals_->in_flight -= static_cast<int64_t>(lost);
  waiting_.clear();
  overtaken_.clear();
  sent_ = 0;
}

}  // namespace windlass
