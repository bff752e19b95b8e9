#include "worker/admin/dashboard.h"

#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

// By coreutils: another one who can say what is right.
std::string Sha256Base64(absl::string_view bytes) {
  char path[] = "/tmp/windlass-test-XXXXXX";
  ::close(::mkstemp(path));
  std::ofstream(path, std::ios::binary) << bytes;
  FILE* const sum = ::popen(absl::StrCat("sha256sum < ", path).c_str(), "r");
  char hex[65] = {};
  EXPECT_EQ(::fread(hex, 1, 64, sum), 64u);
  ::pclose(sum);
  ::unlink(path);
  return absl::Base64Escape(absl::HexStringToBytes(hex));
}

TEST(Dashboard, IsTheFileOfTheTree) {
  std::stringstream file;
  file << std::ifstream(WINDLASS_SOURCE_DIR "/worker/admin/dashboard/index.html").rdbuf();
  EXPECT_TRUE(DashboardPage() == file.str());
}

TEST(Dashboard, HasAHashForEachOfItsScriptsAndStyles) {
  for (const std::string tag : {"script", "style"}) {
    const std::string opening = absl::StrCat("<", tag, ">"), closing = absl::StrCat("</", tag, ">");
    int found = 0;
    absl::string_view rest = DashboardPage();
    for (size_t at = rest.find(opening); at != absl::string_view::npos; at = rest.find(opening)) {
      rest.remove_prefix(at + opening.size());
      const std::string hash = Sha256Base64(rest.substr(0, rest.find(closing)));
      EXPECT_TRUE(absl::StrContains(DashboardHeaders(), absl::StrCat("'sha256-", hash, "'")))
          << tag << " " << hash;
      ++found;
    }
    EXPECT_GT(found, 0) << tag;
  }
}

}  // namespace
}  // namespace windlass
