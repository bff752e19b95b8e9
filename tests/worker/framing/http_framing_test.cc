#include "worker/framing/http_framing.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/worker/framing/cut_stream.h"

namespace windlass {
namespace {

using framing_test::CutWhole;
using framing_test::ExpectSameFramesHoweverCut;
using framing_test::Seen;

HttpFraming Framing(uint64_t max_header = 1000, uint64_t max_content = 100) {
  return HttpFraming({max_header, max_content}, HttpRoutes({{"/find", "search"}}, ""));
}

struct Cut {
  CutOutcome outcome;
  RequestHead head;
  FrameError error;
};

// The head that `bytes` begin with. REQUIRES: it is whole.
Cut CutOne(HttpFraming* framing, const std::string& bytes) {
  static std::string padded;
  padded = bytes + std::string(kInputPadding, 'x');
  Cut cut;
  CutState state;
  cut.outcome = framing->CutHead(absl::string_view(padded).substr(0, bytes.size()), &state,
                                 &cut.head, &cut.error);
  return cut;
}

std::string Post(absl::string_view path, absl::string_view content, absl::string_view fields = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: a\r\nContent-Length: ", content.size(),
                      "\r\n", fields, "\r\n", content);
}

TEST(HttpFraming, RefusesAHeadOverTheLimitInTheSameWayHoweverItIsCut) {
  HttpFraming framing = Framing(/*max_header=*/40);
  const std::string line = "GET / HTTP/1.1\r\n";
  for (const std::string& stream :
       {line + "A: " + std::string(40, 'a') + "\r\n\r\n", line + std::string(24, 'a') + "\nb\n",
        "GET /" + std::string(35, 'a') + "\n\r\n", "GET /" + std::string(60, 'a') + "\n"}) {
    ExpectSameFramesHoweverCut(&framing, stream);
  }
}

TEST(HttpFraming, GivesAHandlerTheContentOfAPost) {
  HttpFraming framing = Framing();
  const Cut cut = CutOne(&framing, Post("/h/work?k=v", "hello",
                                        "Content-Type: text/plain; charset=latin1\r\n"
                                        "X-Mine: 1\r\nx-mine: 2\r\nConnection: x\r\n"));
  ASSERT_EQ(cut.outcome, CutOutcome::kRequest);
  EXPECT_EQ(cut.head.handler, "work");
  EXPECT_EQ(cut.head.content_bytes, 5u);
  EXPECT_EQ(cut.head.content_type, "text/plain");
  EXPECT_EQ(cut.head.content_encoding, "latin1");
  EXPECT_FALSE(cut.head.close_after);
  EXPECT_EQ(cut.head.header,
            R"({":method": "POST", ":path": "/h/work", ":query": "k=v", "host": "a", )"
            R"("content-type": "text/plain; charset=latin1", "x-mine": "1, 2"})");
}

TEST(HttpFraming, GivesAHandlerTheQueryOfAGetAsJson) {
  HttpFraming framing = Framing();
  for (const absl::string_view method : {"GET", "HEAD"}) {
    const Cut cut =
        CutOne(&framing, absl::StrCat(method, " /find?value=a%20b HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_EQ(cut.outcome, CutOutcome::kRequest);
    EXPECT_EQ(cut.head.handler, "search");
    EXPECT_TRUE(cut.head.content_is_made);
    EXPECT_EQ(cut.head.content, R"({"action": "search", "value": "a b"})");
    EXPECT_EQ(cut.head.content_type, "text/json");
    EXPECT_EQ(cut.head.content_bytes, 0u);
    EXPECT_EQ(cut.head.omit_content, method == "HEAD");
  }
}

TEST(HttpFraming, CutsTheSameHeadsHoweverTheyArrive) {
  HttpFraming framing = Framing();
  for (const std::string& stream :
       {absl::StrCat(Post("/h/work", "hello"), "GET /find?value=x HTTP/1.1\r\nHost: a\r\n\r\n",
                     Post("/h/other", "")),
        absl::StrCat("\r\n\r\n", Post("/h/work", "\r\n\r\n")),
        std::string("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        absl::StrCat("PUT /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
                     Post("/h/x", "y"))}) {
    ExpectSameFramesHoweverCut(&framing, stream);
  }
}

TEST(HttpFraming, SkipsEmptyLinesBeforeARequest) {
  HttpFraming framing = Framing();
  const std::vector<Seen> seen = CutWhole(&framing, absl::StrCat("\r\n", Post("/h/work", "hello")));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].outcome, CutOutcome::kRequest);
  EXPECT_EQ(seen[0].content, "hello");
}

struct Wrong {
  const char* name;
  std::string bytes;
  CutOutcome outcome;
  int status;

