#include "master/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// By convention of every Linux distribution and of the kernel (overflowuid); looking it up would
// need the name service, which is not to be had in a bare container.
constexpr uid_t kNobody = 65534;
// To setresuid(2) and chown(2) this one means "leave it as it is".
constexpr uint32_t kNoId = UINT32_MAX;

absl::Status Failed(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

std::optional<uint32_t> ParseId(const std::string& text) {
  uint32_t id = 0;
  const bool is_number = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!is_number || !absl::SimpleAtoi(text, &id) || id == kNoId) return std::nullopt;
  return id;
}

absl::Status SetNoNewPrivileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failed("PR_SET_NO_NEW_PRIVS");
  return absl::OkStatus();
}

// Best effort: only who has CAP_SETPCAP can, and who has not gains nothing by NO_NEW_PRIVS.
void EmptyBoundingSet() {
  for (int capability = 0; capability < 64; ++capability) {
    (void)::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // EINVAL: there is none of that number
  }
}

bool IsAlready(const Identity& identity) {
  uid_t uid, euid, suid;
  gid_t gid, egid, sgid;
  if (::getresuid(&uid, &euid, &suid) != 0 || ::getresgid(&gid, &egid, &sgid) != 0) return false;
  return uid == identity.uid && euid == uid && suid == uid && gid == identity.gid && egid == gid &&
         sgid == gid;
}

// Capabilities can outlive the change of user (prctl(2), PR_SET_SECUREBITS), so trying is the
// proof.
bool CanRegainRoot(const Identity& identity) {
  return ::setresuid(0, 0, 0) == 0 || (identity.gid != 0 && ::setresgid(0, 0, 0) == 0);
}

}  // namespace

bool RunningAsRoot() { return ::geteuid() == 0; }

absl::StatusOr<Identity> LookUpIdentity(const std::string& user, const std::string& group) {
  Identity identity;
  identity.user = user;
  const std::optional<uint32_t> uid = ParseId(user);
  // As POSIX has it for chown: what is both a name and a number is a name.
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr && uid.has_value()) entry = ::getpwuid(*uid);
  if (entry == nullptr && !uid.has_value()) {
    return absl::NotFoundError(absl::StrCat("no user '", user, "'"));
  }
  identity.uid = entry != nullptr ? entry->pw_uid : *uid;
  if (identity.uid == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("user '", user, "' is root, and jobs never run as root"));
  }
  if (group.empty()) {
    if (entry == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("user ", user, " is in no user database: name a group, too"));
    }
    identity.gid = entry->pw_gid;
    return identity;
  }
  const std::optional<uint32_t> gid = ParseId(group);
  const struct group* const found = ::getgrnam(group.c_str());
  if (found == nullptr && !gid.has_value()) {
    return absl::NotFoundError(absl::StrCat("no group '", group, "'"));
  }
  identity.gid = found != nullptr ? found->gr_gid : *gid;
  return identity;
}

absl::Status BecomeIdentity(const Identity& identity) {
  if (absl::Status set = SetNoNewPrivileges(); !set.ok()) return set;
  EmptyBoundingSet();  // later it may not
  if (!IsAlready(identity)) {
    const absl::string_view user = identity.user;
    if (::setgroups(0, nullptr) != 0) return Failed(absl::StrCat("become ", user, ": setgroups"));
    if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) {
      return Failed(absl::StrCat("become ", user, ": setresgid ", identity.gid));
    }
    if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) {
      return Failed(absl::StrCat("become ", user, ": setresuid ", identity.uid));
    }
  }
  if (CanRegainRoot(identity)) {
    return absl::InternalError(absl::StrCat("become ", identity.user, ": root can be regained"));
  }
  return absl::OkStatus();
}

absl::Status DropCapabilities() {
  if (absl::Status set = SetNoNewPrivileges(); !set.ok()) return set;
  EmptyBoundingSet();
  if (RunningAsRoot() && ::setgroups(0, nullptr) != 0) return Failed("setgroups");
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return Failed("capset");
  return absl::OkStatus();
}

absl::Status BecomeNobody() {
  if (!RunningAsRoot()) return SetNoNewPrivileges();
  return BecomeIdentity({kNobody, kNobody, "nobody"});
}

}  // namespace windlass
