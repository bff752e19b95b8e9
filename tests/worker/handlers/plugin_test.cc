#include "worker/handlers/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string TestPlugin(const std::string& name) {
  return absl::StrCat(WINDLASS_BUILD_DIR, "/tests/plugins/", name);
}

std::string WhyNot(const std::string& library) {
  return std::string(Plugin::Load(library).status().message());
}

TEST(Plugin, ListsAndMakesItsHandlers) {
  const absl::StatusOr<Plugin> plugin = Plugin::Load(TestPlugin("every_feature.so"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  EXPECT_THAT(plugin->EntryNames(), ElementsAre("everything", "reverse"));
  for (const std::string& name : plugin->EntryNames()) {
    const absl::StatusOr<std::unique_ptr<Handler>> made = plugin->Make(name);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_NE(*made, nullptr);
  }
}

TEST(Plugin, IsFoundWithoutItsSuffixToo) {
  EXPECT_TRUE(Plugin::Load(TestPlugin("one_handler")).ok());
}

TEST(Plugin, NamedWithoutASlashIsLookedForInTheFoldersOfPlugins) {
  // This test's program is in build/tests, so one of its folders is build/tests/plugins.
  EXPECT_TRUE(Plugin::Load("one_handler").ok());
  EXPECT_TRUE(Plugin::Load("one_handler.so").ok());
  for (const std::string& folder : PluginFolders()) {
    EXPECT_THAT(WhyNot("one_hander"), HasSubstr(absl::StrCat(folder, "/one_hander.so")));
  }
}

TEST(Plugin, TwoLibrariesHaveHandlersOfTheirOwn) {
  const absl::StatusOr<Plugin> one = Plugin::Load(TestPlugin("one_handler"));
  const absl::StatusOr<Plugin> other = Plugin::Load(TestPlugin("every_feature"));
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_THAT(one->EntryNames(), ElementsAre("only"));
  EXPECT_THAT(other->EntryNames(), ElementsAre("everything", "reverse"));
}

TEST(Plugin, MissingFileIsSaidWithThePlacesLookedAt) {
  const absl::Status status = Plugin::Load("/no/such/folder/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("/no/such/folder/x.so"), HasSubstr("/no/such/folder/x")));
}

TEST(Plugin, FileThatIsNoLibraryIsRefused) {
  const std::string path = testing::TempDir() + "windlass-no-library.so";
  std::ofstream(path) << "this is text";
  EXPECT_THAT(WhyNot(path), AllOf(HasSubstr(path), HasSubstr("cannot be loaded as a library")));
  ::unlink(path.c_str());
}

TEST(Plugin, LibraryWithoutADescriptionIsNoPlugin) {
  EXPECT_THAT(WhyNot(TestPlugin("no_description")),
              AllOf(HasSubstr("no_description.so is no Windlass plug-in"),
                    HasSubstr("windlass_plugin_description")));
}

TEST(Plugin, OfAnotherInterfaceIsRefusedWithBothSidesNumbers) {
  const std::string why = WhyNot(TestPlugin("wrong_abi"));
  EXPECT_THAT(why, HasSubstr("it has interface 4711, Abseil 20240722, _GLIBCXX_USE_CXX11_ABI 0 "
                             "(Windlass 9.8.7)"));
  EXPECT_THAT(why, HasSubstr(absl::StrCat("this server has interface ", WINDLASS_PLUGIN_ABI,
                                          ", Abseil ", ABSL_LTS_RELEASE_VERSION)));
  EXPECT_THAT(why, HasSubstr("Build it again with the headers of this server"));
}

TEST(Plugin, ChoosesTheEntryThenTheNameThenTheOnlyOne) {
  const absl::StatusOr<Plugin> two = Plugin::Load(TestPlugin("every_feature"));
  const absl::StatusOr<Plugin> one = Plugin::Load(TestPlugin("one_handler"));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(*two->Choose("reverse", "everything"), "reverse");
  EXPECT_EQ(*two->Choose("", "everything"), "everything");
  EXPECT_EQ(*one->Choose("", "anything"), "only");
  EXPECT_EQ(one->Choose("anything", "only").status().code(), absl::StatusCode::kNotFound);
}

TEST(Plugin, WithoutSuchAnEntrySaysWhichThereAre) {
  const absl::StatusOr<Plugin> plugin = Plugin::Load(TestPlugin("every_feature"));
  ASSERT_TRUE(plugin.ok());
  const std::string why(plugin->Choose("revers", "x").status().message());
  EXPECT_THAT(why, AllOf(HasSubstr("no handler 'revers'"), HasSubstr("everything, reverse"),
                         HasSubstr("did you mean 'reverse'?")));
  EXPECT_FALSE(plugin->Choose("", "neither").ok());
}

TEST(Plugin, WithoutAnyHandlerSaysSo) {
  const absl::StatusOr<Plugin> plugin = Plugin::Load(TestPlugin("no_handlers"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  EXPECT_THAT(std::string(plugin->Choose("", "x").status().message()),
              HasSubstr("has no handlers"));
}

TEST(Plugin, WhoseConstructorThrowsIsAnErrorWithTheReason) {
  const absl::StatusOr<Plugin> plugin = Plugin::Load(TestPlugin("throwing_constructor"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  EXPECT_THAT(std::string(plugin->Make("bad").status().message()),
              AllOf(HasSubstr("throwing_constructor.so"), HasSubstr("no licence")));
}

TEST(CheckPlugins, NamesTheHandlerOfALibraryThatCannotBeLoaded) {
  Config config;
  HandlerConfig handler;
  handler.name = "builtin";
  handler.builtin = "echo";
  config.handlers.push_back(handler);
  handler = {};
  handler.name = "good";
  handler.library = TestPlugin("one_handler");
  config.handlers.push_back(handler);
  EXPECT_EQ(CheckPlugins(config), absl::OkStatus());
  handler.name = "resize";
  handler.library = "/no/such/library.so";
  config.handlers.push_back(handler);
  EXPECT_THAT(std::string(CheckPlugins(config).message()),
              AllOf(HasSubstr("handler resize: "), HasSubstr("/no/such/library.so")));
}

}  // namespace
}  // namespace windlass
