#include "worker/handlers/registry.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "common/builtin_handlers.h"

namespace windlass {
namespace {

// The configuration and the registry each have a list: they must agree.
TEST(MakeHandler, KnowsEveryBuiltinThatTheConfigurationKnows) {
  const std::string sink = testing::TempDir() + "windlass-registry-test";
  for (const Builtin& builtin : Builtins()) {
    HandlerConfig config;
    config.name = config.builtin = builtin.name;
    if (builtin.name == "file") config.options["root"] = std::string("/");
    if (builtin.name == "append") config.options["file"] = sink;
    EXPECT_TRUE(MakeHandler(config).ok()) << builtin.name;
  }
  std::remove(sink.c_str());
}

TEST(MakeHandler, SaysWhichHandlerCannotBeMadeAndWhy) {
  HandlerConfig config;
  config.name = "mine";
  config.builtin = "search";
  config.options["table"] = std::string("/no/such/table.json");
  const absl::Status status = MakeHandler(config).status();
  EXPECT_NE(status.message().find("handler mine"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("/no/such/table.json"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace windlass
