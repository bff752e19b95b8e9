#include "worker/io/mover.h"

#include <algorithm>

#include "common/log.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr absl::Duration kRetryEvery = absl::Milliseconds(100);
constexpr absl::Duration kFullRetry = absl::Milliseconds(5);
// How long a worker keeps a link over which it has nothing to give: what it has got itself may be
// too much a moment later, when several workers are new.
constexpr absl::Duration kEvenFor = absl::Seconds(2);
constexpr absl::Duration kFresh =
    absl::Seconds(1);  // after that, one offer to see whether it lives
constexpr absl::Duration kPatience = absl::Milliseconds(20);
constexpr int kLooksPerTurn = 1024;  // for idle connections
constexpr int kMostIdleTries = 100;
constexpr size_t kMaxVerdictBytes = 4096;
constexpr int kVerdictsPerTurn = 256;

SelectorToken TokenFor(uint32_t link) { return SelectorToken{Mover::kTokenKind << 56 | link}; }

}  // namespace

Mover::Mover(const ProcessSetup& setup, IoServices* io, ConnectionTable* connections)
    : setup_(setup), io_(io), connections_(connections), retry_(this) {}

Mover::~Mover() {
  for (const auto& link : links_) io_->selector->Unregister(link->socket.get());
}

void Mover::AddLink(OwnedFd socket, SlotIndex to, bool even_out) {
  const bool is_known =
      std::any_of(links_.begin(), links_.end(), [to](const auto& link) { return link->to == to; });
  if (even_out && is_known) return;  // it will do
  auto link = std::make_unique<Link>();
  link->socket = std::move(socket);
  link->to = to;
  link->number = next_link_++;
  link->even_out = even_out;
  link->made = io_->now();
  const absl::Status watched =
      io_->selector->Register(link->socket.get(), kReadable, TokenFor(link->number));
  if (!watched.ok()) {
    LOG_LIMITED(ERROR, io_->handover_log, io_->now()) << "hand-over: " << watched.ToString();
    return;
  }
  links_.push_back(std::move(link));
  idle_tries_ = 0;
}

void Mover::BeginLeaving() {
  io_->leaving = true;
  connections_->ForEach([](Connection* connection) { connection->Quiesce(); });
}

void Mover::OnReady(SelectorToken token) {
  for (size_t i = 0; i < links_.size(); ++i) {
    if (!(TokenFor(links_[i]->number) == token)) continue;
    if (!TakeVerdicts(links_[i].get())) RemoveLink(links_[i].get());
    return;
  }
}

bool Mover::TakeVerdicts(Link* link) {
  char buffer[kMaxVerdictBytes];
  const iovec room = {buffer, sizeof(buffer)};
  proto::Verdicts verdicts;
  for (int i = 0; i < kVerdictsPerTurn; ++i) {
    const ReceivedPacket packet =
        ReceivePacket(link->socket.get(), absl::MakeConstSpan(&room, 1), {});
    if (packet.outcome == PacketOutcome::kFull) return true;
    if (packet.outcome == PacketOutcome::kPeerGone) return false;
    link->heard = link->answered = io_->now();
    if (packet.truncated || !verdicts.ParseFromArray(buffer, static_cast<int>(packet.bytes))) {
      continue;
    }
    for (const proto::Verdicts::Verdict& verdict : verdicts.verdicts()) TakeVerdict(link, verdict);
  }
  return true;
}

void Mover::TakeVerdict(Link* link, const proto::Verdicts::Verdict& verdict) {
  const auto offered = link->offered.find(verdict.id());
  if (offered == link->offered.end()) return;
  const SelectorToken token = offered->second;
  link->offered.erase(offered);
  link->heard = io_->now();
  Connection* const connection = connections_->Find(token);
  if (connection == nullptr || connection->state() != ConnState::kMoving) return;
  switch (verdict.outcome()) {
    case proto::Verdicts::TAKEN:
      Bump(io_->slot->moved_out);
      return connection->LetGo();
    case proto::Verdicts::NO_LISTENER:
      return connection->Stay(/*finish=*/true);
    default:
      link->rests_until = io_->now() + kRetryEvery;
      connection->Stay(/*finish=*/false);
      if (io_->leaving) refused_.push_back(token);
      return TryAgainIn(kRetryEvery);
  }
}

// The other worker is dead. What it has not said that it took is ours.
void Mover::RemoveLink(Link* link) {
  for (const auto& [id, token] : link->offered) {
    Connection* const connection = connections_->Find(token);
    if (connection == nullptr || connection->state() != ConnState::kMoving) continue;
    connection->Stay(/*finish=*/false);
    if (io_->leaving) refused_.push_back(token);
  }
  if (!refused_.empty()) TryAgainIn(kRetryEvery);
  io_->selector->Unregister(link->socket.get());
  links_.erase(std::find_if(links_.begin(), links_.end(),
                            [link](const auto& candidate) { return candidate.get() == link; }));
}

