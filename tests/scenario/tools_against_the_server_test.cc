// The client programs, as a user types them, against a real server.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"

namespace windlass {
namespace {

class Tools : public testing::Test {
 protected:
  ProgramResult Windlass(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), Program("windlass"));
    return RunProgram(arguments, input, absl::Seconds(60));
  }
  const std::unique_ptr<Server> server_ = Server::StartUsual();
};

TEST_F(Tools, SearchPrintsTheResult) {
  const ProgramResult result = Windlass({"search", server_->address("message"), "morpheus"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Follow the white rabbit. \xf0\x9f\x90\xb0\n");
}

TEST_F(Tools, BinaryEchoLineAndLengthSpeakTheirProtocols) {
  EXPECT_TRUE(
      absl::StartsWith(Windlass({"binary", server_->address("message"), "0123456789abc"}).out,
                       "First 10 bytes of request: 0123456789"));
  EXPECT_TRUE(absl::StartsWith(Windlass({"echo", server_->address("echo"), "hello"}).out, "hello"));
  EXPECT_EQ(Windlass({"line", server_->address("line")}, "one\ntwo\n").out, "one\ntwo\n");
  EXPECT_TRUE(
      absl::StartsWith(Windlass({"length", server_->address("length"), "-"}, "body").out, "body"));
}

TEST_F(Tools, SendReachesANamedHandlerWithALargeFile) {
  TemporaryFolder folder;
  const std::string content(3 << 20, 'f');
  const ProgramResult result = Windlass({"send", server_->address("message"), "--handler", "echo",
                                         "--content-type", "x/y", folder.Write("big", content)});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.out == content);
}

TEST_F(Tools, MultiRunsAThousandConnections) {
  const ProgramResult result = Windlass({"multi", server_->address("echo"), "1000"});
  EXPECT_EQ(result.exit_code, 0) << result.err.substr(0, 500);
}

TEST_F(Tools, ErrorAnswersAndMissingServersHaveTheirExitCodes) {
  const ProgramResult unknown = Windlass(
      {"send", server_->address("message"), "--handler", "nothing", "--content-type", "x/y", "-"},
      "x");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(unknown.err, "not_found")) << unknown.err;
  const ProgramResult refused = Windlass({"search", "127.0.0.1:1", "x"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_TRUE(absl::StrContains(refused.err, "is windlassd running?")) << refused.err;
}

TEST_F(Tools, BenchVerifiesEveryAnswerOfEveryProtocol) {
  for (const char* protocol : {"message", "echo", "line", "length"}) {
    std::vector<std::string> command = {
        Program("windlass-bench"),
        absl::StrCat("--target=", protocol, "://", server_->address(protocol)), "--connections=8",
        "--requests=2000", "--json"};
    // A length listener closes after each answer.
    if (std::string(protocol) != "length") command.push_back("--pipeline=4");
    const ProgramResult result = RunProgram(command, "", absl::Seconds(60));
    EXPECT_EQ(result.exit_code, 0) << protocol << result.err;
    EXPECT_TRUE(absl::StrContains(result.out, "\"mismatched\"")) << result.out;
  }
}

}  // namespace
}  // namespace windlass
