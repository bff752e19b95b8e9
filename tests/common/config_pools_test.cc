// [pool.NAME]: reading, printing, --set, and what can be wrong with it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/config_check.h"
#include "common/config_load.h"
#include "common/config_print.h"
#include "common/pools.h"

namespace windlass {
namespace {

constexpr absl::string_view kListener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";

class ConfigPoolsTest : public testing::Test {
 protected:
  ConfigPoolsTest() : file_(absl::StrCat(testing::TempDir(), "pools_", ::getpid(), ".toml")) {}
  ~ConfigPoolsTest() override { std::filesystem::remove(file_); }

  absl::StatusOr<Config> Load(absl::string_view text, std::vector<std::string> sets = {}) {
    std::ofstream(file_) << kListener << text;
    ConfigSources sources;
    sources.file = file_;
    sources.sets = std::move(sets);
    return LoadConfig(sources);
  }
  // Without the name of the file.
  std::string WhyNot(absl::string_view text, std::vector<std::string> sets = {}) {
    const std::string message(Load(text, std::move(sets)).status().message());
    return message.substr(message.find(' ') + 1);
  }

  const std::string file_;
};

TEST_F(ConfigPoolsTest, EachIsATableWithTheKeysOfPoolAndItsOwnDefaults) {
  const absl::StatusOr<Config> config = Load(R"(
[pool]
processes = 2
sandbox = "strict"
[pool.images]
processes = 3
queue = 7
memory_limit = "64MiB"
[pool.plain]
[[handler]]
name = "thumbnail"
library = "images"
pool = "images"
[[handler]]
name = "echo"
pool = "default"
)");
  ASSERT_EQ(config.status(), absl::OkStatus());
  ASSERT_EQ(config->pools.size(), 3u);
  EXPECT_EQ(config->pools[0].name, "default");
  EXPECT_EQ(config->pools[1].name, "images");
  EXPECT_EQ(config->pools[1].processes, (ProcessCount{false, 3}));
  EXPECT_EQ(config->pools[1].queue, 7);
  EXPECT_EQ(config->pools[1].sandbox, SandboxLevel::kBasic) << "not that of [pool]";
  EXPECT_EQ(config->pools[1].memory_limit, 64u << 20);
  PoolConfig plain;
  plain.name = "plain";
  EXPECT_EQ(config->pools[2], plain);
  std::vector<uint32_t> pools = PoolsOfHandlers(*config);
  for (size_t i = 0; i < pools.size(); ++i) {
    EXPECT_EQ(pools[i], config->handlers[i].name == "thumbnail" ? 1u : 0u);
  }
}

TEST_F(ConfigPoolsTest, ArePrintedAndReadBack) {
  const absl::StatusOr<Config> config = Load(R"(
[pool.b]
max = 9
min = 2
grow_after = "5ms"
shrink_after = "1m"
[pool.a-1]
sandbox_allow = ["openat"]
[[handler]]
name = "burn"
pool = "b"
)");
  ASSERT_EQ(config.status(), absl::OkStatus());
  const std::string text = PrintConfig(*config);
  EXPECT_TRUE(absl::StrContains(text, "\n[pool.b]\nprocesses = \"auto\"\nmin = 2\nmax = 9\n"));
  std::ofstream(file_) << text;
  absl::StatusOr<Config> again = LoadConfig({file_, {}, {}, {}, {}});
  ASSERT_EQ(again.status(), absl::OkStatus());
  again->source = config->source;
  EXPECT_EQ(*again, *config);
}

TEST_F(ConfigPoolsTest, SetReachesThoseOfTheFile) {
  const absl::StatusOr<Config> config = Load("[pool.a]\nqueue = 3\n", {"pool.a.queue=4"});
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(config->pools[1].queue, 4);
  EXPECT_TRUE(absl::StrContains(WhyNot("[pool.images]\n", {"pool.imges.nice=1"}),
                                "there is no [pool.imges], did you mean 'images'?"));
}

TEST_F(ConfigPoolsTest, SaysWhatIsWrong) {
  const struct {
    absl::string_view text, why;
  } kWrong[] = {
      {"[pool.default]\n", "[pool.default]: the default pool is [pool]"},
      {"[pool.\"a b\"]\n", "[pool.a b]: a pool's name is 1 to 32 of A-Z, a-z, 0-9, _ and -"},
      {"[pool.\"\"]\n", "[pool.]: a pool's name is 1 to 32 of A-Z, a-z, 0-9, _ and -"},
      {"[pool.a]\nqueeu = 3\n", "unknown key 'pool.a.queeu', did you mean 'pool.a.queue'?"},
      {"[pool.a]\nqueue = 0\n",
       "pool.a.queue must be an integer from 1 to 1048576: 0 is out of range"},
      {"[pool.a.b]\nqueue = 1\n", "unknown key 'pool.a.b'; keys there: "},
      {"[pool.queue]\nnice = 1\n",
       "[pool.queue]: a pool cannot be called 'queue', which is a key of [pool]"},
      {"[[handler]]\nname = \"echo\"\npool = \"x\"\n", "handler.pool: there is no [pool.x]"},
      {"[pool.images]\n[[handler]]\nname = \"echo\"\npool = \"image\"\n",
       "handler.pool: there is no [pool.image], did you mean 'images'?"},
      {"[pool.a]\n[[handler]]\nname = \"s\"\nbuiltin = \"static\"\npool = \"a\"\n"
       "options = { content = \"x\" }\n",
       "handler.pool: workers answer for a static handler, no pool does"},
      {"[pool]\nmin = 3\n", "pool.min needs pool.max beside it"},
      {"[pool.a]\nmin = 3\nmax = 2\n", "pool.a.min (3) is more than pool.a.max (2)"},
      {"[pool.a]\nprocesses = 5\nmin = 2\nmax = 4\n",
       "pool.a.processes (5) is not from pool.a.min (2) to pool.a.max (4)"},
      {"[master]\nmax_processes = 10\n[workers]\ncount = 1\n[pool]\nprocesses = 5\n[pool.a]\n"
       "max = 5\n",
       "workers.count (1) and the processes of all pools (10) together are more than "
       "master.max_processes (10)"},
  };
  for (const auto& one : kWrong) {
    EXPECT_TRUE(absl::StartsWith(WhyNot(one.text), one.why)) << one.text << "\n"
                                                             << WhyNot(one.text);
  }
  std::string many;
  for (uint32_t i = 0; i < kMaxPools; ++i) absl::StrAppend(&many, "[pool.p", i, "]\n");
  EXPECT_TRUE(absl::StrContains(WhyNot(many), "there can be 8 pools at most, with [pool]"));
}

TEST_F(ConfigPoolsTest, PoolWithoutAHandlerIsDoubtful) {
  const absl::StatusOr<Config> config = Load("[pool.images]\n");
  ASSERT_EQ(config.status(), absl::OkStatus());
  EXPECT_EQ(DoubtfulSettings(*config),
            std::vector<std::string>{"[pool.images]: no handler runs there"});
}

}  // namespace
}  // namespace windlass
