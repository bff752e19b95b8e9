#include "tools/examples/image/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace windlass::image {
namespace {

using testing::HasSubstr;
using Keys = std::map<std::string, std::string>;

absl::StatusOr<Parameters> Read(const Keys& keys) {
  return ReadParameters([&keys](absl::string_view key) -> std::optional<std::string> {
    const auto found = keys.find(std::string(key));
    return found == keys.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Parameters, OfEachOperation) {
  EXPECT_EQ(Read({})->operation.kind, OperationKind::kNone);
  EXPECT_EQ(Read({{"op", "grayscale"}})->operation.kind, OperationKind::kGrayscale);
  EXPECT_EQ(Read({{"op", "invert"}})->operation.kind, OperationKind::kInvert);
  EXPECT_EQ(Read({{"op", "blur"}, {"radius", "10"}})->operation.radius, 10u);
  const auto resize = Read({{"op", "resize"}, {"width", "3"}, {"height", "4"}});
  EXPECT_EQ(resize->operation.width, 3u);
  EXPECT_EQ(resize->operation.height, 4u);
  EXPECT_EQ(Read({{"op", "rotate"}, {"degrees", "270"}})->operation.degrees, 270u);
  EXPECT_FALSE(Read({{"op", "flip"}})->operation.upside_down);
  EXPECT_TRUE(Read({{"op", "flip"}, {"direction", "vertical"}})->operation.upside_down);
  EXPECT_EQ(Read({{"format", "jpg"}, {"quality", "30"}})->quality, 30);
}

TEST(Parameters, ThatAreWrongAreNamed) {
  const std::pair<Keys, const char*> kWrong[] = {
      {{{"op", "sharpen"}}, "not 'sharpen'"},
      {{{"op", ""}}, "not ''"},
      {{{"op", "blur"}}, "radius is missing: a whole number from 1 to 128"},
      {{{"op", "invert"}, {"radius", "3"}}, "radius is for op blur, not for op invert"},
      {{{"op", "thumbnail"}, {"size", "9"}, {"width", "3"}}, "width is for op resize"},
      {{{"direction", "vertical"}}, "direction is for op flip, not for op none"},
      {{{"op", "blur"}, {"radius", "0"}}, "not '0'"},
      {{{"op", "blur"}, {"radius", "129"}}, "not '129'"},
      {{{"op", "blur"}, {"radius", "ten"}}, "not 'ten'"},
      {{{"op", "resize"}, {"width", "3"}}, "height is missing"},
      {{{"op", "resize"}, {"width", "-3"}, {"height", "3"}}, "width must be"},
      {{{"op", "thumbnail"}}, "size is missing"},
      {{{"op", "rotate"}, {"degrees", "91"}}, "degrees must be 90, 180 or 270"},
      {{{"op", "flip"}, {"direction", "up"}}, "not 'up'"},
      {{{"format", "gif"}}, "not 'gif'"},
      {{{"quality", "101"}}, "quality must be"},
  };
  for (const auto& [keys, says] : kWrong) {
    const absl::Status status = Read(keys).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }
}

TEST(Parameters, AThumbnailFitsAndIsNeverLarger) {
  const Parameters parameters = *Read({{"op", "thumbnail"}, {"size", "100"}});
  const Operation wide = OperationFor(parameters, {400, 200, 3});
  EXPECT_EQ(wide.width, 100u);
  EXPECT_EQ(wide.height, 50u);
  const Operation thin = OperationFor(parameters, {1, 30'000, 3});
  EXPECT_EQ(thin.width, 1u);
  EXPECT_EQ(thin.height, 100u);
  EXPECT_EQ(OperationFor(parameters, {100, 20, 3}).kind, OperationKind::kNone);
}

TEST(CheckQuery, KnowsEveryKeyOnce) {
  EXPECT_TRUE(CheckQuery("").ok());
  EXPECT_TRUE(CheckQuery("op=blur&&radius=10&format=png").ok());
  EXPECT_EQ(CheckQuery("op=blur&radus=3").message(), "'radus' in the query is unknown");
  EXPECT_EQ(CheckQuery("radius=3&op=blur&radius").message(), "'radius' stands twice in the query");
}

TEST(QueryValue, IsDecoded) {
  EXPECT_EQ(QueryValue("op=blur&radius=10", "radius"), "10");
  EXPECT_EQ(QueryValue("a=b%20c+d%2", "a"), "b c d%2");
  EXPECT_EQ(QueryValue("a", "a"), "");
  EXPECT_EQ(QueryValue("ab=1", "a"), std::nullopt);
}

}  // namespace
}  // namespace windlass::image
