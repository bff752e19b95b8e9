#include "tests/scenario/ledger_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/posix.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

constexpr absl::Duration kReconnectDelay = absl::Milliseconds(20);
constexpr size_t kMaxComposedBytes = 256 << 10;  // then no further request is composed
constexpr size_t kSlowReadBytes = 4 << 10;
constexpr int kSlowReceiveBufferBytes = 8 << 10;
constexpr absl::Duration kLongestPause = absl::Milliseconds(3);   // between two slow reads
constexpr absl::Duration kLongestIdle = absl::Milliseconds(200);  // between two bursts
constexpr int kPiecesInAStep = 4;
constexpr absl::Duration kPauseBetweenPieces = absl::Milliseconds(1);

std::string MessageHead(absl::string_view handler, absl::string_view id, size_t content_bytes) {
  const std::string by_name =
      handler.empty() ? "" : absl::StrCat(R"("handler": ")", handler, R"(", )");
  return RawMessage(
      absl::StrCat(
          R"({"byteorder": "little", "content-type": "x/y", "content-encoding": "binary", )",
          by_name, R"("request-id": ")", id, R"(", "content-length": )", content_bytes, "}"),
      "");
}

}  // namespace

LedgerConnection::LedgerConnection(Options options, LedgerTotals* totals)
    : options_(std::move(options)), totals_(totals), random_(options_.seed) {}

pollfd LedgerConnection::Interest(absl::Time now) const {
  short events = 0;
  switch (state_) {
    case State::kWaitingToConnect:
    case State::kDone:
      return {-1, 0, 0};
    case State::kConnecting:
      events = POLLOUT;
      break;
    case State::kOpen:
    case State::kHalfClosed:
      if (now >= read_at_) events |= POLLIN;
      if (unsent_bytes() > 0 && now >= write_at_) events |= POLLOUT;
      break;
  }
  return {socket_.get(), events, 0};
}

void LedgerConnection::Step(int ready, absl::Time now) {
  wake_ = absl::InfiniteFuture();
  if (state_ == State::kWaitingToConnect) {
    if (now >= connect_at_) Connect(now);
    wake_ = connect_at_;
    return;
  }
  if (state_ == State::kConnecting) {
    if (ready == 0) return;
    const absl::Status error = TakeSocketError(socket_.get(), "connect");
    if (!error.ok()) return OnConnectFailed(error.message(), now);
    OnConnected();
  }
  Receive(ready, now);
  if (state_ != State::kOpen) return;
  PlanBurst(now);
  while (MayCompose()) Compose();
  SendComposed(now);
  if (state_ == State::kOpen) HalfCloseWhenFinished();
}

void LedgerConnection::Finish() {
  finishing_ = true;
  if (state_ == State::kWaitingToConnect || state_ == State::kConnecting) state_ = State::kDone;
}

void LedgerConnection::GiveUp() {
  if (done()) return;
  totals_->Note(absl::StrCat("gave up ", book_->Describe()));
  book_->OnEnd();
  socket_.Reset();
  state_ = State::kDone;
}

// --- Connecting

void LedgerConnection::Connect(absl::Time now) {
  absl::StatusOr<OwnedFd> socket = StreamSocket(options_.address.family());
  if (!socket.ok()) return OnConnectFailed(socket.status().message(), now);
  socket_ = *std::move(socket);
  if (options_.habit == ClientHabit::kSlowReader)
    (void)SetIntOption(socket_.get(), SOL_SOCKET, SO_RCVBUF, kSlowReceiveBufferBytes, "SO_RCVBUF");
  const absl::StatusOr<ConnectOutcome> outcome =
      ConnectSocket(socket_.get(), options_.address.get(), options_.address.length, "connect");
  if (!outcome.ok()) return OnConnectFailed(outcome.status().message(), now);
  state_ = State::kConnecting;
  if (*outcome == ConnectOutcome::kConnected) OnConnected();
}

