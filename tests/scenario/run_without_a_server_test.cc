// `windlass run`, as an author of handlers types it.
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sanitizer.h"
#include "tests/scenario/server.h"

namespace windlass {
namespace {

std::string TestPlugin(const std::string& name) {
  return absl::StrCat(WINDLASS_BUILD_DIR, "/tests/plugins/", name, ".so");
}

ProgramResult RunHandler(std::vector<std::string> arguments, const std::string& input) {
  arguments.insert(arguments.begin(), {Program("windlass"), "run", "-"});
  return RunProgram(arguments, input, absl::Seconds(60));
}

ProgramResult RunEverything(const std::string& input, std::vector<std::string> more = {}) {
  more.push_back("--library=" + TestPlugin("every_feature"));
  more.push_back("--handler=everything");
  return RunHandler(more, input);
}

void ExpectAnswer(const ProgramResult& result, const std::string& answer) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, answer);
}

void ExpectError(const ProgramResult& result, int exit_code, const std::string& message) {
  EXPECT_EQ(result.exit_code, exit_code);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(absl::StrContains(result.err, message)) << result.err;
}

TEST(RunWithoutAServer, PrintsTheContentOfTheAnswer) {
  ExpectAnswer(RunEverything("hello"), "HELLO");
  ExpectAnswer(RunEverything("arena"), "hello");
  ExpectAnswer(RunEverything("scratch"), std::string(1000, 's'));
  ExpectAnswer(RunEverything("started"), "here");
}

TEST(RunWithoutAServer, CopiesFilesAndMemoryFilesOut) {
  ExpectAnswer(RunEverything("pieces"), "<in a file|in a memfd>");
}

TEST(RunWithoutAServer, PutsZerosBehindTheContent) {
  ExpectAnswer(RunEverything("padding"), "zeros");
}

TEST(RunWithoutAServer, OptionsAreTomlValuesOrElseStrings) {
  ExpectAnswer(RunEverything("options", {"--option=count=5", "--option=ratio=0.25",
                                         "--option=loud=true", "--option=greeting=good day",
                                         "--option=size=1MiB", "--option=words=[\"a\", \"b\"]"}),
               "good day 5 0.25 loud 1s 1048576 [a,b]");
}

TEST(RunWithoutAServer, SaysWhatTheRequestWouldSay) {
  ExpectAnswer(RunEverything("context"),
               "job attempt 1 endless who=(none) type=binary/custom-client-binary-type "
               "encoding=binary");
  ExpectAnswer(RunEverything("context", {"--content-type=text/x", "--header=who=\"me\"",
                                         "--header=a=b", "--deadline=1m"}),
               "job attempt 1 limited who=\"me\" type=text/x encoding=utf-8");
}

TEST(RunWithoutAServer, WhatHandlersPrintGoesToStandardError) {
  const ProgramResult result = RunEverything("print");
  ExpectAnswer(result, "done");
  EXPECT_TRUE(absl::StrContains(result.err, "printed to standard output\n")) << result.err;
  EXPECT_TRUE(absl::StrContains(result.err, "warning: everything: a line for the log\n"))
      << result.err;
}

TEST(RunWithoutAServer, ErrorsAreNamedAsClientsSeeThem) {
  ExpectError(RunEverything("refuse"), 1, "invalid_argument: no such wish\n");
  ExpectError(RunEverything("throw"), 1, "handler_failed: exception: thrown on request\n");
  ExpectError(RunHandler({"--builtin=burn", "--content-type=text/json", "--deadline=50ms"},
                         R"({"action": "burn", "ms": 20000})"),
              1, "deadline_exceeded: ");
  const ProgramResult own = RunEverything("own error");
  EXPECT_EQ(own.exit_code, 1);
  EXPECT_EQ(own.out, "{\"too\": \"much\"}");
  EXPECT_TRUE(absl::StrContains(own.err, "too_large: ")) << own.err;
}

TEST(RunWithoutAServer, RunsPartsOneAfterTheOther) {
  const auto run = [](const std::string& words) {
    return RunHandler({"--library=" + TestPlugin("parts"), "--processes=4"}, words);
  };
  ExpectAnswer(run("parts=2 bytes=4"), "part 0,part 1aabb");
  ExpectAnswer(run("parts=2 content=3"), "part 0,part 1aaabbb");
  ExpectAnswer(run("parts=3 content=2 copied=yes order=2,0"), "ccaa");
  ExpectAnswer(run("parts=2 content=3 memory=split"), "part 0,part 1aaabbb");
  // More than a response may have pieces of its own.
  EXPECT_EQ(run("parts=64 content=1000").out.substr(0, 14), "part 0,part 1,");
  EXPECT_EQ(run("parts=64 content=1000").exit_code, 0);
  ExpectError(run("parts=3 content=2 order=1,1"), 1, "OfPart(1): it is there twice");
  ExpectError(run("parts=3 order=1"), 1, "OfPart(1): that part has no content");
  ExpectError(run("parts=65"), 1, "Split: more than 64 parts\n");
}

TEST(RunWithoutAServer, RunsBuiltinHandlersToo) {
  ExpectAnswer(RunHandler({"--builtin=echo"}, "hello"), "hello");
}

TEST(RunWithoutAServer, HandlersThatCannotBeLoadedAreWrongUsage) {
  ExpectError(RunHandler({"--library=/no/such/library"}, ""), 2, "looked for /no/such/library.so");
  ExpectError(RunHandler({"--library=" + TestPlugin("wrong_abi")}, ""), 2, "interface 4711");
  ExpectError(RunHandler({"--library=" + TestPlugin("throwing_constructor")}, ""), 2, "no licence");
  ExpectError(RunEverything("", {"--option=greting=x"}), 2, "did you mean \"greeting\"?");
  ExpectError(RunEverything("", {"--option=count=many"}), 2, "an integer from 1 to 10");
}

#ifndef WINDLASS_ADDRESS_SANITIZER
TEST(RunWithoutAServer, LibraryWithASanitizerGetsItsRuntime) {
  const std::string library = "--library=" + TestPlugin("with_sanitizer");
  const ProgramResult good = RunHandler({library}, "fine");
  ExpectAnswer(good, "zero");
  EXPECT_TRUE(absl::StrContains(good.err, "LD_PRELOAD=libasan.so.")) << good.err;
  const ProgramResult bad = RunHandler({library}, "read too far");
  EXPECT_NE(bad.exit_code, 0);
  EXPECT_EQ(bad.out, "");
  EXPECT_TRUE(absl::StrContains(bad.err, "heap-buffer-overflow")) << bad.err;
}
#endif

}  // namespace
}  // namespace windlass
