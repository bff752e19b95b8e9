#include "worker/framing/http_target.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "worker/framing/http_media.h"
#include "worker/framing/http_routes.h"

namespace windlass {
namespace {

std::string Split(absl::string_view target) {
  HttpTarget split;
  if (!SplitHttpTarget(target, &split)) return "refused";
  return std::string(split.path) + " ? " + std::string(split.query);
}

TEST(SplitHttpTarget, KnowsTheFormsOfATarget) {
  EXPECT_EQ(Split("/h/x"), "/h/x ? ");
  EXPECT_EQ(Split("/h/x?a=b?c"), "/h/x ? a=b?c");
  EXPECT_EQ(Split("*"), "* ? ");
  EXPECT_EQ(Split("http://example:80/h/x?a"), "/h/x ? a");
  EXPECT_EQ(Split("HTTPS://example"), "/ ? ");
  EXPECT_EQ(Split("http://example?a"), "/ ? a");
  for (const absl::string_view bad :
       {"", "h/x", "example:80", "http:///x", "http://:80/x", "http://u@a/x", "http://a:b/x",
        "ftp://a/b", "/a#b", "/a b", "/\xc3\xa4", "/a\"", "/<", "/{", "/a\\b", "/\x7f"}) {
    EXPECT_EQ(Split(bad), "refused") << bad;
  }
}

TEST(SplitHttpTarget, GivesTheHostOfAnAbsoluteOne) {
  HttpTarget split;
  ASSERT_TRUE(SplitHttpTarget("http://example:80/x", &split));
  EXPECT_EQ(split.authority, "example:80");
  ASSERT_TRUE(SplitHttpTarget("/x", &split));
  EXPECT_EQ(split.authority, "");
}

TEST(IsHttpHost, IsAHostAndItsPort) {
  for (const absl::string_view good : {"", "a", "a:", "a:80", "127.0.0.1:1", "[::1]", "[::1]:80",
                                       "a%20b", "x_y-z.example", "a!$&'()*+,;=~"}) {
    EXPECT_TRUE(IsHttpHost(good)) << good;
  }
  for (const absl::string_view bad :
       {"a:b", "a:80:80", "a:-1", "[::1", "::1", "a[b]", "a%zz", "a%2", "[::1]x", "[]", "a/b",
        "u@a", "a b", "[::1]:x", "\xc3\xa4"}) {
    EXPECT_FALSE(IsHttpHost(bad)) << bad;
  }
}

std::string Decoded(absl::string_view text, bool plus_is_space = false) {
  std::string out;
  return AppendPercentDecoded(text, plus_is_space, &out) ? out : "refused";
}

TEST(AppendPercentDecoded, TakesAnyByteButNul) {
  EXPECT_EQ(Decoded("/a%20b%2Fc%c3%A4+"), "/a b/c\xc3\xa4+");
  EXPECT_EQ(Decoded("a+b", true), "a b");
  for (const absl::string_view bad : {"%", "a%2", "%2g", "%g2", "%00", "%-1"})
    EXPECT_EQ(Decoded(bad), "refused") << bad;
}

std::string AsJson(absl::string_view query) {
  std::string json;
  const std::string wrong = AppendQueryAsJson("search", query, &json);
  return wrong.empty() ? json : wrong;
}

TEST(AppendQueryAsJson, IsAnObjectOfStrings) {
  EXPECT_EQ(AsJson(""), R"({"action": "search"})");
  EXPECT_EQ(AsJson("value=morpheus"), R"({"action": "search", "value": "morpheus"})");
  EXPECT_EQ(AsJson("a=1&&b=x+y%22&c&d="),
            R"({"action": "search", "a": "1", "b": "x y\"", "c": "", "d": ""})");
  EXPECT_EQ(AsJson("v=%F0%9F%90%B6"), "{\"action\": \"search\", \"v\": \"\xf0\x9f\x90\xb6\"}");
}

TEST(AppendQueryAsJson, RefusesWhatIsAmbiguous) {
  EXPECT_EQ(AsJson("a=1&a=2"), "'a' stands twice in the query");
  EXPECT_EQ(AsJson("a=1&%61=2"), "'a' stands twice in the query");
  EXPECT_EQ(AsJson("action=burn"), "'action' is given by the path");
  EXPECT_EQ(AsJson("a=%ff"), "the query is no UTF-8");
  std::string many;
  for (int i = 0; i < 129; ++i) absl::StrAppend(&many, "n", i, "&");
  EXPECT_EQ(AsJson(many), "more than 128 names in the query");
  EXPECT_EQ(AsJson("a=%f"), "bad percent-encoding in the query");
}

TEST(AppendQueryAsJson, RefusesANameThatNoJsonCanHold) {
  std::string json;
  EXPECT_EQ(AppendQueryAsJson("\xff", "a=1", &json), "the path is no UTF-8");
}

TEST(HttpRoutes, ExactPathsGoBeforeNamesAndNamesBeforePatterns) {
  const HttpRoutes routes({{"/up", "upload"},
                           {"/h/old", "renewed"},
                           {"/files/*", "files"},
                           {"/files/big/*", "big"},
                           {"/", "root"}},
                          "rest");
  EXPECT_EQ(routes.HandlerOf("/up"), "upload");
  EXPECT_EQ(routes.HandlerOf("/h/search"), "search");
  EXPECT_EQ(routes.HandlerOf("/h/old"), "renewed");
  EXPECT_EQ(routes.HandlerOf("/files/a"), "files");
  EXPECT_EQ(routes.HandlerOf("/files/big/a"), "big");
  EXPECT_EQ(routes.HandlerOf("/files/"), "files");
  EXPECT_EQ(routes.HandlerOf("/files"), "rest");
  EXPECT_EQ(routes.HandlerOf("/"), "root");
  EXPECT_EQ(routes.HandlerOf("/else"), "rest");
  EXPECT_EQ(HttpRoutes({}, "").HandlerOf("/else"), "");
}

std::string Media(absl::string_view field) {
  const MediaType media = ReadMediaType(field);
  return std::string(media.type) + " | " + std::string(media.charset);
}

TEST(ReadMediaType, SplitsTheCharsetOff) {
  EXPECT_EQ(Media("text/plain"), "text/plain | utf-8");
  EXPECT_EQ(Media("text/plain; format=flowed ;charset=latin1"), "text/plain | latin1");
  EXPECT_EQ(Media("text/plain;Charset=\"utf-16\""), "text/plain | utf-16");
  EXPECT_EQ(Media("image/png"), "image/png | binary");
  EXPECT_EQ(Media(""), " | binary");
}

TEST(ReadMediaType, CallsJsonWhatHandlersCallIt) {
  EXPECT_EQ(Media("application/json"), "text/json | utf-8");
  EXPECT_EQ(Media("Application/JSON; charset=utf-16"), "text/json | utf-16");
}

std::string Written(absl::string_view type, absl::string_view encoding) {
  std::string out;
  AppendMediaType(type, encoding, &out);
  return out;
}

TEST(AppendMediaType, IsTheOtherWayRound) {
  EXPECT_EQ(Written("text/json", "utf-8"), "application/json; charset=utf-8");
  EXPECT_EQ(Written("text/plain", "latin1"), "text/plain; charset=latin1");
  EXPECT_EQ(Written("image/png", "binary"), "image/png");
  EXPECT_EQ(Written("text/html; charset=x", "utf-8"), "text/html; charset=x");
}

TEST(AppendMediaType, LetsNoHandlerBreakTheHead) {
  EXPECT_EQ(Written("a/b\r\nSet-Cookie: x", "utf-8"), "application/octet-stream");
  EXPECT_EQ(Written("text/plain", "utf-8\r\nX: y"), "text/plain");
  EXPECT_EQ(Written("", ""), "application/octet-stream");
}

}  // namespace
}  // namespace windlass
