#include "worker/io/access_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log_file.h"

namespace windlass {
namespace {

constexpr Instant kStart{1'000'000'000};

struct Pipe {
  OwnedFd read_end, write_end;
};

Pipe MakePipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

std::string ReadNow(int fd) {
  std::string text;
  char block[65536];
  for (ssize_t n; (n = ::read(fd, block, sizeof(block))) > 0;) {
    text.append(block, static_cast<size_t>(n));
  }
  return text;
}

// Of 100 bytes with the newline, and numbered.
std::string Line(int number) {
  std::string line = absl::StrCat("line ", number, " ");
  line.resize(99, '.');
  return line + "\n";
}

// What a pipe holds is less than a buffer does.
std::string FlushAndRead(AccessSink* sink, int fd, Instant now) {
  std::string text = ReadNow(fd);
  for (int i = 1; i <= 4; ++i) {
    sink->Flush(now + absl::Seconds(i));
    text += ReadNow(fd);
  }
  EXPECT_TRUE(sink->empty());
  return text;
}

size_t WholeLines(const std::string& text) {
  size_t lines = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    EXPECT_EQ(line.size(), 99u) << line;
    EXPECT_EQ(line.substr(0, 5), "line ");
    ++lines;
  }
  return lines;
}

TEST(AccessSink, KeepsLinesUntilItIsToldOrFull) {
  Pipe pipe = MakePipe();
  Word<uint64_t> dropped{};
  AccessSink sink(std::move(pipe.write_end), &dropped);
  sink.Add(Line(1), kStart);
  EXPECT_EQ(ReadNow(pipe.read_end.get()), "");
  sink.Flush(kStart);
  EXPECT_EQ(ReadNow(pipe.read_end.get()), Line(1));
  EXPECT_TRUE(sink.empty());
  for (int i = 0; i < 655; ++i) sink.Add(Line(i), kStart);  // 65500 bytes
  EXPECT_EQ(ReadNow(pipe.read_end.get()), "");
  sink.Add(Line(655), kStart);
  std::string text = ReadNow(pipe.read_end.get());
  EXPECT_NE(text, "");
  text += FlushAndRead(&sink, pipe.read_end.get(), kStart);
  EXPECT_EQ(WholeLines(text), 656u);
  EXPECT_EQ(dropped, 0u);
}

TEST(AccessSink, WritesWhatIsLeftAtItsEnd) {
  Pipe pipe = MakePipe();
  Word<uint64_t> dropped{};
  { AccessSink(std::move(pipe.write_end), &dropped).Add(Line(1), kStart); }
  EXPECT_EQ(ReadNow(pipe.read_end.get()), Line(1));
}

TEST(AccessSink, APausedReaderCostsTheNewestLinesWhichAreCountedAndNothingElse) {
  constexpr int kLines = 5000;  // 500 KB: pipe and buffer together hold 128 KiB
  Pipe pipe = MakePipe();
  Word<uint64_t> dropped{};
  AccessSink sink(std::move(pipe.write_end), &dropped);
  for (int i = 0; i < kLines; ++i) sink.Add(Line(i), kStart);
  EXPECT_GT(dropped, 0u);
  const std::string text = FlushAndRead(&sink, pipe.read_end.get(), kStart);
  EXPECT_EQ(WholeLines(text) + dropped, static_cast<uint64_t>(kLines));
  EXPECT_EQ(text.substr(0, 100), Line(0));
  sink.Add(Line(7), kStart);  // and it goes on
  sink.Flush(kStart + absl::Seconds(9));
  EXPECT_EQ(ReadNow(pipe.read_end.get()), Line(7));
}

TEST(AccessSink, AFullDiskCountsEveryLine) {
  Word<uint64_t> dropped{};
  {
    AccessSink sink(*OpenLogFile("/dev/full"), &dropped);
    for (int i = 0; i < 1000; ++i) sink.Add(Line(i), kStart + absl::Milliseconds(i));
    sink.Flush(kStart + absl::Seconds(2));
  }
  EXPECT_EQ(dropped, 1000u);
}

TEST(AccessSink, WhatWaitsGoesToTheFileBeforeARedirection) {
  Pipe first = MakePipe(), second = MakePipe();
  Word<uint64_t> dropped{};
  AccessSink sink(std::move(first.write_end), &dropped);
  sink.Add(Line(1), kStart);
  sink.Redirect(std::move(second.write_end), kStart);
  sink.Add(Line(2), kStart);
  sink.Flush(kStart);
  EXPECT_EQ(ReadNow(first.read_end.get()), Line(1));
  EXPECT_EQ(ReadNow(second.read_end.get()), Line(2));
}

TEST(AccessSink, LinesOfSeveralWorkersDoNotMixInAPipe) {
  Pipe pipe = MakePipe();
  Word<uint64_t> dropped{};
  AccessSink one(OwnedFd(::dup(pipe.write_end.get())), &dropped);
  AccessSink two(OwnedFd(::dup(pipe.write_end.get())), &dropped);
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    (i % 2 == 0 ? one : two).Add(Line(i), kStart + absl::Milliseconds(i));
    if (i % 300 == 299) {
      one.Flush(kStart + absl::Milliseconds(i));
      two.Flush(kStart + absl::Milliseconds(i));
    }
    if (i % 700 == 0) text += ReadNow(pipe.read_end.get());  // it is full now and then
  }
  text += FlushAndRead(&one, pipe.read_end.get(), kStart + absl::Seconds(9));
  text += FlushAndRead(&two, pipe.read_end.get(), kStart + absl::Seconds(9));
  EXPECT_EQ(WholeLines(text) + dropped, 3000u);
}

}  // namespace
}  // namespace windlass
