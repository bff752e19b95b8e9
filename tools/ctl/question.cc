#include "tools/ctl/question.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/posix.h"
#include "tools/client/dial.h"
#include "tools/ctl/control_client.h"

namespace windlass {
namespace {

constexpr size_t kReadBytes = 64 << 10;
// The backlog of the socket is full: nothing says when there is room.
constexpr absl::Duration kBacklogRetry = absl::Milliseconds(20);

absl::Status Ended() { return absl::AbortedError("the server ended the connection"); }

}  // namespace

std::optional<absl::StatusOr<proto::CtlReply>> Question::Step(Instant now) {
  for (;;) {
    const absl::StatusOr<bool> advanced = Advance();
    if (!advanced.ok()) return advanced.status();
    if (reply_.has_value()) return *std::exchange(reply_, std::nullopt);
    if (*advanced) continue;
    if (now >= deadline_) return absl::DeadlineExceededError("the server does not answer");
    return std::nullopt;
  }
}

absl::StatusOr<bool> Question::Advance() {
  switch (state_) {
    case State::kNoSocket:
      return Connect();
    case State::kConnecting:
      return FinishConnecting();
    case State::kSending:
      return Send();
    case State::kAwaitingReply:
      return Receive();
  }
  std::abort();  // not an enumerator: memory is corrupt
}

absl::StatusOr<bool> Question::Connect() {
  const absl::StatusOr<std::string> path = LocateControlSocket(control_);
  if (!path.ok()) return path.status();
  const absl::StatusOr<SocketAddress> address = ControlAddress(*path);
  if (!address.ok()) return address.status();
  absl::StatusOr<DialStart> start = StartConnect(*address);
  if (!start.ok()) return start.status();
  if (start->outcome == DialOutcome::kTryAgain) return false;
  socket_ = std::move(start->socket);
  state_ = start->outcome == DialOutcome::kConnected ? State::kSending : State::kConnecting;
  return state_ == State::kSending;
}

absl::StatusOr<bool> Question::FinishConnecting() {
  pollfd entry = {socket_.get(), POLLOUT, 0};
  const absl::StatusOr<int> ready = Poll(absl::MakeSpan(&entry, 1), 0);
  if (!ready.ok()) return ready.status();
  if (*ready == 0) return false;
  if (absl::Status error = TakeSocketError(socket_.get(), "connect"); !error.ok()) {
    return absl::UnavailableError(error.message());
  }
  state_ = State::kSending;
  return true;
}

absl::StatusOr<bool> Question::Send() {
  const iovec piece = {const_cast<char*>(unsent_.data()) + sent_, unsent_.size() - sent_};
  const IoResult result = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
  if (result.outcome == IoOutcome::kPeerGone) return Ended();
  if (result.outcome == IoOutcome::kWouldBlock) return false;
  sent_ += result.bytes;
  if (sent_ == unsent_.size()) state_ = State::kAwaitingReply;
  return true;
}

absl::StatusOr<bool> Question::Receive() {
  std::array<char, kReadBytes> buffer;
  const IoResult result = RecvSome(socket_.get(), buffer.data(), buffer.size());
  switch (result.outcome) {
    case IoOutcome::kWouldBlock:
      return false;
    case IoOutcome::kEnd:
    case IoOutcome::kPeerGone:
      return Ended();
    case IoOutcome::kProgress:
      break;
  }
  reader_.Append(absl::string_view(buffer.data(), result.bytes));
  absl::StatusOr<std::optional<proto::CtlReply>> reply = reader_.Next();
  if (!reply.ok()) return reply.status();
  reply_ = *std::move(reply);
  return true;
}

pollfd Question::Interest() const {
  const bool writes = state_ == State::kConnecting || state_ == State::kSending;
  return {socket_.get(), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
}

Instant Question::wake(Instant now) const {
  return socket_.get() >= 0 ? deadline_ : std::min(deadline_, now + kBacklogRetry);
}

}  // namespace windlass
