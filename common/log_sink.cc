#include "common/log_sink.h"

#include <limits.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log_format.h"

namespace windlass {

void LogSink::Redirect(OwnedFd fd) {
  torn_ = false;
  output_.Redirect(std::move(fd));
}

bool LogSink::Write(const char* data, size_t size) {
  const size_t taken = output_.Write({data, size});
  if (taken > 0) torn_ = taken < size;
  return taken == size;
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
