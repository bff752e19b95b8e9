#ifndef WINDLASS_MASTER_BEGINNING_H_
#define WINDLASS_MASTER_BEGINNING_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "common/config.h"
#include "common/scoreboard.h"
#include "master/control_server.h"
#include "master/operator.h"
#include "master/service.h"
#include "master/spawn.h"
#include "proto/upgrade.pb.h"

namespace windlass {

// What of the configuration concerns the master itself: its log, and whom children become. Errors
// end the start.
absl::Status PrepareMaster(const Config& config, SpawnSettings* settings);

// Role: what the master starts from: nothing, or what a former binary left in this process. Called
// once, step by step, by main. Owns the scoreboard and
// the secret of fingerprints. Errors end the start; after an upgrade that is
// the end of the service, so --check-upgrade has looked at all of it before.
class Beginning {
 public:
  // `upgrade_state`: the memfd that the former binary wrote; -1: there was none.
  static absl::StatusOr<Beginning> From(int upgrade_state, const Config& config);

  Scoreboard& board() { return board_; }
  int fingerprint_secret() const { return fingerprint_secret_.get(); }
  absl::StatusOr<std::unique_ptr<ControlServer>> OpenControl(const Config& config,
                                                             const SupervisorServices& services,
                                                             Operator* op) const;
  // Brings up the first generation; or goes on with the former binary's, which serve, and begins
  // a reload, which can fail and leave them.
  absl::Status Start(Config config, Service* service, ControlServer* control, Operator* op,
                     SpawnSettings* settings) const;

 private:
  Beginning(Scoreboard board, OwnedFd fingerprint_secret)
      : board_(std::move(board)), fingerprint_secret_(std::move(fingerprint_secret)) {}

  Scoreboard board_;
  OwnedFd fingerprint_secret_;
  std::optional<proto::UpgradeState> former_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_BEGINNING_H_
