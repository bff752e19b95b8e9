#include "tools/client/client_options.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace windlass {
namespace {

absl::StatusOr<ClientOptions> Parse(std::vector<std::string> args) {
  return ParseClientOptions(args);
}

void ExpectUsageError(std::vector<std::string> args, absl::string_view part) {
  const auto options = ParseClientOptions(args);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(options.status().message(), part)) << options.status();
}

TEST(ClientOptions, SearchAsksInJsonAndWaitsTenSeconds) {
  const auto options = Parse({"search", "127.0.0.1:65432", "morpheus"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, ClientCommand::kSearch);
  EXPECT_EQ(options->address, "127.0.0.1:65432");
  EXPECT_EQ(options->text, "morpheus");
  EXPECT_EQ(options->message.content_type, "text/json");
  EXPECT_EQ(options->message.content_encoding, "utf-8");
  EXPECT_EQ(options->timeout, absl::Seconds(10));
  EXPECT_FALSE(options->json);
}

TEST(ClientOptions, BinaryAsksWithTheTypeOfTheOriginalClients) {
  const auto options = Parse({"binary", ":1", "x", "--json", "--show-wire", "--timeout=1s"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->message.content_type, "binary/custom-client-binary-type");
  EXPECT_EQ(options->message.content_encoding, "binary");
  EXPECT_TRUE(options->json);
  EXPECT_TRUE(options->show_wire);
  EXPECT_EQ(options->timeout, absl::Seconds(1));
}

TEST(ClientOptions, MultiHasTheClassicMessagesByDefault) {
  const auto classic = Parse({"multi", ":1", "1000"});
  ASSERT_TRUE(classic.ok()) << classic.status();
  EXPECT_EQ(classic->connections, 1000u);
  EXPECT_EQ(classic->messages,
            (std::vector<std::string>{"Message 1 from client.", "Message 2 from client."}));
  EXPECT_EQ(Parse({"multi", ":1", "1", "a", "", "b"})->messages,
            (std::vector<std::string>{"a", "", "b"}));
  ExpectUsageError({"multi", ":1", "0"}, "CONNECTIONS");
}

TEST(ClientOptions, SendTakesEverythingThatARequestCanSay) {
  const auto options = Parse({"send", "unix:/tmp/s", "-", "--handler=h", "--content-type=image/png",
                              "--content-encoding=raw", "--header=a=1",
                              "--header=b==", "--deadline-ms=250", "--request-id="});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->file, "-");
  EXPECT_EQ(options->message.handler, "h");
  EXPECT_EQ(options->message.content_type, "image/png");
  EXPECT_EQ(options->message.content_encoding, "raw");
  EXPECT_EQ(options->message.deadline_ms, 250u);
  EXPECT_EQ(options->message.request_id, "");
  EXPECT_EQ(options->message.more_keys,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "="}}));
}

TEST(ClientOptions, TheEncodingOfTextIsUtf8UnlessSaidOtherwise) {
  EXPECT_EQ(Parse({"send", ":1", "f", "--content-type=text/json"})->message.content_encoding,
            "utf-8");
  EXPECT_EQ(Parse({"send", ":1", "f", "--content-type=image/png"})->message.content_encoding,
            "binary");
  EXPECT_FALSE(Parse({"send", ":1", "f"})->message.request_id.has_value());
}

TEST(ClientOptions, ALongDeadlineMakesTheDefaultTimeoutLongerButNotAnExplicitOne) {
  EXPECT_EQ(Parse({"send", ":1", "f", "--deadline-ms=60000"})->timeout, absl::Seconds(65));
  EXPECT_EQ(Parse({"send", ":1", "f", "--deadline-ms=100"})->timeout, absl::Seconds(10));
  EXPECT_EQ(Parse({"send", ":1", "f", "--deadline-ms=60000", "--timeout=1s"})->timeout,
            absl::Seconds(1));
}

TEST(ClientOptions, HeaderKeysThatAreWrittenFromElsewhereAreRefused) {
  for (const char* key : {"byteorder", "content-length", "content-type", "handler", "request-id"}) {
    ExpectUsageError({"send", ":1", "f", std::string("--header=") + key + "=x"}, "reserved");
  }
  ExpectUsageError({"send", ":1", "f", "--header=a=1", "--header=a=2"}, "twice");
  ExpectUsageError({"send", ":1", "f", "--header=a"}, "KEY=VALUE");
  ExpectUsageError({"send", ":1", "f", "--header==a"}, "KEY=VALUE");
}

