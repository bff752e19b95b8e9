#include "worker/admin/asker.h"

#include <utility>

#include "common/posix.h"
#include "proto/control.pb.h"

namespace windlass {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr int kReadsPerTurn = 16;

proto::Report::Ask::What WhatFor(Question question) {
  switch (question) {
    case Question::kVersion:
      return proto::Report::Ask::VERSION;
    case Question::kStatus:
      return proto::Report::Ask::STATUS;
    case Question::kDeaths:
      return proto::Report::Ask::DEATHS;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

Asker::Asker(ControlChannel* control, Selector* selector, TimerWheel* timers, AskerOwner* owner)
    : control_(control),
      selector_(selector),
      timers_(timers),
      owner_(owner),
      lines_{Line(this), Line(this), Line(this)} {}

Asker::~Asker() {
  for (const Line& line : lines_) {
    if (line.socket.valid()) selector_->Unregister(line.socket.get());
  }
}

uint64_t Asker::Ask(Question question) {
  Line& line = LineOf(question);
  if (line.is_out) {
    line.again = true;
    return line.asked + 1;
  }
  if (line.again) return line.asked + 1;  // its turn comes
  if (timers_->now() < line.next) {
    line.again = true;
    timers_->Arm(&line.timer, line.next);
    return line.asked + 1;
  }
  Send(question);
  return line.asked;
}

void Asker::Send(Question question) {
  Line& line = LineOf(question);
  ++line.asked;
  line.is_out = true;
  line.again = false;
  line.last = timers_->now();
  line.reader = ReplyReader();
  // A failure is told by the timer, because this may be the middle of the owner's call.
  const absl::Duration patience = TrySend(question) ? kPatience : absl::ZeroDuration();
  timers_->Arm(&line.timer, timers_->now() + patience);
}

bool Asker::TrySend(Question question) {
  absl::StatusOr<StreamPair> pair = UnixStreamPair();
  if (!pair.ok()) return false;
  proto::Report report;
  report.mutable_ask()->set_what(WhatFor(question));
  const int theirs = pair->theirs.get();
  if (control_->Send(report, absl::MakeConstSpan(&theirs, 1)) != PacketOutcome::kDone) return false;
  const SelectorToken token{kTokenKind << 56 | static_cast<uint64_t>(question)};
  if (!selector_->Register(pair->ours.get(), kReadable, token).ok()) return false;
  LineOf(question).socket = std::move(pair->ours);
  return true;
}

void Asker::OnReady(SelectorToken token) {
  const uint64_t index = token.value & 0xff;
  if (index >= kQuestions) return;
  const auto question = static_cast<Question>(index);
  Line& line = LineOf(question);
  if (!line.socket.valid()) return;  // it was answered earlier in this batch
  std::array<char, kReadBytes> bytes;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const IoResult result = RecvSome(line.socket.get(), bytes.data(), bytes.size());
    if (result.outcome == IoOutcome::kWouldBlock) return;
    if (result.outcome != IoOutcome::kProgress) return End(question, nullptr);
    line.reader.Append({bytes.data(), result.bytes});
    const absl::StatusOr<std::optional<proto::CtlReply>> reply = line.reader.Next();
    if (!reply.ok()) return End(question, nullptr);
    if (reply->has_value()) return End(question, &**reply);
  }
}

void Asker::OnTimer(Timer* timer, Instant) {
  for (size_t i = 0; i < kQuestions; ++i) {
    if (&lines_[i].timer != timer) continue;
    const auto question = static_cast<Question>(i);
    return lines_[i].is_out ? End(question, nullptr) : Send(question);
  }
}

void Asker::End(Question question, const proto::CtlReply* reply) {
  Line& line = LineOf(question);
  if (line.socket.valid()) selector_->Unregister(line.socket.get());
  line.socket.Reset();
  line.is_out = false;
  line.timer.Disarm();
  // Reports of many processes cost the master more; whether it is there, nothing.
  const Instant now = timers_->now();
  const absl::Duration rest = question == Question::kVersion
                                  ? absl::ZeroDuration()
                                  : std::min(10 * (now - line.last), kMostRest);
  line.next = std::max(line.last + kPace, now + rest);
  if (line.again) timers_->Arm(&line.timer, line.next);
  owner_->OnAnswer(question, line.asked, reply);  // may ask again
}

}  // namespace windlass