void LedgerConnection::OnConnected() {
  // So that a torn piece is a packet of its own.
  if (options_.address.family() != AF_UNIX)
    (void)SetIntOption(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  state_ = State::kOpen;
  book_ = std::make_unique<LedgerBook>(options_.name, totals_);
  answers_ = std::make_unique<LedgerAnswers>(options_.protocol);
  out_.clear();
  out_at_ = 0;
  sent_bytes_ = composed_bytes_ = 0;
}

void LedgerConnection::OnConnectFailed(absl::string_view why, absl::Time now) {
  ++totals_->failed_connects;
  totals_->Note(why);
  socket_.Reset();
  state_ = State::kWaitingToConnect;
  connect_at_ = wake_ = now + kReconnectDelay;
}

// --- Reading

void LedgerConnection::Receive(int ready, absl::Time now) {
  if ((ready & (POLLIN | POLLHUP | POLLERR)) == 0) {
    if (now < read_at_) wake_ = std::min(wake_, read_at_);
    return;
  }
  static thread_local std::array<char, 256 << 10> chunk;
  const bool slow = options_.habit == ClientHabit::kSlowReader;
  const IoResult result =
      RecvSome(socket_.get(), chunk.data(), slow ? kSlowReadBytes : chunk.size());
  switch (result.outcome) {
    case IoOutcome::kWouldBlock:
      return;
    case IoOutcome::kEnd:
      return OnStreamEnd("ended", now);
    case IoOutcome::kPeerGone:
      return OnStreamEnd("reset", now);
    case IoOutcome::kProgress:
      break;
  }
  answers_->Append(absl::string_view(chunk.data(), result.bytes));
  if (slow) {
    read_at_ = now + kLongestPause * (static_cast<double>(RandomBelow(1000)) / 1000);
    wake_ = std::min(wake_, read_at_);
  }
  TakeAnswers(now);
}

void LedgerConnection::TakeAnswers(absl::Time now) {
  while (const std::optional<LedgerAnswer> answer = answers_->Next()) book_->OnAnswer(*answer);
  if (answers_->broken()) OnStreamEnd("broken: no answer's header", now);
}

void LedgerConnection::OnStreamEnd(absl::string_view how, absl::Time now) {
  const bool as_agreed = state_ == State::kHalfClosed && book_->waiting() == 0 && answers_->empty();
  if (!as_agreed) {
    ++totals_->dropped_connections;
    totals_->Note(absl::StrCat(how, ": ", book_->Describe()));
  }
  book_->OnEnd();
  socket_.Reset();
  state_ = finishing_ ? State::kDone : State::kWaitingToConnect;
  connect_at_ = wake_ = now;
}

// --- Sending

void LedgerConnection::PlanBurst(absl::Time now) {
  if (options_.habit != ClientHabit::kIdler || burst_left_ > 0 || book_->waiting() > 0) return;
  if (!next_burst_at_)
    next_burst_at_ = now + kLongestIdle * (static_cast<double>(RandomBelow(1000)) / 1000);
  if (now < *next_burst_at_) {
    wake_ = std::min(wake_, *next_burst_at_);
    return;
  }
  burst_left_ = 1 + RandomBelow(4 * options_.pipeline_depth);
  next_burst_at_.reset();
}

bool LedgerConnection::MayCompose() const {
  return !finishing_ && book_->waiting() < options_.pipeline_depth &&
         unsent_bytes() < kMaxComposedBytes &&
         (options_.habit != ClientHabit::kIdler || burst_left_ > 0);
}

void LedgerConnection::Compose() {
  const LedgerPayload payload = RandomPayload(options_.sizes, &random_);
  const std::string id = book_->NextId();
  const size_t before = out_.size();
  if (options_.protocol == Protocol::kLine) {
    AppendPayload(id, payload, &out_);
    out_ += '\n';
  } else {
    out_ += MessageHead(options_.handler, id, PayloadBytes(id, payload));
    AppendPayload(id, payload, &out_);
  }
  composed_bytes_ += out_.size() - before;
  book_->Add(payload, composed_bytes_);
  if (burst_left_ > 0) --burst_left_;
}

size_t LedgerConnection::NextPieceBytes() {
  if (options_.habit != ClientHabit::kTornSender) return unsent_bytes();
  // Large payloads would take forever in single bytes.
  const uint64_t longest =
      unsent_bytes() > (16 << 10) ? 32 << 10 : std::array{1, 3, 40, 300}[RandomBelow(4)];
  return std::min<size_t>(unsent_bytes(), 1 + RandomBelow(longest));
}

void LedgerConnection::SendComposed(absl::Time now) {
  const bool torn = options_.habit == ClientHabit::kTornSender;
  if (now < write_at_) wake_ = std::min(wake_, write_at_);
  for (int pieces = 0; unsent_bytes() > 0 && now >= write_at_; ++pieces) {
    if (torn && pieces == kPiecesInAStep) {
      write_at_ = now + kPauseBetweenPieces;
      wake_ = std::min(wake_, write_at_);
      break;
    }
    const iovec piece = {out_.data() + out_at_, NextPieceBytes()};
    const IoResult result = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
    // Gone: answers may have come before. They are read first, to the end of the stream.
    if (result.outcome == IoOutcome::kPeerGone) out_at_ = out_.size();
    if (result.outcome != IoOutcome::kProgress) break;
    out_at_ += result.bytes;
    sent_bytes_ += result.bytes;
  }
  book_->OnSent(sent_bytes_);
  if (out_at_ == out_.size() || out_at_ > kMaxComposedBytes) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
}

void LedgerConnection::HalfCloseWhenFinished() {
  if (!finishing_ || unsent_bytes() > 0) return;
  if (options_.habit != ClientHabit::kHalfCloser && book_->waiting() > 0) return;
  ShutdownWrite(socket_.get());
  state_ = State::kHalfClosed;
}

}  // namespace windlass
