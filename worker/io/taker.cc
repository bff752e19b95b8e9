#include "worker/io/taker.h"

#include <algorithm>
#include <string>

#include "common/log_limit.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr int kOffersPerTurn = 64;  // others have work for this worker, too

SelectorToken TokenFor(uint32_t link) { return SelectorToken{Taker::kTokenKind << 56 | link}; }

PacketOutcome SendVerdict(int link, uint64_t id, proto::Verdicts::Outcome outcome) {
  proto::Verdicts verdicts;
  proto::Verdicts::Verdict* const verdict = verdicts.add_verdicts();
  verdict->set_id(id);
  verdict->set_outcome(outcome);
  std::string bytes = verdicts.SerializeAsString();
  const iovec piece = {bytes.data(), bytes.size()};
  return SendPacket(link, absl::MakeConstSpan(&piece, 1));
}

}  // namespace

Taker::~Taker() {
  for (const auto& link : links_) selector_->Unregister(link->socket.get());
}

void Taker::AddLink(OwnedFd socket) {
  if (receiver_ == nullptr) receiver_ = std::make_unique<JobPacketReceiver>();
  auto link = std::make_unique<Link>();
  link->socket = std::move(socket);
  link->number = next_link_++;
  const absl::Status watched =
      selector_->Register(link->socket.get(), kReadable, TokenFor(link->number));
  if (!watched.ok()) {
    LOG_LIMITED(ERROR, trouble_log_, MonotonicNow()) << "hand-over: " << watched.ToString();
    return;
  }
  // The other worker offers nothing before it has heard from us: we may be stopped, or stuck.
  SendVerdict(link->socket.get(), 0, proto::Verdicts::FULL);
  links_.push_back(std::move(link));
}

void Taker::OnReady(SelectorToken token) {
  const auto found = std::find_if(links_.begin(), links_.end(), [token](const auto& link) {
    return TokenFor(link->number) == token;
  });
  if (found == links_.end()) return;
  bool more = true;
  for (int i = 0; i < kOffersPerTurn && more; ++i) more = TakeOne(found->get());
  // What was refused shall not be held open here: its giver may close it.
  receiver_->DropFds();
}

bool Taker::TakeOne(Link* link) {
  proto::Offer offer;
  switch (receiver_->Receive(link->socket.get(), &offer)) {
    case JobPacketReceiver::Outcome::kEmpty:
      return false;
    case JobPacketReceiver::Outcome::kPeerGone:
      Remove(link);
      return false;
    case JobPacketReceiver::Outcome::kMalformed:
      LOG_LIMITED(ERROR, trouble_log_, MonotonicNow()) << "hand-over: malformed offer";
      Remove(link);  // whose connection it was cannot be told: the other worker keeps all
      return false;
    case JobPacketReceiver::Outcome::kPacket:
      break;
  }
  absl::StatusOr<IncomingConnection> connection =
      ReadOffer(offer, receiver_->payload(), receiver_->fds());
  proto::Verdicts::Outcome outcome = proto::Verdicts::NOT_UNDERSTOOD;
  if (receiver_->fds_truncated()) {
    outcome = proto::Verdicts::FULL;  // this process is at its limit of descriptors
  } else if (connection.ok()) {
    outcome = sink_->Examine(*connection);
  } else {
    LOG_LIMITED(WARNING, trouble_log_, MonotonicNow()) << connection.status().message();
  }
  if (SendVerdict(link->socket.get(), offer.id(), outcome) == PacketOutcome::kFull) {
    // It would never learn. Its end of the link tells it that the connection was not taken.
    Remove(link);
    return false;
  }
  // Also when the other worker is gone: then nobody else has it.
  if (outcome == proto::Verdicts::TAKEN) sink_->Take(*std::move(connection));
  return true;
}

void Taker::Remove(Link* link) {
  selector_->Unregister(link->socket.get());
  links_.erase(std::find_if(links_.begin(), links_.end(),
                            [link](const auto& candidate) { return candidate.get() == link; }));
}

}  // namespace windlass
