#include "worker/handlers/option_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace windlass {
namespace {

using Texts = std::vector<std::string>;

class OptionReaderTest : public testing::Test {
 protected:
  OptionReaderTest() { config_.name = "resize"; }
  void Set(const std::string& key, OptionValue value) { config_.options[key] = std::move(value); }
  void SetText(const std::string& key, const std::string& text) { Set(key, text); }
  void ExpectVerdict(const std::string& message) {
    EXPECT_EQ(reader_.Verdict().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(reader_.Verdict().message()), message);
  }

  HandlerConfig config_;
  OptionReader reader_{config_};
};

TEST_F(OptionReaderTest, GivesWhatIsSet) {
  SetText("name", "x");
  Set("count", int64_t{7});
  Set("ratio", 0.25);
  Set("whole", int64_t{2});
  Set("loud", true);
  SetText("pause", "1m30s");
  SetText("size", "64KiB");
  Set("plain", int64_t{65536});
  Set("words", Texts{"a", "b"});
  EXPECT_TRUE(reader_.Has("name"));
  EXPECT_EQ(reader_.String("name", ""), "x");
  EXPECT_EQ(reader_.RequiredString("name"), "x");
  EXPECT_EQ(reader_.Integer("count", 0, 7, 7), 7);
  EXPECT_EQ(reader_.Number("ratio", 0, 0, 1), 0.25);
  EXPECT_EQ(reader_.Number("whole", 0, 0, 2), 2.0);
  EXPECT_TRUE(reader_.Boolean("loud", false));
  EXPECT_EQ(reader_.Duration("pause", absl::ZeroDuration()), absl::Seconds(90));
  EXPECT_EQ(reader_.Bytes("size", 0), 65536u);
  EXPECT_EQ(reader_.Bytes("plain", 0), 65536u);
  EXPECT_EQ(reader_.Strings("words"), (Texts{"a", "b"}));
  EXPECT_EQ(reader_.Verdict(), absl::OkStatus());
}

TEST_F(OptionReaderTest, GivesTheDefaultOfWhatIsNotSet) {
  EXPECT_FALSE(reader_.Has("name"));
  EXPECT_EQ(reader_.String("name", "other"), "other");
  EXPECT_EQ(reader_.Integer("count", 99, 0, 10), 99) << "a default need not be in range";
  EXPECT_EQ(reader_.Number("ratio", 0.5, 0, 1), 0.5);
  EXPECT_TRUE(reader_.Boolean("loud", true));
  EXPECT_EQ(reader_.Duration("pause", absl::InfiniteDuration()), absl::InfiniteDuration());
  EXPECT_EQ(reader_.Bytes("size", 5), 5u);
  EXPECT_EQ(reader_.Strings("words"), Texts{});
  EXPECT_EQ(reader_.Verdict(), absl::OkStatus());
}

TEST_F(OptionReaderTest, UnknownKeyIsRefusedWithTheNearestOneThatWasAskedFor) {
  Set("qualty", int64_t{80});
  reader_.Integer("quality", 75, 1, 100);
  reader_.String("format", "png");
  ExpectVerdict("handler resize: option \"qualty\" is unknown; did you mean \"quality\"?");
}

TEST_F(OptionReaderTest, UnknownKeyThatIsNearToNoneIsRefusedWithAll) {
  Set("x", int64_t{1});
  reader_.Integer("quality", 75, 1, 100);
  reader_.String("format", "png");
  ExpectVerdict("handler resize: option \"x\" is unknown; there are quality, format");
}

TEST_F(OptionReaderTest, AnyKeyIsUnknownToAHandlerWithoutOptions) {
  Set("x", int64_t{1});
  EXPECT_TRUE(reader_.Has("x"));  // asking whether it is there does not make it known
  ExpectVerdict("handler resize: option \"x\" is unknown; it has no options");
}

TEST_F(OptionReaderTest, RequiredStringMustBeThere) {
  EXPECT_EQ(reader_.RequiredString("model"), "");
  ExpectVerdict("handler resize: option \"model\" is required: set it to a string");
}

TEST_F(OptionReaderTest, WrongTypeIsRefusedAndGivesTheDefault) {
  Set("count", 1.5);
  EXPECT_EQ(reader_.Integer("count", 4, 1, 9), 4);
  ExpectVerdict("handler resize: option \"count\" must be an integer from 1 to 9, not 1.5");
}

TEST_F(OptionReaderTest, OutOfRangeIsRefusedAndGivesTheDefault) {
  Set("count", int64_t{10});
  EXPECT_EQ(reader_.Integer("count", 4, 1, 9), 4);
  ExpectVerdict("handler resize: option \"count\" must be an integer from 1 to 9, not 10");
}

TEST_F(OptionReaderTest, NotANumberIsInNoRange) {
  Set("ratio", std::nan(""));
  EXPECT_EQ(reader_.Number("ratio", 0.5, -1e308, 1e308), 0.5);
  EXPECT_FALSE(reader_.Verdict().ok());
}

TEST_F(OptionReaderTest, DurationsAndSizesNeedTheirForm) {
  struct Case {
    const char* key;
    OptionValue value;
  };
  for (const Case& c : {Case{"pause", std::string("30 parsecs")}, Case{"pause", int64_t{30}},
                        Case{"size", std::string("64 stone")}, Case{"size", int64_t{-1}},
                        Case{"size", true}, Case{"words", std::string("a")},
                        Case{"name", Texts{"a"}}, Case{"loud", std::string("yes")}}) {
    HandlerConfig config;
    config.name = "h";
    config.options[c.key] = c.value;
    OptionReader reader(config);
    EXPECT_EQ(reader.Duration("pause", absl::Seconds(1)), absl::Seconds(1));
    EXPECT_EQ(reader.Bytes("size", 1), 1u);
    EXPECT_EQ(reader.Strings("words"), Texts{});
    EXPECT_EQ(reader.String("name", "n"), "n");
    EXPECT_FALSE(reader.Boolean("loud", false));
    EXPECT_THAT(std::string(reader.Verdict().message()),
                testing::StartsWith(absl::StrCat("handler h: option \"", c.key, "\" must be ")));
  }
}

TEST_F(OptionReaderTest, TheFirstErrorCounts) {
  Set("b", std::string("text"));
  Set("a", std::string("text"));
  Set("unknown", true);
  reader_.Integer("b", 0, 0, 1);
  reader_.Integer("a", 0, 0, 1);
  ExpectVerdict("handler resize: option \"b\" must be an integer from 0 to 1, not \"text\"");
}

}  // namespace
}  // namespace windlass
