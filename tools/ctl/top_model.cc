#include "tools/ctl/top_model.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/report/printable_text.h"
#include "tools/ctl/percentile.h"

namespace windlass {
namespace {

using Process = proto::StatusReport::Process;

// A process is the same one while these are.
using Identity = std::tuple<std::string, uint32_t, int32_t>;
Identity IdentityOf(const Process& process) {
  return {process.role(), process.slot(), process.pid()};
}

bool IsWorker(absl::string_view role) { return role == "worker"; }
bool IsPool(absl::string_view role) { return role == "pool"; }

// Closer than this, two samples say nothing.
constexpr double kLeastSeconds = 1e-3;

class Comparison {
 public:
  Comparison(const TopSample* earlier, const TopSample& later) : later_(later.report) {
    for (const Process& process : later_.processes()) has_cpu_ |= process.cpu_ms() > 0;
    if (earlier == nullptr) return;
    seconds_ = absl::ToDoubleSeconds(later.at - earlier->at);
    const bool same =
        earlier->report.pid() == later_.pid() && earlier->report.uptime_ms() <= later_.uptime_ms();
    if (!same || seconds_ < kLeastSeconds) return;
    earlier_ = &earlier->report;
    for (const Process& process : earlier_->processes()) before_[IdentityOf(process)] = &process;
  }

  TopRates Rates() const {
    TopRates rates;
    if (earlier_ == nullptr) return rates;
    const proto::StatusReport::Totals &before = earlier_->totals(), &after = later_.totals();
    rates.requests = Rate(before.requests(), after.requests());
    rates.jobs = Rate(before.jobs(), after.jobs());
    rates.errors = Rate(Errors(before), Errors(after));
    rates.accepted = Rate(before.accepted(), after.accepted());
    rates.bytes_in = Rate(before.bytes_in(), after.bytes_in());
    rates.bytes_out = Rate(before.bytes_out(), after.bytes_out());
    if (after.deaths() >= before.deaths()) rates.deaths = after.deaths() - before.deaths();
    rates.latency = CountedBetween(earlier_->latency(), later_.latency()).value_or(rates.latency);
    rates.queue_wait =
        CountedBetween(earlier_->queue_wait(), later_.queue_wait()).value_or(rates.queue_wait);
    return rates;
  }

  TopProcess ProcessOf(const Process& now) const {
    TopProcess process;
    process.role = PrintableLine(now.role());
    process.slot = now.slot();
    process.pid = now.pid();
    process.generation = now.generation();
    process.state = PrintableLine(now.state());
    process.age = absl::Milliseconds(now.age_ms());
    if (IsWorker(now.role())) process.load = now.connections();
    if (IsPool(now.role())) process.load = now.jobs();
    process.rss_bytes = now.rss_bytes();
    process.job = now.job_id();
    process.ran = absl::Milliseconds(now.job_ms());
    process.handler = PrintableLine(now.handler());
    const auto found = before_.find(IdentityOf(now));
    if (found == before_.end() || now.pid() == 0) return process;
    const Process& before = *found->second;
    if (IsWorker(now.role())) process.rate = Rate(before.requests(), now.requests());
    if (IsPool(now.role())) process.rate = Rate(before.jobs(), now.jobs());
    if (has_cpu_ && before.cpu_ms() >= 0 && now.cpu_ms() >= before.cpu_ms()) {
      process.cpu = static_cast<double>(now.cpu_ms() - before.cpu_ms()) / 10 / seconds_;
    }
    return process;
  }

 private:
  static uint64_t Errors(const proto::StatusReport::Totals& totals) {
    uint64_t errors = 0;
    for (const auto& error : totals.errors_by_code()) errors += error.count();
    return errors;
  }

  std::optional<double> Rate(uint64_t before, uint64_t after) const {
    if (after < before) return std::nullopt;
    return static_cast<double>(after - before) / seconds_;
  }

