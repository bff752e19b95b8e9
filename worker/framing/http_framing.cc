#include "worker/framing/http_framing.h"

#include <simdjson.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/job_channel.h"
#include "common/json_text.h"
#include "worker/framing/chunked_decoder.h"
#include "worker/framing/http_media.h"

namespace windlass {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;
constexpr uint32_t kMaxDeadlineMs = 86'400'000;
constexpr size_t kMaxHeaderObjectBytes = 64 << 10;  // as in `message`
constexpr size_t kMaxEmptyLines = 2;                // before a request line (RFC 9112 section 2.2)

constexpr absl::string_view kLongLine = "a request line over the limit of a head";

ErrorCode CodeOf(int status) {
  switch (status) {
    case 204:
      return ErrorCode::kOk;
    case 413:
    case 414:
    case 431:
      return ErrorCode::kTooLarge;
    default:
      return ErrorCode::kInvalidArgument;
  }
}

CutOutcome Lose(int status, std::string why, FrameError* error) {
  *error = {CodeOf(status), std::move(why), static_cast<uint16_t>(status)};
  return CutOutcome::kLost;
}

// As JSON, also when it is ISO 8859-1, which fields were in former times.
void AppendFieldValue(absl::string_view value, std::string* out) {
  if (simdjson::validate_utf8(value.data(), value.size())) return AppendJsonString(value, out);
  std::string utf8;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xc0 | byte >> 6));
      utf8.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  AppendJsonString(utf8, out);
}

}  // namespace

HttpFraming::HttpFraming(const Limits& limits, HttpRoutes routes)
    : limits_(limits), routes_(std::move(routes)) {}

CutOutcome HttpFraming::CutHead(absl::string_view input, CutState* state, RequestHead* head,
                                FrameError* error) {
  size_t start = 0;
  while (start < 2 * kMaxEmptyLines && absl::StartsWith(input.substr(start), "\r\n")) start += 2;
  const absl::string_view bytes = input.substr(start);
  const size_t known = state->scanned > start ? state->scanned - start : 0;
  // No further than a head may reach: what lies behind that has no say in why it is refused.
  const absl::string_view most = bytes.substr(0, limits_.max_header_bytes);
  HttpHeadEnd end;
  if (!bytes.empty() && bytes != "\r") end = FindHttpHeadEnd(most, known);
  switch (end.outcome) {
    case HttpHeadEnd::Outcome::kNeedMore:
      if (bytes.size() > most.size()) {
        if (end.bytes == 0) return Lose(414, std::string(kLongLine), error);
        return Lose(431,
                    absl::StrCat("a head over the limit of ", limits_.max_header_bytes, " bytes"),
                    error);
      }
      state->scanned = static_cast<uint32_t>(start + end.bytes);
      state->need = static_cast<uint32_t>(input.size() + 1);
      return CutOutcome::kNeedMore;
    case HttpHeadEnd::Outcome::kBad:
      return Lose(400, "malformed head: a line that does not end with CRLF, or is continued",
                  error);
    case HttpHeadEnd::Outcome::kEnd:
      break;
  }
  HttpRefusal refusal = ParseHttpHead(bytes.substr(0, end.bytes), &http_);
  *head = RequestHead{};
  head->head_bytes = start + end.bytes;
  head->content_bytes = http_.content_length;
  head->is_coded = http_.is_chunked;
  head->expects_continue = http_.expects_continue;
  head->close_after = !http_.keep_alive;
  head->omit_content = http_.method == HttpMethod::kHead;
  if (http_.is_http_1_0) head->answer_form |= kHttp10;
  const std::optional<HttpTarget> target = ReadTarget(head);
  if (refusal.status != 0) return Lose(refusal.status, std::move(refusal.why), error);
  return Interpret(target, head, error);
}

// Also of a head that will be refused: whose request it is shall be known.
std::optional<HttpTarget> HttpFraming::ReadTarget(RequestHead* head) {
  HttpTarget target;
  path_.clear();
  if (!SplitHttpTarget(http_.target, &target) ||
      !AppendPercentDecoded(target.path, /*plus_is_space=*/false, &path_)) {
    return std::nullopt;
  }
  if (target.path != "*") head->handler = routes_.HandlerOf(path_);
  return target;
}

// Where the content's end is known, the connection goes on.
CutOutcome HttpFraming::Refuse(int status, std::string why, FrameError* error) const {
  const CutOutcome lost = Lose(status, std::move(why), error);
  return http_.is_chunked || http_.expects_continue ? lost : CutOutcome::kRefused;
}

bool HttpFraming::TakeExtras(RequestHead* head, FrameError* error) const {
  if (http_.has_request_id) {
    head->request_id = http_.request_id;
    head->has_request_id = true;
  } else if (http_.has_trace_parent) {
    head->request_id = http_.trace_parent;
    head->has_request_id = true;
    head->answer_form |= kHttpIdIsTraceParent;
  }
  if (head->request_id.size() > kMaxRequestIdBytes) {
    head->request_id = {};
    head->has_request_id = false;
    *error = {ErrorCode::kInvalidArgument,
              absl::StrCat("a request id of more than ", kMaxRequestIdBytes, " bytes"), 0};
    return false;
  }
  if (!http_.has_deadline) return true;
  const bool is_number = !http_.deadline_ms.empty() &&
                         absl::ascii_isdigit(static_cast<unsigned char>(http_.deadline_ms[0])) &&
                         absl::SimpleAtoi(http_.deadline_ms, &head->deadline_ms);
  if (is_number && head->deadline_ms >= 1 && head->deadline_ms <= kMaxDeadlineMs) return true;
  head->deadline_ms = 0;
  *error = {ErrorCode::kInvalidArgument,
            absl::StrCat("X-Deadline-Ms must be a number from 1 to ", kMaxDeadlineMs), 0};
  return false;
}

