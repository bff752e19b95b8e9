#include "master/oom_counter.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/cgroup.h"
#include "common/read_file.h"

namespace windlass {
namespace {

// The line "oom_kill N"; nullopt: there is none, or no such file.
std::optional<uint64_t> ReadCount(const std::string& file) {
  const absl::StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) return std::nullopt;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    uint64_t count = 0;
    if (absl::ConsumePrefix(&line, "oom_kill ") && absl::SimpleAtoi(line, &count)) return count;
  }
  return std::nullopt;
}

}  // namespace

// Counts of v1 are of one cgroup, so only our own one's is about us; v2's include those below,
// which are ours as well. The directory that comes first of each is our own.
OomCounter::OomCounter(absl::string_view root) {
  bool seen[2] = {false, false};
  for (const CgroupDirectory& directory : CgroupDirectories(root, "memory")) {
    if (std::exchange(seen[directory.v2], true)) continue;
    const std::string file =
        absl::StrCat(root, directory.path, directory.v2 ? "/memory.events" : "/memory.oom_control");
    const std::optional<uint64_t> count = ReadCount(file);
    if (count) sources_.push_back({file, directory.path, *count, *count, Instant{}});
  }
}

void OomCounter::ForgetOld(Instant now) {
  for (Source& source : sources_) {
    const uint64_t count = ReadCount(source.file).value_or(0);
    if (count <= source.explained) continue;
    if (count != source.seen) {
      source.seen = count;
      source.seen_at = now;
    } else if (now >= source.seen_at + kExpiry) {
      source.explained = count;
    }
  }
}

std::optional<std::string> OomCounter::Explain() {
  for (Source& source : sources_) {
    if (ReadCount(source.file).value_or(0) <= source.explained) continue;
    ++source.explained;
    return source.cgroup;
  }
  return std::nullopt;
}

}  // namespace windlass
