#include "worker/framing/http_head.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr auto kNeedMore = HttpHeadEnd::Outcome::kNeedMore;
constexpr auto kEnd = HttpHeadEnd::Outcome::kEnd;
constexpr auto kBad = HttpHeadEnd::Outcome::kBad;

TEST(FindHttpHeadEnd, FindsTheEmptyLine) {
  const absl::string_view head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const HttpHeadEnd found = FindHttpHeadEnd(absl::StrCat(head, "more\r\n\r\n"), 0);
  EXPECT_EQ(found.outcome, kEnd);
  EXPECT_EQ(found.bytes, head.size());
}

TEST(FindHttpHeadEnd, GoesOnWhereItWas) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  size_t known = 0;
  for (size_t size = 0; size < head.size(); ++size) {
    const HttpHeadEnd found = FindHttpHeadEnd(head.substr(0, size), known);
    ASSERT_EQ(found.outcome, kNeedMore) << size;
    ASSERT_GE(found.bytes, known);
    known = found.bytes;
  }
  EXPECT_EQ(known, head.size() - 2);
  EXPECT_EQ(FindHttpHeadEnd(head, known).outcome, kEnd);
}

TEST(FindHttpHeadEnd, RefusesLinesThatTwoReadersMayCutDifferently) {
  for (const absl::string_view bad :
       {"GET / HTTP/1.1\n", "\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"}) {
    EXPECT_EQ(FindHttpHeadEnd(bad, 0).outcome, kBad) << absl::CEscape(bad);
  }
}

HttpRefusal Parse(const std::string& bytes, HttpHead* head) {
  EXPECT_EQ(FindHttpHeadEnd(bytes, 0).bytes, bytes.size()) << absl::CEscape(bytes);
  return ParseHttpHead(bytes, head);
}

TEST(ParseHttpHead, TellsWhatARequestSays) {
  HttpHead head;
  const std::string bytes =
      "POST /h/x?a=b HTTP/1.1\r\nHOST: example:80\r\ncontent-type: text/plain\r\n"
      "Content-Length: 0012\r\nX-Deadline-Ms: 50\r\nX-Request-Id: r1\r\ntraceparent: 00-aa\r\n"
      "Connection: keep-alive, x-mine\r\nAccept: */*\r\nX-Mine:  two words \t\r\n\r\n";
  const HttpRefusal refusal = Parse(bytes, &head);
  EXPECT_EQ(refusal.status, 0) << refusal.why;
  EXPECT_EQ(head.method, HttpMethod::kPost);
  EXPECT_EQ(head.target, "/h/x?a=b");
  EXPECT_FALSE(head.is_http_1_0);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.has_content_length);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_EQ(head.host, "example:80");
  EXPECT_EQ(head.content_type, "text/plain");
  EXPECT_EQ(head.deadline_ms, "50");
  EXPECT_EQ(head.request_id, "r1");
  EXPECT_EQ(head.trace_parent, "00-aa");
  EXPECT_EQ(head.accept, "*/*");
  EXPECT_EQ(head.fields.back().name, "X-Mine");
  EXPECT_EQ(head.fields.back().value, "two words");
}

TEST(ParseHttpHead, LeavesNothingOfTheRequestBefore) {
  HttpHead head;
  ASSERT_EQ(Parse("POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n"
                  "X-Request-Id: r\r\n\r\n",
                  &head)
                .status,
            0);
  EXPECT_TRUE(head.keep_alive) << "asked for in HTTP/1.0";
  ASSERT_EQ(Parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &head).status, 0);
  EXPECT_EQ(head.content_length, 0u);
  EXPECT_FALSE(head.has_content_length || head.has_request_id || head.is_http_1_0);
  EXPECT_EQ(head.fields.size(), 1u);
}

struct Kept {
  const char* line_and_fields;
  bool keep_alive;
};

