#include "worker/io/output_queue.h"

#include <algorithm>

#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr uint64_t kMaxFlushBytes = 1 << 20;

size_t HeadBytes(const Exchange& exchange) { return exchange.out.size() - exchange.tail_bytes; }

bool HasHeadLeft(const Exchange& exchange) { return exchange.out_sent < HeadBytes(exchange); }
bool HasPiecesLeft(const Exchange& exchange) { return exchange.piece_at < exchange.pieces.size(); }

}  // namespace

bool OutputQueue::IsSent(const Exchange& exchange) {
  return exchange.out_sent == exchange.out.size() && !HasPiecesLeft(exchange) && !exchange.is_open;
}

void OutputQueue::Push(Exchange* exchange) {
  (last_ == nullptr ? first_ : last_->next) = exchange;
  last_ = exchange;
  ++exchanges_;
  ++unanswered_;
}

Exchange* OutputQueue::TakeLast() {
  CHECK(last_ != nullptr && last_->state != Exchange::State::kAnswered);
  Exchange* const taken = last_;
  Exchange* before = nullptr;
  for (Exchange* e = first_; e != taken; e = e->next) before = e;
  (before == nullptr ? first_ : before->next) = nullptr;
  last_ = before;
  --exchanges_;
  --unanswered_;
  return taken;
}

bool OutputQueue::ForEachUnsent(absl::FunctionRef<void(absl::string_view)> memory,
                                absl::FunctionRef<void(const AnswerPiece&)> file) const {
  CHECK(all_answered());
  const auto add = [&](absl::string_view bytes) {
    if (!bytes.empty()) memory(bytes);
  };
  add(raw_.view());
  for (const Exchange* e = first_; e != nullptr; e = e->next) {
    const absl::string_view out = e->out;
    if (HasHeadLeft(*e)) add(out.substr(e->out_sent, HeadBytes(*e) - e->out_sent));
    for (size_t i = e->piece_at; i < e->pieces.size(); ++i) {
      const AnswerPiece& piece = e->pieces[i];
      if (piece.file.valid()) {
        file(piece);
      } else {
        add({piece.data, piece.bytes});
      }
    }
    add(out.substr(std::max(e->out_sent, HeadBytes(*e))));
    if (e->close_after) return true;  // what stands behind it is never sent
  }
  return false;
}

void OutputQueue::TakeAll(absl::FunctionRef<void(Exchange*)> taken) {
  while (first_ != nullptr) {
    Exchange* const exchange = first_;
    first_ = exchange->next;
    taken(exchange);
  }
  last_ = nullptr;
  exchanges_ = unanswered_ = 0;
  answered_bytes_ = 0;
}

// The unsent memory that goes out next, in order, up to the first file.
size_t OutputQueue::Gather(iovec* chunks) const {
  size_t count = 0;
  const auto add = [&](const char* data, size_t bytes) {
    if (bytes > 0) chunks[count++] = {const_cast<char*>(data), bytes};
  };
  add(raw_.view().data(), raw_.size());
  for (const Exchange* e = first_; e != nullptr && e->state == Exchange::State::kAnswered;
       e = e->next) {
    // A head, its first piece and a tail must fit.
    if (count + 2 + std::min(e->pieces.size(), kMaxChunks / 2) > kMaxChunks) break;
    if (HasHeadLeft(*e)) add(e->out.data() + e->out_sent, HeadBytes(*e) - e->out_sent);
    bool complete = true;
    for (size_t i = e->piece_at; i < e->pieces.size(); ++i) {
      if (e->pieces[i].file.valid() || count + 1 >= kMaxChunks) {
        complete = false;
        break;
      }
      add(e->pieces[i].data, e->pieces[i].bytes);
    }
    if (!complete) break;
    const size_t tail_from = std::max(e->out_sent, HeadBytes(*e));
    add(e->out.data() + tail_from, e->out.size() - tail_from);
    if (e->close_after || e->is_open) break;
  }
  return count;
}

bool OutputQueue::NextIsFile() const {
  return raw_.empty() && first_ != nullptr && first_->state == Exchange::State::kAnswered &&
         !HasHeadLeft(*first_) && HasPiecesLeft(*first_) &&
         first_->pieces[first_->piece_at].file.valid();
}

OutputQueue::Outcome OutputQueue::FlushFile(int fd, uint64_t* sent) {
  AnswerPiece& piece = first_->pieces[first_->piece_at];
  while (piece.bytes > 0) {
    const IoResult result =
        SendFileSome(fd, piece.file.get(), &piece.offset, std::min(piece.bytes, kMaxFlushBytes));
    if (result.outcome == IoOutcome::kWouldBlock) return Outcome::kBlocked;
    // kEnd: the file has become shorter than the length that the client was promised.
    if (result.outcome != IoOutcome::kProgress) return Outcome::kPeerGone;
    piece.bytes -= result.bytes;
    answered_bytes_ -= result.bytes;
    *sent += result.bytes;
    if (*sent >= kMaxFlushBytes && piece.bytes > 0) return Outcome::kBlocked;
  }
  ++first_->piece_at;
  return Outcome::kIdle;
}

// `bytes` have been sent: moves the positions along, in the order of Gather.
void OutputQueue::Advance(uint64_t bytes) {
  const uint64_t raw = std::min<uint64_t>(bytes, raw_.size());
  if (raw > 0) raw_.Consume(raw);
  bytes -= raw;
  answered_bytes_ -= bytes;
  for (Exchange* e = first_; bytes > 0; e = e->next) {
    const auto take = [&bytes](uint64_t available) {
      const uint64_t taken = std::min(bytes, available);
      bytes -= taken;
      return taken;
    };
    if (HasHeadLeft(*e)) e->out_sent += take(HeadBytes(*e) - e->out_sent);
    while (bytes > 0 && HasPiecesLeft(*e)) {
      AnswerPiece& piece = e->pieces[e->piece_at];
      const uint64_t taken = take(piece.bytes);
      piece.data += taken;
      piece.bytes -= taken;
      if (piece.bytes == 0) ++e->piece_at;
    }
    if (bytes > 0) e->out_sent += take(e->out.size() - e->out_sent);
  }
}

OutputQueue::Outcome OutputQueue::Flush(int fd, uint64_t* sent,
                                        absl::FunctionRef<void(Exchange*)> finished) {
  for (;;) {
    while (raw_.empty() && first_ != nullptr && first_->state == Exchange::State::kAnswered &&
           IsSent(*first_)) {
      Exchange* const done = first_;
      const bool close = done->close_after;
      first_ = done->next;
      if (first_ == nullptr) last_ = nullptr;
      --exchanges_;
      finished(done);
      if (close) return Outcome::kClose;
    }
    if (*sent >= kMaxFlushBytes) return empty() ? Outcome::kIdle : Outcome::kBlocked;
    if (NextIsFile()) {
      const Outcome outcome = FlushFile(fd, sent);
      if (outcome != Outcome::kIdle) return outcome;
      continue;
    }
    iovec chunks[kMaxChunks];
    const size_t count = Gather(chunks);
    if (count == 0) return Outcome::kIdle;
    const IoResult result = SendSome(fd, absl::MakeConstSpan(chunks, count));
    if (result.outcome == IoOutcome::kWouldBlock) return Outcome::kBlocked;
    if (result.outcome != IoOutcome::kProgress) return Outcome::kPeerGone;
    *sent += result.bytes;
    Advance(result.bytes);
  }
}

}  // namespace windlass
