// Everything that a client can get wrong: the error it gets, whether its connection goes on, and
// the server still serving.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

struct BadMessage {
  const char* name;
  std::string request;
  const char* code;
  const char* message;  // a part of it
  bool goes_on;
};

std::string Header(absl::string_view keys) { return absl::StrCat("{", keys, "}"); }

constexpr absl::string_view kGood =
    R"("byteorder": "big", "content-type": "text/json", "content-encoding": "utf-8")";

std::vector<BadMessage> BadMessages() {
  const std::string ok_length = absl::StrCat(kGood, R"(, "content-length": 2)");
  const auto with = [&](absl::string_view more) {
    return RawMessage(Header(absl::StrCat(ok_length, ", ", more)), "{}");
  };
  const auto length = [&](absl::string_view value) {
    return RawMessage(Header(absl::StrCat(kGood, R"(, "content-length": )", value)), "{}");
  };
  return {
      {"header is an array", RawMessage("[]", ""), "invalid_argument", "not a JSON object", false},
      {"header is empty", RawMessage("", ""), "invalid_argument", "not a JSON object", false},
      {"header is cut", RawMessage("{\"a\": ", ""), "invalid_argument", "not a JSON object", false},
      {"header with a trailing comma", RawMessage("{\"a\": 1,}", ""), "invalid_argument",
       "not a JSON object", false},
      {"header with a comment", RawMessage("{} // x", ""), "invalid_argument", "not a JSON object",
       false},
      {"header of invalid UTF-8", RawMessage("{\"a\": \"\xff\"}", ""), "invalid_argument",
       "not a JSON object", false},
      {"broken JSON in a key nobody reads",
       RawMessage(Header(absl::StrCat(ok_length, R"(, "x": {"y": [1, 2,, 3]})")), "{}"),
       "invalid_argument", "not a JSON object", false},
      {"no content-length", RawMessage(Header(kGood), ""), "invalid_argument",
       "missing header key 'content-length'", false},
      {"content-length twice",
       RawMessage(Header(absl::StrCat(ok_length, R"(, "content-length": 2)")), "{}"),
       "invalid_argument", "duplicate header key 'content-length'", false},
      {"content-length is a string", length(R"("2")"), "invalid_argument", "'content-length'",
       false},
      {"content-length is negative", length("-2"), "invalid_argument", "'content-length'", false},
      {"content-length is fractional", length("2.0"), "invalid_argument", "'content-length'",
       false},
      {"content-length is overlong", length("99999999999999999999999"), "invalid_argument", "",
       false},
      {"content-length is true", length("true"), "invalid_argument", "'content-length'", false},
      {"content over the limit", length("67108865"), "too_large", "67108864", false},
      {"no byteorder",
       RawMessage(
           R"({"content-type": "text/json", "content-encoding": "utf-8", "content-length": 2})",
           "{}"),
       "invalid_argument", "missing header key 'byteorder'", true},
      {"no content-type",
       RawMessage(R"({"byteorder": "big", "content-encoding": "utf-8", "content-length": 2})",
                  "{}"),
       "invalid_argument", "missing header key 'content-type'", true},
      {"no content-encoding",
       RawMessage(R"({"byteorder": "big", "content-type": "text/json", "content-length": 2})",
                  "{}"),
       "invalid_argument", "missing header key 'content-encoding'", true},
      {"byteorder is middle",
       RawMessage(
           R"({"byteorder": "middle", "content-type": "a", "content-encoding": "b", "content-length": 0})",
           ""),
       "invalid_argument", "'byteorder' must be", true},
      {"content-type is a number",
       RawMessage(
           R"({"byteorder": "big", "content-type": 1, "content-encoding": "b", "content-length": 0})",
           ""),
       "invalid_argument", "'content-type' must be", true},
      {"content-type twice", with(R"("content-type": "text/json")"), "invalid_argument",
       "duplicate header key", true},
      {"request-id is a number", with(R"("request-id": 7)"), "invalid_argument",
       "'request-id' must be", true},
      {"request-id of 257 bytes",
       with(absl::StrCat(R"("request-id": ")", std::string(257, 'r'), "\"")), "invalid_argument",
       "'request-id' must be", true},
      {"handler is null", with(R"("handler": null)"), "invalid_argument", "'handler' must be",
       true},
      {"deadline-ms of 0", with(R"("deadline-ms": 0)"), "invalid_argument", "'deadline-ms' must be",
       true},
      {"deadline-ms over a day", with(R"("deadline-ms": 86400001)"), "invalid_argument",
       "'deadline-ms' must be", true},
      {"deadline-ms is fractional", with(R"("deadline-ms": 1.5)"), "invalid_argument",
       "'deadline-ms' must be", true},
      {"connection is upgrade", with(R"("connection": "upgrade")"), "invalid_argument",
       "'connection' must be", true},
      {"handler names nothing", with(R"("handler": "nothing")"), "not_found",
       "no handler 'nothing'", true},
      {"content is no JSON", MessageRequest("{]"), "invalid_argument", "content is not JSON", true},
      {"content is a JSON array", MessageRequest("[1]"), "invalid_argument", "not a JSON object",
       true},
      {"content is invalid UTF-8", MessageRequest("{\"action\": \"\xff\"}"), "invalid_argument",
       "content is not JSON", true},
      {"unknown charset", MessageRequest("{}", "text/json", "klingon-8"), "invalid_argument",
       "unknown content-encoding", true},
      {"text that is not in its charset", MessageRequest("\xff\xff\xff", "text/json", "utf-16"),
       "invalid_argument", "not text in its content-encoding", true},
      {"burn without ms", MessageRequest(R"({"action": "burn"})"), "invalid_argument", "ms must be",
       true},
  };
}

