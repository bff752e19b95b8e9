#include "tools/bench/report.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <memory>

#include "absl/strings/match.h"

namespace windlass {
namespace {

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    options_.target = "echo://unix:/a\"b";
    tally_->issued = 13;
    tally_->right = 10;
    tally_->mismatched = 1;
    tally_->seconds = 0.5;
    tally_->Count(ErrorKind::kClosed);
    tally_->Count(RefusedWith("overloaded"));
    for (int i = 0; i < 10; ++i) tally_->latency.Record(100'000);
  }
  BenchOptions options_;
  std::unique_ptr<Tally> tally_ = std::make_unique<Tally>();
};

TEST_F(ReportTest, JsonHasThePromisedKeys) {
  simdjson::dom::parser parser;
  const std::string json = JsonReport(options_, *tally_);
  const simdjson::dom::element root = parser.parse(json);
  EXPECT_EQ(uint64_t{root["requests"]}, 13u);
  EXPECT_EQ(uint64_t{root["errors"]}, 2u);
  EXPECT_EQ(uint64_t{root["mismatched"]}, 1u);
  EXPECT_DOUBLE_EQ(double{root["seconds"]}, 0.5);
  EXPECT_DOUBLE_EQ(double{root["rps"]}, 20);
  for (const char* key : {"p50", "p90", "p99", "p999", "max"}) {
    EXPECT_DOUBLE_EQ(double{root["latency_us"][key]}, 100) << key;
  }
  EXPECT_EQ(uint64_t{root["errors_by_kind"]["closed"]}, 1u);
  EXPECT_EQ(uint64_t{root["errors_by_kind"]["overloaded"]}, 1u);
  EXPECT_EQ(root["errors_by_kind"].get_object().size(), 2u);
}

TEST_F(ReportTest, AnEmptyRunIsStillJson) {
  simdjson::dom::parser parser;
  const auto empty = std::make_unique<Tally>();
  const std::string json = JsonReport(options_, *empty);
  const simdjson::dom::element root = parser.parse(json);
  EXPECT_DOUBLE_EQ(double{root["rps"]}, 0);
  EXPECT_EQ(root["errors_by_kind"].get_object().size(), 0u);
}

TEST_F(ReportTest, TextNamesTheErrors) {
  const std::string text = TextReport(options_, *tally_);
  EXPECT_TRUE(absl::StrContains(text, "errors      2 (closed 1, overloaded 1)\n")) << text;
  EXPECT_TRUE(absl::StrContains(text, "p99.9 100.0 us")) << text;
  EXPECT_TRUE(absl::StrContains(text, "10 answered right, 20.0/s")) << text;
}

TEST(ErrorKind, EveryCodeOfTheWireHasItsName) {
  for (size_t code = 1; code < kErrorCodeCount; ++code) {
    EXPECT_EQ(ErrorKindName(RefusedWith(kErrorCodeNames[code])), kErrorCodeNames[code]);
  }
  EXPECT_EQ(ErrorKindName(RefusedWith("new_code")), "other_status");
  EXPECT_EQ(ErrorKindName(ErrorKind::kUnsent), "unsent");
}

}  // namespace
}  // namespace windlass
