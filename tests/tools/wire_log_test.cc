#include "tools/client/wire_log.h"

#include <gtest/gtest.h>

#include "tools/client/output.h"
#include "tools/client/progress.h"

namespace windlass {
namespace {

TEST(ReadableBytes, WritesTheBytesAsTheProtocolDescriptionDoes) {
  EXPECT_EQ(ReadableBytes("> ", absl::string_view("\0d{\"a\": 1}\xf0\\\t\r", 14)),
            "> \\x00d{\"a\": 1}\\xf0\\\\\\t\\r\n");
  EXPECT_EQ(ReadableBytes("< ", ""), "");
}

TEST(ReadableBytes, BreaksAfterANewlineAndAtAHundredColumns) {
  EXPECT_EQ(ReadableBytes("> ", "a\nb"), "> a\\n\n> b\n");
  EXPECT_EQ(ReadableBytes("> ", "a\n"), "> a\\n\n");
  EXPECT_EQ(ReadableBytes("> ", std::string(99, 'x')), "> " + std::string(98, 'x') + "\n> x\n");
}

TEST(AppendJsonBytes, TextStaysTextAndOtherBytesAreBase64) {
  std::string out;
  AppendJsonBytes("content", "a\"🐶", &out);
  EXPECT_EQ(out, "\"content\": \"a\\\"🐶\"");
  out.clear();
  AppendJsonBytes("content", "\xff", &out);
  EXPECT_EQ(out, "\"content_base64\": \"/w==\"");
}

TEST(ProgressLine, ShowsThePartThatIsDone) {
  EXPECT_EQ(ProgressLine("sent", 32 << 20, 64 << 20),
            "sent [####################                    ]  50 % of 64.0 MiB");
  EXPECT_EQ(ProgressLine("sent", 2 << 20, 1 << 20),
            "sent [########################################] 100 % of 1.0 MiB");
}

}  // namespace
}  // namespace windlass
