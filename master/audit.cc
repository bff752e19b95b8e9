#include "master/audit.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/log_limit.h"
#include "common/read_file.h"

namespace windlass {
namespace {

constexpr LogRate kRate = {.burst = 100, .per_second = 10};
constexpr size_t kMostDetailBytes = 1024;  // as a JSON member; the message has more

// Not by getpwuid(3), which may ask a directory server and wait for it.
std::string UserName(uid_t uid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(::fopen("/etc/passwd", "re"), &::fclose);
  if (file == nullptr) return "";
  while (const passwd* const entry = ::fgetpwent(file.get())) {
    if (entry->pw_uid == uid) return entry->pw_name;
  }
  return "";
}

// A process may call itself anything.
std::string CommandName(pid_t pid) {
  if (pid <= 0) return "";
  absl::StatusOr<std::string> name = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
  if (!name.ok()) return "";
  absl::StripTrailingAsciiWhitespace(&*name);
  for (char& c : *name) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c)) || c == '(' || c == ')') c = '?';
  }
  return *name;
}

std::string Named(absl::string_view key, int64_t number, const std::string& name) {
  return absl::StrCat(key, "=", number, name.empty() ? "" : absl::StrCat("(", name, ")"));
}

std::string SignalName(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("signal ", signal) : absl::StrCat("SIG", name);
}

std::string By(const Asker& asker) {
  switch (asker.by) {
    case Asker::By::kUnknown:
      break;
    case Asker::By::kControlSocket:
      return "control socket";
    case Asker::By::kSignal:
      return SignalName(asker.signal);
  }
  return "";
}

absl::string_view ResultName(AuditResult result) {
  switch (result) {
    case AuditResult::kOk:
      return "ok";
    case AuditResult::kFailed:
      return "failed";
    case AuditResult::kRefused:
      return "refused";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

// So that a loop of one kind does not swallow what else is done meanwhile.
LogLimit* LimitOf(absl::string_view action) {
  static auto& limits = *new std::map<std::string, std::unique_ptr<LogLimit>>;
  std::unique_ptr<LogLimit>& limit = limits[std::string(action)];
  if (limit == nullptr) limit = std::make_unique<LogLimit>(kRate);
  return limit.get();
}

}  // namespace

Asker Asker::OfPeer(const PeerCredentials& peer) {
  Asker asker;
  asker.by = By::kControlSocket;
  asker.uid = peer.user;
  asker.user = UserName(peer.user);
  asker.pid = peer.process;
  asker.command = CommandName(peer.process);
  return asker;
}

Asker Asker::OfSignal(const SignalInfo& signal) {
  Asker asker;
  asker.by = By::kSignal;
  asker.signal = signal.signal;
  asker.is_kernel = signal.code == SI_KERNEL;
  if (asker.is_kernel) return asker;
  asker.uid = signal.user;
  asker.user = UserName(signal.user);
  asker.pid = signal.sender;
  asker.command = CommandName(signal.sender);
  return asker;
}

void Asker::Describe(proto::UpgradeState::Asker* into) const {
  into->set_by(static_cast<uint32_t>(by));
  into->set_uid(uid);
  into->set_user(user);
  into->set_pid(pid);
  into->set_command(command);
  into->set_signal(signal);
}

Asker Asker::Adopt(const proto::UpgradeState::Asker& state) {
  Asker asker;
  asker.by =
      state.by() <= static_cast<uint32_t>(By::kSignal) ? static_cast<By>(state.by()) : By::kUnknown;
  asker.uid = state.uid();
  asker.user = state.user();
  asker.pid = state.pid();
  asker.command = state.command();
  asker.signal = state.signal();
  return asker;
}

std::string AuditText(absl::string_view action, const Asker& asker, AuditResult result,
                      absl::string_view detail) {
  std::string text = absl::StrCat("audit: ", action, " by ");
  if (asker.by == Asker::By::kUnknown) {
    absl::StrAppend(&text, "somebody");
  } else if (asker.is_kernel) {
    absl::StrAppend(&text, "the kernel, for the terminal,");
  } else {
    absl::StrAppend(&text, Named("uid", asker.uid, asker.user), " ",
                    Named("pid", asker.pid, asker.command));
  }
  if (asker.by == Asker::By::kControlSocket) absl::StrAppend(&text, " over the control socket");
  if (asker.by == Asker::By::kSignal) absl::StrAppend(&text, " with ", SignalName(asker.signal));
  absl::StrAppend(&text, ": ", ResultName(result), detail.empty() ? "" : ", ", detail);
  return text;
}

std::string AuditMembers(absl::string_view action, const Asker& asker, AuditResult result,
                         absl::string_view detail) {
  std::string json = "\"audit\": {\"action\": ";
  AppendJsonString(action, &json);
  const bool is_known = asker.by != Asker::By::kUnknown && !asker.is_kernel;
  absl::StrAppend(&json, ", \"uid\": ", is_known ? absl::StrCat(asker.uid) : "null",
                  ", \"user\": ");
  AppendJsonTextUpTo(asker.user, 256, &json);
  absl::StrAppend(&json, ", \"pid\": ", is_known ? absl::StrCat(asker.pid) : "null",
                  ", \"command\": ");
  AppendJsonTextUpTo(asker.is_kernel ? "(kernel)" : asker.command, 64, &json);
  absl::StrAppend(&json, ", \"by\": ");
  AppendJsonString(By(asker), &json);
  absl::StrAppend(&json, ", \"result\": \"", ResultName(result), "\", \"detail\": ");
  AppendJsonTextUpTo(detail, kMostDetailBytes, &json);
  json.push_back('}');
  return json;
}

void Audit(absl::string_view action, const Asker& asker, AuditResult result,
           absl::string_view detail, Instant now) {
  LogLimit* const limit = LimitOf(action);
  if (!limit->Allow(now)) return;
  LogAllowed(result == AuditResult::kFailed ? LogLevel::ERROR : LogLevel::NOTICE, limit,
             AuditText(action, asker, result, detail), AuditMembers(action, asker, result, detail));
}

}  // namespace windlass
