#include "worker/framing/http_answer.h"

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "worker/framing/http_media.h"

namespace windlass {

int HttpStatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return 200;
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kQuarantined:
      return 422;
    case ErrorCode::kHandlerCrashed:
    case ErrorCode::kHandlerFailed:
      return 500;
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

absl::string_view HttpReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

void HttpAnswerWriter::UpdateDate() {
  const time_t now = time(nullptr);
  if (now == date_of_) return;
  date_of_ = now;
  tm parts;
  gmtime_r(&now, &parts);
  // Not strftime, whose names depend on the locale.
  constexpr absl::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr absl::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  date_ = absl::StrCat("Date: ", kDays[parts.tm_wday], ", ",
                       absl::Dec(parts.tm_mday, absl::kZeroPad2), " ", kMonths[parts.tm_mon], " ",
                       parts.tm_year + 1900, " ", absl::Dec(parts.tm_hour, absl::kZeroPad2), ":",
                       absl::Dec(parts.tm_min, absl::kZeroPad2), ":",
                       absl::Dec(parts.tm_sec, absl::kZeroPad2), " GMT\r\n");
}

void HttpAnswerWriter::AppendStart(const ResponseHead& head, std::string* out) {
  UpdateDate();
  const int status = head.http_status != 0 ? head.http_status : HttpStatusOf(head.status);
  if (status == 200) {
    absl::StrAppend(out, "HTTP/1.1 200 OK\r\n", date_);
  } else {
    absl::StrAppend(out, "HTTP/1.1 ", status, " ", HttpReasonOf(status), "\r\n", date_);
  }
  if (!head.content_type.empty() || head.content_bytes > 0) {
    absl::StrAppend(out, "Content-Type: ");
    AppendMediaType(head.content_type, head.content_encoding, out);
    absl::StrAppend(out, "\r\n");
  }
}

void HttpAnswerWriter::AppendEnd(const ResponseHead& head, absl::string_view extra,
                                 std::string* out) {
  if (head.has_request_id) {
    const bool is_trace = (head.answer_form & kHttpIdIsTraceParent) != 0;
    absl::StrAppend(out, is_trace ? "traceparent: " : "X-Request-Id: ", head.request_id, "\r\n");
  }
  if (head.retry_ms > 0) {
    absl::StrAppend(out, "Retry-After: ", (head.retry_ms + 999) / 1000, "\r\n");
  }
  if (head.close) {
    absl::StrAppend(out, "Connection: close\r\n");
  } else if ((head.answer_form & kHttp10) != 0) {
    absl::StrAppend(out, "Connection: keep-alive\r\n");
  }
  absl::StrAppend(out, extra, "\r\n");
}

void HttpAnswerWriter::AppendHead(const ResponseHead& head, absl::string_view extra,
                                  std::string* out) {
  AppendStart(head, out);
  if (head.http_status != 204) {
    absl::StrAppend(out, "Content-Length: ", head.content_bytes, "\r\n");
  }
  AppendEnd(head, extra, out);
}

void HttpAnswerWriter::AppendStreamHead(const ResponseHead& head, absl::string_view extra,
                                        std::string* out) {
  AppendStart(head, out);
  if ((head.answer_form & kHttp10) == 0) absl::StrAppend(out, "Transfer-Encoding: chunked\r\n");
  AppendEnd(head, extra, out);
}

void HttpAnswerWriter::AppendProblem(const ResponseHead& head, absl::string_view message,
                                     std::string* out) {
  const int status = head.http_status != 0 ? head.http_status : HttpStatusOf(head.status);
  std::string extra;
  if (status == 405 || status == 204) extra = absl::StrCat("Allow: ", methods_, "\r\n");
  ResponseHead whole = head;
  if (status == 204) return AppendHead(whole, extra, out);
  problem_.clear();
  absl::StrAppend(&problem_, R"({"type": "about:blank", "title": ")", HttpReasonOf(status),
                  R"(", "status": )", status, R"(, "code": ")", ErrorCodeName(head.status),
                  R"(", "detail": )");
  if (simdjson::validate_utf8(message.data(), message.size())) {
    AppendJsonString(message, &problem_);
  } else {  // a handler's: whatever it is, the answer must be JSON
    std::string ascii(message);
    for (char& c : ascii) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
    AppendJsonString(ascii, &problem_);
  }
  problem_ += "}";
  whole.content_type = "application/problem+json";
  whole.content_encoding = "";
  whole.content_bytes = problem_.size();
  if (status == 503 && whole.retry_ms == 0) whole.retry_ms = 1000;
  AppendHead(whole, extra, out);
  if (!head.omit_content) out->append(problem_);
}

}  // namespace windlass