  const proto::StatusReport& later_;
  const proto::StatusReport* earlier_ = nullptr;  // null: there is nothing to compare with
  double seconds_ = 0;
  bool has_cpu_ = false;  // servers that do not say it have 0 everywhere
  std::map<Identity, const Process*> before_;
};

// How a column orders processes: by text, or by number.
struct SortKey {
  bool absent = false;
  double number = 0;
  std::string text;
};

SortKey Number(double number) { return {false, number, ""}; }
SortKey Number(const std::optional<double>& number) {
  return {!number.has_value(), number.value_or(0), ""};
}
SortKey Text(std::string text) { return {text.empty(), 0, std::move(text)}; }

SortKey KeyOf(const TopProcess& process, TopColumn column) {
  switch (column) {
    case TopColumn::kProcess:
      return Number(0);  // the order of equal ones is this one
    case TopColumn::kPid:
      return {process.pid == 0, static_cast<double>(process.pid), ""};
    case TopColumn::kGeneration:
      return Number(process.generation);
    case TopColumn::kState:
      return Text(process.state);
    case TopColumn::kAge:
      return Number(absl::ToDoubleSeconds(process.age));
    case TopColumn::kLoad:
      return {!process.load.has_value(), static_cast<double>(process.load.value_or(0)), ""};
    case TopColumn::kRate:
      return Number(process.rate);
    case TopColumn::kCpu:
      return Number(process.cpu);
    case TopColumn::kRss:
      return {process.rss_bytes == 0, static_cast<double>(process.rss_bytes), ""};
    case TopColumn::kRan:
      return {process.job == 0, absl::ToDoubleSeconds(process.ran), ""};
    case TopColumn::kHandler:
      return Text(process.job == 0 ? "" : process.handler);
  }
  std::abort();  // not an enumerator: memory is corrupt
}

bool Passes(const TopProcess& process, TopFilter filter) {
  switch (filter) {
    case TopFilter::kAll:
      return true;
    case TopFilter::kWorkers:
      return IsWorker(process.role);
    case TopFilter::kPool:
      return IsPool(process.role);
  }
  std::abort();  // as above
}

// Workers first, pool processes after them, then what there may be besides.
auto PlaceOf(const TopProcess& process) {
  const int rank = IsWorker(process.role) ? 0 : IsPool(process.role) ? 1 : 2;
  return std::make_tuple(rank, process.role, process.slot, process.generation, process.pid);
}

}  // namespace

std::string TopProcess::name() const { return absl::StrCat(role, "-", slot); }

TopModel CompareSamples(const TopSample* earlier, const TopSample& later) {
  const Comparison comparison(earlier, later);
  TopModel model;
  model.rates = comparison.Rates();
  for (const Process& process : later.report.processes()) {
    model.processes.push_back(comparison.ProcessOf(process));
  }
  std::copy_if(model.processes.begin(), model.processes.end(), std::back_inserter(model.running),
               [](const TopProcess& process) { return process.job != 0; });
  std::stable_sort(model.running.begin(), model.running.end(),
                   [](const TopProcess& a, const TopProcess& b) { return a.ran > b.ran; });
  return model;
}

std::vector<TopProcess> Arrange(const std::vector<TopProcess>& processes, const TopOrder& order) {
  struct Keyed {
    SortKey key;
    const TopProcess* process;
  };
  std::vector<Keyed> keyed;
  for (const TopProcess& process : processes) {
    if (Passes(process, order.filter)) keyed.push_back({KeyOf(process, order.column), &process});
  }
  std::sort(keyed.begin(), keyed.end(), [&order](const Keyed& a, const Keyed& b) {
    if (a.key.absent != b.key.absent) return b.key.absent;
    const auto key_a = std::tie(a.key.number, a.key.text);
    const auto key_b = std::tie(b.key.number, b.key.text);
    if (key_a != key_b) return order.descending ? key_b < key_a : key_a < key_b;
    // Only this column's own direction turns the order of equal ones.
    const bool turned = order.descending && order.column == TopColumn::kProcess;
    return turned ? PlaceOf(*b.process) < PlaceOf(*a.process)
                  : PlaceOf(*a.process) < PlaceOf(*b.process);
  });
  std::vector<TopProcess> arranged;
  for (const Keyed& one : keyed) arranged.push_back(*one.process);
  return arranged;
}

}  // namespace windlass
