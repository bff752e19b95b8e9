#include "tools/client/run_handler.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/byte_buffer.h"
#include "common/json_text.h"
#include "common/posix.h"
#include "tools/client/payload.h"
#include "tools/client/run_context.h"
#include "tools/client/run_parts.h"
#include "tools/client/sanitizer_runtime.h"
#include "worker/handlers/handler_set.h"
#include "worker/handlers/plugin.h"

namespace windlass {
namespace {

constexpr size_t kCopyBytes = 256 << 10;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// What is wrong before the handler runs is wrong with the command line, or a file that it names.
absl::Status Usage(const absl::Status& status) {
  return absl::InvalidArgumentError(status.message());
}

// Standard output as it was; from now on what is printed there goes to standard error.
absl::StatusOr<File> KeepOutputForTheAnswer() {
  absl::StatusOr<OwnedFd> kept = Duplicate(STDOUT_FILENO);
  if (!kept.ok()) return kept.status();
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return File(::fdopen(kept->Take(), "w"), &std::fclose);
}

Config ConfigFor(const RunOptions& run) {
  HandlerConfig handler;
  handler.builtin = run.builtin;
  handler.library = run.library;
  handler.entry = run.handler;
  handler.name = run.handler.empty() ? run.builtin : run.handler;
  if (handler.name.empty()) {
    // As a server would want a name for it: that of the library.
    const std::string file = run.library.substr(run.library.rfind('/') + 1);
    handler.name = file.substr(0, file.find('.'));
  }
  handler.options = run.options;
  Config config;
  config.handlers.push_back(std::move(handler));
  return config;
}

// May start this program again, so nothing must have been read or printed before.
absl::Status ProvideRuntimeFor(const std::string& library) {
  if (library.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> path = FindPlugin(library);
  return path.ok() ? ProvideSanitizerRuntime(*path) : path.status();
}

absl::StatusOr<HandlerSet> LoadAndStart(const Config& config) {
  absl::StatusOr<HandlerSet> handlers = HandlerSet::Load(config, /*pool=*/0);
  if (!handlers.ok()) return handlers.status();
  if (const absl::Status started = handlers->Start(); !started.ok()) return started;
  return handlers;
}

// The whole payload, followed by the bytes that a handler may read beyond it, and by nothing that a
// sanitizer would let it read.
struct Content {
  std::unique_ptr<char[]> memory;
  size_t size = 0;
};
absl::StatusOr<Content> ReadContent(const std::string& file) {
  absl::StatusOr<Payload> payload = Payload::Open(file);
  if (!payload.ok()) return payload.status();
  Content content;
  content.size = payload->size();
  content.memory = std::make_unique<char[]>(content.size + ByteBuffer::kPadding);  // zeroed
  for (size_t at = 0; at < content.size;) {
    const absl::StatusOr<absl::string_view> piece = payload->At(at);
    if (!piece.ok()) return piece.status();
    std::memcpy(content.memory.get() + at, piece->data(), piece->size());
    at += piece->size();
  }
  return content;
}

std::string HeaderOf(const MessageOptions& message) {
  if (message.more_keys.empty()) return "";
  std::string json;
  for (const auto& [key, value] : message.more_keys) {
    json.append(json.empty() ? "{" : ", ");
    AppendJsonString(key, &json);
    json.append(": ");
    AppendJsonString(value, &json);
  }
  return json + "}";
}

absl::StatusOr<Response> Handle(Handler* handler, const Request& request, RunContext* context,
                                SplitRun* run) {
  try {
    return run->Run(handler, request, context);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("exception: ", error.what()));
  } catch (...) {
    return absl::InternalError("exception of unknown type");
  }
}

// What a server would not send.
absl::Status CheckPieces(const Response& response) {
  size_t files = 0;
  for (const ResponsePiece& piece : response.pieces) {
    if (piece.is_missing) return absl::InternalError("a file of the response is not open");
    files += piece.is_file() ? 1 : 0;
    if (piece.is_memfd &&
        !AddSeals(piece.file.get(), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW).ok()) {
      return absl::InternalError(
          "a memfd of the response cannot be sealed: it must be made with MFD_ALLOW_SEALING and "
          "not be mapped for writing any more");
    }
  }
  if (files > kMaxResponseFiles) return absl::InternalError("response of too many pieces");
  return absl::OkStatus();
}

absl::Status Write(absl::string_view bytes, std::FILE* out) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size()) return absl::OkStatus();
  return absl::AbortedError("standard output: cannot be written");
}

