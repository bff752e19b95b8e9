#include "common/control_path.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace windlass {
namespace {

constexpr absl::string_view kSystemDirectory = "/run/windlass";

std::string SocketIn(absl::string_view directory) {
  return absl::StrCat(directory, "/control.sock");
}

// "" when there is none.
std::string DirectoryNamedBy(EnvironmentLookup environment, const char* variable) {
  const char* const value = environment(variable);
  const std::string text = value == nullptr ? "" : value;
  return absl::StartsWith(text, "/") ? text : "";
}

// What the environment names, in order.
std::vector<std::string> NamedDirectories(EnvironmentLookup environment) {
  std::vector<std::string> directories;
  const std::string from_systemd = DirectoryNamedBy(environment, "RUNTIME_DIRECTORY");
  if (!from_systemd.empty()) directories.push_back(from_systemd.substr(0, from_systemd.find(':')));
  const std::string of_session = DirectoryNamedBy(environment, "XDG_RUNTIME_DIR");
  if (!of_session.empty()) directories.push_back(absl::StrCat(of_session, "/windlass"));
  return directories;
}

std::string DirectoryInTmp(uid_t uid) { return absl::StrCat("/tmp/windlass-", uid); }

}  // namespace

std::string ServerControlPath(EnvironmentLookup environment, uid_t uid) {
  const std::vector<std::string> named = NamedDirectories(environment);
  if (!named.empty()) return SocketIn(named.front());
  return uid == 0 ? SocketIn(kSystemDirectory) : SocketIn(DirectoryInTmp(uid));
}

std::vector<std::string> ClientControlPaths(EnvironmentLookup environment, uid_t uid) {
  std::vector<std::string> directories = NamedDirectories(environment);
  directories.emplace_back(kSystemDirectory);
  directories.push_back(DirectoryInTmp(uid));
  std::vector<std::string> paths;
  for (const std::string& directory : directories) {
    const std::string path = SocketIn(directory);
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

std::string InstanceControlPath(const std::string& name) {
  return SocketIn(absl::StrCat(kSystemDirectory, "-", name));
}

std::string ServerControlPath() { return ServerControlPath(&std::getenv, ::geteuid()); }

std::vector<std::string> ClientControlPaths() {
  return ClientControlPaths(&std::getenv, ::geteuid());
}

}  // namespace windlass
