#include "master/deaths_report.h"

#include <algorithm>
#include <string>
#include <vector>

namespace windlass {

proto::DeathsReport::Death DeathEntry(const Death& death) {
  proto::DeathsReport::Death entry;
  entry.set_time_unix_ms(absl::ToUnixMillis(death.when));
  entry.set_role(death.role.data(), death.role.size());
  entry.set_slot(death.number);
  entry.set_pid(death.pid);
  entry.set_generation(death.generation);
  entry.set_cause(death.text);
  entry.set_forbidden_call(death.forbidden_call);
  const absl::string_view kind = EndCauseName(death.cause);
  entry.set_kind(kind.data(), kind.size());
  entry.set_expected(death.is_expected);
  entry.set_age_ms(absl::ToInt64Milliseconds(death.age));
  entry.set_peak_rss_bytes(death.peak_resident_bytes);
  if (death.job == 0) return entry;
  entry.set_job_id(death.job);
  entry.set_handler(death.handler);
  entry.set_payload_bytes(death.payload_bytes);
  entry.set_attempt(death.attempt);
  entry.set_job_ms(absl::ToInt64Milliseconds(death.job_age));
  entry.set_has_fault_address(death.has_fault_address);
  entry.set_fault_address(death.fault_address);
  entry.set_no_stack(death.no_stack);
  for (const std::string& line : death.stack) entry.add_stack(line);
  return entry;
}

proto::DeathsReport::Slow SlowEntry(const SlowJob& slow) {
  proto::DeathsReport::Slow entry;
  entry.set_time_unix_ms(absl::ToUnixMillis(slow.when));
  entry.set_process(slow.process);
  entry.set_pid(slow.pid);
  entry.set_job_id(slow.job);
  entry.set_handler(slow.handler);
  entry.set_ran_ms(absl::ToInt64Milliseconds(slow.ran));
  entry.set_past_deadline(slow.past_deadline);
  for (const std::string& line : slow.stack) entry.add_stack(line);
  return entry;
}

proto::DeathsReport MakeDeathsReport(const DeathLog& deaths) {
  proto::DeathsReport report;
  report.set_total(deaths.total());
  std::vector<const Death*> all;
  for (const Death& death : deaths.latest()) all.push_back(&death);
  for (const Death& death : deaths.latest_expected()) all.push_back(&death);
  std::stable_sort(all.begin(), all.end(),
                   [](const Death* a, const Death* b) { return a->when < b->when; });
  for (const Death* const death : all) *report.add_deaths() = DeathEntry(*death);
  report.set_slow_total(deaths.slow_total());
  for (const SlowJob& slow : deaths.latest_slow()) *report.add_slow() = SlowEntry(slow);
  return report;
}

}  // namespace windlass
