#include "tools/bench/load_generator.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/posix.h"
#include "tools/client/dial.h"
#include "tools/client/fd_limit.h"

namespace windlass {
namespace {

// More at once would overflow listen queues, and a SYN that is dropped is sent again after a
// second.
constexpr uint32_t kMaxConnecting = 256;
constexpr absl::Duration kConnectRetry = absl::Milliseconds(100);
constexpr absl::Duration kBacklogRetry = absl::Milliseconds(2);
constexpr absl::Duration kCheckEvery = absl::Milliseconds(100);
constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kWriteBytes = 64 << 10;  // stays in the cache between making and sending
constexpr SelectorToken kTimerToken{UINT64_MAX};

}  // namespace

LoadGenerator::LoadGenerator(const BenchOptions& options, const LoadShape& shape, Progress progress)
    : options_(options),
      shape_(shape),
      progress_(std::move(progress)),
      in_(kReadBytes),
      out_(kWriteBytes) {}

absl::Status LoadGenerator::Run() {
  if (absl::Status connected = ConnectAll(); !connected.ok()) return connected;
  now_ = last_answer_ = last_movement_ = MonotonicNow();
  const Instant start = now_;
  schedule_ = Schedule(options_, start);
  while (!IsOver()) {
    if (absl::Status turned = Turn(/*sending=*/true); !turned.ok()) return turned;
    if (now_ < next_check_) continue;
    next_check_ = now_ + kCheckEvery;
    CheckTimeouts();
    progress_(tally_, now_ - start);
  }
  CountWhatIsLeft();
  const Instant sent_until = options_.duration ? std::min(now_, schedule_.stop_at()) : now_;
  tally_.seconds = absl::ToDoubleSeconds(std::max(last_answer_, sent_until) - start);
  return absl::OkStatus();
}

// Everything that can be connected is, so that the run does not measure connecting.
absl::Status LoadGenerator::ConnectAll() {
  if (absl::Status room = RaiseFdLimit(options_.connections); !room.ok()) return room;
  const absl::StatusOr<std::vector<SocketAddress>> target = ResolveTarget(options_.address);
  if (!target.ok()) return target.status();
  const Instant deadline = MonotonicNow() + options_.timeout;
  // The first connection finds out which address works, and whether there is a server at all.
  absl::StatusOr<Dialed> first = Dial(*target, deadline);
  if (!first.ok()) return absl::UnavailableError(first.status().message());
  server_ = first->address;
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(SelectorKind::kEpoll);
  if (!selector.ok()) return selector.status();
  selector_ = *std::move(selector);
  if (options_.open_loop()) {
    absl::StatusOr<PreciseTimer> timer = PreciseTimer::Create();
    if (!timer.ok()) return timer.status();
    timer_ = std::make_unique<PreciseTimer>(*std::move(timer));
    absl::Status watched = selector_->Register(timer_->fd(), kReadable, kTimerToken);
    if (!watched.ok()) return watched;
  }
  connections_.reserve(options_.connections);
  for (uint32_t i = 0; i < options_.connections; ++i) connections_.emplace_back(options_.pipeline);
  for (uint32_t i = options_.connections; i > 1; --i) down_.push_back(i - 1);
  now_ = MonotonicNow();
  if (Adopt(0, std::move(first->socket))) Opened(0);
  const auto waits = [this] { return connecting_ > 0 || !down_.empty(); };
  while (waits() && now_ < deadline && tally_.AllErrors() == 0) {
    if (absl::Status turned = Turn(/*sending=*/false); !turned.ok()) return turned;
  }
  return absl::OkStatus();
}

void LoadGenerator::ConnectDown() {
  for (size_t i = down_.size(); i > 0 && connecting_ < kMaxConnecting; --i) {
    const uint32_t index = down_[i - 1];
    if (connections_[index].since > now_) continue;
    down_[i - 1] = down_.back();
    down_.pop_back();
    absl::StatusOr<DialStart> start = StartConnect(server_);
    if (!start.ok()) {
      ConnectFailed(index);
    } else if (start->outcome == DialOutcome::kTryAgain) {
      TakeDown(index, now_ + kBacklogRetry);
    } else if (Adopt(index, std::move(start->socket))) {
      if (start->outcome == DialOutcome::kConnected) Opened(index);
    }
  }
}

bool LoadGenerator::Adopt(uint32_t index, OwnedFd socket) {
  LoadConnection& connection = connections_[index];
  const absl::Status watched =
      selector_->Register(socket.get(), kReadable | kWritable, SelectorToken{index});
  if (!watched.ok()) {
    ConnectFailed(index);
    return false;
  }
  connection.socket = std::move(socket);
  connection.phase = Phase::kConnecting;
  connection.since = now_;
  ++connecting_;
  return true;
}

void LoadGenerator::Opened(uint32_t index) {
  LoadConnection& connection = connections_[index];
  --connecting_;
  connection.phase = Phase::kOpen;
  connection.answered = connection.blocked = false;
  connection.reader.Reset();
  // Changing the interest of a registered descriptor cannot fail.
  selector_->Modify(connection.socket.get(), kReadable).IgnoreError();
  NoteRoom(index);
}

void LoadGenerator::FinishConnecting(uint32_t index) {
  const absl::Status connected = FinishConnect(connections_[index].socket.get(), server_);
  if (connected.ok()) return Opened(index);
  ConnectFailed(index);
}

void LoadGenerator::ConnectFailed(uint32_t index) {
  tally_.Count(ErrorKind::kConnect);
  TakeDown(index, now_ + kConnectRetry);
}

void LoadGenerator::Lose(uint32_t index, ErrorKind kind) {
  LoadConnection& connection = connections_[index];
  tally_.Count(kind, connection.queue.size());
  // A server that closes before it has answered anything is not asked again at once.
  TakeDown(index, connection.answered ? now_ : now_ + kConnectRetry);
}

void LoadGenerator::TakeDown(uint32_t index, Instant again_at) {
  LoadConnection& connection = connections_[index];
  outstanding_ -= connection.queue.size();
  connection.queue.Clear();
  if (connection.phase == Phase::kConnecting) --connecting_;
  if (connection.socket.valid()) {
    selector_->Unregister(connection.socket.get());
    connection.socket.Reset();
  }
  connection.phase = Phase::kDown;
  connection.since = again_at;
  down_.push_back(index);
}

absl::Status LoadGenerator::Turn(bool sending) {
  if (!down_.empty()) ConnectDown();
  if (sending) {
    Issue();
    FlushDirty();
  }
  const auto ready = selector_->Select(SleepBound(sending));
  now_ = MonotonicNow();
  if (!ready.ok()) return ready.status();
  for (const Ready& one : *ready) {
    if (one.token == kTimerToken) continue;  // it has woken us, and is set again before we sleep
    OnReady(static_cast<uint32_t>(one.token.value), one.events);
  }
  return absl::OkStatus();
}

int LoadGenerator::SleepBound(bool sending) {
  Instant until = now_ + kCheckEvery;
  if (!down_.empty()) until = std::min(until, now_ + kBacklogRetry);
  if (schedule_.stop_at() > now_) until = std::min(until, schedule_.stop_at());
  if (timer_ != nullptr) {
    // With no room there is nothing to wake up for: an answer does.
    if (sending && schedule_.HasMore(now_) && !roomy_.empty()) {
      timer_->Arm(schedule_.NextDue(now_));
    } else {
      timer_->Disarm();
    }
  }
  return SleepMs(now_, until);
}

void LoadGenerator::Issue() {
  while (!roomy_.empty() && schedule_.IsDue(now_)) {
    const uint32_t index = roomy_.front();
    roomy_.pop_front();
    LoadConnection& connection = connections_[index];
    connection.waits_for_room = false;
    if (!connection.HasRoom()) continue;
    Give(&connection, index);
    // Closed loop: as many as it takes, to go out in one write. Open loop: the others come first.
    while (!options_.open_loop() && !connection.queue.full() && schedule_.IsDue(now_)) {
      Give(&connection, index);
    }
    NoteRoom(index);
  }
}

void LoadGenerator::Give(LoadConnection* connection, uint32_t index) {
  connection->queue.Push({schedule_.issued(), schedule_.NextDue(now_), now_});
  schedule_.Advance();
  ++tally_.issued;
  ++outstanding_;
  if (connection->dirty) return;
  connection->dirty = true;
  dirty_.push_back(index);
}

void LoadGenerator::NoteRoom(uint32_t index) {
  LoadConnection& connection = connections_[index];
  if (connection.waits_for_room || !connection.HasRoom()) return;
  connection.waits_for_room = true;
  roomy_.push_back(index);
}

void LoadGenerator::FlushDirty() {
  for (const uint32_t index : dirty_) {
    connections_[index].dirty = false;
    Flush(index);
  }
  dirty_.clear();
}

void LoadGenerator::Flush(uint32_t index) {
  LoadConnection& connection = connections_[index];
  if (connection.phase != Phase::kOpen) return;
  while (!connection.blocked && connection.queue.has_unsent()) {
    const size_t bytes = connection.queue.CopyUnsent(shape_.request, out_.data(), out_.size());
    const iovec piece = {out_.data(), bytes};
    const IoResult result = SendSome(connection.socket.get(), absl::MakeConstSpan(&piece, 1));
    // Gone: what the server said before is still to be read, and reading will tell that it has
    // closed.
    if (result.outcome == IoOutcome::kPeerGone) return AwaitClose(&connection, now_);
    connection.queue.MarkSent(shape_.request, result.bytes);
    connection.blocked = result.bytes < bytes;
  }
  const uint32_t interest = kReadable | (connection.blocked ? kWritable : 0u);
  selector_->Modify(connection.socket.get(), interest).IgnoreError();
}

void LoadGenerator::OnReady(uint32_t index, uint32_t events) {
  LoadConnection& connection = connections_[index];
  if (connection.phase == Phase::kConnecting) return FinishConnecting(index);
  if (connection.phase == Phase::kDown) return;
  if ((events & kWritable) != 0) {
    connection.blocked = false;
    Flush(index);
  }
  if ((events & ~uint32_t{kWritable}) != 0) Receive(index);
}

void LoadGenerator::Receive(uint32_t index) {
  LoadConnection& connection = connections_[index];
  const IoResult result = RecvSome(connection.socket.get(), in_.data(), in_.size());
  switch (result.outcome) {
    case IoOutcome::kWouldBlock:
      return;
    case IoOutcome::kEnd:
    case IoOutcome::kPeerGone:
      return Lose(index, ErrorKind::kClosed);  // counts nothing when nothing is open
    case IoOutcome::kProgress:
      break;
  }
  TakeAnswers(index, absl::string_view(in_.data(), result.bytes), MonotonicNow());
}

void LoadGenerator::TakeAnswers(uint32_t index, absl::string_view input, Instant now) {
  LoadConnection& connection = connections_[index];
  while (!input.empty()) {
    if (connection.queue.empty()) {  // nobody asked for this
      tally_.Count(ErrorKind::kMalformed);
      return Lose(index, ErrorKind::kClosed);
    }
    const AnswerReader::Verdict verdict =
        connection.reader.Step(shape_, &heads_, connection.queue.front().number, &input);
    if (verdict == AnswerReader::Verdict::kNeedMore) return;
    // An answer before its request was sent whole: what is left of the request would be taken for
    // another.
    const bool early = !connection.queue.front_sent();
    const bool lost = CountAnswer(&connection, verdict, now);
    if (lost || early) return Lose(index, ErrorKind::kClosed);
    if (connection.reader.closes() || shape_.one_per_connection) AwaitClose(&connection, now);
  }
  NoteRoom(index);
}

void LoadGenerator::AwaitClose(LoadConnection* connection, Instant now) {
  connection->phase = Phase::kClosing;
  connection->since = now;
  selector_->Modify(connection->socket.get(), kReadable).IgnoreError();
}

// True: the stream cannot be read any further.
bool LoadGenerator::CountAnswer(LoadConnection* connection, AnswerReader::Verdict verdict,
                                Instant now) {
  using Verdict = AnswerReader::Verdict;
  const OpenRequest request = connection->queue.front();
  connection->queue.Pop();
  --outstanding_;
  connection->answered = true;
  last_answer_ = last_movement_ = now;
  switch (verdict) {
    case Verdict::kNeedMore:
      break;
    case Verdict::kRight:
      ++tally_.right;
      tally_.latency.Record(now.ns - request.intended.ns);
      return false;
    case Verdict::kWrong:
      ++tally_.mismatched;
      return false;
    case Verdict::kRefused:
      tally_.Count(connection->reader.refused_with());
      return false;
    case Verdict::kWrongAndLost:
      ++tally_.mismatched;
      return true;
    case Verdict::kMalformed:
      tally_.Count(ErrorKind::kMalformed);
      return true;
  }
  CHECK(false) << "an answer that is not complete was counted";
  return true;
}

void LoadGenerator::CheckTimeouts() {
  for (uint32_t index = 0; index < connections_.size(); ++index) {
    const LoadConnection& connection = connections_[index];
    const bool overdue = connection.since + options_.timeout <= now_;
    if (connection.phase == Phase::kConnecting && overdue) {
      ConnectFailed(index);
    } else if (!connection.queue.empty() &&
               connection.queue.front().given + options_.timeout <= now_) {
      Lose(index, ErrorKind::kTimeout);
    } else if (connection.phase == Phase::kClosing && overdue && connection.queue.empty()) {
      tally_.Count(ErrorKind::kTimeout);
      TakeDown(index, now_);
    }
  }
}

bool LoadGenerator::IsOver() {
  if (outstanding_ == 0 && !schedule_.HasMore(now_)) return true;
  if (outstanding_ == 0 && !schedule_.IsDue(now_)) last_movement_ = now_;
  if (options_.duration && now_ >= schedule_.stop_at() + options_.timeout) return true;
  return now_ >= last_movement_ + options_.timeout;
}

void LoadGenerator::CountWhatIsLeft() {
  tally_.Count(ErrorKind::kTimeout, outstanding_);
  // A run that stands still without an open request waits for the server to close.
  if (outstanding_ == 0 && now_ >= last_movement_ + options_.timeout) {
    const auto waits = [](const LoadConnection& one) { return one.phase == Phase::kClosing; };
    const auto waiting = std::count_if(connections_.begin(), connections_.end(), waits);
    tally_.Count(ErrorKind::kTimeout, static_cast<uint64_t>(waiting));
  }
  tally_.Count(ErrorKind::kUnsent, schedule_.Unissued());
}

}  // namespace windlass
