#ifndef WINDLASS_COMMON_PROCESS_SETUP_H_
#define WINDLASS_COMMON_PROCESS_SETUP_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/scoreboard.h"
#include "windlass/owned_fd.h"

namespace windlass {

// One listening socket of a generation. A listener whose host is a name has several.
struct ListenSocket {
  int fd = -1;            // borrowed
  uint32_t listener = 0;  // index into Config::listeners
  std::string address;    // with the port that the kernel picked
};

// An access log of a generation, for all listeners that name it.
struct AccessLogFile {
  std::string path;
  int fd = -1;  // borrowed
};

// A worker's ends of what joins it to one pool.
struct PoolChannels {
  int job_queue = -1;      // the sending end
  int reply_channel = -1;  // the receiving end of its slot's
};

// All that the master hands to a child: everything else is closed before the child's entry function
// runs. Descriptors are the child's own copies, open until it ends.
struct ProcessSetup {
  SlotIndex slot;
  uint32_t incarnation = 0;
  uint32_t generation = 0;
  uint32_t bay = 0;           // of the generation, in the scoreboard's header
  uint32_t first_worker = 0;  // slot of the generation's first worker
  const Config* config = nullptr;
  Scoreboard* scoreboard = nullptr;  // EnterChild has been called
  OwnedFd control;
  pid_t master = 0;
  // A zygote has what the pool processes have that it makes.
  std::vector<PoolChannels> pools;         // worker: by Config::pools
  uint32_t pool = 0;                       // pool process: whose it is
  int job_queue = -1;                      // pool process: the receiving end
  std::vector<int> reply_channels;         // pool process: the sending ends, from first_worker
  std::vector<ListenSocket> listeners;     // worker; admin process: of AdminListener
  int output = -1;                         // pool process: common/captured_output.h
  std::vector<AccessLogFile> access_logs;  // worker
  int fingerprint_secret = -1;             // worker: common/fingerprint.h
  uint64_t payload_budget_bytes = 0;       // whole server
  bool has_siblings = true;                // false: nobody shares its listeners
};

// The slots of this process's generation. Siblings in them are found by generation and state: a
// slot may be vacant.
inline SlotRange SiblingWorkers(const ProcessSetup& setup) {
  return setup.has_siblings ? setup.scoreboard->WorkersOf(setup.bay) : SlotRange{};
}

// Runs one role until it is told to stop or the master is gone; returns the process's exit code.
using RoleEntry = int (*)(ProcessSetup setup);

}  // namespace windlass

#endif  // WINDLASS_COMMON_PROCESS_SETUP_H_
