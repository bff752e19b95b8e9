#ifndef WINDLASS_WORKER_IO_IO_LOOP_H_
#define WINDLASS_WORKER_IO_IO_LOOP_H_

#include <functional>
#include <memory>
#include <vector>

#include "common/control_channel.h"
#include "common/process_setup.h"
#include "proto/control.pb.h"
#include "worker/io/acceptor.h"
#include "worker/io/connection_table.h"
#include "worker/io/dispatcher_set.h"
#include "worker/io/io_services.h"
#include "worker/io/mover.h"
#include "worker/io/taker.h"

namespace windlass {

// Role: a worker's event loop: waits, translates what is ready into calls of its owners
// (connections, dispatcher, acceptor), and ends its turn by sending what they have produced. Worker
// processes; owns all of them. No policy here. One turn: arm or disarm listeners - wait - timers -
// ready events - flush - delete what was closed. The admin process has the same loop, with pages
// instead of a dispatcher. Blocking: only in the selector.
class IoLoop : private AnswerSink, private MovedConnectionSink, private TimerOwner {
 public:
  IoLoop(ProcessSetup setup, ControlChannel* control, std::unique_ptr<Selector> selector);
  ~IoLoop();

  // Requests go to `pages` instead of handlers, and this process has no part in the data plane.
  // `on_ready` hears of descriptors that were registered with tokens of kPagesKind. Before Start.
  void ServePages(PageSource* pages, std::function<void(SelectorToken)> on_ready);
  static constexpr uint64_t kPagesKind = 10;
  Selector* selector() { return selector_.get(); }
  TimerWheel* timers() { return &timers_; }

  // Watches what it must; an error means that this process cannot start.
  absl::Status Start();
  // Until drained, or the master is gone. Returns the exit code.
  int Run();

 private:
  static constexpr uint64_t kRepliesKind = 3, kControlKind = 4;

  void OnAnswer(Exchange* exchange, const Answer& answer) override;
  BacklogLane** LaneOf(Exchange* exchange) override;
  void OnCrash(const CrashedPayload& crash) override;
  proto::Verdicts::Outcome Examine(const IncomingConnection& connection) override;
  void Take(IncomingConnection connection) override;
  void OnTimer(Timer* timer, Instant now) override;

  void Turn();
  void OnReady(const Ready& ready);
  void EndTurn();
  void HandleControl();
  void Obey(const proto::Command& command);
  Dispatcher* DispatcherFor(uint32_t pool);
  void AddLink(const proto::Command::Link& link);
  void RunOn(const proto::Command::RunOn& run_on);
  void TakeAccessLog(const proto::Command::AccessLogTo& log);
  bool HasRoomFor(int socket) const;
  ListenerContext* FindListener(absl::string_view address, absl::string_view protocol);
  void TakeClient(OwnedFd socket, uint32_t listener);
  void BeginDrain(const proto::Command::Drain& drain);
  void FlushAll();
  void RemoveClosed();
  void StopNow();  // answers what is open with `unavailable` and closes everything

  // Fixed after construction.
  ProcessSetup setup_;
  ControlChannel* const control_;
  const std::unique_ptr<Selector> selector_;
  ProcessSlot& slot_;
  std::vector<ListenerContext> listeners_;  // as in setup_.listeners
  // Working state. Order matters: connections go first.
  TimerWheel timers_;
  AccessLog access_log_;
  Router router_;
  StaticAnswers statics_;
  ExchangePool exchanges_;
  DispatcherSet dispatchers_;
  PeerLimit peers_;
  IoServices io_;
  Acceptor acceptor_;
  ConnectionTable connections_;
  Mover mover_;
  Taker taker_;
  Timer drain_timer_;
  Timer trim_timer_;
  Timer tell_timer_;           // armed while there are swallowed lines to tell of
  const int client_fd_limit_;  // higher ones are kept for what comes from the pool
  std::function<void(SelectorToken)> on_pages_ready_;  // set: pages are served
  bool master_gone_ = false;
  LogLimit shed_log_, refused_log_, trouble_log_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_IO_LOOP_H_
