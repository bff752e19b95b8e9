#ifndef WINDLASS_MASTER_AUDIT_H_
#define WINDLASS_MASTER_AUDIT_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/clock.h"
#include "common/posix.h"
#include "proto/upgrade.pb.h"

namespace windlass {

// Who asked the master for something, as far as the kernel says.
struct Asker {
  enum class By : uint8_t { kUnknown, kControlSocket, kSignal };
  By by = By::kUnknown;
  uid_t uid = 0;
  std::string user;     // its name in /etc/passwd; "" = not there
  pid_t pid = 0;        // 0: the kernel, or a process that we cannot see
  std::string command;  // its name; "" = it is gone already
  int signal = 0;
  bool is_kernel = false;  // for a terminal: ^C, or a hang-up

  // Look at /etc/passwd and at /proc, so call them when the request comes.
  static Asker OfPeer(const PeerCredentials& peer);
  static Asker OfSignal(const SignalInfo& signal);
  // Over a binary upgrade.
  void Describe(proto::UpgradeState::Asker* into) const;
  static Asker Adopt(const proto::UpgradeState::Asker& state);
};

enum class AuditResult : uint8_t {
  kOk,
  kFailed,   // it was tried
  kRefused,  // it was not even tried
};

// One line for each thing that somebody asked for, when it is known what became of it:
//   audit: reload by uid=0(root) pid=123(windlassctl) over the control socket: ok, generation 3 ...
//   audit: drain by uid=0(root) pid=1(systemd) with SIGTERM: ok, ...
// As JSON it has the parts as members of "audit", too. It is printed at every level; a failure is
// an error. Somebody who asks in a loop gets no more than about ten lines a second for each action,
// and a count. Blocking: never.
void Audit(absl::string_view action, const Asker& asker, AuditResult result,
           absl::string_view detail, Instant now);

// What Audit writes. Pure.
std::string AuditText(absl::string_view action, const Asker& asker, AuditResult result,
                      absl::string_view detail);
std::string AuditMembers(absl::string_view action, const Asker& asker, AuditResult result,
                         absl::string_view detail);

}  // namespace windlass

#endif  // WINDLASS_MASTER_AUDIT_H_
