#include "worker/framing/http_head.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "worker/framing/http_target.h"

namespace windlass {
namespace {

namespace http = boost::beast::http;

constexpr size_t kMaxFields = 128;  // more than any client sends; a head of many tiny ones is work

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

HttpMethod MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::head:
      return HttpMethod::kHead;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::options:
      return HttpMethod::kOptions;
    default:
      return HttpMethod::kOther;
  }
}

// Takes what the parser finds, and has the last word. One for each head.
class HeadTaker final : public http::basic_parser<true> {
 public:
  explicit HeadTaker(HttpHead* head) : head_(*head) {
    header_limit(UINT32_MAX);  // the whole head is here
    body_limit(boost::none);
    skip(true);  // contents are somebody else's
  }

  HttpRefusal refusal;

 private:
  using ErrorCode = boost::beast::error_code;

  void Refuse(int status, std::string why, ErrorCode& error) {
    if (refusal.status == 0) refusal = {status, std::move(why)};
    error = http::error::bad_value;  // ends the parsing
  }

  void on_request_impl(http::verb method, boost::beast::string_view name,
                       boost::beast::string_view target, int version, ErrorCode&) override {
    head_.method = MethodOf(method);
    head_.method_name = View(name);
    is_known_ = method != http::verb::unknown;
    head_.target = View(target);
    head_.is_http_1_0 = version == 10;
    head_.keep_alive = version != 10;
  }

  void on_field_impl(http::field name, boost::beast::string_view name_text,
                     boost::beast::string_view value_text, ErrorCode& error) override {
    const absl::string_view value = View(value_text);
    switch (name) {
      case http::field::content_length:
        return TakeContentLength(value, error);
      case http::field::transfer_encoding:
        return TakeTransferEncoding(value, error);
      case http::field::connection:
        return TakeConnection(value);
      case http::field::expect:
        return TakeExpect(value, error);
      case http::field::keep_alive:
      case http::field::proxy_connection:
      case http::field::te:
      case http::field::trailer:
      case http::field::upgrade:
        return;
      case http::field::host:
        if (has_host_) return Refuse(400, "more than one Host", error);
        if (!IsHttpHost(value)) return Refuse(400, "Host is no host", error);
        has_host_ = true;
        head_.host = value;
        break;
      case http::field::content_type:
        if (head_.has_content_type) return Refuse(400, "more than one Content-Type", error);
        head_.has_content_type = true;
        head_.content_type = value;
        break;
      case http::field::content_encoding:
        if (!absl::EqualsIgnoreCase(value, "identity") && !value.empty()) {
          return Refuse(415, "contents are taken as they are, without Content-Encoding", error);
        }
        break;
      case http::field::accept:
        head_.accept = value;
        break;
      default:
        TakeOwnField(View(name_text), value);
        break;
    }
    if (head_.fields.size() == kMaxFields) {
      return Refuse(431, absl::StrCat("more than ", kMaxFields, " header fields"), error);
    }
    head_.fields.push_back({View(name_text), value});
  }

  void TakeOwnField(absl::string_view name, absl::string_view value) {
    if (absl::EqualsIgnoreCase(name, "x-deadline-ms")) {
      head_.has_deadline = true;
      head_.deadline_ms = value;
    } else if (absl::EqualsIgnoreCase(name, "x-request-id")) {
      head_.has_request_id = true;
      head_.request_id = value;
    } else if (absl::EqualsIgnoreCase(name, "traceparent")) {
      head_.has_trace_parent = true;
      head_.trace_parent = value;
    }
  }

