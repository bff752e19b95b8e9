#include "master/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/read_file.h"
#include "windlass/owned_fd.h"

namespace windlass {
namespace {

constexpr size_t kMaxContent = 32;  // bytes; the longest id has 10 digits

std::string Content() { return absl::StrCat(::getpid(), "\n"); }

absl::Status Failed(const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("pid file ", path));
}

// The name that NameProcess never changes for a master: the executable's.
bool IsWindlassd(pid_t pid) {
  const absl::StatusOr<std::string> name = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
  return name.ok() && absl::StripTrailingAsciiWhitespace(*name) == "windlassd";
}

absl::Status CheckReplaceable(const std::string& path) {
  const auto refuse = [&path](absl::string_view why) {
    return absl::FailedPreconditionError(absl::StrCat("pid file ", path, ": ", why));
  };
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? absl::OkStatus() : Failed(path);
  if (!S_ISREG(info.st_mode)) return refuse("is there and is no file");
  const absl::StatusOr<std::string> content = ReadFile(path, kMaxContent);
  if (!content.ok() && !absl::IsResourceExhausted(content.status())) return content.status();
  const absl::string_view text =
      content.ok() ? absl::StripTrailingAsciiWhitespace(*content) : "too long";
  pid_t pid = 0;
  const bool is_id = std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
                     (text.empty() || absl::SimpleAtoi(text, &pid));
  // Most likely a mistake in the configuration: what it names is not ours to replace.
  if (!is_id) return refuse("is there and holds something else than a process id");
  if (pid <= 0 || pid == ::getpid() || !IsWindlassd(pid)) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("pid file ", path, ": another windlassd is running, process ", pid));
}

absl::Status WriteNew(const std::string& path, const std::string& content) {
  (void)::unlink(path.c_str());  // left behind by a process of the same id
  const OwnedFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd.valid()) return Failed(path);
  const ssize_t written = ::write(fd.get(), content.data(), content.size());
  if (written == static_cast<ssize_t>(content.size())) return absl::OkStatus();
  if (written >= 0) errno = ENOSPC;
  return Failed(path);
}

}  // namespace

absl::StatusOr<PidFile> PidFile::Write(const std::string& path) {
  if (absl::Status free = CheckReplaceable(path); !free.ok()) return free;
  const std::string temporary = absl::StrCat(path, ".", ::getpid());
  absl::Status done = WriteNew(temporary, Content());
  if (done.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) done = Failed(path);
  if (!done.ok()) {
    (void)::unlink(temporary.c_str());
    return done;
  }
  return PidFile(path);
}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  if (this == &other) return *this;
  // The same path, written anew, is not to be removed.
  if (path_ != other.path_) Remove();
  path_ = std::exchange(other.path_, "");
  return *this;
}

void PidFile::Remove() {
  const std::string path = std::exchange(path_, "");
  if (path.empty()) return;
  const absl::StatusOr<std::string> content = ReadFile(path, kMaxContent);
  if (content.ok() && *content == Content()) (void)::unlink(path.c_str());
}

}  // namespace windlass
