#include "worker/io/dispatcher_set.h"

#include <algorithm>

#include "common/pools.h"

namespace windlass {

DispatcherSet::Pool::Pool(const ProcessSetup& setup, uint32_t pool, TimerWheel* timers,
                          AnswerSink* sink, PoolSwitch* others)
    : payloads(*setup.scoreboard,
               &setup.scoreboard->MutableSlot(setup.slot).load[pool].payload_bytes,
               PoolKey(setup.config->pools[pool].name),
               PoolShare(setup.payload_budget_bytes, *setup.config), timers),
      dispatcher(setup, pool, timers, &payloads, sink, others) {}

DispatcherSet::DispatcherSet(const ProcessSetup& setup, TimerWheel* timers, AnswerSink* sink)
    : pool_of_handler_(PoolsOfHandlers(*setup.config)) {
  const size_t count = setup.config->pools.size();
  PoolSwitch* const others = count > 1 ? this : nullptr;
  for (uint32_t pool = 0; pool < count; ++pool) {
    pools_.push_back(std::make_unique<Pool>(setup, pool, timers, sink, others));
  }
}

void DispatcherSet::Prepare(Exchange* exchange, const JobRequest& request) {
  at(exchange->pool).Prepare(exchange, request);
}

void DispatcherSet::Submit(Exchange* exchange, const JobRequest& request,
                           absl::string_view content) {
  const uint32_t pool = request.kind == proto::RUN ? PoolOf(request.handler) : 0;
  at(pool).Submit(exchange, request, content);
}

void DispatcherSet::Release(Exchange* exchange) {
  at(exchange->pool).results().Release(&exchange->pieces);
  payloads(*exchange).Recycle(std::move(exchange->request));
}

void DispatcherSet::OnElsewhere(Exchange* exchange, uint32_t handler) {
  const uint32_t from = exchange->pool, to = PoolOf(handler);
  RequestBuffer* const memory = exchange->request.get();
  if (memory != nullptr && !pools_[to]->payloads.TakeOver(memory, &pools_[from]->payloads)) {
    return at(from).Refuse(exchange, ErrorCode::kOverloaded,
                           "the memory for payloads in flight of the handler's pool is used up");
  }
  at(to).TakeOver(exchange, handler);
}

void DispatcherSet::ForEachJob(absl::FunctionRef<void(const Exchange&, bool)> visit) const {
  for (const auto& pool : pools_) pool->dispatcher.ForEachJob(visit);
}

bool DispatcherSet::DropWaiting(JobId id) {
  return std::any_of(pools_.begin(), pools_.end(),
                     [id](const auto& pool) { return pool->dispatcher.DropWaiting(id); });
}

void DispatcherSet::OnQuarantine(const proto::Command::Quarantine& list) {
  for (const auto& pool : pools_) pool->dispatcher.OnQuarantine(list);
}

void DispatcherSet::AnswerAll(ErrorCode code, absl::string_view message) {
  for (const auto& pool : pools_) pool->dispatcher.AnswerAll(code, message);
}

bool DispatcherSet::holds_memory() const {
  return std::any_of(pools_.begin(), pools_.end(),
                     [](const auto& pool) { return pool->dispatcher.results().holds_memory(); });
}

void DispatcherSet::Trim() {
  for (const auto& pool : pools_) pool->dispatcher.results().Trim();
}

void DispatcherSet::OnTimer(Timer* timer, Instant) {
  Exchange* const exchange = static_cast<DeadlineTimer*>(timer)->exchange;
  at(exchange->pool).OnDeadline(exchange);
}

}  // namespace windlass
