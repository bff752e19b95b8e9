#ifndef WINDLASS_COMMON_LOG_FORMAT_H_
#define WINDLASS_COMMON_LOG_FORMAT_H_

#include <spdlog/formatter.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "common/log.h"

namespace windlass {

// How log lines look. As text, the journal keeps the time itself and wants a "<N>" priority (see
// sd-daemon(3)). As JSON:
//   {"time": "2026-01-31T12:00:00.000Z", "level": "info", "role": "master", "pid": 7,
//    "message": "..."}
// on one line, valid UTF-8 whatever the message is, and of at most PIPE_BUF bytes: a longer message
// is cut and ends with "...". Pure but for SetLogMembers.
std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format, bool to_journal);

// Members that the next lines as JSON have, too; none fit beside a message that needs the room.
// Borrowed until they are set again; returns those before.
absl::string_view SetLogMembers(absl::string_view members);

}  // namespace windlass

#endif  // WINDLASS_COMMON_LOG_FORMAT_H_
