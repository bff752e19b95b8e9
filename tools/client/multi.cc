#include "tools/client/multi.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/posix.h"
#include "common/selector.h"
#include "tools/client/commands.h"
#include "tools/client/dial.h"
#include "tools/client/fd_limit.h"
#include "tools/client/output.h"
#include "tools/client/wire_log.h"

namespace windlass {
namespace {

// More at once would overflow listen queues, and a SYN that is dropped is sent again after a
// second.
constexpr size_t kMaxConnecting = 256;
constexpr int kBacklogRetryMs = 10;

// kConnected: waits for the others, so that all are open at the same time.
enum class Phase : uint8_t { kWaiting, kConnecting, kConnected, kTalking, kDone, kFailed };

struct EchoConnection {
  Phase phase = Phase::kWaiting;
  OwnedFd socket;
  std::unique_ptr<WireLog> wire;
  size_t message = 0;  // being sent
  size_t offset = 0;   // of it that is sent
  size_t received = 0;
};

// One run of `multi`.
class EchoCrowd {
 public:
  EchoCrowd(const ClientOptions& options, const SocketAddress& server, Instant started)
      : options_(options),
        server_(server),
        expected_(absl::StrJoin(options.messages, "")),
        started_(started),
        connections_(options.connections) {}

  // `first` is the first connection's socket, connected.
  absl::StatusOr<ExitCode> Run(OwnedFd first);

 private:
  absl::Status Step(Instant deadline);
  void StartMore();
  void Start(size_t index);
  void Adopt(size_t index, OwnedFd socket);
  void OnReady(size_t index, uint32_t events);
  void OnConnected(size_t index);
  void Send(size_t index);
  void Receive(size_t index);
  void Finish(size_t index, Phase phase, const absl::Status& failure);
  void TalkWhenAllAreConnected();
  absl::StatusOr<ExitCode> Summarize() const;
  absl::Status Verdict() const;
  // "connection 3: TEXT", unless --json.
  void Say(size_t index, absl::string_view text) const;

