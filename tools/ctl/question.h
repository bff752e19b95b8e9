#ifndef WINDLASS_TOOLS_CTL_QUESTION_H_
#define WINDLASS_TOOLS_CTL_QUESTION_H_

#include <poll.h>

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/report/reply_reader.h"
#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: one request to the server and its reply, over a connection of its own, for a program that
// has other things to do meanwhile. windlassctl top. Owns the socket.
// Invariants: 1. it ends with exactly one result: a reply, or a failure; after that Step is not
// called again.
// Blocking: never. Errors: Unavailable (no connection; says why), DeadlineExceeded, Aborted (the
// server ended the connection), DataLoss (what it sent is no reply).
class Question {
 public:
  // To the socket that LocateControlSocket finds for `control`, when Step is called.
  Question(std::string control, const proto::CtlRequest& request, Instant asked, Instant deadline)
      : control_(std::move(control)),
        unsent_(EncodeRequest(request)),
        asked_(asked),
        deadline_(deadline) {}

  // Does what can be done now. nullopt: not answered yet.
  std::optional<absl::StatusOr<proto::CtlReply>> Step(Instant now);
  // What to wait for before the next Step, which is due at wake() in any case.
  pollfd Interest() const;
  Instant wake(Instant now) const;
  Instant asked() const { return asked_; }

 private:
  enum class State : uint8_t { kNoSocket, kConnecting, kSending, kAwaitingReply };

  // Each: OK with true = something was done, OK with false = wait.
  absl::StatusOr<bool> Advance();
  absl::StatusOr<bool> Connect();
  absl::StatusOr<bool> FinishConnecting();
  absl::StatusOr<bool> Send();
  absl::StatusOr<bool> Receive();

  // Fixed after construction.
  const std::string control_;
  const std::string unsent_;
  const Instant asked_;
  const Instant deadline_;
  // Working state.
  State state_ = State::kNoSocket;
  OwnedFd socket_;
  size_t sent_ = 0;
  ReplyReader reader_;
  std::optional<proto::CtlReply> reply_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_QUESTION_H_
