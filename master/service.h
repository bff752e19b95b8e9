#ifndef WINDLASS_MASTER_SERVICE_H_
#define WINDLASS_MASTER_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/config_load.h"
#include "master/supervisor.h"

namespace windlass {

// Whom the service tells what becomes of reloads, and what children report to the master's
// commands. Must not call the service back.
class ServiceObserver {
 public:
  virtual void OnReloadProgress(uint64_t reload, const std::string& line) = 0;
  virtual void OnReloadEnded(uint64_t reload, const ReloadResult& result) = 0;
  virtual void OnReport(const Supervisor& supervisor, const Child& child,
                        const proto::Report& report) = 0;
  // An admin process has a question, and reads the answer from `socket`.
  virtual void OnAsk(const proto::Report::Ask& ask, OwnedFd socket) = 0;

 protected:
  virtual ~ServiceObserver() = default;
};

// Pure. Whether a worker with `most` connections has so many more than the mean of all `workers`,
// who have `total`, that some are moved.
constexpr bool IsUneven(uint64_t most, uint64_t total, uint64_t workers) {
  constexpr uint64_t kSlack = 8;  // small numbers do not matter
  return most > total / workers + total / workers / 8 + kSlack;
}

// Role: the whole server as its master sees it: the generation that serves, the one that is coming
// up, and those that drain. The master, which calls it from its loop. Owns their supervisors.
//
// A reload is a transaction: read and check the configuration, bind what is new, bring up a
// generation and wait until every process in it is ready; then it serves and the old one gives its
// clients away and ends. Any failure before that point ends the new one, and the old one has not
// noticed. Invariants:
//   1. There is always one generation that serves, from the first start to the stop.
//   2. One reload at a time; those that are asked for meanwhile become one after it.
//   3. At most master.max_generations exist; a reload beyond waits for the oldest to end.
// Blocking: never, but for resolving host names that are new to the configuration. Errors: of a
// reload, to its observer and the log; of the start, by state() and why().
class Service : public SupervisorOwner, public TimerOwner {
 public:
  enum class State : uint8_t { kStarting, kServing, kStopping, kDone, kFailed };

  // `passed`: by systemd; it outlives the service.
  Service(ConfigSources sources, const SupervisorServices& services, const PassedSockets* passed);

  // Brings up the first generation.
  absl::Status Start(Config config);
  // Goes on where a former binary stopped: with its generations, the last of which serves.
  absl::Status Adopt(const proto::UpgradeState& state);
  // What the next binary must know. FailedPrecondition: not now, for the reason given.
  absl::Status Describe(proto::UpgradeState* state) const;
  // Returns the number of the reload that will do it.
  uint64_t Reload();
  // Reads and checks the configuration, and changes nothing.
  absl::Status CheckConfig() const;
  // Processes of the generation that serves, as far as `wanted` says. `keep`: over the next
  // reloads, too.
  absl::Status Resize(const SizingOverride& wanted, bool keep);
  void Stop(Instant deadline);
  void KillAll();

  void OnReady(SelectorToken token);
  // Children that have ended. Those that are neither ours nor `claimed` by somebody else are
  // strangers: as PID 1 we inherit them.
  void ReapChildren(absl::FunctionRef<bool(pid_t)> claimed);
  // There are some that could not be told then: once more, soon.
  bool reaping_is_due() const { return reap_again_; }
  // Acts on what has become of the generations. At the end of every turn of the loop.
  void Settle();
  void OnTimer(Timer* timer, Instant now) override;

  void set_observer(ServiceObserver* observer) { observer_ = observer; }
  State state() const { return state_; }
  bool is_reloading() const { return next_ != nullptr; }
  const std::string& why() const { return why_; }
  const std::optional<ReloadResult>& last_reload() const { return last_reload_; }
  const std::string& waits_for() const { return waits_for_; }  // what holds a reload up; "" = none
  const SizingOverride& kept() const { return kept_; }         // over the next reloads
  Supervisor& current() const { return *current_; }            // REQUIRES: Start returned OK
  // The oldest first, the one that is coming up last.
  std::vector<Supervisor*> supervisors() const;
  Instant started() const { return started_; }
  // By when the start, the reload or the stop that is going on is over.
  Instant phase_deadline() const { return phase_deadline_; }

 private:
  void OnWorkerServing(Supervisor* supervisor, Child* worker) override;
  void OnReport(Supervisor* supervisor, Child* child, const proto::Report& report) override;
  void OnAsk(const proto::Report::Ask& ask, OwnedFd socket) override;

  absl::StatusOr<std::unique_ptr<Supervisor>> MakeGeneration(Config config);
  absl::StatusOr<GenerationPlace> FindPlace(const Config& config) const;
  absl::Status CheckSizes(const SizingOverride& wanted) const;
  void ForgetKeptPools();
  SizingOverride ScaledSizes(const Generation& next, int room) const;
  void BeginReload();
  void Commit();
  void GiveUp(const std::string& why);
  void EndReload(bool ok, const std::string& message);
  void ReportProcesses(const Supervisor& supervisor, absl::string_view what);
  void Progress(const std::string& line);
  // Says where it listens, but for what `before` listened on, too.
  void Announce(const Supervisor& supervisor, const Supervisor* before) const;
  void AnnounceAdmin(const Supervisor& supervisor, const Supervisor* before) const;
  void WarnOfUnusedSockets() const;
  void WarnOfSmallShares(const Generation& generation) const;
  bool ServesClients(const Supervisor& supervisor) const;
  void LinkLeaving();
  void EvenOut();
  void SettleReload();
  void SwitchLog();
  void SwitchLogFormat();
  void TakeCrash(const Supervisor& supervisor, const proto::Report::Crashed& crash);
  void TellQuarantine();

  // Fixed after construction.
  const ConfigSources sources_;
  const SupervisorServices services_;
  const PassedSockets* const passed_;
  Instant started_;
  ServiceObserver* observer_ = nullptr;
  // Working state.
  State state_ = State::kStarting;
  std::string why_;
  Instant phase_deadline_ = Instant::Never();
  std::unique_ptr<Supervisor> current_, next_;
  std::vector<std::unique_ptr<Supervisor>> former_;  // draining, or given up; the oldest first
  uint32_t last_generation_ = 0;
  uint64_t reload_ = 0;      // the number of the latest reload that has begun
  bool reload_due_ = false;  // one more has been asked for
  std::string waits_for_;
  std::optional<ReloadResult> last_reload_;
  SizingOverride kept_;
  OwnedFd next_log_;  // where lines go when the generation that comes up serves
  bool reap_again_ = false;
  Timer tick_;
  Instant second_;                // what is done once a second was done last
  uint64_t told_quarantine_ = 0;  // its version that workers know
  Instant quarantine_told_;
  LogLimit quarantine_log_;  // payloads can cause it, so clients can
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_SERVICE_H_
