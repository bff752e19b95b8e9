#include "common/log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log_format.h"

namespace windlass {

// The log sits below common/posix.*, which logs; so it makes its own system calls.
LogSink::LogSink(int fd) { Use(fd); }

void LogSink::Redirect(OwnedFd fd) {
  OwnedFd given = std::move(fd);  // closed at the end, if it was opened again
  torn_ = false;
  Use(given.get());
  if (fd_ == given.get()) owned_ = std::move(given);
}

void LogSink::Use(int fd) {
  fd_ = fd;
  is_socket_ = false;
  struct stat info;
  if (::fstat(fd, &info) != 0) return;
  is_socket_ = S_ISSOCK(info.st_mode);
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  OwnedFd again(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_APPEND));
  if (!again.valid()) return;
  owned_ = std::move(again);
  fd_ = owned_.get();
}

bool LogSink::Write(const char* data, size_t size) {
  for (;;) {
    const ssize_t n = is_socket_ ? ::send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : ::write(fd_, data, size);
    if (n < 0 && errno == EINTR) continue;
    torn_ = n > 0 ? static_cast<size_t>(n) < size : torn_;
    return n >= 0 && static_cast<size_t>(n) == size;
  }
}

bool LogSink::WriteLine(const spdlog::details::log_msg& message, bool after_torn) {
  spdlog::memory_buf_t line;
  if (after_torn) line.push_back('\n');
  formatter_->format(message, line);
  // What a pipe takes whole or not at all: half a line would be glued to the next one.
  if (line.size() > PIPE_BUF) {
    line.resize(PIPE_BUF);
    line[PIPE_BUF - 1] = '\n';
  }
  return Write(line.data(), line.size());
}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  if (dropped_ > reported_) {
    const std::string count =
        absl::StrCat(dropped_ - reported_, " log lines dropped: sink blocked");
    spdlog::details::log_msg note = message;
    note.level = spdlog::level::warn;
    note.payload = count;
    const absl::string_view members = SetLogMembers({});
    if (WriteLine(note, torn_)) reported_ = dropped_;
    SetLogMembers(members);
  }
  if (!WriteLine(message, /*after_torn=*/false)) ++dropped_;
}

}  // namespace windlass
