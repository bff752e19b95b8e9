#include "common/control_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace windlass {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr uid_t kRoot = 0;
constexpr uid_t kSomebody = 1000;

std::string Server(const Variables& variables, uid_t uid) {
  const auto find = [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return ServerControlPath(find, uid);
}

std::vector<std::string> Client(const Variables& variables, uid_t uid) {
  const auto find = [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return ClientControlPaths(find, uid);
}

TEST(ServerControlPath, IsInTheDirectoryThatSystemdMade) {
  EXPECT_EQ(Server({{"RUNTIME_DIRECTORY", "/run/w1"}, {"XDG_RUNTIME_DIR", "/run/user/0"}}, kRoot),
            "/run/w1/control.sock");
  EXPECT_EQ(Server({{"RUNTIME_DIRECTORY", "/run/w1:/run/w2"}}, kSomebody), "/run/w1/control.sock");
}

TEST(ServerControlPath, IsElseInTheSessionsDirectory) {
  EXPECT_EQ(Server({{"XDG_RUNTIME_DIR", "/run/user/1000"}}, kSomebody),
            "/run/user/1000/windlass/control.sock");
}

TEST(ServerControlPath, IsElseInRunForRootAndInTmpForOthers) {
  EXPECT_EQ(Server({}, kRoot), "/run/windlass/control.sock");
  EXPECT_EQ(Server({}, kSomebody), "/tmp/windlass-1000/control.sock");
}

TEST(ServerControlPath, VariablesThatNameNoAbsolutePathAreNotSet) {
  EXPECT_EQ(Server({{"RUNTIME_DIRECTORY", ""}, {"XDG_RUNTIME_DIR", "run"}}, kRoot),
            "/run/windlass/control.sock");
}

TEST(ClientControlPaths, AreAllPlacesWhereAServerMayPutItInOrder) {
  const Variables both = {{"RUNTIME_DIRECTORY", "/run/w1:/run/w2"},
                          {"XDG_RUNTIME_DIR", "/run/user/1000"}};
  EXPECT_EQ(
      Client(both, kSomebody),
      (std::vector<std::string>{"/run/w1/control.sock", "/run/user/1000/windlass/control.sock",
                                "/run/windlass/control.sock", "/tmp/windlass-1000/control.sock"}));
  EXPECT_EQ(Client({}, kRoot), (std::vector<std::string>{"/run/windlass/control.sock",
                                                         "/tmp/windlass-0/control.sock"}));
}

TEST(ClientControlPaths, NameEachPlaceOnce) {
  EXPECT_EQ(
      Client({{"RUNTIME_DIRECTORY", "/run/windlass"}}, kRoot),
      (std::vector<std::string>{"/run/windlass/control.sock", "/tmp/windlass-0/control.sock"}));
}

TEST(ClientControlPaths, HoldWhereTheServerOfTheSameUserIs) {
  for (const uid_t uid : {kRoot, kSomebody}) {
    for (const Variables& variables :
         {Variables{}, Variables{{"RUNTIME_DIRECTORY", "/a"}}, Variables{{"XDG_RUNTIME_DIR", "/b"}},
          Variables{{"RUNTIME_DIRECTORY", "/a"}, {"XDG_RUNTIME_DIR", "/b"}}}) {
      const std::vector<std::string> tried = Client(variables, uid);
      EXPECT_EQ(std::count(tried.begin(), tried.end(), Server(variables, uid)), 1);
    }
  }
}

}  // namespace
}  // namespace windlass
