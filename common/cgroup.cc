#include "common/cgroup.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/read_file.h"

namespace windlass {
namespace {

// Where a hierarchy is mounted, and which cgroup of it is the root of that mount.
struct CgroupMount {
  std::string cgroup;
  std::string directory;
};

std::vector<std::string> ReadLines(absl::string_view root, absl::string_view path) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat(root, path));
  if (!text.ok()) return {};
  return absl::StrSplit(*text, '\n', absl::SkipEmpty());
}

bool ListContains(absl::string_view comma_separated, absl::string_view item) {
  const std::vector<absl::string_view> items = absl::StrSplit(comma_separated, ',');
  return std::find(items.begin(), items.end(), item) != items.end();
}

// The path in /proc/self/cgroup: lines are ID:CONTROLLERS:PATH, and v2 has no controllers. "" when
// there is none.
std::string OwnCgroup(absl::string_view root, bool v2, absl::string_view controller) {
  for (const std::string& line : ReadLines(root, "/proc/self/cgroup")) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (v2 ? fields[1].empty() : ListContains(fields[1], controller)) return std::string(fields[2]);
  }
  return "";
}

std::string UnescapeMountField(absl::string_view field) {
  return absl::StrReplaceAll(field,
                             {{"\\040", " "}, {"\\011", "\t"}, {"\\012", "\n"}, {"\\134", "\\"}});
}

// Lines are: ID PARENT DEV ROOT MOUNT_POINT OPTIONS [TAG...] - TYPE SOURCE SUPER_OPTIONS
std::vector<CgroupMount> Mounts(absl::string_view root, bool v2, absl::string_view controller) {
  std::vector<CgroupMount> mounts;
  for (const std::string& line : ReadLines(root, "/proc/self/mountinfo")) {
    const std::vector<std::string> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<std::string> mount = absl::StrSplit(halves[0], ' ');
    const std::vector<std::string> type = absl::StrSplit(halves[1], ' ');
    if (mount.size() < 5 || type.size() < 3) continue;
    const bool matches =
        v2 ? type[0] == "cgroup2" : type[0] == "cgroup" && ListContains(type[2], controller);
    if (matches) mounts.push_back({UnescapeMountField(mount[3]), UnescapeMountField(mount[4])});
  }
  return mounts;
}

std::vector<CgroupMount> ConventionalMounts(bool v2, absl::string_view controller) {
  if (v2) return {{"/", "/sys/fs/cgroup"}, {"/", "/sys/fs/cgroup/unified"}};
  std::vector<CgroupMount> mounts = {{"/", absl::StrCat("/sys/fs/cgroup/", controller)}};
  if (controller == "cpu") mounts.push_back({"/", "/sys/fs/cgroup/cpu,cpuacct"});
  return mounts;
}

// The part of `cgroup` below the mount's root: "/x" or "". A cgroup outside of it ("/../y", as seen
// from a namespace, or the host's path in a container) is not reachable there: the mount's own root
// is what limits us.
std::string BelowMount(const std::string& cgroup, const std::string& mount_root) {
  if (absl::StrContains(cgroup, "..")) return "";
  const absl::string_view prefix = absl::StripSuffix(mount_root, "/");
  absl::string_view rest = cgroup;
  if (!absl::ConsumePrefix(&rest, prefix)) return "";
  if (!rest.empty() && rest[0] != '/') return "";  // "/ab" is not below "/a"
  return std::string(absl::StripSuffix(rest, "/"));
}

void AddUpwards(bool v2, const CgroupMount& mount, const std::string& cgroup,
                std::vector<CgroupDirectory>* directories) {
  std::string below = BelowMount(cgroup, mount.cgroup);
  while (!below.empty()) {
    directories->push_back({v2, absl::StrCat(mount.directory, below)});
    below.resize(below.rfind('/'));
  }
  directories->push_back({v2, mount.directory});
}

}  // namespace

std::vector<CgroupDirectory> CgroupDirectories(absl::string_view root,
                                               absl::string_view controller) {
  std::vector<CgroupDirectory> directories;
  for (const bool v2 : {true, false}) {
    const std::string cgroup = OwnCgroup(root, v2, controller);
    std::vector<CgroupMount> mounts = Mounts(root, v2, controller);
    if (mounts.empty()) mounts = ConventionalMounts(v2, controller);
    for (const CgroupMount& mount : mounts) AddUpwards(v2, mount, cgroup, &directories);
  }
  return directories;
}

}  // namespace windlass
