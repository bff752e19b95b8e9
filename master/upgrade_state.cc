#include "master/upgrade_state.h"

#include "absl/strings/str_cat.h"
#include "common/config_load.h"
#include "common/posix.h"
#include "common/scoreboard.h"

namespace windlass {
namespace {

absl::StatusOr<OwnedFd> MemfdWith(const char* name, const std::string& content) {
  absl::StatusOr<OwnedFd> memfd = MemfdCreate(name, 0);
  if (!memfd.ok()) return memfd.status();
  if (absl::Status written = PWriteAll(memfd->get(), content); !written.ok()) return written;
  return memfd;
}

}  // namespace

absl::StatusOr<OwnedFd> WriteUpgradeState(const proto::UpgradeState& state) {
  return MemfdWith("windlass-upgrade", state.SerializeAsString());
}

absl::StatusOr<proto::UpgradeState> ReadUpgradeState(int memfd) {
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(memfd);
  if (!identity.ok()) return identity.status();
  std::string bytes(identity->size, '\0');
  for (size_t at = 0; at < bytes.size();) {
    const absl::StatusOr<size_t> got = PReadFd(memfd, bytes.data() + at, bytes.size() - at, at);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    at += *got;
  }
  proto::UpgradeState state;
  if (!state.ParseFromString(bytes)) return absl::InvalidArgumentError("upgrade state: broken");
  if (state.format() != kUpgradeFormat) {
    return absl::FailedPreconditionError(absl::StrCat("this binary takes over from format ",
                                                      kUpgradeFormat, " of the state, not ",
                                                      state.format()));
  }
  return state;
}

std::vector<int> DescriptorsOf(const proto::UpgradeState& state) {
  std::vector<int> fds = {state.scoreboard(), state.control()};
  if (state.reply_to() >= 0) fds.push_back(state.reply_to());
  if (state.fingerprint_secret() > 0) fds.push_back(state.fingerprint_secret());
  for (const proto::UpgradeState::Generation& generation : state.generations()) {
    for (const auto& listener : generation.listeners()) fds.push_back(listener.fd());
    for (const auto& listener : generation.admin_listeners()) fds.push_back(listener.fd());
    for (const auto& pool : generation.pools()) {
      fds.insert(fds.end(), {pool.job_queue().send(), pool.job_queue().receive()});
      for (const auto& pair : pool.replies()) {
        fds.insert(fds.end(), {pair.send(), pair.receive()});
      }
    }
    for (const auto& process : generation.processes()) {
      fds.push_back(process.pidfd());
      if (process.control() >= 0) fds.push_back(process.control());
      if (process.output() > 0) fds.push_back(process.output());
    }
  }
  return fds;
}

void SetOpenOverExec(const proto::UpgradeState& state, bool open) {
  for (const int fd : DescriptorsOf(state)) SetCloseOnExec(fd, !open);
}

absl::StatusOr<Config> ParsePrintedConfig(const proto::UpgradeState::Generation& state) {
  const absl::StatusOr<OwnedFd> memfd = MemfdWith("windlass-config", state.config());
  if (!memfd.ok()) return memfd.status();
  ConfigSources sources;
  sources.file = absl::StrCat("/proc/self/fd/", memfd->get());
  absl::StatusOr<Config> config = LoadConfig(sources);
  if (!config.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the configuration that runs is not understood: ", config.status().message()));
  }
  config->source = state.config_source();
  return config;
}

absl::Status CheckUpgradeState(const proto::UpgradeState& state) {
  absl::StatusOr<OwnedFd> board = Duplicate(state.scoreboard());
  if (!board.ok()) return board.status();
  if (const auto adopted = Scoreboard::Adopt(*std::move(board)); !adopted.ok()) {
    return adopted.status();
  }
  if (state.generations().empty()) return absl::InvalidArgumentError("no generation");
  for (const proto::UpgradeState::Generation& generation : state.generations()) {
    const absl::StatusOr<Config> config = ParsePrintedConfig(generation);
    if (!config.ok()) return config.status();
  }
  return absl::OkStatus();
}

}  // namespace windlass
