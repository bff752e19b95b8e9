#include "tools/client/commands.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/json_text.h"
#include "tools/client/conversation.h"
#include "tools/client/message_dialogue.h"
#include "tools/client/message_request.h"
#include "tools/client/multi.h"
#include "tools/client/output.h"
#include "tools/client/raw_dialogues.h"
#include "tools/client/run_handler.h"

namespace windlass {
namespace {

// What a command came to, when it did not fail.
using Outcome = absl::StatusOr<ExitCode>;

ConversationLimits WholeLimits(const ClientOptions& options) {
  return {options.timeout, TimeoutOf::kWhole, MonotonicNow()};
}

void AppendSeconds(Instant since, std::string* out) {
  absl::StrAppend(out, ", \"seconds\": ",
                  absl::StrFormat("%.6f", absl::ToDoubleSeconds(MonotonicNow() - since)), "}\n");
}

// {"ok": true, "content": ..., "seconds": ...} for protocols that have nothing else to say.
absl::Status WriteJsonContent(absl::string_view content, Instant since) {
  std::string out = R"({"ok": true, )";
  AppendJsonBytes("content", content, &out);
  AppendSeconds(since, &out);
  return WriteOut(out);
}

Outcome OkUnless(const absl::Status& status) {
  if (!status.ok()) return status;
  return ExitCode::kOk;
}

Outcome RunEcho(const ClientOptions& options) {
  EchoDialogue dialogue(options.text);
  const ConversationLimits limits = WholeLimits(options);
  const absl::Status done =
      Converse(options.address, limits, WireLog(options.show_wire), &dialogue);
  if (!done.ok()) return done;
  if (options.json) return OkUnless(WriteJsonContent(options.text, limits.started));
  return OkUnless(WriteOut(absl::StrCat(options.text, "\n")));
}

Outcome RunLength(const ClientOptions& options) {
  absl::StatusOr<Payload> payload = Payload::Open(options.file);
  if (!payload.ok()) return payload.status();
  ContentSink sink(options.json);
  LengthDialogue dialogue(*std::move(payload), options.half_close, &sink);
  const ConversationLimits limits = WholeLimits(options);
  const absl::Status done =
      Converse(options.address, limits, WireLog(options.show_wire), &dialogue);
  if (!done.ok()) return done;
  if (options.json) return OkUnless(WriteJsonContent(sink.kept(), limits.started));
  return OkUnless(EndTerminalLine());
}

Outcome RunLine(const ClientOptions& options) {
  LineDialogue dialogue(STDIN_FILENO, options.half_close, options.json);
  const ConversationLimits limits = {options.timeout, TimeoutOf::kOneAnswer, MonotonicNow()};
  return OkUnless(Converse(options.address, limits, WireLog(options.show_wire), &dialogue));
}

// `search` alone knows what its answer must look like.
absl::StatusOr<std::string> SearchResult(const AnswerHead& head, absl::string_view content) {
  if (head.content_type != "text/json" || !absl::EqualsIgnoreCase(head.content_encoding, "utf-8")) {
    return absl::DataLossError(absl::StrCat("the answer is ", head.content_type, " in ",
                                            head.content_encoding, ", not text/json in utf-8"));
  }
  return ResultOf(content);
}

void AppendMessageJson(const AnswerHead& head, absl::string_view content, std::string* out) {
  absl::StrAppend(out, "{\"ok\": ", head.ok() ? "true" : "false", ", \"status\": ");
  AppendJsonString(head.ok() ? "ok" : absl::string_view(head.status), out);
  absl::StrAppend(out, ", \"header\": ", head.json, ", ");
  AppendJsonBytes("content", content, out);
}

Outcome ReportErrorAnswer(const AnswerHead& head, absl::string_view content, bool json,
                          Instant started) {
  const std::string message = ErrorMessageOf(content);
  std::fprintf(stderr, "%s: %s\n", head.status.c_str(),
               message.empty() ? "(no message)" : message.c_str());
  if (!json) return ExitCode::kErrorAnswer;
  std::string out;
  AppendMessageJson(head, content, &out);
  out.append(R"(, "error": {"code": )");
  AppendJsonString(head.status, &out);
  out.append(R"(, "message": )");
  AppendJsonString(message, &out);
  out.push_back('}');
  AppendSeconds(started, &out);
  if (absl::Status written = WriteOut(out); !written.ok()) return written;
  return ExitCode::kErrorAnswer;
}

// What is printed for an ok answer that was kept.
absl::Status WriteKeptAnswer(const ClientOptions& options, const AnswerHead& head,
                             absl::string_view content, Instant started) {
  std::string result;
  if (options.command == ClientCommand::kSearch) {
    absl::StatusOr<std::string> found = SearchResult(head, content);
    if (!found.ok()) return found.status();
    result = *std::move(found);
  }
  if (!options.json) return WriteOut(absl::StrCat(result, "\n"));
  std::string out;
  AppendMessageJson(head, content, &out);
  if (options.command == ClientCommand::kSearch) {
    out.append(R"(, "result": )");
    AppendJsonString(result, &out);
  }
  AppendSeconds(started, &out);
  return WriteOut(out);
}

// `file`: where an ok answer's content goes; null: to standard output.
Outcome RunMessage(const ClientOptions& options, Payload payload, OutputFile* file = nullptr) {
  absl::StatusOr<std::string> head = EncodeMessageHead(options.message, payload.size());
  if (!head.ok()) return head.status();
  const bool keep = (options.json && file == nullptr) || options.command == ClientCommand::kSearch;
  ContentSink sink(keep, file);
  MessageDialogue dialogue(*std::move(head), std::move(payload), options.message.request_id, &sink);
  const ConversationLimits limits = WholeLimits(options);
  const absl::Status done =
      Converse(options.address, limits, WireLog(options.show_wire), &dialogue);
  if (!done.ok()) return done;
  const AnswerHead& answer = dialogue.answer();
  if (!answer.ok()) return ReportErrorAnswer(answer, sink.kept(), options.json, limits.started);
  if (file != nullptr) {
    const absl::Status committed = file->Commit();
    if (!committed.ok() || !options.json) return OkUnless(committed);
    return OkUnless(WriteKeptAnswer(options, answer, "", limits.started));
  }
  if (keep) return OkUnless(WriteKeptAnswer(options, answer, sink.kept(), limits.started));
  return OkUnless(EndTerminalLine());
}

Outcome RunSearch(const ClientOptions& options) {
  if (!IsUtf8(options.text)) return absl::InvalidArgumentError("VALUE is not UTF-8");
  return RunMessage(options, Payload::FromBytes(SearchContent(options.text)));
}

Outcome RunSend(const ClientOptions& options) {
  absl::StatusOr<Payload> payload = Payload::Open(options.file);
  if (!payload.ok()) return payload.status();
  return RunMessage(options, *std::move(payload));
}

Outcome RunImage(const ClientOptions& options) {
  absl::StatusOr<Payload> payload = Payload::Open(options.file);
  if (!payload.ok()) return payload.status();
  if (options.out_file == "-") return RunMessage(options, *std::move(payload));
  absl::StatusOr<OutputFile> file = OutputFile::Create(options.out_file);
  if (!file.ok()) return file.status();
  return RunMessage(options, *std::move(payload), &*file);
}

// JSON or float32: text that begins as JSON does is that.
Outcome RunInfer(const ClientOptions& options) {
  absl::StatusOr<Payload> payload = Payload::Open(options.file);
  if (!payload.ok()) return payload.status();
  absl::string_view start;
  if (payload->size() > 0) {
    const absl::StatusOr<absl::string_view> piece = payload->At(0);
    if (!piece.ok()) return piece.status();
    // Its end may be in the middle of a character.
    const bool is_text =
        piece->size() < payload->size() ? piece->find('\0') == piece->npos : IsUtf8(*piece);
    if (is_text) start = absl::StripLeadingAsciiWhitespace(*piece);
  }
  ClientOptions with_type = options;
  const bool is_json = absl::StartsWith(start, "{") || absl::StartsWith(start, "[");
  with_type.message.content_type = is_json ? "text/json" : "binary/float32";
  with_type.message.content_encoding = is_json ? "utf-8" : "binary";
  return RunMessage(with_type, *std::move(payload));
}

Outcome Run(const ClientOptions& options) {
  switch (options.command) {
    case ClientCommand::kHelp:
      return OkUnless(WriteOut(ClientUsage()));
    case ClientCommand::kVersion:
      return OkUnless(WriteOut("windlass " WINDLASS_VERSION "\n"));
    case ClientCommand::kEcho:
      return RunEcho(options);
    case ClientCommand::kMulti:
      return RunMulti(options);
    case ClientCommand::kSearch:
      return RunSearch(options);
    case ClientCommand::kBinary:
      return RunMessage(options, Payload::FromBytes(options.text));
    case ClientCommand::kLine:
      return RunLine(options);
    case ClientCommand::kLength:
      return RunLength(options);
    case ClientCommand::kSend:
      return RunSend(options);
    case ClientCommand::kImage:
      return RunImage(options);
    case ClientCommand::kInfer:
      return RunInfer(options);
    case ClientCommand::kRun:
      return RunHandler(options);
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

void AppendJsonFailure(const absl::Status& failure, std::string* out) {
  absl::StrAppend(out, R"(, "error": {"code": ")", FailureName(failure), R"(", "message": )");
  AppendJsonString(absl::string_view(failure.message()), out);
  out->push_back('}');
}

ExitCode ReportFailure(const absl::Status& failure, bool json) {
  std::fprintf(stderr, "%s\n", std::string(failure.message()).c_str());
  if (json) {
    std::string out = R"({"ok": false)";
    AppendJsonFailure(failure, &out);
    out.append("}\n");
    WriteOut(out).IgnoreError();  // the exit code says it too
  }
  return ExitCodeFor(failure);
}

ExitCode RunClientCommand(const ClientOptions& options) {
  const Outcome outcome = Run(options);
  return outcome.ok() ? *outcome : ReportFailure(outcome.status(), options.json);
}

}  // namespace windlass
