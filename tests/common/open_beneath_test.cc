// OpenBeneath, and what stands in for it where openat2(2) is forbidden.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/posix.h"

namespace windlass {
namespace {

using Open = absl::StatusOr<OwnedFd> (*)(int, const std::string&);

class OpenBeneathTest : public testing::TestWithParam<Open> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "beneath_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::create_directories(folder_ + "/root/sub/deep");
    std::ofstream(folder_ + "/outside") << "outside";
    std::ofstream(folder_ + "/root/file") << "file";
    std::ofstream(folder_ + "/root/sub/deep/file") << "deep";
    std::filesystem::create_symlink("../outside", folder_ + "/root/link_out");
    std::filesystem::create_symlink("..", folder_ + "/root/folder_out");
    std::filesystem::create_symlink(folder_ + "/outside", folder_ + "/root/absolute");
    root_ = *OpenDirectory(folder_ + "/root");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // "" = it cannot be opened.
  std::string Read(const std::string& name) const {
    const absl::StatusOr<OwnedFd> fd = GetParam()(root_.get(), name);
    if (!fd.ok()) return "";
    char text[64];
    return std::string(text, ReadFd(fd->get(), text, sizeof(text)).value_or(0));
  }

  std::string folder_;
  OwnedFd root_;
};

TEST_P(OpenBeneathTest, FilesBelowAreOpened) {
  EXPECT_EQ(Read("file"), "file");
  EXPECT_EQ(Read("sub/deep/file"), "deep");
  EXPECT_EQ(Read("sub//deep/file"), "deep");
  EXPECT_EQ(Read("./sub/./deep/file"), "deep");
}

TEST_P(OpenBeneathTest, NothingElseIs) {
  for (const char* name : {"../outside", "sub/../../outside", "link_out", "folder_out/outside",
                           "absolute", "/etc/passwd", "missing", "file/below", "", ".."}) {
    EXPECT_EQ(Read(name), "") << name;
  }
  EXPECT_EQ(Read(folder_ + "/outside"), "");
}

TEST_P(OpenBeneathTest, AFifoIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((folder_ + "/root/fifo").c_str(), 0600), 0);
  EXPECT_EQ(Read("fifo"), "");
}

INSTANTIATE_TEST_SUITE_P(Both, OpenBeneathTest,
                         testing::Values(&OpenBeneath, &OpenBeneathStepByStep),
                         [](const auto& test) {
                           return test.index == 0 ? "Kernel" : "StepByStep";
                         });

}  // namespace
}  // namespace windlass
