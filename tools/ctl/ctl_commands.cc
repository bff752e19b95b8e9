#include "tools/ctl/ctl_commands.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/clock.h"
#include "common/report/json_writer.h"
#include "common/report/list_json.h"
#include "common/report/printable_text.h"
#include "common/report/status_json.h"
#include "tools/client/output.h"
#include "tools/ctl/control_client.h"
#include "tools/ctl/list_text.h"
#include "tools/ctl/output_style.h"
#include "tools/ctl/status_text.h"
#include "tools/ctl/top.h"

namespace windlass {
namespace {

constexpr absl::string_view kOwnVersion = "windlassctl " WINDLASS_VERSION "\n";

// What the server says in lines, as lines.
std::string Lines(absl::string_view message) {
  const std::string text = PrintableText(absl::StripSuffix(message, "\n"));
  return text.empty() ? "" : text + "\n";
}

// A reply of this kind, or a Done that is not ok, ends `request`.
proto::CtlReply::WhatCase AnswerTo(const proto::CtlRequest& request) {
  switch (request.what_case()) {
    case proto::CtlRequest::kStatus:
      return proto::CtlReply::kStatus;
    case proto::CtlRequest::kConnections:
      return proto::CtlReply::kConnections;
    case proto::CtlRequest::kJobs:
      return proto::CtlReply::kJobs;
    case proto::CtlRequest::kDeaths:
      return proto::CtlReply::kDeaths;
    case proto::CtlRequest::kVersion:
      return proto::CtlReply::kVersion;
    case proto::CtlRequest::kQuarantine:
      return proto::CtlReply::kQuarantine;
    default:
      return proto::CtlReply::kDone;
  }
}

bool EndsTheServer(const proto::CtlRequest& request) {
  return request.has_drain() || request.has_stop();
}

absl::Status PrintList(const ListText& list) {
  std::fputs(list.notes.c_str(), stderr);
  return WriteOut(list.table);
}

absl::Status PrintAnswer(const proto::CtlReply& reply, const CtlOptions& options) {
  const bool json = options.json;
  const TextStyle style = StyleOfOutput(options.colour);
  switch (reply.what_case()) {
    case proto::CtlReply::kStatus:
      return WriteOut(json ? StatusJson(reply.status())
                           : StatusText(reply.status(), absl::Now(), style));
    case proto::CtlReply::kConnections:
      if (json) return WriteOut(ConnectionsJson(reply.connections()));
      return PrintList(ConnectionsText(reply.connections(), style));
    case proto::CtlReply::kJobs:
      if (json) return WriteOut(JobsJson(reply.jobs()));
      return PrintList(JobsText(reply.jobs(), style));
    case proto::CtlReply::kDeaths:
      if (json) return WriteOut(DeathsJson(reply.deaths()));
      return PrintList(DeathsText(reply.deaths(), style));
    case proto::CtlReply::kQuarantine:
      if (json) return WriteOut(QuarantineJson(reply.quarantine()));
      return PrintList(QuarantineText(reply.quarantine(), style));
    case proto::CtlReply::kVersion:
      return WriteOut(absl::StrCat("windlassd ", PrintableLine(reply.version().version()), " (pid ",
                                   reply.version().pid(), ")\n"));
    case proto::CtlReply::kDone:
      return WriteOut(Lines(reply.done().message()));
    case proto::CtlReply::kProgress:
    case proto::CtlReply::WHAT_NOT_SET:
      break;
  }
  return absl::InternalError("this is no answer");
}

// The answer to options.request; progress is printed as it comes, beside the JSON if there is any.
absl::StatusOr<proto::CtlReply> TakeAnswer(const CtlOptions& options, ControlClient* client) {
  for (;;) {
    absl::StatusOr<proto::CtlReply> reply = client->Receive();
    if (!reply.ok()) return reply.status();
    if (reply->has_progress()) {
      const std::string lines = Lines(reply->progress().line());
      if (options.json) {
        std::fputs(lines.c_str(), stderr);
      } else if (absl::Status written = WriteOut(lines); !written.ok()) {
        return written;
      }
      continue;
    }
    if (reply->has_done() && !reply->done().ok()) {
      const std::string why = PrintableText(absl::StripSuffix(reply->done().message(), "\n"));
      return absl::FailedPreconditionError(why.empty() ? "refused, and the server says no reason"
                                                       : why);
    }
    if (reply->what_case() == AnswerTo(options.request)) return reply;
    return absl::DataLossError("the server answered something else than it was asked");
  }
}

// `status`, and if that is a timeout: how long it was.
absl::Status WithTimeout(const absl::Status& status, absl::Duration timeout) {
  if (!absl::IsDeadlineExceeded(status)) return status;
  return absl::DeadlineExceededError(
      absl::StrCat(status.message(), " (--timeout=", absl::FormatDuration(timeout), ")"));
}

absl::Status AskServer(const CtlOptions& options) {
  const Instant deadline = MonotonicNow() + options.timeout;
  const absl::StatusOr<std::string> path = LocateControlSocket(options.control);
  if (!path.ok()) return path.status();
  absl::StatusOr<ControlClient> client = ControlClient::Connect(*path, deadline);
  if (!client.ok()) return client.status();
  if (absl::Status sent = client->Send(options.request); !sent.ok()) return sent;
  const absl::StatusOr<proto::CtlReply> answer = TakeAnswer(options, &*client);
  if (!answer.ok()) return answer.status();
  if (absl::Status printed = PrintAnswer(*answer, options); !printed.ok()) return printed;
  return EndsTheServer(options.request) ? client->AwaitEnd() : absl::OkStatus();
}

absl::Status Run(const CtlOptions& options) {
  switch (options.task) {
    case CtlTask::kHelp:
      return WriteOut(CtlUsage());
    case CtlTask::kOwnVersion:
      return WriteOut(kOwnVersion);
    case CtlTask::kTop:
      return RunTop(options);
    case CtlTask::kAskServer:
      break;
  }
  if (options.request.has_version()) {
    if (absl::Status written = WriteOut(kOwnVersion); !written.ok()) return written;
  }
  return WithTimeout(AskServer(options), options.timeout);
}

// The failure's name in --json output.
absl::string_view CtlFailureName(ExitCode exit_code) {
  switch (exit_code) {
    case ExitCode::kOk:
      return "ok";
    case ExitCode::kErrorAnswer:
      return "failed";
    case ExitCode::kUsage:
      return "usage";
    case ExitCode::kConnection:
      return "unreachable";
    case ExitCode::kTimeout:
      return "timeout";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

}  // namespace

ExitCode ReportCtlFailure(const absl::Status& failure, bool json) {
  const ExitCode exit_code = ExitCodeFor(failure);
  std::fputs(Lines(absl::string_view(failure.message())).c_str(), stderr);
  if (json) {
    JsonWriter writer;
    writer.Flag("ok", false);
    writer.OpenObject("error");
    writer.Text("code", CtlFailureName(exit_code));
    writer.Text("message", failure.message());
    writer.Close();
    WriteOut(std::move(writer).Take()).IgnoreError();  // the exit code says it too
  }
  return exit_code;
}

ExitCode RunCtlCommand(const CtlOptions& options) {
  const absl::Status status = Run(options);
  return status.ok() ? ExitCode::kOk : ReportCtlFailure(status, options.json);
}

}  // namespace windlass
