#include "tools/client/payload.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

class PayloadTest : public testing::Test {
 protected:
  ~PayloadTest() override { ::unlink(path_.c_str()); }
  void WriteFile(absl::string_view bytes) {
    std::ofstream(path_, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  const std::string path_ = absl::StrCat(testing::TempDir(), "/payload_test.", ::getpid());
};

std::string ReadAll(Payload* payload) {
  std::string all;
  while (all.size() < payload->size()) {
    const auto some = payload->At(all.size());
    if (!some.ok() || some->empty()) break;
    absl::StrAppend(&all, *some);
  }
  return all;
}

TEST_F(PayloadTest, AFileLargerThanOnePieceIsReadWhole) {
  std::string bytes(1'000'003, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  WriteFile(bytes);
  auto payload = Payload::Open(path_);
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(payload->size(), bytes.size());
  EXPECT_EQ(ReadAll(&*payload), bytes);
  EXPECT_EQ(*payload->At(0)->substr(0, 5).begin(), bytes[0]);  // and back again
}

TEST_F(PayloadTest, AFileThatBecomesShorterIsAnError) {
  WriteFile(std::string(600'000, 'x'));
  auto payload = Payload::Open(path_);
  ASSERT_TRUE(payload.ok() && payload->At(0).ok());
  ASSERT_EQ(::truncate(path_.c_str(), 10), 0);
  EXPECT_TRUE(absl::IsDataLoss(payload->At(500'000).status()));
}

TEST_F(PayloadTest, AFileThatGrowsIsSentAsLongAsItWas) {
  WriteFile("12345");
  auto payload = Payload::Open(path_);
  WriteFile("1234567890");
  EXPECT_EQ(ReadAll(&*payload), "12345");
}

TEST_F(PayloadTest, AFileOfProcIsReadThoughItSaysThatItIsEmpty) {
  auto payload = Payload::Open("/proc/self/stat");
  ASSERT_TRUE(payload.ok());
  EXPECT_TRUE(absl::StartsWith(ReadAll(&*payload), absl::StrCat(::getpid(), " ")));
}

TEST_F(PayloadTest, AFileThatIsNotThereIsNamed) {
  const auto payload = Payload::Open("/nope/nothing");
  EXPECT_TRUE(absl::IsInvalidArgument(payload.status()));
  EXPECT_TRUE(absl::StrContains(payload.status().message(), "/nope/nothing"));
}

}  // namespace
}  // namespace windlass
