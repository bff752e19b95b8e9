#include "common/byte_buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace windlass {
namespace {

TEST(ByteBuffer, OwnsNoMemoryWhileItIsEmpty) {
  ByteBuffer buffer;
  EXPECT_EQ(buffer.room(), 0u);
  buffer.Append("abc");
  EXPECT_GT(buffer.room() + buffer.size(), 0u);
  buffer.Consume(3);
  EXPECT_EQ(buffer.room(), 0u);
}

TEST(ByteBuffer, IsAQueueOfBytesUnderRandomUse) {
  std::mt19937 random(3);
  ByteBuffer buffer;
  std::string reference;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const std::string bytes(random() % 300, static_cast<char>('a' + step % 26));
      buffer.Append(bytes);
      reference += bytes;
    } else if (!reference.empty()) {
      const size_t count = 1 + random() % reference.size();
      buffer.Consume(count);
      reference.erase(0, count);
    }
    ASSERT_EQ(buffer.view(), reference) << step;
  }
}

}  // namespace
}  // namespace windlass
