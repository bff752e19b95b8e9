#include "common/report/json_writer.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>

namespace windlass {
namespace {

TEST(JsonWriter, PutsCommasAndKeysWhereTheyBelong) {
  JsonWriter json;
  json.Unsigned("a", 1);
  json.OpenList("b");
  json.Unsigned("", 1);
  json.OpenObject("");
  json.Signed("c", -1);
  json.Flag("d", true);
  json.Close();
  json.OpenObject("");
  json.Close();
  json.Close();
  json.Null("e");
  EXPECT_EQ(std::move(json).Take(),
            "{\"a\": 1, \"b\": [1, {\"c\": -1, \"d\": true}, {}], \"e\": null}\n");
}

TEST(JsonWriter, SecondsAreExact) {
  JsonWriter json;
  json.OpenList("s");
  for (const int64_t ms : {int64_t{0}, int64_t{5}, int64_t{1500}, int64_t{-1500},
                           std::numeric_limits<int64_t>::min()}) {
    json.Seconds("", ms);
  }
  json.Close();
  EXPECT_EQ(std::move(json).Take(),
            "{\"s\": [0.000, 0.005, 1.500, -1.500, -9223372036854775.808]}\n");
}

TEST(JsonWriter, IdsAreStringsAndZeroIsNoId) {
  JsonWriter json;
  json.Id("some", std::numeric_limits<uint64_t>::max());
  json.Id("none", 0);
  EXPECT_EQ(std::move(json).Take(), "{\"some\": \"18446744073709551615\", \"none\": null}\n");
}

TEST(JsonWriter, AnyBytesGiveValidJson) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string bytes = {'<', static_cast<char>(byte), '>'};
    JsonWriter json;
    json.Text(bytes, bytes);
    json.Text("last", "");
    simdjson::dom::parser parser;
    const std::string text = std::move(json).Take();
    EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS) << byte;
  }
}

}  // namespace
}  // namespace windlass
