#ifndef WINDLASS_WORKER_IO_IO_SERVICES_H_
#define WINDLASS_WORKER_IO_IO_SERVICES_H_

#include <memory>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/log_limit.h"
#include "common/peer_filter.h"
#include "common/scoreboard.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "worker/framing/framing.h"
#include "worker/handlers/router.h"
#include "worker/io/access_log.h"
#include "worker/io/dispatcher_set.h"
#include "worker/io/exchange.h"
#include "worker/io/page_source.h"
#include "worker/io/peer_limit.h"
#include "worker/io/request_meter.h"
#include "worker/io/static_answers.h"

namespace windlass {

class Connection;

// What the connections of one listening socket have in common.
struct ListenerContext {
  uint32_t index = 0;  // into Config::listeners
  const ListenerConfig* config = nullptr;
  std::string address;  // as it is bound
  std::unique_ptr<Framing> framing;
  PeerFilter allow = {};
  std::unique_ptr<RequestMeter> meter = nullptr;  // null: nobody counts
};

// What all connections of a worker share; made and owned by the worker's loop. One thread.
struct IoServices {
  const Config* config = nullptr;
  ProcessSlot* slot = nullptr;  // this worker's: counters
  Selector* selector = nullptr;
  TimerWheel* timers = nullptr;
  DispatcherSet* dispatchers = nullptr;
  ExchangePool* exchanges = nullptr;
  Router* router = nullptr;
  PeerLimit* peers = nullptr;
  const StaticAnswers* statics = nullptr;
  AccessLog* access = nullptr;  // null: no listener has one
  PageSource* pages = nullptr;  // answers all requests instead of handlers; null in workers
  bool draining = false;        // connections close after their answers
  bool leaving = false;         // connections move to other workers
  LogLimit closed_by_error_log, overloaded_log, handover_log, proxy_log, peer_limit_log;

  // Where input of connections that have none waiting is received; used only within one call.
  std::vector<char> input_scratch;
  size_t input_scratch_bytes = 0;  // without the padding
  std::string answer_scratch;      // the same for answers

  // Connections with something to send at the end of this turn, and closed ones to be deleted then.
  std::vector<Connection*> to_flush;
  std::vector<Connection*> closed;
  // Connections that may have become able to move.
  std::vector<SelectorToken> to_move;

  Instant now() const { return timers->now(); }
  // An exchange whose answer is sent, or that nobody waits for: gives back all it holds.
  void Release(Exchange* exchange) {
    dispatchers->Release(exchange);
    exchanges->Give(exchange);
  }
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_IO_SERVICES_H_
