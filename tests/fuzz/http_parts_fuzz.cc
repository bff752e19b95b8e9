// The parts of an http head by themselves, which whole heads seldom reach.
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fuzz/fuzz_input.h"
#include "worker/framing/http_head.h"
#include "worker/framing/http_media.h"
#include "worker/framing/http_routes.h"
#include "worker/framing/http_target.h"

namespace windlass {
namespace {

void CheckTarget(absl::string_view target) {
  HttpTarget split;
  if (!SplitHttpTarget(target, &split)) return;
  CHECK(fuzz::IsInside(split.query, target) && fuzz::IsInside(split.authority, target));
  CHECK(split.path == "*" || absl::StartsWith(split.path, "/"));
  CHECK(split.authority.empty() || IsHttpHost(split.authority));
  CHECK(!absl::StrContains(split.path, '?'));
  // An origin-form of the same parts is split the same way.
  if (split.path == "*") return;
  const std::string origin = absl::StrCat(split.path, split.query.empty() ? "" : "?", split.query);
  HttpTarget again;
  CHECK(SplitHttpTarget(origin, &again));
  CHECK(again.path == split.path && again.query == split.query && again.authority.empty());
}

void CheckQuery(absl::string_view query) {
  std::string json;
  const std::string wrong = AppendQueryAsJson("do", query, &json);
  if (wrong.empty()) CHECK(fuzz::IsJson(json)) << json;
  std::string decoded;
  if (AppendPercentDecoded(query, true, &decoded)) {
    CHECK(decoded.size() <= query.size());
    CHECK(absl::StrContains(query, '\0') || !absl::StrContains(decoded, '\0'));
  }
}

void CheckMedia(absl::string_view field) {
  const MediaType media = ReadMediaType(field);
  CHECK(!media.charset.empty());
  std::string out;
  AppendMediaType(media.type, media.charset, &out);
  AppendMediaType(field, field, &out);
  for (const char c : out) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << out;
}

void CheckRoutes(absl::string_view path) {
  static const HttpRoutes& routes = *new HttpRoutes(
      {{"/a", "one"}, {"/a/*", "two"}, {"/a/b*", "three"}, {"/h/x", "four"}}, "else");
  const absl::string_view handler = routes.HandlerOf(path);
  if (absl::StartsWith(path, "/a/b")) CHECK(handler == "three");
  if (path == "/a") CHECK(handler == "one");
}

void CheckHead(const std::string& text) {
  // As the head of a whole request, with whatever is in the bytes.
  const std::string bytes = absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\n", text, "\r\n\r\n");
  const HttpHeadEnd end = FindHttpHeadEnd(bytes, 0);
  if (end.outcome != HttpHeadEnd::Outcome::kEnd) return;
  const absl::string_view whole = absl::string_view(bytes).substr(0, end.bytes);
  HttpHead head;
  if (ParseHttpHead(whole, &head).status != 0) return;
  CHECK(!(head.is_chunked && head.has_content_length)) << "two lengths";
  for (const HttpField& field : head.fields) {
    CHECK(fuzz::IsInside(field.name, whole) && fuzz::IsInside(field.value, whole));
    CHECK(!field.name.empty());
    // Whatever stands in front of a field, or in it, no other reader shall see two.
    CHECK(field.value.find_first_of(absl::string_view("\r\n\0", 3)) == absl::string_view::npos);
    CHECK(field.name.find_first_of(absl::string_view(" \t\r\n:\0", 6)) == absl::string_view::npos);
    CHECK(!absl::EqualsIgnoreCase(field.name, "content-length"));
    CHECK(!absl::EqualsIgnoreCase(field.name, "transfer-encoding"));
  }
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  FuzzedDataProvider input(data, size);
  const int part = input.ConsumeIntegralInRange<int>(0, 5);
  const std::string text = input.ConsumeRemainingBytesAsString();
  const fuzz::PaddedBytes exact(text);
  switch (part) {
    case 0:
      CheckTarget(exact.view());
      break;
    case 1:
      CheckQuery(exact.view());
      break;
    case 2:
      CheckMedia(exact.view());
      break;
    case 3:
      CheckRoutes(exact.view());
      break;
    case 4:
      CheckHead(text);
      break;
    case 5:
      (void)IsHttpHost(exact.view());
      break;
  }
  return 0;
}
