#ifndef WINDLASS_WORKER_IO_REQUEST_METER_H_
#define WINDLASS_WORKER_IO_REQUEST_METER_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"
#include "common/metrics_board.h"
#include "worker/io/exchange.h"

namespace windlass {

// Role: counts the requests of one listener in this worker's part of the scoreboard. Worker
// processes. A request counts when it is answered; its latency, when its answer is with the kernel,
// which for a client that has gone never comes. Blocking: never; no clock, no lock, no memory of
// its own on the way.
class RequestMeter {
 public:
  // `names` and `slot` outlive this.
  RequestMeter(const MetricsNames& names, MetricsSlot* slot, absl::string_view listener,
               const Config& config);

  void OnAnswered(const Exchange& exchange) {
    MetricsRow& row = RowOf(exchange.route_handler);
    Count(&row, exchange.code, exchange.bytes_in, exchange.bytes_out);
    if (exchange.wait_ns >= 0) row.queue_wait.Add(exchange.wait_ns);
    if (exchange.run_ns >= 0) row.run_time.Add(exchange.run_ns);
  }
  void OnDelivered(const Exchange& exchange, Instant now) {
    RowOf(exchange.route_handler).latency.Add(now.ns - exchange.arrived.ns);
  }
  // Answered `ok` and delivered within the turn. `handler`: index, or Exchange::kUnknown.
  void OnInline(uint32_t handler, uint64_t bytes_in, uint64_t bytes_out) {
    MetricsRow& row = RowOf(handler);
    Count(&row, ErrorCode::kOk, bytes_in, bytes_out);
    row.latency.Add(0);
  }

 private:
  static void Count(MetricsRow* row, ErrorCode code, uint64_t bytes_in, uint64_t bytes_out) {
    Bump(row->answers[static_cast<size_t>(code)]);
    Bump(row->bytes_in, bytes_in);
    Bump(row->bytes_out, bytes_out);
  }
  MetricsRow& RowOf(uint32_t handler) {
    const size_t at = std::min<size_t>(handler, rows_.size() - 1);
    return rows_[at] != nullptr ? *rows_[at] : FindRow(at);
  }
  MetricsRow& FindRow(size_t at);

  MetricsSlot* const slot_;
  const uint32_t listener_;
  std::vector<uint32_t> handlers_;  // their numbers; the last one is that of no handler
  std::vector<MetricsRow*> rows_;   // of those; null: not looked for yet
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_REQUEST_METER_H_
