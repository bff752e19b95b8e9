#include "common/cpu_count.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/cgroup.h"
#include "common/cpu_affinity.h"
#include "common/read_file.h"
#include "common/units.h"

namespace windlass {
namespace {

std::optional<std::string> ReadTrimmed(absl::string_view root, const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(absl::StrCat(root, path));
  if (!text.ok()) return std::nullopt;
  absl::StripAsciiWhitespace(&*text);
  return *std::move(text);
}

// nullopt for "max", -1 and whatever is not a quota.
std::optional<double> CpusFrom(absl::string_view quota_us, absl::string_view period_us) {
  double quota = 0;
  double period = 0;
  if (!absl::SimpleAtod(quota_us, &quota) || !absl::SimpleAtod(period_us, &period))
    return std::nullopt;
  if (!(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

std::optional<CpuQuota> ReadCpuQuota(absl::string_view root, const CgroupDirectory& directory) {
  const std::string file =
      absl::StrCat(directory.path, directory.v2 ? "/cpu.max" : "/cpu.cfs_quota_us");
  const std::optional<std::string> text = ReadTrimmed(root, file);
  if (!text.has_value()) return std::nullopt;
  std::optional<double> cpus;
  if (directory.v2) {
    const std::vector<absl::string_view> fields = absl::StrSplit(*text, ' ', absl::SkipEmpty());
    if (fields.size() == 2) cpus = CpusFrom(fields[0], fields[1]);
  } else {
    const std::optional<std::string> period =
        ReadTrimmed(root, absl::StrCat(directory.path, "/cpu.cfs_period_us"));
    if (period.has_value()) cpus = CpusFrom(*text, *period);
  }
  if (!cpus.has_value()) return std::nullopt;
  return CpuQuota{*cpus, file};
}

std::optional<CpuQuota> TightestCpuQuota(absl::string_view root) {
  std::optional<CpuQuota> tightest;
  for (const CgroupDirectory& directory : CgroupDirectories(root, "cpu")) {
    const std::optional<CpuQuota> quota = ReadCpuQuota(root, directory);
    if (quota.has_value() && (!tightest.has_value() || quota->cpus < tightest->cpus))
      tightest = quota;
  }
  return tightest;
}

struct MemoryLimit {
  uint64_t bytes = 0;
  std::string path;
};

std::optional<MemoryLimit> TightestMemoryLimit(absl::string_view root) {
  std::optional<MemoryLimit> tightest;
  for (const CgroupDirectory& directory : CgroupDirectories(root, "memory")) {
    const std::string file =
        absl::StrCat(directory.path, directory.v2 ? "/memory.max" : "/memory.limit_in_bytes");
    const std::optional<std::string> text = ReadTrimmed(root, file);
    uint64_t bytes = 0;
    if (!text.has_value() || !absl::SimpleAtoi(*text, &bytes) || bytes == 0) continue;  // "max", -1
    if (!tightest.has_value() || bytes < tightest->bytes) tightest = MemoryLimit{bytes, file};
  }
  return tightest;
}

uint64_t MemTotal(absl::string_view root) {
  const std::string text = ReadTrimmed(root, "/proc/meminfo").value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "MemTotal:")) continue;
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t kib = 0;
    if (fields.size() >= 2 && absl::SimpleAtoi(fields[1], &kib) && kib > 0) return kib * 1024;
  }
  // No /proc: ask the kernel.
  return static_cast<uint64_t>(std::max(1L, sysconf(_SC_PHYS_PAGES))) *
         static_cast<uint64_t>(std::max(1L, sysconf(_SC_PAGESIZE)));
}

}  // namespace

CpuCount CombineCpuLimits(int affinity, const std::optional<CpuQuota>& quota) {
  CpuCount result;
  result.count = std::max(affinity, 1);
  if (!quota.has_value()) {
    result.derivation = absl::StrFormat("%d: affinity %d, no cgroup quota", result.count, affinity);
    return result;
  }
  // Compared as double first: a huge quota does not fit an int.
  if (quota->cpus < result.count)
    result.count = std::max(1, static_cast<int>(std::ceil(quota->cpus)));
  result.derivation = absl::StrFormat("%d: affinity %d, cgroup quota %.2f (%s)", result.count,
                                      affinity, quota->cpus, quota->path);
  return result;
}

CpuCount CountUsableCpus(absl::string_view root) {
  return CombineCpuLimits(static_cast<int>(AllowedCpus().size()), TightestCpuQuota(root));
}

UsableMemory UsableMemoryBytes(absl::string_view root) {
  const uint64_t total = MemTotal(root);
  const std::optional<MemoryLimit> limit = TightestMemoryLimit(root);
  // v1 writes "no limit" as a number near 2^63: what is not below the machine's memory is no limit.
  if (!limit.has_value() || limit->bytes >= total) {
    return {total, absl::StrCat(FormatSize(total), ": MemTotal, no lower cgroup limit")};
  }
  return {limit->bytes,
          absl::StrCat(FormatSize(limit->bytes), ": MemTotal ", FormatSize(total),
                       ", cgroup limit ", FormatSize(limit->bytes), " (", limit->path, ")")};
}

}  // namespace windlass