TEST(ClientOptions, AnOptionOfAnotherCommandIsRefused) {
  ExpectUsageError({"search", ":1", "x", "--handler=h"}, "does not belong to 'search'");
  ExpectUsageError({"send", ":1", "x", "--no-half-close"}, "does not belong to 'send'");
  EXPECT_FALSE(Parse({"line", ":1", "--no-half-close"})->half_close);
  EXPECT_TRUE(Parse({"length", ":1", "f"})->half_close);
}

TEST(ClientOptions, WrongUsageSaysWhatIsRight) {
  ExpectUsageError({}, "no command");
  ExpectUsageError({"serch", ":1", "x"}, "did you mean 'search'?");
  ExpectUsageError({"echo", ":1"}, "windlass echo ADDRESS TEXT");
  ExpectUsageError({"echo", ":1", "a", "b"}, "windlass echo ADDRESS TEXT");
  ExpectUsageError({"echo", "127.0.0.1", "a"}, "needs a port");
  ExpectUsageError({"send", ":1", "f", "--deadline-ms=0"}, "--deadline-ms");
  ExpectUsageError({"send", ":1", "f", "--request-id=" + std::string(257, 'x')}, "256");
}

TEST(ClientOptions, HelpAndVersionNeedNothingElse) {
  EXPECT_EQ(Parse({"--help"})->command, ClientCommand::kHelp);
  EXPECT_EQ(Parse({"echo", "-h"})->command, ClientCommand::kHelp);
  EXPECT_EQ(Parse({"--version"})->command, ClientCommand::kVersion);
}

TEST(ClientOptions, RunTakesAHandlerItsOptionsAndWhatARequestCanSay) {
  const auto options =
      Parse({"run", "--library=./x.so", "--handler=h", "--option=n=5", "--option", "s=some text",
             "--option=e=", "--option=q=a=b", "--option=l=[\"x\"]", "--header=who=me",
             "--content-type=text/plain", "--deadline=5s", "-"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, ClientCommand::kRun);
  EXPECT_EQ(options->file, "-");
  EXPECT_EQ(options->run.library, "./x.so");
  EXPECT_EQ(options->run.handler, "h");
  const std::map<std::string, OptionValue> expected = {{"n", int64_t{5}},
                                                       {"s", std::string("some text")},
                                                       {"e", std::string()},
                                                       {"q", std::string("a=b")},
                                                       {"l", std::vector<std::string>{"x"}}};
  EXPECT_EQ(options->run.options, expected);
  EXPECT_EQ(options->run.deadline, absl::Seconds(5));
  EXPECT_EQ(options->message.content_encoding, "utf-8");
  ASSERT_EQ(options->message.more_keys.size(), 1u);
  EXPECT_EQ(Parse({"run", "--builtin=echo", "f"})->run.deadline, absl::InfiniteDuration());
}

TEST(ClientOptions, RunNeedsOneHandlerAndOptionsThatBelongToIt) {
  ExpectUsageError({"run", "f"}, "--library");
  ExpectUsageError({"run", "--library=x", "--builtin=echo", "f"}, "--builtin");
  ExpectUsageError({"run", "--builtin=eco", "f"}, "did you mean 'echo'?");
  ExpectUsageError({"run", "--builtin=echo", "--handler=echo", "f"}, "--library");
  ExpectUsageError({"run", "--library=x"}, "usage: windlass run");
  ExpectUsageError({"run", "--library=x", "f", "--option=x"}, "KEY=VALUE");
  ExpectUsageError({"run", "--library=x", "f", "--option=x=1", "--option=x=2"}, "given twice");
  ExpectUsageError({"run", "--library=x", "f", "--option=x={a=1}"}, "not a table");
  ExpectUsageError({"run", "--library=x", "f", "--timeout=1s"}, "does not belong to 'run'");
  ExpectUsageError({"send", ":1", "f", "--library=x"}, "does not belong to 'send'");
  ExpectUsageError({"line", ":1", "--option=a=1"}, "does not belong to 'line'");
}

}  // namespace
}  // namespace windlass
