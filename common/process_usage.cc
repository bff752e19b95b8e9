#include "common/process_usage.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/posix.h"

namespace windlass {

std::optional<unsigned long long> TicksInStat(absl::string_view stat) {
  // proc(5): pid (name) state ...; utime and stime are the 14th and the 15th. A name may hold
  // anything, also parentheses and spaces.
  const size_t end_of_name = stat.rfind(')');
  if (end_of_name == absl::string_view::npos) return std::nullopt;
  const std::string rest(stat.substr(end_of_name + 1));
  unsigned long long user = 0, system = 0;
  const int found = std::sscanf(
      rest.c_str(), " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system);
  if (found != 2) return std::nullopt;
  return user + system;
}

std::optional<absl::Duration> CpuTimeOf(pid_t pid) {
  const absl::StatusOr<OwnedFd> stat = OpenReadOnly(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return std::nullopt;
  char text[1024];
  const absl::StatusOr<size_t> size = ReadFd(stat->get(), text, sizeof(text));
  if (!size.ok()) return std::nullopt;
  const std::optional<unsigned long long> ticks = TicksInStat({text, *size});
  if (!ticks) return std::nullopt;
  return absl::Seconds(1) * static_cast<double>(*ticks) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace windlass
