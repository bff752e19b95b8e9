#include "worker/handlers/handler_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Alone : public HandlerContext {
 public:
  uint64_t job_id() const override { return 1; }
  int attempt() const override { return 1; }
  absl::Duration time_left() const override { return absl::InfiniteDuration(); }
  bool cancelled() const override { return false; }
  std::optional<std::string> header(absl::string_view) override { return std::nullopt; }
  void Log(HandlerLogLevel, absl::string_view) override {}
  absl::Span<char> Scratch(size_t) override { return {}; }
  int processes() const override { return 1; }
  absl::StatusOr<absl::Span<char>> ResponseMemory(size_t) override { return absl::Span<char>(); }
};

class HandlerSetTest : public testing::Test {
 protected:
  HandlerConfig& AddPlugin(const std::string& name, const std::string& library) {
    HandlerConfig handler;
    handler.name = name;
    handler.library = absl::StrCat(WINDLASS_BUILD_DIR, "/tests/plugins/", library);
    config_.handlers.push_back(handler);
    return config_.handlers.back();
  }
  HandlerConfig& AddBuiltin(const std::string& name) {
    HandlerConfig handler;
    handler.name = handler.builtin = name;
    config_.handlers.push_back(handler);
    return config_.handlers.back();
  }
  HandlerSet Load() {
    absl::StatusOr<HandlerSet> set = HandlerSet::Load(config_, 0);
    EXPECT_TRUE(set.ok()) << set.status();
    return *std::move(set);
  }
  std::string WhyNot() { return std::string(HandlerSet::Load(config_, 0).status().message()); }
  // What `handler` answers, or what it says against it.
  static std::string Ask(Handler* handler, const std::string& content) {
    std::string padded = content;
    padded.append(64, '\0');
    Request request;
    request.content = absl::string_view(padded).substr(0, content.size());
    Alone context;
    const absl::StatusOr<Response> response = handler->Handle(request, context);
    if (!response.ok()) return std::string(response.status().message());
    std::string answer;
    for (const ResponsePiece& piece : response->pieces) absl::StrAppend(&answer, piece.bytes());
    return answer;
  }

  Config config_;
};

TEST_F(HandlerSetTest, HasTheHandlersInTheOrderOfTheConfiguration) {
  AddBuiltin("echo");
  AddPlugin("reverse", "every_feature");
  AddPlugin("shout", "every_feature").entry = "everything";
  HandlerSet set = Load();
  EXPECT_EQ(set.Start(), absl::OkStatus());
  ASSERT_EQ(set.size(), 3u);
  EXPECT_EQ(Ask(set.at(0), "abc"), "abc");
  EXPECT_EQ(Ask(set.at(1), "abc"), "cba");
  EXPECT_EQ(Ask(set.at(2), "abc"), "ABC");
}

TEST_F(HandlerSetTest, HandlersOfOneLibraryHaveTheirOwnOptions) {
  HandlerConfig& a = AddPlugin("a", "every_feature");
  a.entry = "everything";
  a.options = {{"greeting", std::string("ahoy")},
               {"count", int64_t{5}},
               {"ratio", 0.25},
               {"loud", true},
               {"pause", std::string("1m")},
               {"size", std::string("1MiB")},
               {"words", std::vector<std::string>{"x", "y"}}};
  AddPlugin("b", "every_feature").entry = "everything";
  HandlerSet set = Load();
  EXPECT_EQ(Ask(set.at(0), "options"), "ahoy 5 0.25 loud 1m 1048576 [x,y]");
  EXPECT_EQ(Ask(set.at(1), "options"), "hello 3 0.5 quiet 1s 1024 []");
}

TEST_F(HandlerSetTest, WhatPreloadPutIntoTheArenaIsThereAndCannotBeChanged) {
  AddPlugin("everything", "every_feature").options["greeting"] = std::string("shared");
  HandlerSet set = Load();
  EXPECT_EQ(Ask(set.at(0), "arena"), "shared");
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's would report instead
    Ask(set.at(0), "write to the arena");
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
  EXPECT_EQ(Ask(set.at(0), "arena"), "shared");
}

TEST_F(HandlerSetTest, StartIsRunInTheProcessThatItIsCalledIn) {
  AddPlugin("everything", "every_feature");
  HandlerSet set = Load();
  EXPECT_EQ(Ask(set.at(0), "started"), "elsewhere");
  EXPECT_EQ(set.Start(), absl::OkStatus());
  EXPECT_EQ(Ask(set.at(0), "started"), "here");
}

TEST_F(HandlerSetTest, UnknownOptionIsRefused) {
  AddPlugin("everything", "every_feature").options["greting"] = std::string("x");
  EXPECT_EQ(WhyNot(),
            "handler everything: option \"greting\" is unknown; did you mean \"greeting\"?");
}

TEST_F(HandlerSetTest, WrongOptionIsTheReasonAlsoWhenPreloadFailsOverIt) {
  AddBuiltin("file");
  EXPECT_THAT(WhyNot(), HasSubstr("handler file: option \"root\" is required"));
}

TEST_F(HandlerSetTest, SaysWhichBuiltinCannotBeLoadedAndWhy) {
  HandlerConfig& search = AddBuiltin("search");
  search.name = "mine";
  search.options["table"] = std::string("/no/such/table.json");
  EXPECT_THAT(WhyNot(), AllOf(HasSubstr("handler mine: search table /no/such/table.json")));
}

TEST_F(HandlerSetTest, ConstructorPreloadAndStartMayThrowOrFail) {
  AddPlugin("a", "throwing_constructor");
  EXPECT_THAT(WhyNot(), AllOf(HasSubstr("handler a: "), HasSubstr("no licence")));
  config_.handlers.clear();
  AddPlugin("b", "throwing_preload");
  EXPECT_EQ(WhyNot(), "handler b: Preload threw an exception: the model is broken");
  config_.handlers.clear();
  AddPlugin("c", "failing_start");
  EXPECT_EQ(Load().Start(), absl::UnavailableError("handler c: the database is away"));
}

// Where log lines go while this lives.
class LogCapture {
 public:
  LogCapture() { testing::internal::CaptureStderr(); }
  std::string Text() { return testing::internal::GetCapturedStderr(); }
};

TEST_F(HandlerSetTest, ThreadsAndSocketsThatPreloadLeftAreWarnedOf) {
  AddPlugin("messy", "leaves_behind");
  LogCapture log;
  const HandlerSet set = Load();
  const std::string text = log.Text();
  EXPECT_THAT(text, AllOf(HasSubstr("handler messy: Preload left behind 2 threads, which"),
                          HasSubstr("a socket at 127.0.0.1:"), HasSubstr("in Start()")));
}

TEST_F(HandlerSetTest, WhatWasThereBeforeIsNotHeldAgainstThem) {
  AddPlugin("messy", "leaves_behind");
  HandlerConfig& tidy = AddPlugin("tidy", "leaves_behind");
  tidy.options = {{"threads", int64_t{0}}, {"socket", false}};
  LogCapture log;
  const HandlerSet set = Load();
  const std::string text = log.Text();
  EXPECT_THAT(text, AllOf(HasSubstr("handler messy"), Not(HasSubstr("handler tidy"))));
}

}  // namespace
}  // namespace windlass
