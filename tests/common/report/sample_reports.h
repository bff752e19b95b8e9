#ifndef WINDLASS_TESTS_COMMON_REPORT_SAMPLE_REPORTS_H_
#define WINDLASS_TESTS_COMMON_REPORT_SAMPLE_REPORTS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "proto/ctl.pb.h"

// Reports of a server that has seen something.

namespace windlass {

constexpr int64_t kSampleNowMs = 1'769'860'800'000;  // 2026-01-31T12:00:00Z
inline absl::Time SampleNow() { return absl::FromUnixMillis(kSampleNowMs); }
constexpr uint64_t kSampleJob = 18'014'398'509'481'985;  // 2^54 + 1: no double holds it

// All is well: two workers, a pool process that runs a job, one generation, no reload so far.
inline proto::StatusReport CalmStatus() {
  proto::StatusReport report;
  report.set_version("0.1.0");
  report.set_pid(4242);
  report.set_generation(1);
  report.set_uptime_ms(7'500'000);
  report.set_state("serving");
  report.set_config_source("/etc/windlass.toml");
  proto::StatusReport::Listener* const listener = report.add_listeners();
  listener->set_address("127.0.0.1:65432");
  listener->set_protocol("message");
  listener->set_generation(1);
  proto::StatusReport::Generation* const generation = report.add_generations();
  generation->set_number(1);
  generation->set_state("serving");
  generation->set_workers(1);
  generation->set_pool(1);
  generation->set_age_ms(7'500'000);
  proto::StatusReport::Process* const worker = report.add_processes();
  worker->set_role("worker");
  worker->set_slot(0);
  worker->set_pid(4243);
  worker->set_generation(1);
  worker->set_state("serving");
  worker->set_age_ms(7'500'000);
  worker->set_connections(12);
  worker->set_requests(123456);
  worker->set_jobs(1);
  worker->set_rss_bytes(12'897'485);
  proto::StatusReport::Process* const pool = report.add_processes();
  pool->set_role("pool");
  pool->set_slot(8);
  pool->set_pid(4244);
  pool->set_generation(1);
  pool->set_state("serving");
  pool->set_age_ms(192'000);
  pool->set_jobs(98765);
  pool->set_rss_bytes(9'437'184);
  pool->set_job_id(kSampleJob);
  pool->set_job_ms(250);
  proto::StatusReport::Totals* const totals = report.mutable_totals();
  totals->set_connections(12);
  totals->set_requests(123456);
  totals->set_jobs(98766);
  totals->set_accepted(345);
  totals->add_errors_by_code()->set_code("too_large");
  report.mutable_workers()->set_wanted(1);
  report.mutable_workers()->set_configured(1);
  report.mutable_pool()->set_wanted(1);
  proto::StatusReport::Pool* const one_pool = report.add_pools();
  one_pool->set_name("default");
  one_pool->set_wanted(1);
  one_pool->set_configured(1);
  one_pool->set_ready(1);
  one_pool->set_sandbox("basic");
  report.mutable_pool()->set_configured(1);
  return report;
}

// The same server after a reload that failed, a scaling, a failed role, and deaths.
inline proto::StatusReport TroubledStatus() {
  proto::StatusReport report = CalmStatus();
  report.set_state("degraded");
  report.set_generation(2);
  report.mutable_last_reload()->set_time_unix_ms(kSampleNowMs - 192'000);
  report.mutable_last_reload()->set_message("line 3: unknown key 'prot'");
  proto::StatusReport::Generation* const next = report.add_generations();
  next->set_number(2);
  next->set_state("starting");
  next->set_workers(2);
  next->set_pool(4);
  next->set_age_ms(2'000);
  report.mutable_generations(0)->set_state("draining");
  report.mutable_generations(0)->set_note("worker-0 has 12 connections");
  proto::StatusReport::Process* const gone = report.mutable_processes(1);
  gone->set_pid(0);
  gone->set_state("waiting");
  gone->set_rss_bytes(0);
  gone->set_job_id(0);
  gone->set_job_ms(0);
  gone->set_quick_deaths(5);
  proto::StatusReport::ErrorCount* const crashed = report.mutable_totals()->add_errors_by_code();
  crashed->set_code("handler_crashed");
  crashed->set_count(5);
  report.mutable_totals()->set_deaths(5);
  proto::DeathsReport::Death* const death = report.mutable_last_death();
  death->set_time_unix_ms(kSampleNowMs - 4000);
  death->set_role("pool");
  death->set_slot(8);
  death->set_kind("signal");
  death->set_cause("was killed by SIGSEGV (Segmentation fault)");
  death->set_job_id(kSampleJob);
  death->add_stack("Spin() (fault.so+0x12)");
  report.set_slow_total(3);
  report.mutable_last_slow()->set_time_unix_ms(kSampleNowMs - 60'000);
  report.mutable_last_slow()->set_handler("image");
  report.mutable_last_slow()->add_stack("Blur() (image.so+0x99)");
  report.mutable_workers()->set_wanted(2);
  report.mutable_workers()->set_kept(true);
  report.add_failed_roles("pool");
  return report;
}

inline proto::ConnectionsReport SampleConnections() {
  proto::ConnectionsReport report;
  proto::ConnectionsReport::Connection* const one = report.add_connections();
  one->set_peer("127.0.0.1:40000");
  one->set_listener("127.0.0.1:65432");
  one->set_protocol("message");
  one->set_state("reading");
  one->set_age_ms(192'000);
  one->set_idle_ms(1'000);
  one->set_in_flight(2);
  one->set_recv_q(65536);
  one->set_slot(1);
  one->set_generation(1);
  proto::ConnectionsReport::Connection* const nasty = report.add_connections();
  nasty->set_peer("unix:@\x1b[2J\xff");  // a client names itself
  nasty->set_listener("unix:/run/w.sock");
  nasty->set_protocol("line");
  nasty->set_state("writing");
  nasty->set_send_q(10);
  nasty->set_generation(2);
  report.add_silent_workers(3);
  report.set_left_out(7);
  return report;
}

inline proto::JobsReport SampleJobs() {
  proto::JobsReport report;
  proto::JobsReport::Job* const running = report.add_jobs();
  running->set_id(kSampleJob);
  running->set_running(true);
  running->set_handler("burn");
  running->set_age_ms(31'000);
  running->set_deadline_ms(-1'000);
  running->set_slot(8);
  running->set_pid(4244);
  proto::JobsReport::Job* const waiting = report.add_jobs();
  waiting->set_id(kSampleJob + 1);
  waiting->set_handler("search");
  waiting->set_age_ms(250);
  waiting->set_deadline_ms(29'750);
  waiting->set_slot(0);
  waiting->set_pid(4243);
  return report;
}

inline proto::QuarantineReport SampleQuarantine() {
  proto::QuarantineReport report;
  proto::QuarantineReport::Entry* const one = report.add_entries();
  one->set_id("9f86d081884c7d65");
  one->set_handler("search");
  one->set_bytes(123);
  one->set_crashes(2);
  one->set_last_unix_ms(kSampleNowMs);
  one->set_expires_ms(598'500);
  return report;
}

inline proto::DeathsReport SampleDeaths() {
  proto::DeathsReport report;
  proto::DeathsReport::Death* const one = report.add_deaths();
  one->set_time_unix_ms(kSampleNowMs);
  one->set_role("pool");
  one->set_slot(8);
  one->set_pid(4200);
  one->set_generation(1);
  one->set_cause("was killed by SIGSEGV (Segmentation fault)");
  one->set_job_id(kSampleJob);
  one->set_age_ms(7'500'000);
  one->set_kind("signal");
  one->set_handler("search");
  one->set_payload_bytes(123);
  one->set_attempt(2);
  one->set_job_ms(20);
  one->set_peak_rss_bytes(64 << 20);
  one->set_has_fault_address(true);
  one->set_fault_address(16);
  one->add_stack("Spin() (fault.so+0x12)");
  one->add_stack("0x7f0000000010");
  proto::DeathsReport::Death* const ended = report.add_deaths();
  *ended = *one;
  ended->set_kind("scale");
  ended->set_cause("exited with code 0");
  ended->set_expected(true);
  ended->set_job_id(0);
  ended->clear_stack();
  proto::DeathsReport::Slow* const slow = report.add_slow();
  slow->set_time_unix_ms(kSampleNowMs);
  slow->set_process("pool-1");
  slow->set_pid(4243);
  slow->set_job_id(kSampleJob);
  slow->set_handler("image");
  slow->set_ran_ms(15'000);
  slow->add_stack("Blur() (image.so+0x99)");
  report.set_slow_total(3);
  report.set_total(5);
  return report;
}

}  // namespace windlass

#endif  // WINDLASS_TESTS_COMMON_REPORT_SAMPLE_REPORTS_H_
