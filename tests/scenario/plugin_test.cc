// Handlers of a library that somebody else has written, in a real server.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

// `more`: lines of the table.
std::string PluginText(absl::string_view name, absl::string_view library,
                       absl::string_view more = "") {
  return absl::StrCat("[[handler]]\nname = \"", name, "\"\nlibrary = \"", WINDLASS_BUILD_DIR,
                      "/tests/plugins/", library, ".so\"\n", more, "\n");
}

std::string Everything(absl::string_view more = "") {
  return PluginText("everything", "every_feature", more);
}

class ServerWithAPlugin : public testing::Test {
 protected:
  MessageAnswer Ask(absl::string_view content, absl::string_view handler = "everything") {
    Client client(server_->address("message"));
    client.Send(MessageRequest(content, "x/y", "binary",
                               absl::StrCat(", \"handler\": \"", handler, "\", \"who\": \"me\"")));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    EXPECT_TRUE(answer) << content;
    return answer.value_or(MessageAnswer{});
  }
  // After a reload of `config`, which fails because of `why`.
  void ExpectRefused(const std::string& config, const std::string& why) {
    const ServerStatus before = ServerStatus::Of(*server_);
    server_->WriteConfig(config);
    const ProgramResult result = server_->Ctl({"reload"});
    EXPECT_EQ(result.exit_code, 1) << result.out;
    EXPECT_TRUE(absl::StrContains(result.err, why)) << result.err;
    EXPECT_TRUE(OldGenerationsEnd(*server_));
    const ServerStatus after = ServerStatus::Of(*server_);
    EXPECT_EQ(after.generation, before.generation);
    EXPECT_EQ(after.Pids("pool"), before.Pids("pool"));
    EXPECT_EQ(Ask("hello").content, "HELLO");
  }

  const std::unique_ptr<Server> server_ = Server::StartWithConfig(ConfigText(
      {.handlers = Everything("options = { greeting = \"ahoy\", words = [\"a\", \"b\"] }") +
                   PluginText("backwards", "every_feature", "entry = \"reverse\"")}));
};

TEST_F(ServerWithAPlugin, AnswersOverTheWire) {
  EXPECT_EQ(Ask("hello").content, "HELLO");
  EXPECT_EQ(Ask("hello", "backwards").content, "olleh");
  EXPECT_EQ(Ask("options").content, "ahoy 3 0.5 quiet 1s 1024 [a,b]");
  EXPECT_EQ(Ask("arena").content, "ahoy");
  EXPECT_EQ(Ask("started").content, "here");
  EXPECT_EQ(Ask("scratch").content, std::string(1000, 's'));
  EXPECT_EQ(Ask("context").content, "job attempt 1 limited who=me type=x/y encoding=binary");
}

TEST_F(ServerWithAPlugin, ItsErrorsReachTheClientByName) {
  const MessageAnswer refused = Ask("refuse");
  EXPECT_EQ(refused.status, "invalid_argument");
  EXPECT_TRUE(absl::StrContains(refused.content, "no such wish")) << refused.content;
  EXPECT_EQ(Ask("throw").status, "handler_failed");
  const MessageAnswer own = Ask("own error");
  EXPECT_EQ(own.status, "too_large");
  EXPECT_EQ(own.content, "{\"too\": \"much\"}");
}

TEST_F(ServerWithAPlugin, MapsItInPoolProcessesOnly) {
  const auto maps_it = [](pid_t pid) {
    const ProgramResult maps = RunProgram({"/bin/cat", absl::StrCat("/proc/", pid, "/maps")});
    EXPECT_NE(maps.out, "");
    return absl::StrContains(maps.out, "every_feature.so");
  };
  EXPECT_FALSE(maps_it(server_->pid()));
  for (const pid_t worker : server_->Children("worker")) EXPECT_FALSE(maps_it(worker));
  for (const pid_t pool : server_->Children("pool")) EXPECT_TRUE(maps_it(pool));
}

TEST_F(ServerWithAPlugin, ReloadGivesItNewOptions) {
  server_->WriteConfig(ConfigText({.handlers = Everything("options = { greeting = \"moin\" }")}));
  EXPECT_EQ(server_->Ctl({"reload"}).exit_code, 0);
  EXPECT_EQ(Ask("arena").content, "moin");
}

