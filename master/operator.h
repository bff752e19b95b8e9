#ifndef WINDLASS_MASTER_OPERATOR_H_
#define WINDLASS_MASTER_OPERATOR_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "master/audit.h"
#include "master/control_server.h"
#include "master/round_call.h"
#include "master/service.h"

namespace windlass {

// Something that an operator wants done.
struct Errand {
  std::string action;  // as audit lines call it
  Asker asker;
  ControlClientId client;  // waits for what becomes of it; may be none
};

// What an operator asks for that is not the service's own business.
class MasterCommands {
 public:
  virtual void Drain() = 0;
  virtual void StopFast() = 0;
  // Begins a binary upgrade; Operator::End is called when it has failed, or by the next binary.
  virtual void Upgrade(const Errand& errand) = 0;

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
  // Opens the log file again, and hands it to all.
  void ReopenLogs(const Errand& errand);
  // `if_it_fails` goes before the reason.
  void Reload(const Errand& errand, absl::string_view if_it_fails = "");
  // So many workers more.
  void Step(int workers, const Errand& errand);
  // This is what became of it: answers whoever waits, and says so in the log.
  void End(const Errand& errand, AuditResult result, absl::string_view detail);

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

  void Answer(ControlClientId client, bool ok, absl::string_view message);
  void Obey(const proto::CtlRequest& request, Errand errand);
  void BeginStop(absl::string_view what, const Errand& errand);
  void CheckConfig(ControlClientId client);
  void Scale(const proto::CtlRequest::Scale& request, const Errand& errand);
  void Survey(proto::Command::Survey::Of of, ControlClientId client);
  void KillJob(uint64_t job, const Errand& errand);
  void SetLevel(const std::string& level, const Errand& errand);
  void SendDeaths(ControlClientId client);
  void SendVersion(ControlClientId client);
  void SendQuarantine(ControlClientId client);
  void ClearQuarantine(const std::string& which, const Errand& errand);
  RoundCall& NewCall(ControlClientId client);
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
    Errand errand;
    uint64_t reload = 0;  // its number
    std::string if_it_fails;
  };
  static constexpr size_t kMostWaiters = 256;  // signals may come in a loop
  std::vector<Waiter> reload_waiters_;
  std::map<uint32_t, Errand> kills_;  // of jobs, by the number of their call
  std::vector<ControlClientId> stop_waiters_;
  Calls calls_;
  uint32_t next_call_ = 1;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_OPERATOR_H_
