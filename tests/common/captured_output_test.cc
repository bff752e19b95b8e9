#include "common/captured_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::vector<std::string> Lines(absl::string_view text) {
  std::vector<std::string> lines;
  ForEachPrintedLine(text, [&](absl::string_view line) { lines.emplace_back(line); });
  return lines;
}

// Runs `body` in a child that captures its output. The file stays, as it does for a master.
class CapturingChild {
 public:
  template <typename Body>
  explicit CapturingChild(Body body) : file_(*CreateCapturedOutput()) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      OutputCapture capture = *OutputCapture::Begin(file_.get());
      ::_exit(body(capture) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    said_yes_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  bool said_yes() const { return said_yes_; }
  std::string Left() const { return ReadCapturedOutput(file_.get()); }

 private:
  OwnedFd file_;
  bool said_yes_ = false;
};

TEST(OutputCapture, TakesWhatWasPrintedInEachWay) {
  const CapturingChild child([](OutputCapture& capture) {
    ::printf("a line\nhalf a ");
    std::cout << "line";
    const std::string first = capture.Take();
    std::cerr << "error";
    const bool wrote = ::write(1, " raw", 4) == 4;
    return wrote && first == "a line\nhalf a line" && capture.Take() == "error raw";
  });
  EXPECT_TRUE(child.said_yes());
}

TEST(OutputCapture, WhatWasTakenIsNotThereAnyMore) {
  const CapturingChild child([](OutputCapture& capture) {
    if (!capture.empty() || !capture.Take().empty()) return false;
    std::cerr << "a longer text";
    if (capture.empty()) return false;
    capture.Take();
    if (!capture.empty()) return false;
    std::cerr << "b";
    return capture.Take() == "b";
  });
  EXPECT_TRUE(child.said_yes());
  EXPECT_EQ(child.Left(), "");
}

TEST(OutputCapture, OutputOfADeadProcessCanStillBeRead) {
  const CapturingChild child([](OutputCapture& capture) {
    std::cerr << "taken";
    capture.Take();
    std::cerr << "last words\n";
    ::abort();
    return true;
  });
  EXPECT_EQ(child.Left(), "last words\n");
}

TEST(OutputCapture, OutputOfADeadProcessThatHadMovedTheOffsetCanStillBeRead) {
  const CapturingChild child([](OutputCapture&) {
    std::cerr << "last words\n";
    ::lseek(2, 0, SEEK_SET);
    return true;
  });
  EXPECT_EQ(child.Left(), "last words\n");
}

TEST(OutputCapture, AHandlerThatPrintsWithoutEndIsNeitherHeldUpNorGivenMoreRoom) {
  const CapturingChild child([](OutputCapture& capture) {
    const std::string line(1000, 'x');
    for (int i = 0; i < 1000; ++i) {
      ::printf("%s\n", line.c_str());
      std::cerr << line << "\n";
    }
    if (capture.Take().size() != kCapturedBytes) return false;
    ::printf("and now\n");  // works again
    return capture.Take() == "and now\n";
  });
  EXPECT_TRUE(child.said_yes());
}

TEST(OutputCapture, WhatBeginsWithNulBytesIsTaken) {
  const CapturingChild child([](OutputCapture& capture) {
    const std::string text = std::string(10, '\0') + "binary";
    const bool wrote = ::write(1, text.data(), text.size()) == 16;
    return wrote && capture.Take() == text && capture.Take().empty();
  });
  EXPECT_TRUE(child.said_yes());
}

TEST(OutputCapture, WithItsDescriptorsClosedTheRestIsTaken) {
  const CapturingChild child([](OutputCapture& capture) {
    std::cerr << "one";
    ::lseek(2, 0, SEEK_SET);
    ::close(2);
    return capture.Take() == "one" && capture.Take().empty();
  });
  EXPECT_TRUE(child.said_yes());
}

TEST(OutputCapture, AMovedOffsetLeadsNowhere) {
  const CapturingChild child([](OutputCapture& capture) {
    std::cerr << "text";
    ::lseek(2, int64_t{1} << 40, SEEK_SET);
    return capture.Take().size() == kCapturedBytes;
  });
  EXPECT_TRUE(child.said_yes());
}

TEST(PrintedLines, AreThoseOfTheText) {
  EXPECT_THAT(Lines(""), ElementsAre());
  EXPECT_THAT(Lines("a"), ElementsAre("a"));
  EXPECT_THAT(Lines("a\n"), ElementsAre("a"));
  EXPECT_THAT(Lines("a\n\nb"), ElementsAre("a", "", "b"));
}

TEST(PrintedLines, HaveNoControlCharacters) {
  EXPECT_THAT(Lines("a\tb\x1b[2J\r\n\u20ac"), ElementsAre("a b?[2J?", "\u20ac"));
}

TEST(PrintedLines, AreCutAndCounted) {
  std::string text(5000, 'x');
  for (int i = 0; i < 150; ++i) absl::StrAppend(&text, "\nline ", i);
  const std::vector<std::string> lines = Lines(text);
  ASSERT_THAT(lines, SizeIs(kLoggedLines + 1));
  EXPECT_EQ(lines[0], std::string(1024, 'x'));
  EXPECT_EQ(lines.back(), "(51 more lines)");
}

}  // namespace
}  // namespace windlass
