#include "worker/handlers/static_handler.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "worker/handlers/arena_memory.h"
#include "worker/handlers/option_reader.h"

namespace windlass {
namespace {

TEST(StaticHandler, SaysAsWhichUserItMayNotReadItsFile) {
  char path[] = "/tmp/windlass-static-XXXXXX";
  ::close(::mkstemp(path));
  ASSERT_EQ(::chmod(path, 0), 0);
  const uid_t before = ::geteuid();
  const auto become = [before](uid_t user) { return before != 0 || ::seteuid(user) == 0; };
  ASSERT_TRUE(become(65534));  // root may read it
  HandlerConfig config;
  config.options["file"] = std::string(path);
  OptionReader options(config);
  ArenaMemory arena;
  StaticHandler handler;
  const absl::Status status = handler.Preload(options, arena);
  const uid_t tried = ::geteuid();
  ASSERT_TRUE(become(0));
  ::unlink(path);
  EXPECT_EQ(status.message(),
            absl::StrCat(path, ": Permission denied (tried as user number ", tried, ")"));
}

}  // namespace
}  // namespace windlass
