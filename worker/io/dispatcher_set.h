#ifndef WINDLASS_WORKER_IO_DISPATCHER_SET_H_
#define WINDLASS_WORKER_IO_DISPATCHER_SET_H_

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/process_setup.h"
#include "common/timer_wheel.h"
#include "worker/io/dispatcher.h"
#include "worker/io/exchange.h"
#include "worker/io/payload_pool.h"

namespace windlass {

// Role: a dispatcher and memory for large requests for each pool, and which of them an exchange is
// with (Exchange::pool): that of its handler; the default pool's where only the content tells the
// handler, until that is known. Worker processes; owns all of them. Blocking: never.
class DispatcherSet : public TimerOwner, private PoolSwitch {
 public:
  DispatcherSet(const ProcessSetup& setup, TimerWheel* timers, AnswerSink* sink);

  uint32_t size() const { return static_cast<uint32_t>(pools_.size()); }
  Dispatcher& at(uint32_t pool) { return pools_[pool]->dispatcher; }  // REQUIRES: pool < size()
  // Where requests for `handler` go, an index into Config::handlers; 0 for any other number.
  uint32_t PoolOf(uint32_t handler) const {
    return handler < pool_of_handler_.size() ? pool_of_handler_[handler] : 0;
  }
  // Of the pool that the exchange is with. What is taken from it goes back to it.
  PayloadPool& payloads(const Exchange& exchange) { return payloads(exchange.pool); }
  PayloadPool& payloads(uint32_t pool) { return pools_[pool]->payloads; }

  // As Dispatcher's, for the right one.
  void Prepare(Exchange* exchange, const JobRequest& request);
  void Submit(Exchange* exchange, const JobRequest& request, absl::string_view content);
  void SubmitPrepared(Exchange* exchange) { at(exchange->pool).SubmitPrepared(exchange); }
  void Abandon(Exchange* exchange) { at(exchange->pool).Abandon(exchange); }
  void Release(Exchange* exchange);  // the memory of its answer and of its request

  // Of all pools.
  void ForEachJob(absl::FunctionRef<void(const Exchange&, bool queued)> visit) const;
  bool DropWaiting(JobId id);
  void OnQuarantine(const proto::Command::Quarantine& list);
  void AnswerAll(ErrorCode code, absl::string_view message);
  bool holds_memory() const;
  void Trim();

  void OnTimer(Timer* timer, Instant now) override;  // deadlines of exchanges

 private:
  void OnElsewhere(Exchange* exchange, uint32_t handler) override;

  struct Pool {
    Pool(const ProcessSetup& setup, uint32_t pool, TimerWheel* timers, AnswerSink* sink,
         PoolSwitch* others);
    PayloadPool payloads;
    Dispatcher dispatcher;
  };
  std::vector<uint32_t> pool_of_handler_;
  std::vector<std::unique_ptr<Pool>> pools_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_DISPATCHER_SET_H_
