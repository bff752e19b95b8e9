// The byte vectors of the wire protocols, through a real server, with either selector.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

struct Vector {
  std::string request, response;
};

// Little-endian server.
const Vector kMorpheus = {
    std::string("\0d", 2) +
        R"({"byteorder": "big", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 41})"
        R"({"action": "search", "value": "morpheus"})",
    std::string("\0g", 2) +
        R"({"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 43})"
        "{\"result\": \"Follow the white rabbit. \xf0\x9f\x90\xb0\"}"};
const Vector kBinary = {
    std::string("\0|", 2) +
        R"({"byteorder": "big", "content-type": "binary/custom-client-binary-type", "content-encoding": "binary", "content-length": 10})"
        "binary\xf0\x9f\x98\x83",
    std::string("\0\x7f", 2) +
        R"({"byteorder": "little", "content-type": "binary/custom-server-binary-type", "content-encoding": "binary", "content-length": 37})"
        "First 10 bytes of request: binary\xf0\x9f\x98\x83"};

class WireVectors : public testing::TestWithParam<const char*> {
 protected:
  WireVectors()
      : server_(Server::StartUsual({absl::StrCat("--set=workers.selector=", GetParam())})) {}

  std::string ContentFor(const std::string& json) {
    Client client(server_->address("message"));
    client.Send(MessageRequest(json));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    return answer ? answer->content : "no answer";
  }

  const std::unique_ptr<Server> server_;
};
INSTANTIATE_TEST_SUITE_P(Selectors, WireVectors, testing::Values("epoll", "poll"));

TEST_P(WireVectors, SearchAndBinaryAnswersAreTheBytesOfTheSpecification) {
  for (const Vector& vector : {kMorpheus, kBinary}) {
    Client client(server_->address("message"));
    ASSERT_TRUE(client.Send(vector.request));
    EXPECT_EQ(client.Read(vector.response.size()), vector.response);
  }
}

TEST_P(WireVectors, OneBytePerSegmentGivesTheSameAnswers) {
  Client client(server_->address("message"));
  ASSERT_TRUE(client.SendByteByByte(kMorpheus.request + kBinary.request));
  EXPECT_EQ(client.Read(kMorpheus.response.size() + kBinary.response.size()),
            kMorpheus.response + kBinary.response);
}

TEST_P(WireVectors, ManyFramesInOneSegmentGiveTheSameAnswers) {
  std::string requests, responses;
  for (int i = 0; i < 40; ++i) {
    requests += kMorpheus.request + kBinary.request;
    responses += kMorpheus.response + kBinary.response;
  }
  Client client(server_->address("message"));
  ASSERT_TRUE(client.Send(requests));
  EXPECT_EQ(client.Read(responses.size()), responses);
}

TEST_P(WireVectors, SearchKnowsItsTableAndSaysSoWhenItDoesNot) {
  EXPECT_EQ(ContentFor(R"({"action": "search", "value": "ring"})"),
            "{\"result\": \"In the caves beneath the Misty Mountains. \xf0\x9f\x92\x8d\"}");
  EXPECT_EQ(ContentFor("{\"action\": \"search\", \"value\": \"\xf0\x9f\x90\xb6\"}"),
            "{\"result\": \"\xf0\x9f\x90\xbe Playing ball! \xf0\x9f\x8f\x90\"}");
  EXPECT_EQ(ContentFor(R"({"action": "search", "value": "nobody"})"),
            R"({"result": "No match for 'nobody'."})");
  EXPECT_EQ(ContentFor(R"({"action": "search"})"), R"({"result": "No match for 'None'."})");
  EXPECT_EQ(ContentFor(R"({"action": "search", "value": 5})"),
            R"({"result": "No match for '5'."})");
}

TEST_P(WireVectors, UnknownActionKeepsTheResultFormAndCarriesAStatus) {
  const std::pair<const char*, const char*> rows[] = {{R"({"action": "jump"})", "jump"},
                                                      {R"({"value": 1})", "None"},
                                                      {R"({"action": 5})", "5"},
                                                      {R"({"action": [1, 2]})", "[1,2]"}};
  for (const auto& [json, shown] : rows) {
    Client client(server_->address("message"));
    client.Send(MessageRequest(json));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    ASSERT_TRUE(answer) << json;
    EXPECT_EQ(answer->content,
              absl::StrCat(R"({"result": "Error: invalid action ')", shown, R"('."})"));
    EXPECT_EQ(answer->status, "invalid_argument");
  }
}

TEST_P(WireVectors, EchoSendsBackWhatArrivesAsItArrives) {
  Client client(server_->address("echo"));
  for (const std::string& text : {std::string("Message 1 from client."), std::string("\0\xff\n", 3),
                                  std::string(100000, 'e')}) {
    ASSERT_TRUE(client.Send(text));
    EXPECT_EQ(client.Read(text.size()), text);
  }
}

TEST_P(WireVectors, LinesComeBackWholeHoweverTheyWereCut) {
  Client client(server_->address("line"));
  client.Send("hel");
  client.Send("lo\nwo");
  client.Send("rld\n");
  EXPECT_EQ(client.Read(12), "hello\nworld\n");
}

TEST_P(WireVectors, IncompleteLineIsDroppedAtTheEndOfTheStream) {
  Client client(server_->address("line"));
  client.Send(std::string("a\0b\nrest", 8));
  client.ShutdownWrite();
  EXPECT_EQ(client.ReadToEnd(), std::string("a\0b\n", 4));
}

TEST_P(WireVectors, LengthAnswersWithTheBodyAloneAndCloses) {
  const std::pair<const char*, const char*> rows[] = {{"5\nhello", "hello"},
                                                      {"0005\r\nhello", "hello"},
                                                      {"0\n", ""},
                                                      {"00000000000000000001\nx", "x"}};
  for (const auto& [request, response] : rows) {
    Client client(server_->address("length"));
    client.Send(request);
    EXPECT_EQ(client.ReadToEnd(), response) << request;
  }
}

}  // namespace
}  // namespace windlass
