#include "tools/ctl/top_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/report/human_units.h"

namespace windlass {
namespace {

// A server that is gone is looked for this often, one that is silent is said to be so after it.
constexpr absl::Duration kPatience = absl::Seconds(1);

// The status that is in the result, or why there is none.
absl::Status Refusal(const proto::CtlReply& reply) {
  if (reply.has_done() && !reply.done().ok()) return absl::UnavailableError(reply.done().message());
  return absl::DataLossError("the server answered something else than it was asked");
}

}  // namespace

bool TopWatch::Step(const TopControls& controls, Instant now) {
  if (!status_.has_value() && now >= Due(controls)) Ask(controls.page == TopPage::kStacks, now);
  bool changed = false;
  if (status_.has_value()) {
    if (std::optional<Result> result = status_->Step(now)) {
      status_.reset();
      Take(*std::move(result), now);
      changed = true;
    } else {
      changed = NoteSilence(now);
    }
  }
  if (deaths_.has_value()) {
    if (std::optional<Result> result = deaths_->Step(now)) {
      deaths_.reset();
      TakeDeaths(*std::move(result));
      changed = true;
    }
  }
  return changed;
}

void TopWatch::Ask(bool deaths, Instant now) {
  asked_ = now;
  forced_ = false;
  const Instant deadline = now + options_.timeout;
  status_.emplace(options_.control, options_.request, now, deadline);
  if (!deaths || deaths_.has_value()) return;
  proto::CtlRequest request;
  request.mutable_deaths();
  deaths_.emplace(options_.control, request, now, deadline);
}

Instant TopWatch::Due(const TopControls& controls) const {
  if (forced_) return Instant{0};
  if (failed_) return asked_ + kPatience;  // also while paused: there is nothing to look at
  return controls.paused ? Instant::Never() : asked_ + controls.interval;
}

void TopWatch::Take(Result result, Instant now) {
  absl::Status failure = result.status();
  if (result.ok() && !result->has_status()) failure = Refusal(*result);
  failed_ = !failure.ok();
  if (failed_) {
    picture_.trouble = absl::StrCat("trying again every second: ", failure.message());
    return;
  }
  picture_.trouble.clear();
  TopSample sample = {now, std::move(*result->mutable_status())};
  picture_.model = CompareSamples(last_.has_value() ? &*last_ : nullptr, sample);
  picture_.report = sample.report;
  picture_.has_report = true;
  last_ = std::move(sample);
}

void TopWatch::TakeDeaths(Result result) {
  if (!result.ok() || !result->has_deaths()) return;  // the status says what is wrong
  picture_.deaths = std::move(*result->mutable_deaths());
  picture_.has_deaths = true;
}

bool TopWatch::NoteSilence(Instant now) {
  const absl::Duration silent = now - status_->asked();
  if (silent < kPatience || failed_) return false;
  std::string trouble = absl::StrCat("no answer for ", HumanAge(absl::Floor(silent, kPatience)));
  if (trouble == picture_.trouble) return false;
  picture_.trouble = std::move(trouble);
  return true;
}

std::vector<pollfd> TopWatch::Interest() const {
  std::vector<pollfd> entries;
  for (const auto* question : {&status_, &deaths_}) {
    if (question->has_value()) entries.push_back((*question)->Interest());
  }
  return entries;
}

Instant TopWatch::Wake(const TopControls& controls, Instant now) const {
  Instant wake = Instant::Never();
  for (const auto* question : {&status_, &deaths_}) {
    if (question->has_value()) wake = std::min(wake, (*question)->wake(now));
  }
  // While a question is out, the silence is told once a second.
  return std::min(wake, status_.has_value() ? now + kPatience / 4 : Due(controls));
}

}  // namespace windlass
