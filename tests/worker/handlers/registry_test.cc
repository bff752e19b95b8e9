#include "worker/handlers/registry.h"

#include <gtest/gtest.h>

#include "common/builtin_handlers.h"

namespace windlass {
namespace {

// The configuration and the registry each have a list: they must agree.
TEST(MakeBuiltin, KnowsEveryBuiltinThatTheConfigurationKnows) {
  for (const Builtin& builtin : Builtins()) EXPECT_NE(MakeBuiltin(builtin.name), nullptr);
}

TEST(MakeBuiltin, MakesNothingOfAnotherName) { EXPECT_EQ(MakeBuiltin("serch"), nullptr); }

}  // namespace
}  // namespace windlass
