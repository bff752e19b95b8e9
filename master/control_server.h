#ifndef WINDLASS_MASTER_CONTROL_SERVER_H_
#define WINDLASS_MASTER_CONTROL_SERVER_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/posix.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "master/control_dialogue.h"
#include "master/control_listener.h"
#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Names one client of the control socket; never used again for another one.
struct ControlClientId {
  uint64_t value = 0;  // 0: none
  friend constexpr auto operator<=>(ControlClientId, ControlClientId) = default;
};

// Whoever carries out what clients ask for. Each request is answered by ControlServer::Send, then
// or later: by any number of Progress and one reply that is not.
class ControlCommands {
 public:
  virtual void OnRequest(const proto::CtlRequest& request, ControlClientId client) = 0;
  // It went, or was given up, before its last reply was sent: nobody waits for that any more.
  // Called from the timer wheel, so never from within Send.
  virtual void OnClientGone(ControlClientId client) = 0;

 protected:
  virtual ~ControlCommands() = default;
};

// Role: the master's end of the control socket: who may connect, how many at once, for how long.
// Owns the listening socket, its file and the connections. Invariants: 1. each request is given to
// ControlCommands once, and only from a peer that is root or our own user; 2. after the last reply
// or OnClientGone an id means nothing, and Send ignores it; 3. at most kMaxClients at a time that
// have connected: the next one waits in the kernel's queue; and kMaxAdopted that have not; 4. a
// peer that is not done asking after kRequestTimeout, or takes nothing of what is there for it
// during kTakeTimeout, is closed. Blocking: never. Errors: a peer's go to the peer (Done, ok =
// false) or end its connection; out of descriptors: tried again a second later. After fork: the
// child must drop it without a look at selector or timers; destroying its copy closes descriptors
// and nothing else.
class ControlServer final : public TimerOwner {
 public:
  static constexpr uint64_t kTokenKind = 8;  // the top 8 bits of its selector tokens
  static constexpr size_t kMaxClients = 16;
  static constexpr size_t kMaxAdopted = 8;
  static constexpr absl::Duration kRequestTimeout = absl::Seconds(10);
  static constexpr absl::Duration kTakeTimeout = absl::Seconds(10);

  // Listens at `path`, or goes on with what listens there (control_listener.h, also for errors).
  // The pointers are borrowed and must outlive this.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Create(const std::string& path,
                                                               Selector* selector,
                                                               TimerWheel* timers,
                                                               ControlCommands* commands);
  static absl::StatusOr<std::unique_ptr<ControlServer>> Adopt(OwnedFd listening,
                                                              const std::string& path,
                                                              Selector* selector,
                                                              TimerWheel* timers,
                                                              ControlCommands* commands);
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer() override;

  // A client whose request was taken by somebody else (a former binary, an admin process): it waits
  // for the reply. None: there are too many.
  ControlClientId AdoptClient(OwnedFd socket);
  int SocketOf(ControlClientId client);            // borrowed; -1: gone
  PeerCredentials PeerOf(ControlClientId client);  // REQUIRES: it is not gone
  // For each ready token of kTokenKind. Calls OnRequest.
  void OnReady(SelectorToken token, uint32_t events);
  // What the peer takes at once is sent at once, so that also a master that ends has answered. Any
  // reply but Progress is the last one: the connection is closed when it has been taken.
  void Send(ControlClientId client, const proto::CtlReply& reply);

  const std::string& path() const { return listener_->path(); }
  int listening_fd() const { return listener_->fd(); }  // borrowed
  // The destructor leaves the socket's file to the program that takes the listening socket over.
  void KeepFile() { listener_->KeepFile(); }

 private:
  struct Client {
    Client(ControlClientId its_id, OwnedFd socket, TimerOwner* owner)
        : id(its_id), dialogue(std::move(socket)), timer(owner) {}
    const ControlClientId id;
    PeerCredentials peer;
    ControlDialogue dialogue;
    Timer timer;
    bool registered = false;
    bool adopted = false;
  };

  ControlServer(std::unique_ptr<ControlListener> listener, Selector* selector, TimerWheel* timers,
                ControlCommands* commands);
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(
      absl::StatusOr<std::unique_ptr<ControlListener>> listener, Selector* selector,
      TimerWheel* timers, ControlCommands* commands);

  void OnTimer(Timer* timer, Instant now) override;
  void AcceptClients();
  void Welcome(OwnedFd socket);
  void OnClientReady(Client* client, uint32_t events);
  // Makes registration and timer what the dialogue's state asks for; may destroy *client.
  void Settle(Client* client, bool progressed);
  void Unregister(Client* client);
  void Remove(Client* client);
  // Listens for more when there is room for them.
  void WatchListener();

  Client* Find(ControlClientId id);  // null: gone
  size_t connected() const { return clients_.size() - adopted_; }

  // Fixed after construction.
  const std::unique_ptr<ControlListener> listener_;
  Selector* const selector_;
  TimerWheel* const timers_;
  ControlCommands* const commands_;
  // Working state.
  uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  size_t adopted_ = 0;        // of them
  Timer accept_again_{this};  // armed: out of descriptors or memory
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_CONTROL_SERVER_H_
