#include "master/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace windlass {
namespace {

absl::StatusOr<Options> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "windlassd");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(ParseOptions, AsksForNothingWithoutArguments) {
  const Options options = *Parse({});
  EXPECT_EQ(options.sources.file, "");
  EXPECT_TRUE(options.sources.sets.empty());
  EXPECT_TRUE(options.sources.listens.empty());
  EXPECT_FALSE(options.sources.workers.has_value());
  EXPECT_FALSE(options.sources.pool.has_value());
  EXPECT_FALSE(options.check || options.print_config || options.hint || options.version ||
               options.help);
}

TEST(ParseOptions, TakesValuesAfterAnEqualsSignOrAsTheNextArgument) {
  for (const Options& options : {*Parse({"--config=a.toml", "--workers=4", "--pool=auto",
                                         "--set=x.y=z", "--listen=echo://:1"}),
                                 *Parse({"--config", "a.toml", "--workers", "4", "--pool", "auto",
                                         "--set", "x.y=z", "--listen", "echo://:1"})}) {
    EXPECT_EQ(options.sources.file, "a.toml");
    EXPECT_EQ(options.sources.workers, "4");
    EXPECT_EQ(options.sources.pool, "auto");
    EXPECT_EQ(options.sources.sets, std::vector<std::string>{"x.y=z"});
    EXPECT_EQ(options.sources.listens, std::vector<std::string>{"echo://:1"});
  }
}

TEST(ParseOptions, CollectsSetAndListenInOrder) {
  const Options options =
      *Parse({"--set", "a=1", "--listen=line://:1", "--set=b=2", "--listen", "echo://:2"});
  EXPECT_EQ(options.sources.sets, (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_EQ(options.sources.listens, (std::vector<std::string>{"line://:1", "echo://:2"}));
}

TEST(ParseOptions, TakesTheLastOfAFlagThatDoesNotRepeat) {
  EXPECT_EQ(Parse({"--workers=1", "--workers=2"})->sources.workers, "2");
}

TEST(ParseOptions, SetsEachSwitchAlone) {
  EXPECT_TRUE(Parse({"--check"})->check);
  EXPECT_TRUE(Parse({"--print-config"})->print_config);
  EXPECT_TRUE(Parse({"--hint"})->hint);
  EXPECT_TRUE(Parse({"--version"})->version);
  EXPECT_TRUE(Parse({"--help"})->help);
  EXPECT_FALSE(Parse({"--help"})->check);
}

TEST(ParseOptions, NamesWhatIsWrong) {
  const std::pair<std::vector<const char*>, const char*> kCases[] = {
      {{"--confg=x"}, "unknown flag '--confg', did you mean '--config'?"},
      {{"--print_config"}, "unknown flag '--print_config', did you mean '--print-config'?"},
      {{"--fromenv=x"}, "unknown flag '--fromenv'"},
      {{"--flagfile=x"}, "unknown flag '--flagfile'"},
      {{"file.toml"}, "unexpected argument 'file.toml'"},
      {{"--check", "file.toml"}, "unexpected argument 'file.toml'"},
      {{"-h"}, "unexpected argument '-h'"},
      {{"--"}, "unexpected argument '--'"},
      {{""}, "unexpected argument ''"},
      {{"--check=1"}, "--check takes no value"},
      {{"--config"}, "--config needs a value: --config=FILE"},
      {{"--config="}, "--config needs a value: --config=FILE"},
      {{"--set", ""}, "--set needs a value: --set=TABLE.KEY=VALUE"},
  };
  for (const auto& [arguments, message] : kCases) {
    const absl::Status status = Parse(arguments).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_EQ(status.message(), message);
  }
}

TEST(HelpText, NamesEveryFlagAndNoneOfAbseils) {
  for (const char* flag :
       {"--config=FILE", "--set=", "--listen=", "--workers=N|auto", "--pool=N|auto", "--check",
        "--print-config", "--hint", "--version", "--help"}) {
    EXPECT_NE(HelpText().find(flag), std::string::npos) << flag;
  }
  EXPECT_EQ(HelpText().find("fromenv"), std::string::npos);
}

}  // namespace
}  // namespace windlass