TEST(ParseHttpHead, KnowsWhetherTheConnectionStays) {
  for (const Kept& row : {Kept{"GET / HTTP/1.1\r\nHost: a\r\n", true},
                          Kept{"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n", false},
                          Kept{"GET / HTTP/1.1\r\nHost: a\r\nConnection: a, close ,b\r\n", false},
                          Kept{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                               "Connection: keep-alive\r\n",
                               false},
                          Kept{"GET / HTTP/1.0\r\n", false},
                          Kept{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", true}}) {
    HttpHead head;
    EXPECT_EQ(Parse(absl::StrCat(row.line_and_fields, "\r\n"), &head).status, 0);
    EXPECT_EQ(head.keep_alive, row.keep_alive) << row.line_and_fields;
  }
}

struct Refused {
  const char* name;
  std::string line_and_fields;
  int status;

  friend std::ostream& operator<<(std::ostream& out, const Refused& row) { return out << row.name; }
};

std::vector<Refused> RefusedHeads() {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n", get = "GET / HTTP/1.1\r\nHost: a\r\n";
  std::string many = get;
  for (int i = 0; i < 200; ++i) absl::StrAppend(&many, "x: y\r\n");
  return {
      {"length_and_coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
      {"coding_and_length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
      {"coding_in_http_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400},
      {"two_lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n", 400},
      {"one_length_twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n", 400},
      {"list_of_lengths", post + "Content-Length: 5, 5\r\n", 400},
      {"signed_length", post + "Content-Length: +5\r\n", 400},
      {"negative_length", post + "Content-Length: -5\r\n", 400},
      {"spaced_length", post + "Content-Length: 5 0\r\n", 400},
      {"hexadecimal_length", post + "Content-Length: 0x5\r\n", 400},
      {"empty_length", post + "Content-Length: \r\n", 400},
      {"length_over_64_bits", post + "Content-Length: 18446744073709551616\r\n", 400},
      {"unknown_coding", post + "Transfer-Encoding: gzip\r\n", 400},
      {"coding_after_another", post + "Transfer-Encoding: gzip, chunked\r\n", 400},
      {"coding_twice", post + "Transfer-Encoding: chunked, chunked\r\n", 400},
      {"coding_in_two_fields", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
       400},
      {"coding_with_parameter", post + "Transfer-Encoding: chunked;q=1\r\n", 400},
      {"misspelt_coding", post + "Transfer-Encoding: xchunked\r\n", 400},
      {"empty_coding", post + "Transfer-Encoding:\r\n", 400},
      {"no_host", "GET / HTTP/1.1\r\n", 400},
      {"two_hosts", get + "Host: a\r\n", 400},
      {"host_with_a_path", "GET / HTTP/1.1\r\nHost: a/b\r\n", 400},
      {"host_with_a_user", "GET / HTTP/1.1\r\nHost: a@b\r\n", 400},
      {"host_with_a_space", "GET / HTTP/1.1\r\nHost: a b\r\n", 400},
      {"space_before_colon", "GET / HTTP/1.1\r\nHost : a\r\n", 400},
      {"no_colon", get + "Nothing\r\n", 400},
      {"no_name", get + ": a\r\n", 400},
      {"bare_cr_in_value", get + "X: a\rb\r\n", 400},
      {"bare_cr_in_request_line", "GET /\rx HTTP/1.1\r\nHost: a\r\n", 400},
      {"nul_in_value", get + std::string("X: a\0b\r\n", 8), 400},
      {"control_in_name", get + "X\x01: a\r\n", 400},
      {"two_spaces", "GET  / HTTP/1.1\r\nHost: a\r\n", 400},
      {"no_version", "GET /\r\n", 400},
      {"lower_case_version", "GET / http/1.1\r\nHost: a\r\n", 400},
      {"something_behind_the_version", "GET / HTTP/1.1 x\r\nHost: a\r\n", 400},
      {"two_spaces_behind_the_target", "GET /  HTTP/1.1\r\nHost: a\r\n", 400},
      {"version_twice", "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n", 400},
      {"http_1_2", "GET / HTTP/1.2\r\nHost: a\r\n", 505},
      {"http_2", "PRI * HTTP/2.0\r\n", 505},
      {"http_3", "GET / HTTP/3.1\r\nHost: a\r\n", 505},
      {"unknown_method", "BREW / HTTP/1.1\r\nHost: a\r\n", 501},
      {"lower_case_method", "get / HTTP/1.1\r\nHost: a\r\n", 501},
      {"unknown_expectation", post + "Expect: a miracle\r\n", 417},
      {"compressed_content", post + "Content-Encoding: gzip\r\n", 415},
      {"two_content_types", post + "Content-Type: a/b\r\nContent-Type: c/d\r\n", 400},
      {"many_fields", many, 431},
  };
}

class RefusedHead : public testing::TestWithParam<Refused> {};

TEST_P(RefusedHead, SaysWhichStatusAndWhy) {
  HttpHead head;
  const HttpRefusal refusal = Parse(absl::StrCat(GetParam().line_and_fields, "\r\n"), &head);
  EXPECT_EQ(refusal.status, GetParam().status) << refusal.why;
  EXPECT_NE(refusal.why, "");
}

INSTANTIATE_TEST_SUITE_P(All, RefusedHead, testing::ValuesIn(RefusedHeads()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace windlass
