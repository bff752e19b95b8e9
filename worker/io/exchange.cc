#include "worker/io/exchange.h"

#include "common/log.h"
#include "worker/io/split_job.h"

namespace windlass {
namespace {

constexpr size_t kKeptExchanges = 4096;
constexpr size_t kKeptStringBytes = 4096;  // larger ones are given back

void Empty(std::string* text) {
  if (text->capacity() > kKeptStringBytes) {
    std::string().swap(*text);
  } else {
    text->clear();
  }
}

}  // namespace

Exchange::Exchange(TimerOwner* deadline_owner) : deadline(deadline_owner, this) {}

Exchange::~Exchange() = default;

absl::string_view Exchange::whole_content() const {
  if (memory != nullptr) return memory->content();
  return request == nullptr ? content : absl::string_view(request->data(), request_bytes);
}

uint64_t Exchange::unsent_bytes() const {
  uint64_t bytes = out.size() - out_sent;
  for (size_t i = piece_at; i < pieces.size(); ++i) bytes += pieces[i].bytes;
  return bytes;
}

ExchangePool::~ExchangePool() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

Exchange* ExchangePool::Take(Connection* connection) {
  Exchange* exchange = free_;
  if (exchange == nullptr) {
    exchange = new Exchange(deadline_owner_);
  } else {
    free_ = exchange->next;
    --free_count_;
  }
  exchange->next = nullptr;
  exchange->connection = connection;
  exchange->state = Exchange::State::kReceiving;
  return exchange;
}

void ExchangePool::Give(Exchange* exchange) {
  CHECK(exchange->request == nullptr && exchange->pieces.empty() && exchange->split == nullptr);
  if (free_count_ >= kKeptExchanges) {
    delete exchange;
    return;
  }
  exchange->deadline.Disarm();
  exchange->has_request_id = exchange->close_after = exchange->is_inline = false;
  exchange->omit_content = exchange->is_interim = exchange->is_page = exchange->is_open = false;
  exchange->answer_form = 0;
  exchange->pool = 0;
  exchange->id = JobId();
  exchange->out_sent = exchange->piece_at = exchange->tail_bytes = 0;
  exchange->request_bytes = 0;
  exchange->attempts = 0;
  exchange->arrived = exchange->submitted = Instant{};
  exchange->bytes_in = exchange->bytes_out = 0;
  exchange->wait_ns = exchange->run_ns = -1;
  exchange->pool_slot = exchange->route_handler = Exchange::kUnknown;
  exchange->code = ErrorCode::kOk;
  exchange->connection = nullptr;
  exchange->memory.reset();
  Empty(&exchange->request_id);
  Empty(&exchange->envelope);
  Empty(&exchange->content);
  Empty(&exchange->out);
  exchange->next = free_;
  free_ = exchange;
  ++free_count_;
}

}  // namespace windlass
