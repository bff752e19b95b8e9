#include "common/captured_output.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/log.h"

namespace windlass {
namespace {

constexpr size_t kLineBytes = 1024;

std::string Printable(absl::string_view line) {
  std::string text(line.substr(0, kLineBytes));
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = c == '\t' ? ' ' : '?';
  }
  return text;
}

// What was written ends where the shared file offset is.
size_t BytesPrinted(int fd) {
  const off_t end = ::lseek(fd, 0, SEEK_CUR);
  return end <= 0 ? 0 : static_cast<size_t>(std::min<off_t>(end, kCapturedBytes));
}

// Of what was printed, where the offset says `printed`: somebody may have moved it back.
size_t SizeOf(const char* data, size_t printed) {
  return printed > 0 ? printed : ::strnlen(data, kCapturedBytes);
}

}  // namespace

absl::StatusOr<OwnedFd> CreateCapturedOutput() {
  absl::StatusOr<OwnedFd> file = MemfdCreate("windlass-output", kCapturedBytes);
  if (!file.ok()) return file.status();
  absl::Status sealed = AddSeals(file->get(), F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  if (!sealed.ok()) return sealed;
  return file;
}

std::string ReadCapturedOutput(int fd) {
  std::string text(kCapturedBytes, '\0');
  const size_t there = PReadFd(fd, text.data(), text.size(), 0).value_or(0);
  text.resize(std::min(there, SizeOf(text.data(), BytesPrinted(fd))));
  return text;
}

void ForEachPrintedLine(absl::string_view text, absl::FunctionRef<void(absl::string_view)> log) {
  absl::ConsumeSuffix(&text, "\n");
  int lines = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (++lines <= kLoggedLines) log(Printable(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (lines > kLoggedLines) log(absl::StrCat("(", lines - kLoggedLines, " more lines)"));
}

void LogPrinted(absl::string_view whose, absl::string_view text, LogLimit* limit, Instant now) {
  ForEachPrintedLine(text, [&](absl::string_view line) {
    LOG_LIMITED(INFO, *limit, now) << "output of " << whose << ": " << line;
  });
}

absl::StatusOr<OutputCapture> OutputCapture::Begin(int file) {
  absl::StatusOr<Mapping> mapping = Mapping::Shared(file, kCapturedBytes, 0, /*writable=*/true);
  if (!mapping.ok()) return mapping.status();
  // Whole lines reach the file as they are printed; what is left of the last one, in Take.
  ::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(file, standard) < 0) return absl::ErrnoToStatus(errno, "redirect output");
  }
  return OutputCapture(file, *std::move(mapping));
}

bool OutputCapture::empty() const {
  uint64_t first;
  std::memcpy(&first, mapping_.data(), sizeof(first));
  return first == 0 && ::__fpending(stdout) == 0;
}

std::string OutputCapture::Take() {
  ::fflush(stdout);
  ::clearerr(stdout);  // the file may have been full
  const std::string text(mapping_.data(), SizeOf(mapping_.data(), BytesPrinted(file_)));
  if (text.empty()) return text;
  std::memset(mapping_.data(), 0, kCapturedBytes);
  ::lseek(file_, 0, SEEK_SET);
  return text;
}

}  // namespace windlass