absl::Status CopyFile(const ResponsePiece& piece, std::FILE* out) {
  std::string buffer(std::min<uint64_t>(kCopyBytes, piece.file_bytes), '\0');
  for (uint64_t at = 0; at < piece.file_bytes;) {
    const size_t wanted = std::min<uint64_t>(buffer.size(), piece.file_bytes - at);
    const absl::StatusOr<size_t> read =
        PReadFd(piece.file.get(), buffer.data(), wanted, piece.file_offset + at);
    if (!read.ok()) return read.status();
    if (*read == 0) return absl::DataLossError("a file of the response is shorter than it says");
    const absl::Status written = Write(absl::string_view(buffer.data(), *read), out);
    if (!written.ok()) return written;
    at += *read;
  }
  return absl::OkStatus();
}

absl::Status WriteContent(const Response& response, std::FILE* out) {
  for (const ResponsePiece& piece : response.pieces) {
    const absl::Status written = piece.is_file() ? CopyFile(piece, out) : Write(piece.bytes(), out);
    if (!written.ok()) return written;
  }
  if (std::fflush(out) == 0) return absl::OkStatus();
  return absl::AbortedError("standard output: cannot be written");
}

ExitCode ReportError(ErrorCode code, absl::string_view message) {
  const absl::string_view name = ErrorCodeName(code);
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(message.size()), message.data());
  return ExitCode::kErrorAnswer;
}

}  // namespace

absl::StatusOr<ExitCode> RunHandler(const ClientOptions& options) {
  const absl::Status provided = ProvideRuntimeFor(options.run.library);
  if (!provided.ok()) return Usage(provided);
  const absl::StatusOr<Content> content = ReadContent(options.file);
  if (!content.ok()) return Usage(content.status());
  const absl::StatusOr<File> out = KeepOutputForTheAnswer();
  if (!out.ok()) return out.status();
  const Config config = ConfigFor(options.run);
  const absl::StatusOr<HandlerSet> handlers = LoadAndStart(config);
  if (!handlers.ok()) return Usage(handlers.status());

  const std::string header = HeaderOf(options.message);
  const Instant begun = MonotonicNow();
  const bool has_deadline = options.run.deadline != absl::InfiniteDuration();
  const Instant deadline = has_deadline ? begun + options.run.deadline : Instant::Never();
  RunContext context(config.handlers[0].name, header, deadline, options.run.processes);
  const Request request{{content->memory.get(), content->size},
                        options.message.content_type,
                        options.message.content_encoding,
                        ByteOrder::kLittle,
                        header};
  SplitRun run;
  const absl::StatusOr<Response> response = Handle(handlers->at(0), request, &context, &run);
  if (has_deadline && MonotonicNow() >= deadline) {
    return ReportError(ErrorCode::kDeadlineExceeded,
                       absl::StrCat("it took ", absl::FormatDuration(MonotonicNow() - begun)));
  }
  if (!response.ok())
    return ReportError(ErrorCodeFor(response.status().code()), response.status().message());
  if (const absl::Status fits = CheckPieces(*response); !fits.ok())
    return ReportError(ErrorCode::kHandlerFailed, fits.message());
  if (const absl::Status written = WriteContent(*response, out->get()); !written.ok())
    return written;
  if (response->status == ErrorCode::kOk) return ExitCode::kOk;
  return ReportError(response->status, "the answer's content says why");
}

}  // namespace windlass
