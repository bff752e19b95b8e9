#include "common/config_print.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/config_keys.h"
#include "common/config_load.h"

namespace windlass {
namespace {

class PrintConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "config_print_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<Config> Load(const std::string& text) {
    const std::string file = directory_ + "/w.toml";
    std::ofstream(file) << text;
    return LoadConfig({file, {}, {}, {}, {}});
  }
  // `config` printed and loaded; equal to it but for the source.
  void ExpectRoundTrip(const Config& config) {
    const std::string text = PrintConfig(config);
    absl::StatusOr<Config> again = Load(text);
    ASSERT_EQ(again.status(), absl::OkStatus()) << text;
    again->source = config.source;
    EXPECT_EQ(*again, config) << text;
    EXPECT_EQ(PrintConfig(*again), text);
  }

  std::string directory_;
};

TEST_F(PrintConfigTest, DefaultIsReadBackAsTheSame) { ExpectRoundTrip(*LoadConfig({})); }

TEST_F(PrintConfigTest, EveryKeyAwayFromItsDefaultIsReadBackAsTheSame) {
  const absl::StatusOr<Config> config = Load(R"(
log = { level = "warning", file = "/var/log/w \"1\".log" }
[master]
user = "web"
group = "33"
pid_file = "/run/w.pid"
control = "/run/w.sock"
drain_timeout = "0"
startup_timeout = "1h1m1.5s"
max_generations = 8
max_processes = 100
[workers]
count = 3
max = 5
max_connections = 7
payload_memory = "1048577"
selector = "poll"
max_age = "8760h"
[pool]
processes = 4
queue = 6
prefetch = 0
max_jobs = 1000000000
max_age = "1s"
max_memory = "1500MiB"
[admin]
address = ""
hosts = ["a.example", "*"]
[[listener]]
address = "unix:/run/a \"b\" \\ \u007f \u00e9.sock"
protocol = "length"
handler = "pictures"
keepalive = true
backlog = 8
mode = "0007"
owner = "web"
group = "www"
max_header = "1KiB"
max_content = 2000
max_line = "3MB"
max_in_flight = 9
frame_timeout = "1ms"
idle_timeout = "24h"
write_timeout = "3s"
half_close = "cancel"
access_log = "/var/log/a.log"
access_log_sample = 0.0123456789
[[listener]]
address = "[::1]:0"
protocol = "length"
[[listener]]
address = ":0"
protocol = "echo"
[[handler]]
name = "echo"
builtin = "search"
options.table = "/a\tb.json"
[[handler]]
name = "pictures = \"x\" # y"
builtin = "file"
content_type = "image/png"
options = { root = "/srv" }
deadline = "1ms"
[[handler]]
name = "pictures"
builtin = "burn"
[[handler]]
name = "resize"
library = "/opt/my \"lib\".so"
entry = "big"
[handler.options]
text = "a \"b\" \\ \n \u0001 \u00e9"
"a key.with = all" = "x"
"" = "no name"
dash-ed_1 = true
least = -9223372036854775808
most = 9223372036854775807
float = 0.1
tiny = 5e-324
whole = 2.0
endless = -inf
none = []
words = ["a, b", "]", "", "c\t"]
[[handler]]
name = "binary"
library = "plain"
)");
  ASSERT_EQ(config.status(), absl::OkStatus());
  ExpectRoundTrip(*config);
}

TEST_F(PrintConfigTest, WhatIsNeverDueIsPrintedAsNotSet) {
  const std::string text = PrintConfig(*LoadConfig({}));
  for (const char* line : {"# user is not set", "# control is not set", "# max_age is not set",
                           "# max_jobs is not set", "# max_memory is not set", "# file is not set"})
    EXPECT_TRUE(absl::StrContains(text, line)) << line;
}

TEST_F(PrintConfigTest, CommentsNameEveryKey) {
  const std::string text = PrintConfig(*LoadConfig({}));
  const auto expect_all = [&text](const auto& table) {
    for (const auto& key : table.keys) {
      EXPECT_TRUE(absl::StrContains(text, absl::StrCat("# ", key.help))) << key.name;
      EXPECT_TRUE(absl::StrContains(text, absl::StrCat("\n", key.name, " = ")) ||
                  absl::StrContains(text, absl::StrCat("\n# ", key.name, " is not set")))
          << key.name;
    }
  };
  for (const KeyTable<Config>& table : ConfigTables()) expect_all(table);
  expect_all(ListenerKeys());
  expect_all(HandlerKeys());
}

TEST_F(PrintConfigTest, FileNameInTheCommentCannotBreakOutOfIt) {
  Config config = *LoadConfig({});
  config.source = "a\n[evil]\x01\xff";
  ExpectRoundTrip(config);
}

}  // namespace
}  // namespace windlass