TEST_F(ServerWithAPlugin, GoesOnWithTheOldOneWhenTheNewOneCannotBeLoaded) {
  ExpectRefused(ConfigText({.handlers = Everything("options = { greting = \"moin\" }")}),
                "handler everything: option \"greting\" is unknown; did you mean \"greeting\"?");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "no_such_library")}),
                "handler x: no library '");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "no_description")}),
                "is no Windlass plug-in");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "wrong_abi")}),
                "Build it again with the headers of this server");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "throwing_constructor")}), "no licence");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "throwing_preload")}),
                "handler x: Preload threw an exception: the model is broken");
  ExpectRefused(ConfigText({.handlers = PluginText("x", "failing_start")}),
                "handler x: the database is away");
}

// Which of its processes is heard first is chance.
TEST_F(ServerWithAPlugin, CountsNoDeathsOfAGenerationThatCannotStart) {
  for (int i = 0; i < 10; ++i) {
    ExpectRefused(ConfigText({.pool = 8, .handlers = PluginText("x", "failing_start")}),
                  "handler x: the database is away");
  }
  const std::string deaths = server_->Ctl({"deaths", "--json"}).out;
  EXPECT_TRUE(absl::StrContains(deaths, "\"deaths\": []")) << deaths;
  EXPECT_TRUE(absl::StrContains(deaths, "exited with code 1: handler x: the database is away"))
      << deaths;
}

TEST_F(ServerWithAPlugin, GoesOnWithTheOldOneWhenPreloadOfTheNewOneHangs) {
  ExpectRefused(ConfigText({.in_master = "startup_timeout = \"1s\"",
                            .handlers = PluginText("x", "sleeping_preload")}),
                "startup_timeout, while it loaded handler x");
}

TEST_F(ServerWithAPlugin, WarnsOfWhatPreloadLeftBehind) {
  server_->WriteConfig(
      ConfigText({.handlers = Everything() + PluginText("messy", "leaves_behind")}));
  EXPECT_EQ(server_->Ctl({"reload"}).exit_code, 0);
  EXPECT_TRUE(server_->LogHas("handler messy: Preload left behind 2 threads"));
  EXPECT_TRUE(server_->LogHas("a socket at 127.0.0.1:"));
}

TEST(ServerWithABadPlugin, DoesNotStartAndSaysWhy) {
  TemporaryFolder folder;
  struct Case {
    std::string handlers, why;
  };
  for (const Case& bad :
       {Case{Everything("options = { greting = \"x\" }"), "did you mean \"greeting\"?"},
        Case{PluginText("x", "wrong_abi"), "interface 4711"},
        Case{PluginText("x", "no_such_library"), "no library '"},
        Case{PluginText("x", "throwing_constructor"), "no licence"}}) {
    const std::string config = folder.Write("w.toml", ConfigText({.handlers = bad.handlers}));
    const ProgramResult result =
        RunProgram({Program("windlassd"), "--config=" + config,
                    absl::StrCat("--set=master.control=", folder.path(), "/control")});
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_TRUE(absl::StrContains(result.err, bad.why)) << result.err;
  }
}

TEST(ServerWithABadPlugin, IsNoticedByCheckWhereTheLibraryIsToBlame) {
  TemporaryFolder folder;
  const auto check = [&](const std::string& handlers, const std::string& master = "") {
    const std::string config =
        folder.Write("w.toml", ConfigText({.in_master = master, .handlers = handlers}));
    return RunProgram({Program("windlassd"), "--check", "--config=" + config});
  };
  EXPECT_EQ(check(Everything()).exit_code, 0);
  for (const char* library : {"no_such_library", "no_description", "wrong_abi"}) {
    const ProgramResult result = check(PluginText("x", library));
    EXPECT_EQ(result.exit_code, 78) << library;
    EXPECT_TRUE(absl::StrContains(result.err, "w.toml: handler x: ")) << result.err;
    EXPECT_TRUE(absl::StrContains(result.err, library)) << result.err;
  }
  // No handler is made.
  EXPECT_EQ(check(PluginText("x", "throwing_constructor")).exit_code, 0);
}

}  // namespace
}  // namespace windlass
