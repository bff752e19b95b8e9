#include "tools/client/message_request.h"

#include <gtest/gtest.h>

#include <bit>

namespace windlass {
namespace {

constexpr absl::string_view kOrder = std::endian::native == std::endian::big ? "big" : "little";

std::string Header(absl::string_view rest) {
  return std::string(R"({"byteorder": ")") + std::string(kOrder) + "\", " + std::string(rest);
}

MessageOptions JsonOptions() {
  MessageOptions options;
  options.content_type = "text/json";
  options.content_encoding = "utf-8";
  return options;
}

TEST(SearchContent, IsTheVectorOfTheProtocol) {
  EXPECT_EQ(SearchContent("morpheus"), R"({"action": "search", "value": "morpheus"})");
  EXPECT_EQ(SearchContent("🐶"), "{\"action\": \"search\", \"value\": \"🐶\"}");
  EXPECT_EQ(SearchContent("a\"\n"), R"({"action": "search", "value": "a\"\n"})");
}

TEST(EncodeMessageHead, IsTheVectorOfTheProtocolInThisMachinesByteOrder) {
  const auto head = EncodeMessageHead(JsonOptions(), 41);
  ASSERT_TRUE(head.ok());
  const std::string header =
      Header(R"("content-type": "text/json", "content-encoding": "utf-8", "content-length": 41})");
  EXPECT_EQ(head->substr(2), header);
  EXPECT_EQ((*head)[0], '\0');
  EXPECT_EQ(static_cast<size_t>((*head)[1]), header.size());
}

TEST(EncodeMessageHead, AppendsWhatWasAskedForAndNothingElse) {
  MessageOptions options;
  options.handler = "h";
  options.request_id = "";
  options.deadline_ms = 7;
  options.more_keys = {{"a\"", "1"}, {"b", "🐶"}};
  EXPECT_EQ(EncodeMessageHead(options, 0)->substr(2),
            Header(R"("content-type": "binary/custom-client-binary-type", )"
                   R"("content-encoding": "binary", "content-length": 0, "request-id": "", )"
                   R"("handler": "h", "deadline-ms": 7, "a\"": "1", "b": "🐶"})"));
}

TEST(EncodeMessageHead, RefusesWhatNoServerCouldRead) {
  MessageOptions options;
  options.handler = "\xff";
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeMessageHead(options, 0).status()));
  options.handler = std::string(70000, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeMessageHead(options, 0).status()));
}

}  // namespace
}  // namespace windlass