CutOutcome HttpFraming::Interpret(const std::optional<HttpTarget>& target, RequestHead* head,
                                  FrameError* error) {
  FrameError wrong_extra;
  const bool are_extras_right = TakeExtras(head, &wrong_extra);
  // Whatever it is: so much is not waited for.
  if (http_.content_length > limits_.max_content_bytes) {
    return Lose(413, TooLargeContent(limits_.max_content_bytes), error);
  }
  if (http_.method == HttpMethod::kOther) {
    return Refuse(405,
                  absl::StrCat("method ", http_.method_name, " is not allowed; allowed are ",
                               writer_.methods()),
                  error);
  }
  if (!target.has_value()) return Refuse(400, "malformed request-target", error);
  if (target->path == "*" && http_.method != HttpMethod::kOptions) {
    return Refuse(400, "only OPTIONS is for *", error);
  }
  if (!target->authority.empty()) http_.host = target->authority;  // RFC 9112 section 3.2.2
  const bool has_content = http_.is_chunked || http_.content_length > 0;
  switch (http_.method) {
    case HttpMethod::kOther:  // not any more
    case HttpMethod::kOptions:
      head->handler = {};  // which is not asked
      return Refuse(204, "", error);
    case HttpMethod::kGet:
    case HttpMethod::kHead:
      if (has_content) {
        return Lose(400, absl::StrCat(http_.method_name, " with a content"), error);
      }
      break;
    case HttpMethod::kPost:
      // RFC 1945 section 8.3; in HTTP/1.1 it means that there is no content.
      if (http_.is_http_1_0 && !http_.has_content_length) {
        return Lose(411, "POST in HTTP/1.0 without Content-Length", error);
      }
      break;
  }
  if (!are_extras_right) return Refuse(400, std::move(wrong_extra.message), error);
  head->path = path_;
  head->query = target->query;
  head->method = http_.method == HttpMethod::kHead ? "GET" : http_.method_name;
  head->host = http_.host;
  head->accept = http_.accept;
  if (head->handler.empty()) return CutOutcome::kRequest;  // a page, or nothing
  WriteHeaderObject(target->query);
  if (header_object_.size() > kMaxHeaderObjectBytes) {
    return Refuse(431, "header fields that are too long for the handler", error);
  }
  head->header = header_object_;
  if (http_.method != HttpMethod::kPost) return MakeContent(target->query, head, error);
  const MediaType media = ReadMediaType(http_.content_type);
  head->content_type = media.type;
  head->content_encoding = media.charset;
  return CutOutcome::kRequest;
}

CutOutcome HttpFraming::MakeContent(absl::string_view query, RequestHead* head, FrameError* error) {
  made_content_.clear();
  const std::string wrong = AppendQueryAsJson(head->handler, query, &made_content_);
  if (!wrong.empty()) return Refuse(400, wrong, error);
  if (made_content_.size() > kInlinePayloadMax) return Refuse(414, "the query is too long", error);
  const size_t bytes = made_content_.size();
  made_content_.append(kInputPadding, '\0');
  head->content = absl::string_view(made_content_).substr(0, bytes);
  head->content_is_made = true;
  head->content_type = "text/json";
  head->content_encoding = "utf-8";
  return CutOutcome::kRequest;
}

void HttpFraming::WriteHeaderObject(absl::string_view query) {
  header_object_.clear();
  absl::StrAppend(&header_object_, R"({":method": ")", http_.method_name, R"(", ":path": )");
  AppendFieldValue(path_, &header_object_);
  if (!query.empty()) {
    absl::StrAppend(&header_object_, R"(, ":query": )");
    AppendFieldValue(query, &header_object_);
  }
  const auto& fields = http_.fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto is_same = [name = fields[i].name](const HttpField& field) {
      return absl::EqualsIgnoreCase(field.name, name);
    };
    if (std::any_of(fields.begin(), fields.begin() + static_cast<ptrdiff_t>(i), is_same)) continue;
    absl::StrAppend(&header_object_, ", \"");
    for (const char c : fields[i].name)  // a token: nothing to escape
      header_object_.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    absl::StrAppend(&header_object_, "\": ");
    // Fields of one name are a list (RFC 9110 section 5.3); of cookies, one with semicolons.
    value_.assign(fields[i].value.data(), fields[i].value.size());
    for (size_t j = i + 1; j < fields.size(); ++j) {
      if (!is_same(fields[j])) continue;
      const bool is_cookie = absl::EqualsIgnoreCase(fields[i].name, "cookie");
      absl::StrAppend(&value_, is_cookie ? "; " : ", ", fields[j].value);
    }
    AppendFieldValue(value_, &header_object_);
  }
  header_object_.push_back('}');
}

void HttpFraming::AppendResponseHead(const ResponseHead& head, std::string* out) {
  writer_.AppendHead(head, {}, out);
}

bool HttpFraming::AppendError(const ResponseHead& head, absl::string_view message,
                              std::string* out) {
  writer_.AppendProblem(head, message, out);
  return true;
}

bool HttpFraming::TimeoutError(FrameError* error) {
  (void)Lose(408, "the request did not arrive in time", error);
  return true;
}

std::unique_ptr<ContentDecoder> HttpFraming::MakeContentDecoder() {
  return std::make_unique<ChunkedDecoder>(limits_.max_content_bytes);
}

void HttpFraming::AppendContinue(std::string* out) {
  absl::StrAppend(out, "HTTP/1.1 100 Continue\r\n\r\n");
}

}  // namespace windlass
