#include "master/service_report.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// sd_notify(3) messages fit into 4 KiB; this much of a reason is more than `systemctl status` shows
// on a screen.
constexpr size_t kMaxStatusBytes = 1024;
// What comes on top of a deadline of ours until its consequences are seen.
constexpr absl::Duration kMargin = absl::Seconds(5);

std::string Sizes(const Supervisor& supervisor) {
  return absl::StrCat(supervisor.wanted_workers(), " workers, ", supervisor.wanted_pools(),
                      " pool processes");
}

std::string ServingStatus(const Service& service) {
  const Supervisor& current = service.current();
  std::string text =
      absl::StrCat("serving: ", Sizes(current), ", generation ", current.generation().number());
  for (const auto& [role, name] :
       {std::pair(Role::kWorker, "worker"), {Role::kPool, "pool"}, {Role::kAdmin, "admin"}}) {
    if (current.HasFailed(role)) {
      absl::StrAppend(&text, "; FAILED: no ", name, " process can be started");
    }
  }
  if (!service.waits_for().empty()) {
    absl::StrAppend(&text, "; a reload waits for ", service.waits_for());
  }
  if (service.last_reload() && !service.last_reload()->ok) {
    absl::StrAppend(&text, "; the last reload failed: ", service.last_reload()->message);
  }
  return text;
}

absl::string_view StateAssignment(ServiceReport::Phase phase) {
  switch (phase) {
    case ServiceReport::Phase::kStarting:
      return "";
    case ServiceReport::Phase::kServing:
      return "READY=1\n";
    case ServiceReport::Phase::kReloading:
      return "RELOADING=1\n";
    case ServiceReport::Phase::kStopping:
      return "STOPPING=1\n";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

ServiceReport MakeServiceReport(const Service& service) {
  using Phase = ServiceReport::Phase;
  switch (service.state()) {
    case Service::State::kStarting:
      return {Phase::kStarting, absl::StrCat("starting: ", Sizes(service.current())),
              service.phase_deadline()};
    case Service::State::kServing:
      if (!service.is_reloading()) {
        return {Phase::kServing, ServingStatus(service), Instant::Never()};
      } else {
        const Supervisor& next = *service.supervisors().back();
        return {Phase::kReloading,
                absl::StrCat("reloading: generation ", next.generation().number(), " starts ",
                             Sizes(next)),
                service.phase_deadline()};
      }
    case Service::State::kStopping:
    case Service::State::kDone:
      return {Phase::kStopping, "stopping", service.phase_deadline()};
    case Service::State::kFailed:
      return {Phase::kStopping, absl::StrCat("cannot start: ", service.why()), Instant::Never()};
  }
  std::abort();  // not an enumerator: memory is corrupt
}

std::string NotificationFor(const std::optional<ServiceReport>& before, const ServiceReport& report,
                            Instant now) {
  std::string text;
  if (before == report) return text;
  const bool is_new_phase = !before || before->phase != report.phase;
  if (is_new_phase) absl::StrAppend(&text, StateAssignment(report.phase));
  if ((is_new_phase || before->deadline != report.deadline) &&
      report.deadline != Instant::Never()) {
    const absl::Duration left = std::max(report.deadline - now, absl::ZeroDuration()) + kMargin;
    absl::StrAppend(&text, "EXTEND_TIMEOUT_USEC=", absl::ToInt64Microseconds(left), "\n");
  }
  if (!before || before->status != report.status) {
    absl::StrAppend(&text, StatusAssignment(report.status), "\n");
  }
  return text;
}

std::string StatusAssignment(absl::string_view text) {
  const bool is_cut = text.size() > kMaxStatusBytes;
  size_t size = std::min(text.size(), kMaxStatusBytes);
  // Not within a character: systemd ignores what is no UTF-8.
  while (is_cut && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::string assignment = absl::StrCat("STATUS=", text.substr(0, size), is_cut ? "..." : "");
  for (char& c : assignment) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return assignment;
}

}  // namespace windlass
