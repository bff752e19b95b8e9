#include "worker/framing/message_header.h"

#include <simdjson.h>

#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace windlass {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;
constexpr uint64_t kMaxDeadlineMs = 86'400'000;  // a day

enum Key : uint32_t {
  kByteOrder,
  kContentLength,
  kContentType,
  kContentEncoding,
  kStatus,
  kRequestId,
  kHandler,
  kDeadline,
  kConnection
};
constexpr std::array<absl::string_view, 9> kKeyNames = {
    "byteorder",  "content-length", "content-type", "content-encoding", "status",
    "request-id", "handler",        "deadline-ms",  "connection"};
constexpr uint32_t kRequiredKeys = 4;  // the first ones

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::optional<uint32_t> FindKey(absl::string_view name) {
  for (uint32_t i = 0; i < kKeyNames.size(); ++i) {
    if (name == kKeyNames[i]) return i;
  }
  return std::nullopt;
}

bool TakeString(simdjson::dom::element value, absl::string_view* into) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return false;
  *into = View(text);
  return true;
}

// One known key's value. Null: fine; else what the value should have been.
const char* TakeValue(uint32_t key, simdjson::dom::element value, MessageHeader* header) {
  absl::string_view text;
  uint64_t number = 0;
  switch (key) {
    case kByteOrder:
      if (!TakeString(value, &text) || (text != "little" && text != "big"))
        return "\"little\" or \"big\"";
      header->big_endian = text == "big";
      return nullptr;
    case kContentLength:
      return value.get(header->content_length) == simdjson::SUCCESS ? nullptr : "an integer >= 0";
    case kContentType:
      return TakeString(value, &header->content_type) ? nullptr : "a string";
    case kContentEncoding:
      return TakeString(value, &header->content_encoding) ? nullptr : "a string";
    case kStatus:
      return TakeString(value, &header->status) ? nullptr : "a string";
    case kRequestId:
      if (!TakeString(value, &text) || text.size() > kMaxRequestIdBytes)
        return "a string of at most 256 bytes";
      header->request_id = text;
      header->has_request_id = true;
      return nullptr;
    case kHandler:
      return TakeString(value, &header->handler) ? nullptr : "a string";
    case kDeadline:
      if (value.get(number) != simdjson::SUCCESS || number < 1 || number > kMaxDeadlineMs) {
        return "an integer from 1 to 86400000";
      }
      header->deadline_ms = static_cast<uint32_t>(number);
      return nullptr;
    case kConnection:
      if (!TakeString(value, &text) || (text != "keep-alive" && text != "close")) {
        return "\"keep-alive\" or \"close\"";
      }
      header->close = text == "close";
      return nullptr;
  }
  return nullptr;
}

}  // namespace

struct MessageHeaderParser::Impl {
  simdjson::dom::parser parser;
};

MessageHeaderParser::MessageHeaderParser(Of of) : of_(of), impl_(std::make_unique<Impl>()) {}
MessageHeaderParser::~MessageHeaderParser() = default;

CutOutcome MessageHeaderParser::Parse(absl::string_view json, MessageHeader* header,
                                      FrameError* error) {
  *header = MessageHeader{};
  error->code = ErrorCode::kInvalidArgument;
  simdjson::dom::element root;
  const auto failure =
      impl_->parser.parse(json.data(), json.size(), /*realloc_if_needed=*/false).get(root);
  simdjson::dom::object object;
  if (failure != simdjson::SUCCESS || root.get(object) != simdjson::SUCCESS) {
    error->message =
        absl::StrCat("header is not a JSON object", failure == simdjson::SUCCESS ? "" : ": ",
                     failure == simdjson::SUCCESS ? "" : simdjson::error_message(failure));
    return CutOutcome::kLost;
  }
  uint32_t seen = 0;
  std::string problem;         // the first one whose frame end is known
  std::string length_problem;  // loses the place
  for (const simdjson::dom::key_value_pair field : object) {
    const std::optional<uint32_t> key = FindKey(View(field.key));
    if (!key || (*key == kStatus && of_ == Of::kRequests)) {
      header->has_other_keys = true;
      continue;
    }
    std::string& complaint = *key == kContentLength ? length_problem : problem;
    if ((seen & (1u << *key)) != 0) {
      if (complaint.empty())
        complaint = absl::StrCat("duplicate header key '", kKeyNames[*key], "'");
      continue;
    }
    seen |= 1u << *key;
    const char* const expected = TakeValue(*key, field.value, header);
    if (expected != nullptr && complaint.empty()) {
      complaint = absl::StrCat("header key '", kKeyNames[*key], "' must be ", expected);
    }
  }
  if (length_problem.empty() && (seen & (1u << kContentLength)) == 0) {
    length_problem = "missing header key 'content-length'";
  }
  if (!length_problem.empty()) {
    error->message = std::move(length_problem);
    return CutOutcome::kLost;
  }
  for (uint32_t key = 0; key < kRequiredKeys && problem.empty(); ++key) {
    if ((seen & (1u << key)) == 0)
      problem = absl::StrCat("missing header key '", kKeyNames[key], "'");
  }
  if (!problem.empty()) {
    error->message = std::move(problem);
    return CutOutcome::kRefused;
  }
  error->code = ErrorCode::kOk;
  return CutOutcome::kRequest;
}

bool AppendMessageHeader(const MessageHeader& header, absl::string_view extra, std::string* out) {
  const size_t start = out->size();
  out->append(2, '\0');
  out->append(header.big_endian ? R"({"byteorder": "big", "content-type": )"
                                : R"({"byteorder": "little", "content-type": )");
  AppendJsonString(header.content_type, out);
  out->append(R"(, "content-encoding": )");
  AppendJsonString(header.content_encoding, out);
  absl::StrAppend(out, R"(, "content-length": )", header.content_length);
  const auto append = [out](absl::string_view key, absl::string_view value) {
    absl::StrAppend(out, ", \"", key, "\": ");
    AppendJsonString(value, out);
  };
  if (!header.status.empty()) append("status", header.status);
  if (header.has_request_id) append("request-id", header.request_id);
  if (!header.handler.empty()) append("handler", header.handler);
  if (header.deadline_ms != 0) absl::StrAppend(out, R"(, "deadline-ms": )", header.deadline_ms);
  if (header.close) append("connection", "close");
  absl::StrAppend(out, extra, "}");
  const size_t size = out->size() - start - 2;
  if (size > 65535) {
    out->resize(start);
    return false;
  }
  (*out)[start] = static_cast<char>(size >> 8);
  (*out)[start + 1] = static_cast<char>(size & 255);
  return true;
}

}  // namespace windlass
