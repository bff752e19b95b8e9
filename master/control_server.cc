#include "master/control_server.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "common/log.h"
#include "common/pool_mark.h"
#include "common/posix.h"
#include "master/audit.h"

namespace windlass {
namespace {

constexpr absl::Duration kAcceptPause = absl::Seconds(1);

SelectorToken TokenOf(ControlClientId id) {  // the listener is 0, which is nobody's id
  return SelectorToken{ControlServer::kTokenKind << 56 | id.value};
}

ControlClientId IdOf(SelectorToken token) {
  return ControlClientId{token.value & ((uint64_t{1} << 56) - 1)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Create(const std::string& path,
                                                                     Selector* selector,
                                                                     TimerWheel* timers,
                                                                     ControlCommands* commands) {
  return Start(ControlListener::Create(path), selector, timers, commands);
}

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Adopt(OwnedFd listening,
                                                                    const std::string& path,
                                                                    Selector* selector,
                                                                    TimerWheel* timers,
                                                                    ControlCommands* commands) {
  return Start(ControlListener::Adopt(std::move(listening), path), selector, timers, commands);
}

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(
    absl::StatusOr<std::unique_ptr<ControlListener>> listener, Selector* selector,
    TimerWheel* timers, ControlCommands* commands) {
  if (!listener.ok()) return listener.status();
  absl::Status watched = selector->Register((*listener)->fd(), kReadable, TokenOf({}));
  if (!watched.ok()) return watched;
  return std::unique_ptr<ControlServer>(
      new ControlServer(*std::move(listener), selector, timers, commands));
}

ControlServer::ControlServer(std::unique_ptr<ControlListener> listener, Selector* selector,
                             TimerWheel* timers, ControlCommands* commands)
    : listener_(std::move(listener)), selector_(selector), timers_(timers), commands_(commands) {}

ControlServer::~ControlServer() {
  // A forked child shares the kernel's side of the selector with the master.
  if (!listener_->InItsOwnProcess()) return;
  for (const std::unique_ptr<Client>& client : clients_) Unregister(client.get());
  selector_->Unregister(listener_->fd());
}

void ControlServer::OnReady(SelectorToken token, uint32_t events) {
  if (token == TokenOf({})) return AcceptClients();
  if (Client* const client = Find(IdOf(token))) OnClientReady(client, events);
}

void ControlServer::AcceptClients() {
  // Those that end at once do not count, so the turns do: the rest is still ready the next time.
  for (size_t turn = 0; turn < kMaxClients && connected() < kMaxClients; ++turn) {
    OwnedFd socket;
    const AcceptOutcome outcome = AcceptSome(listener_->fd(), &socket);
    if (outcome == AcceptOutcome::kAccepted) Welcome(std::move(socket));
    if (outcome == AcceptOutcome::kAborted) continue;
    if (outcome == AcceptOutcome::kExhausted) {
      timers_->Arm(&accept_again_, timers_->now() + kAcceptPause);
    }
    if (outcome != AcceptOutcome::kAccepted) break;
  }
  WatchListener();
}

void ControlServer::Welcome(OwnedFd socket) {
  const absl::StatusOr<PeerCredentials> peer = windlass::PeerOf(socket.get());
  if (!peer.ok()) return;
  const ControlClientId id{++last_id_};
  clients_.push_back(std::make_unique<Client>(id, std::move(socket), this));
  Client* const client = clients_.back().get();
  client->peer = *peer;
  timers_->Arm(&client->timer, timers_->now() + kRequestTimeout);
  absl::string_view fault;
  if (peer->user != 0 && peer->user != ::geteuid()) {
    fault = "a user who is neither root nor ours";
  } else if (ComesFromPoolProcess(client->dialogue.fd())) {  // handlers are no operators
    fault = "a process of a pool, or one that went";
  }
  if (!fault.empty()) {
    Audit("connection", Asker::OfPeer(*peer), AuditResult::kRefused, fault, timers_->now());
    client->dialogue.Refuse("permission denied");
    client->dialogue.Write();
  }
  Settle(client, /*progressed=*/false);
}

ControlClientId ControlServer::AdoptClient(OwnedFd socket) {
  if (adopted_ == kMaxAdopted) return {};
  const ControlClientId id{++last_id_};
  const absl::StatusOr<PeerCredentials> peer = windlass::PeerOf(socket.get());
  clients_.push_back(std::make_unique<Client>(id, std::move(socket), this));
  Client* const client = clients_.back().get();
  client->adopted = true;
  ++adopted_;
  if (peer.ok()) client->peer = *peer;
  client->dialogue.AwaitReply();
  Settle(client, /*progressed=*/false);
  return id;
}

int ControlServer::SocketOf(ControlClientId id) {
  Client* const client = Find(id);
  return client == nullptr || client->dialogue.over() ? -1 : client->dialogue.fd();
}

PeerCredentials ControlServer::PeerOf(ControlClientId id) {
  Client* const client = Find(id);
  CHECK(client != nullptr);
  return client->peer;
}

void ControlServer::OnClientReady(Client* client, uint32_t events) {
  ControlDialogue& dialogue = client->dialogue;
  const ControlClientId id = client->id;
  if ((events & (kHangup | kError)) != 0) dialogue.GiveUp();
  std::optional<proto::CtlRequest> request;
  bool progressed = false;
  if (dialogue.state() == ControlDialogue::State::kReadingRequest) {
    request = dialogue.Read();
    if (dialogue.state() != ControlDialogue::State::kReadingRequest) client->timer.Disarm();
  }
  if (dialogue.has_output()) progressed = dialogue.Write();
  Settle(client, progressed);
  if (request.has_value()) commands_->OnRequest(*request, id);
}

void ControlServer::Send(ControlClientId id, const proto::CtlReply& reply) {
  Client* const client = Find(id);
  if (client == nullptr || client->dialogue.over()) return;
  client->dialogue.Add(reply);
  Settle(client, client->dialogue.Write());
}

void ControlServer::Settle(Client* client, bool progressed) {
  ControlDialogue& dialogue = client->dialogue;
  if (!dialogue.over()) {
    const uint32_t interest = dialogue.Interest();
    absl::Status watched = client->registered
                               ? selector_->Modify(dialogue.fd(), interest)
                               : selector_->Register(dialogue.fd(), interest, TokenOf(client->id));
    client->registered = client->registered || watched.ok();
    if (!watched.ok()) dialogue.GiveUp();
  }
  switch (dialogue.state()) {
    case ControlDialogue::State::kReadingRequest:
      return;  // armed since it came
    case ControlDialogue::State::kAwaitingReply:
    case ControlDialogue::State::kFinishing:
      if (!dialogue.has_output()) {
        client->timer.Disarm();
      } else if (progressed || !client->timer.armed()) {
        timers_->Arm(&client->timer, timers_->now() + kTakeTimeout);
      }
      return;
    case ControlDialogue::State::kAbandoned:
      // Told by the timer, because this may be the middle of a call of the commands'. Not watched
      // meanwhile: a peer that is gone would show all the time.
      Unregister(client);
      timers_->Arm(&client->timer, timers_->now());
      return;
    case ControlDialogue::State::kEnded:
      Remove(client);
      WatchListener();
      return;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

void ControlServer::OnTimer(Timer* timer, Instant) {
  if (timer == &accept_again_) return WatchListener();
  const auto found = std::find_if(
      clients_.begin(), clients_.end(),
      [timer](const std::unique_ptr<Client>& client) { return &client->timer == timer; });
  CHECK(found != clients_.end());
  Client* const client = found->get();
  client->dialogue.GiveUp();
  const ControlClientId id = client->id;
  const bool was_waiting = client->dialogue.state() == ControlDialogue::State::kAbandoned;
  Remove(client);
  WatchListener();
  if (was_waiting) commands_->OnClientGone(id);
}

void ControlServer::Unregister(Client* client) {
  if (std::exchange(client->registered, false)) selector_->Unregister(client->dialogue.fd());
}

void ControlServer::Remove(Client* client) {
  Unregister(client);
  const auto found = std::find_if(
      clients_.begin(), clients_.end(),
      [client](const std::unique_ptr<Client>& candidate) { return candidate.get() == client; });
  adopted_ -= client->adopted ? 1 : 0;
  clients_.erase(found);
}

void ControlServer::WatchListener() {
  const bool wanted = connected() < kMaxClients && !accept_again_.armed();
  const uint32_t interest = wanted ? uint32_t{kReadable} : 0;
  const absl::Status watched = selector_->Modify(listener_->fd(), interest);
  if (!watched.ok()) timers_->Arm(&accept_again_, timers_->now() + kAcceptPause);
}

ControlServer::Client* ControlServer::Find(ControlClientId id) {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(),
                   [id](const std::unique_ptr<Client>& client) { return client->id == id; });
  return found == clients_.end() ? nullptr : found->get();
}

}  // namespace windlass
