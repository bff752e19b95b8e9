#include "master/ask_child.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr size_t kMaxMessage = 16 << 10;
constexpr int kAnswerBytes = 64 << 10;

// The answer is one packet: the code of the status, then its message.
[[noreturn]] void Answer(const absl::Status& status, int channel) {
  const auto code = static_cast<int32_t>(status.code());
  const absl::string_view message = status.message().substr(0, kMaxMessage);
  const iovec pieces[] = {{const_cast<int32_t*>(&code), sizeof(code)},
                          {const_cast<char*>(message.data()), message.size()}};
  (void)SendPacket(channel, pieces);
  ::_exit(0);
}

// False: there is none.
bool TakeAnswer(int channel, absl::Status* status) {
  std::string buffer(sizeof(int32_t) + kMaxMessage, '\0');
  const iovec into = {buffer.data(), buffer.size()};
  const ReceivedPacket packet = ReceivePacket(channel, absl::MakeConstSpan(&into, 1), {});
  int32_t code = 0;
  if (packet.outcome != PacketOutcome::kDone || packet.bytes < sizeof(code)) return false;
  ::memcpy(&code, buffer.data(), sizeof(code));
  *status = absl::Status(static_cast<absl::StatusCode>(code),
                         buffer.substr(sizeof(code), packet.bytes - sizeof(code)));
  return true;
}

std::string EndOf(const OwnedFd& pidfd) {
  const ExitStatus end = ReapPidfd(pidfd.get()).value_or(ExitStatus{true, 0});
  return end.exited ? absl::StrCat("ended with exit code ", end.code)
                    : absl::StrCat("was killed by SIG", ::sigabbrev_np(end.code));
}

}  // namespace

absl::Status AskChild(absl::FunctionRef<absl::Status()> question, absl::Duration limit) {
  absl::StatusOr<PacketPair> channel = SeqPacketPair(kAnswerBytes);
  if (!channel.ok()) return channel.status();
  const absl::StatusOr<pid_t> pid = Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) Answer(question(), channel->send_end.get());
  channel->send_end.Reset();
  // It is our unreaped child, so its pid is still its own.
  const absl::StatusOr<OwnedFd> pidfd = PidfdOpen(*pid);
  if (!pidfd.ok()) {
    ::kill(*pid, SIGKILL);
    ReapStranger(*pid);
    return pidfd.status();
  }
  const Instant end = MonotonicNow() + limit;
  // The child, because a process that it made may keep the channel open.
  pollfd entry = {pidfd->get(), POLLIN, 0};
  int ready = 0;
  for (Instant now = MonotonicNow(); ready == 0 && now < end; now = MonotonicNow()) {
    const auto left = static_cast<int>(absl::ToInt64Milliseconds(end - now)) + 1;
    ready = Poll(absl::MakeSpan(&entry, 1), left).value_or(-1);
  }
  absl::Status answer;
  const bool answered = TakeAnswer(channel->receive_end.get(), &answer);
  if (ready > 0) {
    const std::string how = EndOf(*pidfd);
    return answered ? answer : absl::InternalError(absl::StrCat("the process that tried ", how));
  }
  ::kill(*pid, SIGKILL);
  ReapStranger(*pid);
  if (answered) return answer;
  return absl::DeadlineExceededError(absl::StrCat("no end within ", absl::FormatDuration(limit)));
}

}  // namespace windlass
