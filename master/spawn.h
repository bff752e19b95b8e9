#ifndef WINDLASS_MASTER_SPAWN_H_
#define WINDLASS_MASTER_SPAWN_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/control_channel.h"
#include "common/log.h"
#include "common/process_setup.h"
#include "master/generation.h"
#include "master/privileges.h"
#include "windlass/owned_fd.h"

namespace windlass {

// What makes up a role: its entry, how it ends with the master, and whom it runs as.
struct RoleSpec {
  Role role;
  absl::string_view name;
  RoleEntry entry;        // nullptr: a zygote makes its processes
  bool dies_with_master;  // by signal, because it may be busy; else by the end of its control
                          // channel
  bool drops_root;        // started as root, it becomes nobody: hostile payloads never run as root
};

struct SpawnedProcess {
  pid_t pid = 0;
  OwnedFd pidfd;
  OwnedFd control;  // the master's end
  OwnedFd output;   // zygote: what its handlers print
};

// What children are made with beyond their generation; the same for all generations.
struct SpawnSettings {
  std::optional<LogLevel> log_level;  // over the configuration's
  std::optional<Identity> identity;   // whom children become; else who parses payloads is nobody
  int fingerprint_secret = -1;        // borrowed; common/fingerprint.h
};

// The first slot that processes of `role` may have.
SlotIndex FirstSlotOf(Role role, const Scoreboard& board);

// "worker-3", "pool-0": each role is counted from the first slot of its own; a zygote and an admin
// process are called by their generation's bay.
std::string ProcessName(const RoleSpec& role, SlotIndex slot, const Scoreboard& board);

// The master's ends of what a process will have that a zygote was asked for.
struct AskedClone {
  OwnedFd control, output;
};
// Asks `zygote` for a process of `role`. Errors: as SpawnProcess, or it takes no commands.
absl::StatusOr<AskedClone> AskForClone(ControlChannel* zygote, const RoleSpec& role, SlotIndex slot,
                                       uint32_t incarnation, const Scoreboard& board);

// The one place where a process is forked. The child keeps its standard descriptors, its control
// channel and what `role` needs of the generation; every other descriptor is closed, signals are
// reset, and it never returns here. Errors: out of processes, descriptors or memory: try again
// later. `pool`: a zygote's, an index into Config::pools.
absl::StatusOr<SpawnedProcess> SpawnProcess(const RoleSpec& role, const Generation& generation,
                                            uint32_t pool, SlotIndex slot, uint32_t incarnation,
                                            Scoreboard* board, const SpawnSettings& settings);

}  // namespace windlass

#endif  // WINDLASS_MASTER_SPAWN_H_
