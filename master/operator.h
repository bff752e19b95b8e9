#ifndef WINDLASS_MASTER_OPERATOR_H_
#define WINDLASS_MASTER_OPERATOR_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "master/control_server.h"
#include "master/round_call.h"
#include "master/service.h"

namespace windlass {

// What an operator asks for that is not the service's own business.
class MasterCommands {
 public:
  virtual void Drain() = 0;
  virtual void StopFast() = 0;
  // Begins a binary upgrade; the answer to `client` comes when it is known.
  virtual void Upgrade(ControlClientId client) = 0;

 protected:
  virtual ~MasterCommands() = default;
};

// Role: carries out what comes over the control socket and from signals. The master. Owns nothing
// but the questions that are out. `status`, `deaths` and `version` are answered from what the
// master knows; `connections` and `jobs` are asked of the workers, and those that do not answer
// within kPatience are named. An admin process may ask, too, but for nothing that changes anything.
// Blocking: never. Errors: a Done that says why.
class Operator : public ControlCommands, public ServiceObserver, public TimerOwner {
 public:
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);

  Operator(Service* service, const SupervisorServices& services, SpawnSettings* settings,
           MasterCommands* master);

  // The socket that answers go to; null while there is none.
  void set_server(ControlServer* server) { server_ = server; }
  // Opens the log file again, and hands it to all; `client` may be none.
  void ReopenLogs(ControlClientId client);
  void Answer(ControlClientId client, bool ok, absl::string_view message);
  // Reloads; `client`, which may be none, waits for what becomes of it. `if_it_fails` goes before
  // the reason.
  void ReloadFor(ControlClientId client, absl::string_view if_it_fails = "");

  void OnRequest(const proto::CtlRequest& request, ControlClientId client) override;
  void OnClientGone(ControlClientId client) override;
  // The server ends now: whoever asked for it and waits is told.
  void OnStopped();
  void OnReloadProgress(uint64_t reload, const std::string& line) override;
  void OnReloadEnded(uint64_t reload, const ReloadResult& result) override;
  void OnReport(const Supervisor& supervisor, const Child& child,
                const proto::Report& report) override;
  void OnAsk(const proto::Report::Ask& ask, OwnedFd socket) override;
  void OnTimer(Timer* timer, Instant now) override;

 private:
  using Calls = std::map<uint32_t, std::unique_ptr<RoundCall>>;

  void BeginStop(absl::string_view what, ControlClientId client);
  void Reload(const proto::CtlRequest::Reload& request, ControlClientId client);
  void Scale(const proto::CtlRequest::Scale& request, ControlClientId client);
  void Survey(proto::Command::Survey::Of of, ControlClientId client);
  void KillJob(uint64_t job, ControlClientId client);
  void SetLevel(const std::string& level, ControlClientId client);
  void SendDeaths(ControlClientId client);
  void SendVersion(ControlClientId client);
  void SendQuarantine(ControlClientId client);
  void ClearQuarantine(const std::string& which, ControlClientId client);
  RoundCall& NewCall(ControlClientId client);
  void AddConnections(const Supervisor& supervisor, const Child& child,
                      const proto::Report::Surveyed& surveyed, proto::ConnectionsReport* into);
  void AddJobs(const Supervisor& supervisor, const Child& child,
               const proto::Report::Surveyed& surveyed, proto::JobsReport* into);
  void AddUnclaimedJobs(proto::JobsReport* into) const;
  void Finish(Calls::iterator call);
  void Send(ControlClientId client, const proto::CtlReply& reply);

  // Fixed after construction.
  Service* const service_;
  const SupervisorServices services_;
  SpawnSettings* const settings_;
  MasterCommands* const master_;
  ControlServer* server_ = nullptr;
  // Working state.
  struct Waiter {
    uint64_t reload = 0;  // its number
    std::string if_it_fails;
  };
  std::map<ControlClientId, Waiter> reload_waiters_;
  std::vector<ControlClientId> stop_waiters_;
  Calls calls_;
  uint32_t next_call_ = 1;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_OPERATOR_H_
