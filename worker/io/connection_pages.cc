// The part of worker/io/connection.h that a page source answers (worker/io/page_source.h).
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "worker/framing/http_framing.h"
#include "worker/io/connection.h"

namespace windlass {
namespace {

constexpr size_t kMaxSentKept = 64 << 10;  // what has been sent of a stream goes in such pieces
constexpr uint64_t kMaxUnsentStream = 1 << 20;  // a client that takes less misses something

// There are pages in http only.
HttpAnswerWriter& WriterOf(const ListenerContext& listener) {
  return static_cast<HttpFraming&>(*listener.framing).writer();
}

}  // namespace

void Connection::HandlePage(const RequestHead& head) {
  GivePage(head, NewExchange(head));
  if (head.close_after || !listener_->config->keepalive) Enter(ConnState::kFinishing);
}

void Connection::GivePage(const RequestHead& head, Exchange* exchange) {
  exchange->is_page = true;
  io_->pages->OnPage(
      {head.method, head.path, head.query, head.host, head.accept, head.omit_content}, exchange);
}

ResponseHead Connection::PageHead(const Exchange& exchange) const {
  ResponseHead head;
  head.request_id = exchange.request_id;
  head.has_request_id = exchange.has_request_id;
  head.close = exchange.close_after;
  head.answer_form = exchange.answer_form;
  return head;
}

void Connection::AnswerPage(Exchange* exchange, const PageAnswer& answer) {
  exchange->is_page = false;
  if (IsDraining()) exchange->close_after = true;
  ResponseHead head = PageHead(*exchange);
  head.http_status = static_cast<uint16_t>(answer.http_status);
  head.content_type = answer.content_type;
  head.content_bytes = answer.content.size();
  WriterOf(*listener_).AppendHead(head, answer.extra_headers, &exchange->out);
  if (!exchange->omit_content) exchange->out += answer.content;
  NoteAnswered(exchange, answer.http_status < 400 ? ErrorCode::kOk : ErrorCode::kUnavailable);
}

void Connection::BeginStream(Exchange* exchange, absl::string_view content_type,
                             absl::string_view extra_headers) {
  const bool is_http_1_0 = (exchange->answer_form & kHttp10) != 0;
  if (is_http_1_0) exchange->close_after = true;
  ResponseHead head = PageHead(*exchange);
  head.content_type = content_type;
  WriterOf(*listener_).AppendStreamHead(head, extra_headers, &exchange->out);
  exchange->is_open = true;
  NoteAnswered(exchange, ErrorCode::kOk);
}

bool Connection::StreamChunk(Exchange* exchange, absl::string_view bytes) {
  CHECK(exchange->is_open);
  if (bytes.empty()) return true;  // would be the end
  if (exchange->out.size() - exchange->out_sent > kMaxUnsentStream) return false;
  if (exchange->out_sent == exchange->out.size()) {
    exchange->out.clear();
    exchange->out_sent = 0;
  }
  if (exchange->out_sent > kMaxSentKept) {
    exchange->out.erase(0, exchange->out_sent);
    exchange->out_sent = 0;
  }
  const size_t before = exchange->out.size();
  const bool is_chunked = (exchange->answer_form & kHttp10) == 0;
  if (is_chunked) {
    absl::StrAppend(&exchange->out, absl::Hex(bytes.size()), "\r\n", bytes, "\r\n");
  } else {
    absl::StrAppend(&exchange->out, bytes);
  }
  output_.OnGrown(exchange->out.size() - before);
  exchange->bytes_out += exchange->out.size() - before;
  ScheduleFlush();
  return true;
}

void Connection::EndStream(Exchange* exchange) {
  CHECK(exchange->is_open);
  exchange->is_page = exchange->is_open = false;
  if ((exchange->answer_form & kHttp10) == 0) {
    exchange->out += "0\r\n\r\n";
    output_.OnGrown(5);
    exchange->bytes_out += 5;
  }
  if (IsDraining()) exchange->close_after = true;
  ScheduleFlush();
}

}  // namespace windlass