  friend std::ostream& operator<<(std::ostream& out, const Wrong& row) { return out << row.name; }
};

std::vector<Wrong> WrongOnes() {
  const std::string long_value(1000, 'x');
  return {
      {"method_that_no_path_has", "PUT /h/x HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused,
       405},
      {"the_same_chunked",
       "PUT /h/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       CutOutcome::kLost, 405},
      {"connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused, 405},
      {"asterisk_of_a_get", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused, 400},
      {"long_line_of_a_whole_head",
       absl::StrCat("GET /", long_value, " HTTP/1.1\r\nHost: a\r\n\r\n"), CutOutcome::kLost, 414},
      {"content_over_the_limit_of_a_method_that_no_path_has",
       "PUT /h/x HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", CutOutcome::kLost, 413},
      {"options", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused, 204},
      {"bad_target", "GET h/x HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused, 400},
      {"bad_encoding", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused, 400},
      {"get_with_content", "GET /find HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
       CutOutcome::kLost, 400},
      {"length_required", "POST /h/x HTTP/1.0\r\n\r\n", CutOutcome::kLost, 411},
      {"content_too_large", Post("/h/x", std::string(101, 'x')), CutOutcome::kLost, 413},
      {"head_too_large", absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\nX: ", long_value),
       CutOutcome::kLost, 431},
      {"whole_head_too_large",
       absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\nX: ", long_value, "\r\n\r\n"), CutOutcome::kLost,
       431},
      {"line_too_long", absl::StrCat("GET /", long_value), CutOutcome::kLost, 414},
      {"obs_fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", CutOutcome::kLost, 400},
      {"deadline_zero", Post("/h/x", "", "X-Deadline-Ms: 0\r\n"), CutOutcome::kRefused, 400},
      {"deadline_signed", Post("/h/x", "", "X-Deadline-Ms: +5\r\n"), CutOutcome::kRefused, 400},
      {"deadline_over_a_day", Post("/h/x", "", "X-Deadline-Ms: 86400001\r\n"), CutOutcome::kRefused,
       400},
      {"long_request_id",
       Post("/h/x", "", absl::StrCat("X-Request-Id: ", std::string(257, 'i'), "\r\n")),
       CutOutcome::kRefused, 400},
      {"query_for_a_handler", "GET /find?a=1&a=2 HTTP/1.1\r\nHost: a\r\n\r\n", CutOutcome::kRefused,
       400},
  };
}

class WrongRequest : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRequest, IsRefusedWithItsStatus) {
  HttpFraming framing = Framing();
  const Cut cut = CutOne(&framing, GetParam().bytes);
  EXPECT_EQ(cut.outcome, GetParam().outcome) << cut.error.message;
  EXPECT_EQ(cut.error.http_status, GetParam().status) << cut.error.message;
  EXPECT_EQ(cut.error.code == ErrorCode::kOk, GetParam().status == 204);
}

INSTANTIATE_TEST_SUITE_P(All, WrongRequest, testing::ValuesIn(WrongOnes()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(HttpFraming, NamesTheHandlerOfWhatItRefuses) {
  HttpFraming framing = Framing();
  for (const absl::string_view path : {"/h/search", "/find"}) {
    const std::string start = absl::StrCat(" ", path, " HTTP/1.1\r\nHost: a\r\n");
    for (const std::string& bytes :
         {Post(path, std::string(101, 'x')), Post(path, "", "X-Deadline-Ms: x\r\n"),
          Post(path, "", "Content-Encoding: gzip\r\n"), Post(path, "", "Expect: x\r\n"),
          absl::StrCat("PUT", start, "\r\n"), absl::StrCat("BREW", start, "\r\n"),
          absl::StrCat("GET", start, "Content-Length: 1\r\n\r\n"),
          absl::StrCat("GET ", path, "?a=1&a=2 HTTP/1.1\r\nHost: a\r\n\r\n")}) {
      const Cut cut = CutOne(&framing, bytes);
      EXPECT_NE(cut.error.code, ErrorCode::kOk) << bytes;
      EXPECT_EQ(cut.head.handler, "search") << bytes;
    }
  }
  for (const absl::string_view target : {"/", "*", "a:80", "/%zz"}) {
    const Cut cut = CutOne(&framing, absl::StrCat("PUT ", target, " HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(cut.head.handler, "") << target;
  }
}

TEST(HttpFraming, AnswersOptionsForNoHandler) {
  HttpFraming framing = Framing();
  EXPECT_EQ(CutOne(&framing, "OPTIONS /find HTTP/1.1\r\nHost: a\r\n\r\n").head.handler, "");
}

std::string Answered(HttpFraming* framing, const ResponseHead& head) {
  std::string out;
  framing->AppendResponseHead(head, &out);
  const size_t date = out.find("Date: ");
  EXPECT_EQ(out.find(" GMT\r\n", date), date + 31) << "an IMF-fixdate has 29 bytes";
  return out.erase(date, 37);
}

TEST(HttpFraming, WritesTheHeadOfAnAnswer) {
  HttpFraming framing = Framing();
  ResponseHead head;
  head.content_type = "text/json";
  head.content_encoding = "utf-8";
  head.content_bytes = 7;
  EXPECT_EQ(Answered(&framing, head),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
            "Content-Length: 7\r\n\r\n");
  head.status = ErrorCode::kInvalidArgument;
  head.request_id = "r1";
  head.has_request_id = true;
  head.close = true;
  EXPECT_EQ(Answered(&framing, head),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n"
            "Content-Length: 7\r\nX-Request-Id: r1\r\nConnection: close\r\n\r\n");
}

TEST(HttpFraming, TellsAClientOfHttp10ThatTheConnectionStays) {
  HttpFraming framing = Framing();
  const Cut cut =
      CutOne(&framing, "GET /find HTTP/1.0\r\nConnection: keep-alive\r\ntraceparent: 00-a\r\n\r\n");
  ASSERT_EQ(cut.outcome, CutOutcome::kRequest);
  ResponseHead head;
  head.answer_form = cut.head.answer_form;
  head.request_id = cut.head.request_id;
  head.has_request_id = cut.head.has_request_id;
  EXPECT_EQ(Answered(&framing, head),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ntraceparent: 00-a\r\n"
            "Connection: keep-alive\r\n\r\n");
}

struct Status {
  ErrorCode code;
  int status;
};

TEST(HttpFraming, TellsErrorsAsProblems) {
  HttpFraming framing = Framing();
  for (const Status& row :
       {Status{ErrorCode::kInvalidArgument, 400}, Status{ErrorCode::kNotFound, 404},
        Status{ErrorCode::kTooLarge, 413}, Status{ErrorCode::kOverloaded, 503},
        Status{ErrorCode::kDeadlineExceeded, 504}, Status{ErrorCode::kHandlerCrashed, 500},
        Status{ErrorCode::kQuarantined, 422}, Status{ErrorCode::kHandlerFailed, 500},
        Status{ErrorCode::kUnavailable, 503}}) {
    ResponseHead head;
    head.status = row.code;
    std::string out;
    ASSERT_TRUE(framing.AppendError(head, "say \"why\"\n\xff", &out));
    EXPECT_TRUE(absl::StartsWith(out, absl::StrCat("HTTP/1.1 ", row.status, " "))) << out;
    EXPECT_TRUE(absl::StrContains(out, "\r\nContent-Type: application/problem+json\r\n"));
    EXPECT_TRUE(absl::StrContains(
        out, absl::StrCat("\"status\": ", row.status, ", \"code\": \"", ErrorCodeName(row.code),
                          "\", \"detail\": \"say \\\"why\\\"\\n?\"}")))
        << out;
    EXPECT_EQ(absl::StrContains(out, "Retry-After: 1\r\n"), row.status == 503);
    const size_t content = out.find("\r\n\r\n") + 4;
    EXPECT_TRUE(
        absl::StrContains(out, absl::StrCat("\r\nContent-Length: ", out.size() - content, "\r\n")));
  }
}

TEST(HttpFraming, SaysWhenToTryAgainInWholeSeconds) {
  HttpFraming framing = Framing();
  ResponseHead head;
  head.status = ErrorCode::kOverloaded;
  head.retry_ms = 1001;
  std::string out;
  framing.AppendError(head, "full", &out);
  EXPECT_TRUE(absl::StrContains(out, "Retry-After: 2\r\n"));
}

TEST(HttpFraming, SaysWhichMethodsThereAre) {
  HttpFraming framing = Framing();
  for (const int status : {204, 405}) {
    ResponseHead head;
    head.http_status = static_cast<uint16_t>(status);
    std::string out;
    framing.AppendError(head, "", &out);
    EXPECT_TRUE(absl::StrContains(out, "\r\nAllow: GET, HEAD, OPTIONS, POST\r\n")) << out;
    EXPECT_EQ(absl::StrContains(out, "Content-Length"), status == 405);
  }
}

TEST(HttpFraming, SaysWhatAMethodThatNoPathHasCouldBe) {
  HttpFraming framing = Framing();
  EXPECT_EQ(CutOne(&framing, "PUT /h/x HTTP/1.1\r\nHost: a\r\n\r\n").error.message,
            "method PUT is not allowed; allowed are GET, HEAD, OPTIONS, POST");
}

TEST(HttpFraming, OmitsTheContentOfAnErrorThatAnswersHead) {
  HttpFraming framing = Framing();
  ResponseHead head;
  head.status = ErrorCode::kNotFound;
  head.omit_content = true;
  std::string out;
  framing.AppendError(head, "why", &out);
  EXPECT_TRUE(absl::EndsWith(out, "\r\n\r\n")) << out;
  EXPECT_FALSE(absl::StrContains(out, "Content-Length: 0")) << out;
}

}  // namespace
}  // namespace windlass