TEST(BadMessages, GetTheErrorOfTheTableAndHurtNobody) {
  const auto server = Server::StartUsual();
  for (const BadMessage& row : BadMessages()) {
    SCOPED_TRACE(row.name);
    Client client(server->address("message"));
    ASSERT_TRUE(client.Send(row.request + SearchRequest("morpheus")));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, row.code);
    EXPECT_TRUE(
        absl::StrContains(answer->content, absl::StrCat(R"({"error": {"code": ")", row.code, "\"")))
        << answer->content;
    EXPECT_TRUE(absl::StrContains(answer->content, row.message)) << answer->content;
    EXPECT_EQ(answer->close, !row.goes_on);
    const std::optional<MessageAnswer> next = client.ReadAnswer();
    EXPECT_EQ(next.has_value(), row.goes_on);
    if (next) {
      EXPECT_EQ(next->content, kRabbit);
    }
    EXPECT_TRUE(Serves(server->address("message")));
  }
  EXPECT_EQ(server->Children("worker").size(), 2u);
  EXPECT_EQ(server->Children("pool").size(), 2u);
  EXPECT_FALSE(server->LogHas("was killed"));
}

TEST(BadMessages, ErrorIsDeliveredBeforeTheConnectionClosesUnderAFloodOfInput) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  // The client goes on sending behind the broken frame: closing at once would reset the connection
  // and destroy the answer.
  ASSERT_TRUE(client.Send(RawMessage("[]", "") + std::string(200'000, 'x')));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "invalid_argument");
  EXPECT_TRUE(client.SeesEnd());
}

TEST(BadMessages, RequestIdIsEchoedWithAnErrorThatCloses) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(RawMessage(
      absl::StrCat("{", kGood, R"(, "content-length": 99999999999, "request-id": "big"})"), ""));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "too_large");
  EXPECT_EQ(answer->request_id, "big");
}

TEST(BadMessages, RequestIdIsEchoedWithTheError) {
  const auto server = Server::StartUsual();
  Client client(server->address("message"));
  client.Send(SearchRequest("x", R"(, "request-id": "né-1", "handler": "nothing")"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->request_id, "né-1");
}

TEST(BadMessages, HeaderOverTheListenersLimitIsTooLarge) {
  TemporaryFolder folder;
  const std::string config = folder.Write(
      "c.toml",
      "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocol = \"message\"\nmax_header = 200\n");
  const auto server = Server::Start({"--config", config, "--workers=1", "--pool=1"});
  Client client(server->address("message"));
  client.Send(SearchRequest("x", absl::StrCat(R"(, "note": ")", std::string(200, 'n'), "\"")));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "too_large");
  EXPECT_TRUE(client.SeesEnd());
}

struct BadBytes {
  const char* protocol;
  std::string bytes;
};

TEST(BadLinesAndLengths, CloseTheConnectionWithoutAnAnswer) {
  const auto server = Server::StartUsual();
  const BadBytes rows[] = {
      {"line", std::string(70'000, 'l')},
      {"length", "-5\nhello"},
      {"length", "+5\nhello"},
      {"length", " 5\nhello"},
      {"length", "5 \nhello"},
      {"length", "five\nhello"},
      {"length", "\nhello"},
      {"length", "5\r\rhello"},
      {"length", "000000000000000000001\nx"},
      {"length", "99999999999999999999\nx"},
      {"length", "67108865\nx"},
  };
  for (const BadBytes& row : rows) {
    SCOPED_TRACE(absl::StrCat(row.protocol, " ", row.bytes.substr(0, 20)));
    Client client(server->address(row.protocol));
    ASSERT_TRUE(client.Send(row.bytes));
    EXPECT_EQ(client.ReadToEnd(), "");
    EXPECT_TRUE(client.SeesEnd());
  }
  EXPECT_TRUE(Serves(server->address("message")));
  // No room for an error in these protocols: the log says why, but not as often as clients like.
  EXPECT_TRUE(server->LogHas("line connection closed by an error: too_large"));
  EXPECT_TRUE(server->LogHas("length connection closed by an error: invalid_argument"));
}

TEST(BadLinesAndLengths, AnswersBeforeTheBadFrameAreStillDelivered) {
  const auto server = Server::StartUsual();
  Client client(server->address("line"));
  client.Send("good\n" + std::string(70'000, 'l'));
  EXPECT_EQ(client.ReadToEnd(), "good\n");
}

TEST(Garbage, OfEveryProtocolEndsNoProcess) {
  const auto server = Server::StartUsual();
  uint32_t random = 12345;
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
      random = random * 1664525 + 1013904223;
      bytes.push_back(static_cast<char>(random >> 24));
    }
    for (const char* protocol : {"message", "line", "length", "echo"}) {
      Client client(server->address(protocol));
      client.Send(bytes);
      if (round % 2 == 0) client.CloseWithReset();
    }
  }
  EXPECT_TRUE(Serves(server->address("message")));
  EXPECT_FALSE(server->LogHas("was killed")) << server->Log();
}

}  // namespace
}  // namespace windlass
