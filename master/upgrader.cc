#include "master/upgrader.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/log.h"
#include "master/service_manager.h"
#include "master/upgrade_state.h"

namespace windlass {
namespace {

// An absolute path: the working directory may have changed by the time it is used.
std::string ProgramPath(const std::string& name) {
  char buffer[PATH_MAX];
  if (absl::StartsWith(name, "/")) return name;
  if (absl::StrContains(name, '/')) {
    return ::getcwd(buffer, sizeof(buffer)) == nullptr ? name : absl::StrCat(buffer, "/", name);
  }
  const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  return size <= 0 ? name : std::string(buffer, static_cast<size_t>(size));
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& string : *strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child that checks. Signals as a fresh program expects them.
[[noreturn]] void RunCheck(const std::string& program, std::vector<std::string> command,
                           const std::vector<int>& fds, int output) {
  ForgetServiceManager();
  sigset_t none;
  sigemptyset(&none);
  BlockSignals(none);
  for (const int fd : fds) SetCloseOnExec(fd, false);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::execv(program.c_str(), Pointers(&command).data());
  const std::string why = absl::StrCat(program, ": ", ::strerror(errno), "\n");
  (void)!::write(2, why.data(), why.size());
  ::_exit(126);
}

// The last line that is not empty says what it came to.
std::string LastLine(int fd) {
  char text[4096];
  const absl::StatusOr<size_t> size = PReadFd(fd, text, sizeof(text), 0);
  std::string last;
  if (!size.ok()) return last;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text, *size), '\n')) {
    if (!line.empty()) last = std::string(line);
  }
  return last;
}

}  // namespace

Upgrader::Upgrader(std::vector<std::string> command, Selector* selector, TimerWheel* timers,
                   UpgradeHost* host)
    : command_(std::move(command)),
      program_(ProgramPath(command_.at(0))),
      selector_(selector),
      timers_(timers),
      host_(host) {}

Upgrader::~Upgrader() {
  if (checker_.valid()) (void)PidfdSignal(checker_.get(), SIGKILL);
}

std::vector<std::string> Upgrader::CommandWith(const std::string& flag) const {
  std::vector<std::string> command;
  for (const std::string& argument : command_) {
    if (!absl::StartsWith(argument, "--resume-upgrade")) command.push_back(argument);
  }
  command.push_back(flag);
  return command;
}

void Upgrader::Begin() {
  if (running()) return Fail("an upgrade is going on");
  const absl::StatusOr<proto::UpgradeState> state = host_->DescribeForUpgrade();
  if (!state.ok()) return Fail(std::string(state.status().message()));
  LOG(INFO) << "upgrade: checking " << program_;
  if (absl::Status started = StartCheck(*state); !started.ok()) {
    Fail(std::string(started.message()));
  }
}

absl::Status Upgrader::StartCheck(const proto::UpgradeState& state) {
  const absl::StatusOr<OwnedFd> memfd = WriteUpgradeState(state);
  if (!memfd.ok()) return memfd.status();
  absl::StatusOr<OwnedFd> output = MemfdCreate("windlass-check", 0);
  if (!output.ok()) return output.status();
  const absl::StatusOr<pid_t> pid = Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    RunCheck(program_, CommandWith(absl::StrCat("--check-upgrade=", memfd->get())),
             {memfd->get(), state.scoreboard()}, output->get());
  }
  absl::StatusOr<OwnedFd> pidfd = PidfdOpen(*pid);
  if (!pidfd.ok()) return pidfd.status();
  absl::Status watched =
      selector_->Register(pidfd->get(), kReadable, SelectorToken{kTokenKind << 56});
  if (!watched.ok()) return watched;
  checker_pid_ = *pid;
  checker_ = *std::move(pidfd);
  output_ = *std::move(output);
  timed_out_ = false;
  timers_->Arm(&timer_, timers_->now() + kCheckTimeout);
  return absl::OkStatus();
}

void Upgrader::OnTimer(Timer*, Instant) {
  timed_out_ = true;
  (void)PidfdSignal(checker_.get(), SIGKILL);
}

bool Upgrader::OnChildExited(pid_t pid) {
  if (!running() || pid != checker_pid_) return false;
  OnReady();
  return true;
}

void Upgrader::OnReady() {
  if (!running()) return;  // its end was heard by SIGCHLD already
  const std::optional<ExitStatus> status = ReapPidfd(checker_.get());
  if (!status) return;
  timer_.Disarm();
  selector_->Unregister(checker_.get());
  checker_.Reset();
  if (timed_out_) return Fail(absl::StrCat(program_, " did not end its check in time"));
  const std::string said = LastLine(output_.get());
  if (status->exited && status->code == 0 && said == kUpgradeAnswer) return Exec();
  if (status->exited && status->code == 0) {
    return Fail(absl::StrCat(program_, " is no windlassd that can take over"));
  }
  if (!status->exited) return Fail(absl::StrCat(program_, " died of signal ", status->code));
  Fail(said.empty() ? absl::StrCat(program_, " ended with code ", status->code) : said);
}

void Upgrader::Exec() {
  // Processes may have come and gone since the check began.
  const absl::StatusOr<proto::UpgradeState> state = host_->DescribeForUpgrade();
  if (!state.ok()) return Fail(std::string(state.status().message()));
  const absl::StatusOr<OwnedFd> memfd = WriteUpgradeState(*state);
  if (!memfd.ok()) return Fail(std::string(memfd.status().message()));
  std::vector<std::string> command = CommandWith(absl::StrCat("--resume-upgrade=", memfd->get()));
  LOG(INFO) << "upgrade: this process goes on as " << program_;
  SetCloseOnExec(memfd->get(), false);
  SetOpenOverExec(*state, true);
  ::execv(program_.c_str(), Pointers(&command).data());
  const std::string why = absl::StrCat("exec ", program_, ": ", ::strerror(errno));
  SetOpenOverExec(*state, false);
  Fail(why);
}

void Upgrader::Fail(const std::string& why) { host_->OnUpgradeFailed(why); }

}  // namespace windlass