  void TakeContentLength(absl::string_view value, ErrorCode& error) {
    if (head_.has_content_length) return Refuse(400, "more than one Content-Length", error);
    head_.has_content_length = true;
    for (const char c : value) {  // SimpleAtoi takes signs and blanks
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
        return Refuse(400, "Content-Length is no number", error);
      }
    }
    if (!absl::SimpleAtoi(value, &head_.content_length)) {
      return Refuse(400, "Content-Length is no number", error);
    }
  }

  void TakeTransferEncoding(absl::string_view value, ErrorCode& error) {
    if (has_transfer_encoding_ || !absl::EqualsIgnoreCase(value, "chunked")) {
      return Refuse(400, "a Transfer-Encoding other than chunked", error);
    }
    has_transfer_encoding_ = head_.is_chunked = true;
  }

  void TakeConnection(absl::string_view value) {
    for (absl::string_view option : absl::StrSplit(value, ',')) {
      option = absl::StripAsciiWhitespace(option);
      if (absl::EqualsIgnoreCase(option, "close")) wants_close_ = true;
      if (absl::EqualsIgnoreCase(option, "keep-alive")) head_.keep_alive = true;
    }
  }

  void TakeExpect(absl::string_view value, ErrorCode& error) {
    if (head_.is_http_1_0) return;  // RFC 9110 section 10.1.1
    if (!absl::EqualsIgnoreCase(value, "100-continue")) {
      return Refuse(417, "an expectation other than 100-continue", error);
    }
    head_.expects_continue = true;
  }

  void on_header_impl(ErrorCode& error) override {
    if (wants_close_) head_.keep_alive = false;
    if (head_.is_chunked && head_.has_content_length) {
      return Refuse(400, "Content-Length beside Transfer-Encoding", error);
    }
    if (head_.is_chunked && head_.is_http_1_0) {
      return Refuse(400, "Transfer-Encoding in HTTP/1.0", error);
    }
    if (!has_host_ && !head_.is_http_1_0) return Refuse(400, "no Host", error);
    if (!is_known_) return Refuse(501, "an unknown method", error);
  }

  void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(boost::beast::string_view, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, ErrorCode&) override {
    return 0;
  }
  void on_finish_impl(ErrorCode&) override {}

  HttpHead& head_;
  bool is_known_ = false;
  bool has_host_ = false, has_transfer_encoding_ = false, wants_close_ = false;
};

// A request line that is right but for its version, which is of another HTTP than 1.0 and 1.1.
bool HasForeignVersion(absl::string_view bytes) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(bytes.substr(0, bytes.find("\r\n")), ' ');
  if (parts.size() != 3) return false;
  const absl::string_view version = parts[2];
  return version.size() == 8 && absl::StartsWith(version, "HTTP/") && version[6] == '.' &&
         absl::ascii_isdigit(static_cast<unsigned char>(version[5])) &&
         absl::ascii_isdigit(static_cast<unsigned char>(version[7])) && version != "HTTP/1.0" &&
         version != "HTTP/1.1";
}

}  // namespace

HttpHeadEnd FindHttpHeadEnd(absl::string_view input, size_t known) {
  for (size_t line = known;;) {
    const void* const found =
        line < input.size() ? std::memchr(input.data() + line, '\n', input.size() - line) : nullptr;
    if (found == nullptr) return {HttpHeadEnd::Outcome::kNeedMore, line};
    const size_t end = static_cast<const char*>(found) - input.data();
    if (end == line || input[end - 1] != '\r') return {HttpHeadEnd::Outcome::kBad, 0};
    if (end == line + 1) return {HttpHeadEnd::Outcome::kEnd, end + 1};
    if (input[line] == ' ' || input[line] == '\t') return {HttpHeadEnd::Outcome::kBad, 0};
    line = end + 1;
  }
}

HttpRefusal ParseHttpHead(absl::string_view bytes, HttpHead* head) {
  std::vector<HttpField> fields = std::move(head->fields);  // with its memory
  fields.clear();
  *head = HttpHead{};
  head->fields = std::move(fields);
  HeadTaker taker(head);
  boost::beast::error_code error;
  taker.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (!error && taker.is_header_done()) return {};
  if (taker.refusal.status != 0) return taker.refusal;
  if (error == http::error::bad_version && HasForeignVersion(bytes)) {
    return {505, "a version of HTTP other than 1.0 and 1.1"};
  }
  return {400, absl::StrCat("malformed head: ", error.message())};
}

}  // namespace windlass
