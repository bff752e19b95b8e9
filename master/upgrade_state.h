#ifndef WINDLASS_MASTER_UPGRADE_STATE_H_
#define WINDLASS_MASTER_UPGRADE_STATE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "proto/upgrade.pb.h"
#include "windlass/owned_fd.h"

// What crosses a binary upgrade: a message in a memfd, and the descriptors that it names.

namespace windlass {

constexpr uint32_t kUpgradeFormat = 2;
// What --check-upgrade says at last when this binary can take over: another program that happens to
// succeed does not say it.
constexpr absl::string_view kUpgradeAnswer = "windlassd takes over";

absl::StatusOr<OwnedFd> WriteUpgradeState(const proto::UpgradeState& state);
// From the start of the memfd. FailedPrecondition: of a format that this binary does not know.
absl::StatusOr<proto::UpgradeState> ReadUpgradeState(int memfd);

// Every descriptor that it names.
std::vector<int> DescriptorsOf(const proto::UpgradeState& state);
// Whether they are open after exec.
void SetOpenOverExec(const proto::UpgradeState& state, bool open);

// The configuration of a generation, from what its binary printed.
absl::StatusOr<Config> ParsePrintedConfig(const proto::UpgradeState::Generation& state);

// Whether this binary can take over, as far as it can be told without doing it: the formats, the
// scoreboard's layout, the configurations. Changes nothing.
absl::Status CheckUpgradeState(const proto::UpgradeState& state);

}  // namespace windlass

#endif  // WINDLASS_MASTER_UPGRADE_STATE_H_
