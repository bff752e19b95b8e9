#include "master/control_dialogue.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/posix.h"
#include "common/selector.h"

namespace windlass {
namespace {

constexpr size_t kReadBytes = 16 << 10;
// So that a peer that reads as fast as we write does not keep the master from its children.
constexpr size_t kWriteBytes = 1 << 20;

proto::CtlReply Refusal(absl::string_view why) {
  proto::CtlReply reply;
  reply.mutable_done()->set_ok(false);
  reply.mutable_done()->set_message(why.data(), why.size());
  return reply;
}

}  // namespace

uint32_t ControlDialogue::Interest() const {
  switch (state_) {
    case State::kReadingRequest:
      return kReadable;
    case State::kAwaitingReply:
    case State::kFinishing:
      return has_output() ? uint32_t{kWritable} : 0;
    case State::kEnded:
    case State::kAbandoned:
      return 0;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

std::optional<proto::CtlRequest> ControlDialogue::Read() {
  CHECK(state_ == State::kReadingRequest);
  std::array<char, kReadBytes> bytes;
  const IoResult result = RecvSome(socket_.get(), bytes.data(), bytes.size());
  switch (result.outcome) {
    case IoOutcome::kWouldBlock:
      return std::nullopt;
    case IoOutcome::kEnd:
    case IoOutcome::kPeerGone:
      GiveUp();
      return std::nullopt;
    case IoOutcome::kProgress:
      break;
  }
  input_.append(bytes.data(), result.bytes);
  return TakeRequest();
}

std::optional<proto::CtlRequest> ControlDialogue::TakeRequest() {
  uint32_t length = 0;
  if (input_.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, input_.data(), sizeof(length));
  length = ntohl(length);
  if (length > kMaxRequestBytes) {
    Refuse(absl::StrCat("a request of ", length, " bytes: more than ", kMaxRequestBytes));
    return std::nullopt;
  }
  if (input_.size() - sizeof(length) < length) return std::nullopt;
  proto::CtlRequest request;
  const bool parsed =
      request.ParseFromArray(input_.data() + sizeof(length), static_cast<int>(length));
  input_ = std::string();
  if (!parsed) {
    Refuse("what came is no request");
    return std::nullopt;
  }
  if (request.what_case() == proto::CtlRequest::WHAT_NOT_SET) {
    Refuse("unknown request (is windlassctl of another version than windlassd?)");
    return std::nullopt;
  }
  state_ = State::kAwaitingReply;
  return request;
}

void ControlDialogue::Add(const proto::CtlReply& reply) {
  if (state_ != State::kAwaitingReply) return;
  const bool is_last = reply.what_case() != proto::CtlReply::kProgress;
  const size_t bytes = reply.ByteSizeLong();
  const bool fits = bytes + sizeof(uint32_t) <= kMaxOutputBytes - output_.size();
  if (fits) Append(reply);
  if (!is_last) return;
  if (!fits) Append(Refusal(absl::StrCat("the reply is too long: ", bytes, " bytes")));
  state_ = State::kFinishing;
}

void ControlDialogue::Refuse(absl::string_view why) {
  if (over() || state_ == State::kFinishing) return;
  Append(Refusal(why));
  state_ = State::kFinishing;
}

void ControlDialogue::Append(const proto::CtlReply& reply) {
  const std::string message = reply.SerializeAsString();
  const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
  output_.Append({reinterpret_cast<const char*>(&length), sizeof(length)});
  output_.Append(message);
}

bool ControlDialogue::Write() {
  size_t written = 0;
  while (has_output() && written < kWriteBytes) {
    const absl::string_view left = output_.view();
    const iovec piece = {const_cast<char*>(left.data()), std::min(left.size(), kWriteBytes)};
    const IoResult result = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
    if (result.outcome == IoOutcome::kPeerGone) GiveUp();
    if (result.outcome != IoOutcome::kProgress) break;
    output_.Consume(result.bytes);
    written += result.bytes;
  }
  if (state_ == State::kFinishing && !has_output()) state_ = State::kEnded;
  return written > 0;
}

void ControlDialogue::GiveUp() {
  if (over()) return;
  output_.Clear();
  state_ = state_ == State::kAwaitingReply ? State::kAbandoned : State::kEnded;
}

}  // namespace windlass