  // Fixed after construction.
  const ClientOptions& options_;
  const SocketAddress server_;
  const std::string expected_;  // all that each connection gets back
  const Instant started_;
  // The loop's working state.
  std::unique_ptr<Selector> selector_;
  std::vector<EchoConnection> connections_;
  size_t next_start_ = 0;  // the connections before this one have been started
  size_t connecting_ = 0;
  bool backlog_full_ = false;
  bool talking_ = false;
  size_t done_ = 0, failed_ = 0;
  absl::Status first_failure_;
  std::vector<char> buffer_ = std::vector<char>(64 << 10);
};

void EchoCrowd::Say(size_t index, absl::string_view text) const {
  if (options_.json) return;
  absl::FPrintF(stdout, "connection %d: %s\n", index + 1, text);
}

absl::StatusOr<ExitCode> EchoCrowd::Run(OwnedFd first) {
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(SelectorKind::kEpoll);
  if (!selector.ok()) return selector.status();
  selector_ = *std::move(selector);
  const Instant deadline = started_ + options_.timeout;
  Adopt(next_start_++, std::move(first));
  if (connections_[0].phase == Phase::kConnecting) OnConnected(0);
  while (done_ + failed_ < connections_.size() && MonotonicNow() < deadline) {
    if (absl::Status status = Step(deadline); !status.ok()) return status;
  }
  return Summarize();
}

absl::Status EchoCrowd::Step(Instant deadline) {
  StartMore();
  TalkWhenAllAreConnected();
  if (done_ + failed_ == connections_.size()) return absl::OkStatus();
  const int sleep_ms = SleepMs(MonotonicNow(), deadline);
  const bool soon = backlog_full_ && (sleep_ms < 0 || sleep_ms > kBacklogRetryMs);
  const auto ready = selector_->Select(soon ? kBacklogRetryMs : sleep_ms);
  if (!ready.ok()) return ready.status();
  for (const Ready& one : *ready) OnReady(static_cast<size_t>(one.token.value), one.events);
  std::fflush(stdout);
  return absl::OkStatus();
}

void EchoCrowd::StartMore() {
  backlog_full_ = false;
  while (next_start_ < connections_.size() && connecting_ < kMaxConnecting && !backlog_full_) {
    Start(next_start_);
    if (!backlog_full_) ++next_start_;
  }
}

void EchoCrowd::Start(size_t index) {
  absl::StatusOr<DialStart> start = StartConnect(server_);
  if (!start.ok()) return Finish(index, Phase::kFailed, start.status());
  backlog_full_ = start->outcome == DialOutcome::kTryAgain;
  if (backlog_full_) return;
  Adopt(index, std::move(start->socket));
  const bool connected = start->outcome == DialOutcome::kConnected;
  if (connected && connections_[index].phase == Phase::kConnecting) OnConnected(index);
}

void EchoCrowd::Adopt(size_t index, OwnedFd socket) {
  EchoConnection& connection = connections_[index];
  const absl::Status watched =
      selector_->Register(socket.get(), kReadable | kWritable, SelectorToken{index});
  if (!watched.ok()) return Finish(index, Phase::kFailed, watched);
  connection.socket = std::move(socket);
  connection.wire =
      std::make_unique<WireLog>(options_.show_wire, absl::StrCat("#", index + 1, " "));
  connection.phase = Phase::kConnecting;
  ++connecting_;
}

void EchoCrowd::OnConnected(size_t index) {
  --connecting_;
  connections_[index].phase = Phase::kConnected;
  // Changing the interest of a registered descriptor cannot fail.
  selector_->Modify(connections_[index].socket.get(), kReadable).IgnoreError();
  Say(index, absl::StrCat("connected to ", options_.address));
}

void EchoCrowd::TalkWhenAllAreConnected() {
  if (talking_ || next_start_ < connections_.size() || connecting_ > 0) return;
  talking_ = true;
  for (size_t index = 0; index < connections_.size(); ++index) {
    if (connections_[index].phase != Phase::kConnected) continue;
    connections_[index].phase = Phase::kTalking;
    if (expected_.empty()) {
      Finish(index, Phase::kDone, absl::OkStatus());
    } else {
      Send(index);
    }
  }
  std::fflush(stdout);
}

void EchoCrowd::OnReady(size_t index, uint32_t events) {
  EchoConnection& connection = connections_[index];
  if (connection.phase == Phase::kConnecting) {
    const absl::Status connected = FinishConnect(connection.socket.get(), server_);
    if (connected.ok()) return OnConnected(index);
    return Finish(index, Phase::kFailed, connected);
  }
  if (connection.phase == Phase::kTalking && (events & kWritable) != 0) Send(index);
  const bool open = connection.phase == Phase::kTalking || connection.phase == Phase::kConnected;
  if (open && (events & ~uint32_t{kWritable}) != 0) Receive(index);
}

void EchoCrowd::Send(size_t index) {
  EchoConnection& connection = connections_[index];
  bool blocked = false;
  while (connection.message < options_.messages.size() && !blocked) {
    const std::string& message = options_.messages[connection.message];
    if (connection.offset == 0)
      Say(index, absl::StrCat("sending \"", absl::Utf8SafeCEscape(message), "\""));
    const absl::string_view rest = absl::string_view(message).substr(connection.offset);
    if (rest.empty()) {
      ++connection.message;
      continue;
    }
    const iovec piece = {const_cast<char*>(rest.data()), rest.size()};
    const IoResult result = SendSome(connection.socket.get(), absl::MakeConstSpan(&piece, 1));
    if (result.outcome == IoOutcome::kProgress) {
      connection.wire->Sent(rest.substr(0, result.bytes));
      connection.offset += result.bytes;
      if (connection.offset < message.size()) continue;
      ++connection.message;
      connection.offset = 0;
    } else if (result.outcome == IoOutcome::kWouldBlock) {
      blocked = true;
    } else {
      return Finish(index, Phase::kFailed,
                    absl::UnavailableError("the server reset the connection"));
    }
  }
  selector_->Modify(connection.socket.get(), kReadable | (blocked ? kWritable : 0u)).IgnoreError();
}

void EchoCrowd::Receive(size_t index) {
  EchoConnection& connection = connections_[index];
  const IoResult result = RecvSome(connection.socket.get(), buffer_.data(), buffer_.size());
  if (result.outcome == IoOutcome::kWouldBlock) return;
  if (result.outcome != IoOutcome::kProgress) {
    return Finish(index, Phase::kFailed,
                  absl::UnavailableError(absl::StrCat("the server closed the connection after ",
                                                      connection.received, " of ", expected_.size(),
                                                      " bytes")));
  }
  const absl::string_view bytes(buffer_.data(), result.bytes);
  connection.wire->Received(bytes);
  Say(index, absl::StrCat("received \"", absl::Utf8SafeCEscape(bytes), "\""));
  if (!absl::StartsWith(absl::string_view(expected_).substr(connection.received), bytes)) {
    return Finish(index, Phase::kFailed,
                  absl::DataLossError("the echo differs from what was sent"));
  }
  connection.received += bytes.size();
  if (connection.received == expected_.size()) Finish(index, Phase::kDone, absl::OkStatus());
}

void EchoCrowd::Finish(size_t index, Phase phase, const absl::Status& failure) {
  EchoConnection& connection = connections_[index];
  if (connection.phase == Phase::kConnecting) --connecting_;
  connection.phase = phase;
  if (connection.socket.valid()) {
    selector_->Unregister(connection.socket.get());
    connection.socket.Reset();
  }
  ++(phase == Phase::kDone ? done_ : failed_);
  Say(index,
      failure.ok() ? "closing, all answers are in" : absl::StrCat("failed: ", failure.message()));
  // Wrong bytes are worse news than a lost connection.
  if (first_failure_.ok() || (absl::IsDataLoss(failure) && !absl::IsDataLoss(first_failure_))) {
    first_failure_ = failure;
  }
}

// What the run came to, in one line.
absl::Status EchoCrowd::Verdict() const {
  if (failed_ > 0) {
    return absl::Status(first_failure_.code(),
                        absl::StrCat(failed_, " of ", connections_.size(),
                                     " connections failed: ", first_failure_.message()));
  }
  const size_t unfinished = connections_.size() - done_;
  if (unfinished == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(
      "timeout: ", unfinished, " of ", connections_.size(), " connections at ", options_.address,
      " are not done within ", absl::FormatDuration(options_.timeout)));
}

absl::StatusOr<ExitCode> EchoCrowd::Summarize() const {
  const double seconds = absl::ToDoubleSeconds(MonotonicNow() - started_);
  const absl::Status verdict = Verdict();
  std::string out;
  if (options_.json) {
    out = absl::StrFormat(
        "{\"ok\": %s, \"connections\": %d, \"done\": %d, \"failed\": %d, \"unfinished\": %d, "
        "\"bytes_each\": %d, \"seconds\": %.6f",
        verdict.ok() ? "true" : "false", connections_.size(), done_, failed_,
        connections_.size() - done_ - failed_, expected_.size(), seconds);
    if (!verdict.ok()) AppendJsonFailure(verdict, &out);
    out.append("}\n");
  } else {
    out = absl::StrFormat("%d of %d connections got all %d bytes back in %.3f s\n", done_,
                          connections_.size(), expected_.size(), seconds);
  }
  if (absl::Status written = WriteOut(out); !written.ok()) return written;
  return verdict.ok() ? ExitCode::kOk : ReportFailure(verdict, /*json=*/false);
}

}  // namespace

absl::StatusOr<ExitCode> RunMulti(const ClientOptions& options) {
  if (absl::Status room = RaiseFdLimit(options.connections); !room.ok()) return room;
  const absl::StatusOr<std::vector<SocketAddress>> target = ResolveTarget(options.address);
  if (!target.ok()) return target.status();
  const Instant started = MonotonicNow();
  // The first connection finds out which address works, and whether there is a server at all.
  absl::StatusOr<Dialed> first = Dial(*target, started + options.timeout);
  if (!first.ok()) return first.status();
  return EchoCrowd(options, first->address, started).Run(std::move(first->socket));
}

}  // namespace windlass