Mover::Link* Mover::PickLink(uint64_t enough) {
  Link* pick = nullptr;
  uint64_t fewest = enough;
  for (const auto& link : links_) {
    // Not heard from yet, or not any more: it may be stopped, and would keep what it is offered.
    if (link->answered == Instant{} || io_->now() < link->rests_until) continue;
    if (!link->offered.empty() && io_->now() > link->heard + kPatience) continue;
    const ProcessSlot& slot = setup_.scoreboard->slot(link->to);
    if (slot.state.load(std::memory_order_relaxed) != ProcessState::kServing) continue;
    const uint64_t load = slot.connections.load(std::memory_order_relaxed) + link->offered.size();
    if (load >= fewest) continue;
    fewest = load;
    pick = link.get();
  }
  if (pick == nullptr) return nullptr;
  const bool is_fresh = io_->now() < pick->answered + kFresh;
  return pick->offered.size() < (is_fresh ? kMaxOffered : 1) ? pick : nullptr;
}

bool Mover::Offer(Connection* connection, Link* link) {
  OutgoingConnection outgoing;
  if (!connection->Pack(&outgoing)) return true;  // it tells us when the client has taken more
  const uint64_t id = next_offer_++;
  const absl::StatusOr<PacketOutcome> sent = SendOffer(link->socket.get(), id, outgoing);
  if (sent.ok() && *sent == PacketOutcome::kDone) {
    if (link->offered.empty()) link->heard = io_->now();
    link->offered.emplace(id, connection->token());
    return true;
  }
  connection->Unpack();
  if (sent.ok()) return false;
  // No memory or descriptors for this one: the others need not wait for it.
  LOG_LIMITED(ERROR, io_->handover_log, io_->now()) << "hand-over: " << sent.status().ToString();
  refused_.push_back(connection->token());
  TryAgainIn(kRetryEvery);
  return true;
}

void Mover::EndTurn() {
  queue_.insert(queue_.end(), io_->to_move.begin(), io_->to_move.end());
  io_->to_move.clear();
  if (links_.empty()) return;
  OfferLeaving();
  OfferSurplus();
}

void Mover::OfferLeaving() {
  if (io_->draining) return queue_.clear();
  while (!queue_.empty()) {
    Connection* const connection = connections_->Find(queue_.front());
    if (connection == nullptr || !connection->CanMove()) {
      queue_.pop_front();
      continue;
    }
    Link* const link = PickLink();
    if (link == nullptr) return TryAgainIn(kPatience);  // a verdict may come earlier
    if (!Offer(connection, link)) {
      link->rests_until = io_->now() + kFullRetry;
      return TryAgainIn(kFullRetry);
    }
    queue_.pop_front();
  }
}

Mover::Share Mover::ShareOfThis() const {
  const SlotRange siblings = SiblingWorkers(setup_);
  const auto own = static_cast<uint32_t>(connections_->size());
  uint64_t total = own;
  uint32_t workers = 1;
  for (uint32_t i = siblings.first; i < siblings.end; ++i) {
    const ProcessSlot& slot = setup_.scoreboard->slot(SlotIndex{i});
    if (i == setup_.slot.value) continue;
    if (slot.state.load(std::memory_order_relaxed) != ProcessState::kServing) continue;
    total += slot.connections.load(std::memory_order_relaxed);
    ++workers;
  }
  return {SurplusConnections(own, total, workers), MeanConnections(total, workers)};
}

// The master makes new ones while the load is uneven.
void Mover::DropEvenLinks() {
  for (size_t i = links_.size(); i-- > 0;) {
    const Link& link = *links_[i];
    if (!link.even_out || !link.offered.empty()) continue;
    if (io_->now() > link.made + kEvenFor) RemoveLink(links_[i].get());
  }
}

void Mover::OfferSurplus() {
  if (io_->leaving || io_->draining) return;
  size_t offered = 0;
  bool any = false;
  for (const auto& link : links_) {
    any = any || link->even_out;
    offered += link->offered.size();
  }
  if (!any) return;
  DropEvenLinks();
  const Share share = ShareOfThis();
  if (share.surplus == 0 || idle_tries_ > kMostIdleTries) return TryAgainIn(kRetryEvery);
  int looks = kLooksPerTurn;
  for (; offered < share.surplus && looks > 0; --looks) {
    Link* const link = PickLink(share.mean);
    if (link == nullptr) break;
    Connection* const connection = connections_->Next(&cursor_);
    if (connection == nullptr || !connection->IsIdle()) continue;
    connection->Quiesce();
    io_->to_move.clear();  // it said so; we know
    if (!Offer(connection, link)) {
      refused_.push_back(connection->token());
      break;
    }
    ++offered;
    idle_tries_ = 0;
  }
  if (looks == 0) ++idle_tries_;  // all are busy
  TryAgainIn(looks == 0 ? kRetryEvery : kPatience);
}

void Mover::TryAgainIn(absl::Duration delay) {
  const Instant at = io_->now() + delay;
  if (at < retry_.deadline()) io_->timers->Arm(&retry_, at);
}

// EndTurn follows.
void Mover::OnTimer(Timer*, Instant) {
  for (const SelectorToken token : std::exchange(refused_, {})) {
    Connection* const connection = connections_->Find(token);
    if (connection == nullptr || connection->closed()) continue;
    if (io_->leaving && !io_->draining) {
      connection->Quiesce();
    } else if (connection->state() == ConnState::kQuiescing) {
      connection->Resume();
    }
  }
}

}  // namespace windlass
