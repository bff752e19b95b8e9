#ifndef WINDLASS_TESTS_SCENARIO_STATUS_H_
#define WINDLASS_TESTS_SCENARIO_STATUS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/scenario/server.h"

namespace windlass {

// What `windlassctl status --json` says, as an operator's script would read it.
struct ServerStatus {
  struct Process {
    std::string role, state, job_id, pool;  // job_id "" = it runs none
    uint64_t slot = 0, generation = 0;
    pid_t pid = 0;
    uint64_t connections = 0, requests = 0, jobs = 0, rss_bytes = 0, quick_deaths = 0;
  };
  struct Generation {
    uint64_t number = 0;
    std::string state, note;
  };
  struct Listener {
    std::string address, protocol;
    uint64_t generation = 0;
  };
  struct Size {
    uint64_t wanted = 0, configured = 0;
    bool kept = false;
  };
  struct Pool {
    std::string name;
    uint64_t wanted = 0, min = 0, max = 0, ready = 0, running = 0, waiting = 0;
  };
  struct LastReload {
    bool ok = false;
    std::string message;
  };

  // A failed command fails the test, and leaves everything empty.
  static ServerStatus Of(const Server& server);

  uint64_t generation = 0;
  std::string state;
  std::optional<LastReload> last_reload;
  std::vector<Listener> listeners;
  std::vector<Generation> generations;
  std::vector<Process> processes;
  std::map<std::string, uint64_t> totals;  // by their names
  Size workers, pool;
  std::vector<Pool> pools;  // the default one first
  std::vector<std::string> failed_roles;

  // Those that serve, of the generation that does.
  std::vector<Process> Serving(const std::string& role) const;
  std::vector<pid_t> Pids(const std::string& role) const;    // of the same
  std::string AddressOf(const std::string& protocol) const;  // in that generation; "" = none
};

// What `windlassctl connections --json` says.
struct ServerConnections {
  struct Connection {
    std::string peer, listener, protocol, state;
    uint64_t in_flight = 0, recv_q_bytes = 0, send_q_bytes = 0, worker = 0, generation = 0;
  };
  static ServerConnections Of(const Server& server);
  // Whether every byte that clients have sent was read.
  bool AllRead() const;

  std::vector<Connection> connections;
  std::vector<uint64_t> silent_workers;
};

// What `windlassctl jobs --json` says.
struct ServerJobs {
  struct Job {
    std::string id, handler;
    bool running = false;
    int64_t age_ms = 0, deadline_ms = 0;
    pid_t pid = 0;
  };
  static ServerJobs Of(const Server& server);
  size_t running() const;

  std::vector<Job> jobs;
  std::vector<uint64_t> silent_workers;
};

// `windlassctl reload`; whether it succeeded. Fails the test when not.
bool Reload(const Server& server);
// Whether only the generation that serves is left, with all the processes it is meant to have.
bool OldGenerationsEnd(const Server& server, absl::Duration limit = kSoon);
// Whether the server has read all that clients have sent so far.
bool ReadsEverything(const Server& server);
// Whether so many jobs run.
bool RunsJobs(const Server& server, size_t jobs);

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_STATUS_H_
