#include "tools/client/conversation.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/posix.h"
#include "common/selector.h"
#include "tools/client/dial.h"

namespace windlass {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr SelectorToken kSocketToken{0};
constexpr SelectorToken kInputToken{1};

// One run of Converse, after the connection is made.
class Conversation {
 public:
  Conversation(OwnedFd socket, const std::string& address, const ConversationLimits& limits,
               const WireLog& wire, Dialogue* dialogue)
      : address_(address),
        limits_(limits),
        wire_(wire),
        dialogue_(dialogue),
        socket_(std::move(socket)),
        buffer_(kReadBytes),
        last_progress_(MonotonicNow()) {}

  absl::Status Run();

 private:
  absl::Status Step();
  absl::Status Send();
  absl::Status Receive();
  absl::Status WatchInput();
  Instant Deadline() const;

  // Fixed after construction.
  const std::string& address_;
  const ConversationLimits limits_;
  const WireLog& wire_;
  Dialogue* const dialogue_;
  const OwnedFd socket_;
  // The loop's working state.
  std::unique_ptr<Selector> selector_;
  std::vector<char> buffer_;
  Instant last_progress_;
  int input_fd_ = -1;          // registered
  bool send_blocked_ = false;  // wait for writable
  bool send_ended_ = false;    // half-closed, or the server takes no more
  bool complete_ = false;
};

absl::Status Conversation::Run() {
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(SelectorKind::kPoll);
  if (!selector.ok()) return selector.status();
  selector_ = *std::move(selector);
  absl::Status status = selector_->Register(socket_.get(), kReadable, kSocketToken);
  while (status.ok() && !complete_) status = Step();
  return status;
}

absl::Status Conversation::Step() {
  if (absl::Status sent = Send(); !sent.ok()) return sent;
  if (dialogue_->IsComplete()) {
    complete_ = true;
    return absl::OkStatus();
  }
  if (absl::Status watched = WatchInput(); !watched.ok()) return watched;
  const uint32_t interest = kReadable | (send_blocked_ ? kWritable : 0u);
  if (absl::Status set = selector_->Modify(socket_.get(), interest); !set.ok()) return set;
  const Instant now = MonotonicNow();
  const Instant deadline = Deadline();
  if (now >= deadline) {
    return absl::DeadlineExceededError(absl::StrCat("timeout: no complete answer from ", address_,
                                                    " within ",
                                                    absl::FormatDuration(limits_.timeout)));
  }
  const auto ready = selector_->Select(SleepMs(now, deadline));
  if (!ready.ok()) return ready.status();
  for (const Ready& one : *ready) {
    last_progress_ = MonotonicNow();
    send_blocked_ = send_blocked_ && (one.token == kInputToken || (one.events & kWritable) == 0);
    const bool readable = (one.events & (kReadable | kHangup | kError)) != 0;
    const absl::Status done = one.token == kInputToken ? dialogue_->OnInputReady()
                              : readable               ? Receive()
                                                       : absl::OkStatus();
    if (!done.ok()) return done;
  }
  return absl::OkStatus();
}

absl::Status Conversation::Send() {
  while (!send_blocked_ && !send_ended_) {
    const absl::StatusOr<absl::string_view> bytes = dialogue_->ToSend();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) {
      if (!dialogue_->WantsHalfClose()) return absl::OkStatus();
      ShutdownWrite(socket_.get());
      send_ended_ = true;
      return absl::OkStatus();
    }
    const iovec piece = {const_cast<char*>(bytes->data()), bytes->size()};
    const IoResult result = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
    send_blocked_ = result.outcome == IoOutcome::kWouldBlock;
    // The server may have refused the request and said why: what it said can still be read.
    send_ended_ = result.outcome == IoOutcome::kPeerGone;
    if (result.outcome != IoOutcome::kProgress) continue;
    wire_.Sent(bytes->substr(0, result.bytes));
    last_progress_ = MonotonicNow();
    dialogue_->OnSent(result.bytes);
  }
  return absl::OkStatus();
}

absl::Status Conversation::Receive() {
  const IoResult result = RecvSome(socket_.get(), buffer_.data(), buffer_.size());
  switch (result.outcome) {
    case IoOutcome::kWouldBlock:
      return absl::OkStatus();
    case IoOutcome::kPeerGone:
      return absl::UnavailableError(
          absl::StrCat(address_, " reset the connection before the answer was complete"));
    case IoOutcome::kEnd:
      complete_ = true;
      return dialogue_->OnEnd();
    case IoOutcome::kProgress:
      break;
  }
  const absl::string_view bytes(buffer_.data(), result.bytes);
  wire_.Received(bytes);
  const absl::StatusOr<bool> complete = dialogue_->OnReceived(bytes);
  if (!complete.ok()) return complete.status();
  complete_ = *complete;
  return absl::OkStatus();
}

absl::Status Conversation::WatchInput() {
  const int wanted = send_ended_ ? -1 : dialogue_->InputFd();
  if (wanted == input_fd_) return absl::OkStatus();
  if (input_fd_ >= 0) selector_->Unregister(input_fd_);
  input_fd_ = wanted;
  return wanted >= 0 ? selector_->Register(wanted, kReadable, kInputToken) : absl::OkStatus();
}

Instant Conversation::Deadline() const {
  if (limits_.timeout_of == TimeoutOf::kWhole) return limits_.started + limits_.timeout;
  return dialogue_->AwaitsAnswer() ? last_progress_ + limits_.timeout : Instant::Never();
}

}  // namespace

absl::Status Converse(const std::string& address, const ConversationLimits& limits,
                      const WireLog& wire, Dialogue* dialogue) {
  const absl::StatusOr<std::vector<SocketAddress>> target = ResolveTarget(address);
  if (!target.ok()) return target.status();
  absl::StatusOr<Dialed> dialed = Dial(*target, limits.started + limits.timeout);
  if (!dialed.ok()) return dialed.status();
  return Conversation(std::move(dialed->socket), address, limits, wire, dialogue).Run();
}

}  // namespace windlass
