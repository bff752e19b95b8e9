#include "master/privileges.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace windlass {
namespace {

// Changing the user is for good, so it happens in a child; true when `body` says so.
bool InChild(const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool Is(uid_t wanted_uid, gid_t wanted_gid) {
  uid_t uid, euid, suid;
  gid_t gid, egid, sgid;
  return ::getresuid(&uid, &euid, &suid) == 0 && ::getresgid(&gid, &egid, &sgid) == 0 &&
         uid == wanted_uid && euid == uid && suid == uid && gid == wanted_gid && egid == gid &&
         sgid == gid;
}

bool HasNoNewPrivileges() { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

std::string Error(const std::string& user, const std::string& group) {
  return std::string(LookUpIdentity(user, group).status().message());
}

TEST(LookUpIdentity, AUserIsFoundByNameWithItsOwnGroup) {
  const passwd* const entry = ::getpwnam("daemon");
  if (entry == nullptr) GTEST_SKIP() << "there is no user daemon";
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  const absl::StatusOr<Identity> identity = LookUpIdentity("daemon", "");
  ASSERT_EQ(identity.status(), absl::OkStatus());
  EXPECT_EQ(identity->uid, uid);
  EXPECT_EQ(identity->gid, gid);
  EXPECT_EQ(identity->user, "daemon");
}

TEST(LookUpIdentity, AGroupIsFoundByName) {
  const group* const entry = ::getgrnam("daemon");
  if (entry == nullptr) GTEST_SKIP() << "there is no group daemon";
  const gid_t gid = entry->gr_gid;
  EXPECT_EQ(LookUpIdentity("12345678", "daemon")->gid, gid);
}

TEST(LookUpIdentity, NumbersNeedNotBeInAnyDatabase) {
  const absl::StatusOr<Identity> identity = LookUpIdentity("12345678", "23456789");
  ASSERT_EQ(identity.status(), absl::OkStatus());
  EXPECT_EQ(identity->uid, 12345678u);
  EXPECT_EQ(identity->gid, 23456789u);
  EXPECT_EQ(identity->user, "12345678");
}

TEST(LookUpIdentity, ANumberOfAKnownUserHasThatUsersGroup) {
  const passwd* const entry = ::getpwnam("daemon");
  if (entry == nullptr) GTEST_SKIP() << "there is no user daemon";
  const gid_t gid = entry->pw_gid;
  EXPECT_EQ(LookUpIdentity(std::to_string(entry->pw_uid), "")->gid, gid);
}

TEST(LookUpIdentity, NamesWhatIsUnknown) {
  EXPECT_EQ(Error("no-such-user", ""), "no user 'no-such-user'");
  EXPECT_EQ(Error("no-such-user", "no-such-group"), "no user 'no-such-user'");
  EXPECT_EQ(Error("12345678", "no-such-group"), "no group 'no-such-group'");
  EXPECT_EQ(Error("12345678", ""), "user 12345678 is in no user database: name a group, too");
}

TEST(LookUpIdentity, WhatIsNoIdIsAName) {
  for (const char* user : {"-1", "+5", "5x", " 5", "4294967295", "4294967296"}) {
    EXPECT_EQ(Error(user, "1"), std::string("no user '") + user + "'");
    EXPECT_EQ(Error("12345678", user), std::string("no group '") + user + "'");
  }
}

TEST(LookUpIdentity, RefusesRoot) {
  EXPECT_EQ(Error("0", ""), "user '0' is root, and jobs never run as root");
  if (::getpwnam("root") == nullptr) GTEST_SKIP() << "there is no user root";
  EXPECT_EQ(Error("root", "daemon"), "user 'root' is root, and jobs never run as root");
}

TEST(BecomeIdentity, OfRootIsForGoodAndWithoutOtherGroups) {
  if (!RunningAsRoot()) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(InChild([] {
    const gid_t more[] = {1, 2};
    ::setgroups(2, more);
    return BecomeIdentity({12345, 23456, "x"}).ok() && Is(12345, 23456) &&
           ::getgroups(0, nullptr) == 0 && HasNoNewPrivileges() && ::setuid(0) != 0 &&
           ::setgid(0) != 0;
  }));
}

TEST(BecomeIdentity, ThatLeavesAWayBackIsAnError) {
  if (!RunningAsRoot()) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(InChild([] {
    // Then a change of user leaves the capabilities, and with them setuid(0).
    if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) != 0) return true;
    return BecomeIdentity({12345, 23456, "x"}).message() == "become x: root can be regained";
  }));
}

TEST(BecomeIdentity, OfTheSameUserNeedsNoRights) {
  EXPECT_TRUE(InChild([] {
    if (RunningAsRoot() && (::setresgid(1234, 1234, 1234) != 0 || ::setresuid(1234, 1234, 1234)))
      return false;
    return BecomeIdentity({::getuid(), ::getgid(), "x"}).ok() && HasNoNewPrivileges();
  }));
}

TEST(BecomeIdentity, OfAnotherUserNeedsRoot) {
  EXPECT_TRUE(InChild([] {
    if (RunningAsRoot() && (::setresgid(1234, 1234, 1234) != 0 || ::setresuid(1234, 1234, 1234)))
      return false;
    return BecomeIdentity({::getuid() + 1, ::getgid(), "x"}).message() ==
           "become x: setgroups: Operation not permitted";
  }));
}

TEST(BecomeNobody, AsRootIsNobodyForGood) {
  if (!RunningAsRoot()) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(InChild([] {
    return BecomeNobody().ok() && Is(65534, 65534) && ::getgroups(0, nullptr) == 0 &&
           HasNoNewPrivileges() && ::setuid(0) != 0;
  }));
}

TEST(BecomeNobody, OtherwiseChangesNoUser) {
  EXPECT_TRUE(InChild([] {
    if (RunningAsRoot() && (::setresgid(1234, 1234, 1234) != 0 || ::setresuid(1234, 1234, 1234)))
      return false;
    const uid_t uid = ::getuid();
    return BecomeNobody().ok() && Is(uid, ::getgid()) && HasNoNewPrivileges();
  }));
}

}  // namespace
}  // namespace windlass
