#include <fcntl.h>
#include <simdjson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/examples/fault/arguments.h"
#include "tools/examples/fault/calls.h"
#include "tools/examples/fault/garbage.h"
#include "tools/examples/fault/harm.h"
#include "tools/examples/fault/reach.h"
#include "windlass/handler.h"

namespace windlass::fault {
namespace {

constexpr uint64_t kMostMs = 86'400'000;  // a day
constexpr uint64_t kMostBytes = uint64_t{64}
                                << 30;  // more than the machines that tests run on have
constexpr size_t kPageBytes = 4096;
// How long a wait goes on after it could have ended.
constexpr absl::Duration kStep = absl::Milliseconds(5);
constexpr absl::Duration kWakeUpTime = absl::Microseconds(200);

// Byte i of what "scratch" and "memfd" answer with: 251 is prime, so that no page is like another.
char PatternAt(size_t i) { return static_cast<char>(i % 251); }

void FillWithPattern(absl::Span<char> memory) {
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = PatternAt(i);
}

uint64_t OneByteOfEachPage(absl::Span<const char> memory) {
  uint64_t sum = 0;
  for (size_t i = 0; i < memory.size(); i += kPageBytes)
    sum += static_cast<unsigned char>(memory[i]);
  return sum;
}

Response Answer(absl::string_view json_value) {
  Response response{"text/json", "utf-8"};
  response.pieces.push_back(ResponsePiece::Owned(absl::StrCat(R"({"result": )", json_value, "}")));
  return response;
}

// For text of our own: nothing in it needs escaping.
Response AnswerText(absl::string_view text) { return Answer(absl::StrCat("\"", text, "\"")); }

Response AnswerErrno(int error) {
  const char* name = error == 0 ? "ok" : ::strerrorname_np(error);
  return AnswerText(name != nullptr ? name : absl::StrCat("errno ", error));
}

Response AnswerBinary(ResponsePiece piece) {
  Response response{"application/octet-stream", "binary"};
  response.pieces.push_back(std::move(piece));
  return response;
}

absl::Status Failed(absl::string_view doing) { return absl::ErrnoToStatus(errno, doing); }

}  // namespace

// Role: does what bad handlers do, on request, and a few things that tests of good ones need:
//
//   {"action": "fault", "kind": K, ...}    README.md beside this file lists the kinds
//
// Options: preload_bytes, private_bytes, preload_sleep. Blocking: as asked for.
class FaultHandler : public Handler {
 public:
  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override;
  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override;

 private:
  using Result = absl::StatusOr<Response>;
  struct Kind {
    absl::string_view name;
    Result (FaultHandler::*run)(Arguments&, HandlerContext&);
  };
  static constexpr size_t kKindCount = 29;
  static const std::array<Kind, kKindCount> kKinds;

  Result SegV(Arguments&, HandlerContext&);
  Result Abort(Arguments&, HandlerContext&);
  Result Trap(Arguments&, HandlerContext&);
  Result ForbiddenCall(Arguments&, HandlerContext&);
  Result Exit(Arguments& arguments, HandlerContext&);
  Result Throw(Arguments&, HandlerContext&);
  Result Hang(Arguments&, HandlerContext&);
  Result HangBlocked(Arguments&, HandlerContext&);
  Result Sleep(Arguments& arguments, HandlerContext& context);
  Result Oom(Arguments& arguments, HandlerContext&);
  Result Leak(Arguments& arguments, HandlerContext&);
  Result OpenFile(Arguments& arguments, HandlerContext&);
  Result Connect(Arguments& arguments, HandlerContext&);
  Result Call(Arguments& arguments, HandlerContext&);
  Result Fork(Arguments& arguments, HandlerContext&);
  Result GarbageFds(Arguments& arguments, HandlerContext&);
  Result Flood(Arguments& arguments, HandlerContext&);
  Result Echo(Arguments& arguments, HandlerContext&);
  Result Attempt(Arguments&, HandlerContext& context);
  Result CrashOnce(Arguments&, HandlerContext& context);
  Result Cancelled(Arguments& arguments, HandlerContext& context);
  Result Print(Arguments& arguments, HandlerContext&);
  Result Log(Arguments& arguments, HandlerContext& context);
  Result Scratch(Arguments& arguments, HandlerContext& context);
  Result Memfd(Arguments& arguments, HandlerContext&);
  Result File(Arguments& arguments, HandlerContext&);
  Result Model(Arguments& arguments, HandlerContext&);
  Result Fail(Arguments& arguments, HandlerContext&);
  Result Pid(Arguments&, HandlerContext&);

  // Fixed after Preload.
  absl::Span<const char> model_;
  std::vector<char> private_model_;
  // The loop's working state.
  simdjson::dom::parser parser_;
  std::vector<std::unique_ptr<char[]>> leaked_;
};

constexpr std::array<FaultHandler::Kind, FaultHandler::kKindCount> FaultHandler::kKinds = {{
    {"segv", &FaultHandler::SegV},
    {"abort", &FaultHandler::Abort},
    {"trap", &FaultHandler::Trap},
    {"forbidden-call", &FaultHandler::ForbiddenCall},
    {"exit", &FaultHandler::Exit},
    {"throw", &FaultHandler::Throw},
    {"hang", &FaultHandler::Hang},
    {"hang-blocked", &FaultHandler::HangBlocked},
    {"sleep", &FaultHandler::Sleep},
    {"oom", &FaultHandler::Oom},
    {"leak", &FaultHandler::Leak},
    {"open-file", &FaultHandler::OpenFile},
    {"connect", &FaultHandler::Connect},
    {"call", &FaultHandler::Call},
    {"fork", &FaultHandler::Fork},
    {"garbage-fds", &FaultHandler::GarbageFds},
    {"flood", &FaultHandler::Flood},
    {"echo", &FaultHandler::Echo},
    {"attempt", &FaultHandler::Attempt},
    {"crash-once", &FaultHandler::CrashOnce},
    {"cancelled", &FaultHandler::Cancelled},
    {"print", &FaultHandler::Print},
    {"log", &FaultHandler::Log},
    {"scratch", &FaultHandler::Scratch},
    {"memfd", &FaultHandler::Memfd},
    {"file", &FaultHandler::File},
    {"model", &FaultHandler::Model},
    {"fail", &FaultHandler::Fail},
    {"pid", &FaultHandler::Pid},
}};

absl::Status FaultHandler::Preload(HandlerOptions& options, SharedArena& arena) {
  const uint64_t shared_bytes = options.Bytes("preload_bytes", 0);
  const uint64_t private_bytes = options.Bytes("private_bytes", 0);
  const absl::Duration pause = options.Duration("preload_sleep", absl::ZeroDuration());
  if (shared_bytes > 0) {
    const absl::StatusOr<absl::Span<char>> memory = arena.Allocate(shared_bytes);
    if (!memory.ok()) return memory.status();
    FillWithPattern(*memory);
    model_ = *memory;
  }
  private_model_.resize(private_bytes);
  FillWithPattern(absl::MakeSpan(private_model_));
  absl::SleepFor(pause);
  return absl::OkStatus();
}

absl::StatusOr<Response> FaultHandler::Handle(const Request& request, HandlerContext& context) {
  simdjson::dom::object object;
  // Without a copy: the bytes that the parser may read behind the content are there.
  if (parser_.parse(request.content.data(), request.content.size(), false).get(object) !=
      simdjson::SUCCESS)
    return absl::InvalidArgumentError("content is not a JSON object in UTF-8");
  Arguments arguments(object);
  const absl::string_view name = arguments.String("kind", "");
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(),
                                  [name](const Kind& each) { return each.name == name; });
  if (kind != kKinds.end()) return (this->*kind->run)(arguments, context);
  return absl::InvalidArgumentError(absl::StrCat(
      "kind must be one of ", absl::StrJoin(kKinds, ", ", [](std::string* out, auto& each) {
        absl::StrAppend(out, each.name);
      })));
}

FaultHandler::Result FaultHandler::SegV(Arguments&, HandlerContext&) {
  WriteToNowhere();
  return absl::InternalError("the write to nowhere went well");
}

FaultHandler::Result FaultHandler::Abort(Arguments&, HandlerContext&) { std::abort(); }

FaultHandler::Result FaultHandler::Trap(Arguments&, HandlerContext&) {
  RunIntoBreakpoint();
  return absl::InternalError("the breakpoint did nothing");
}

FaultHandler::Result FaultHandler::ForbiddenCall(Arguments&, HandlerContext&) {
  const int error = MakeForbiddenCall();
  if (error != 0) return AnswerErrno(error);
  return absl::InternalError("the call was made");
}

FaultHandler::Result FaultHandler::Exit(Arguments& arguments, HandlerContext&) {
  const uint64_t code = arguments.Integer("code", 3, 255);
  if (!arguments.status().ok()) return arguments.status();
  std::exit(static_cast<int>(code));
}

FaultHandler::Result FaultHandler::Throw(Arguments&, HandlerContext&) {
  throw std::runtime_error("thrown by fault");
}

FaultHandler::Result FaultHandler::Hang(Arguments&, HandlerContext&) { windlass_fault_hang(); }

FaultHandler::Result FaultHandler::HangBlocked(Arguments&, HandlerContext&) {
  windlass_fault_hang_blocked();
}

FaultHandler::Result FaultHandler::Sleep(Arguments& arguments, HandlerContext& context) {
  const uint64_t ms = arguments.Integer("ms", 0, kMostMs);
  const bool polite = arguments.Boolean("polite", false);
  if (!arguments.status().ok()) return arguments.status();
  ::prctl(PR_SET_TIMERSLACK, 1);  // else the kernel adds 50 us
  const absl::Time until = absl::Now() + absl::Milliseconds(ms);
  if (!polite) {
    // To the microsecond, for those who measure: the end of it awake, because waking takes a while.
    absl::SleepFor(until - absl::Now() - kWakeUpTime);
    while (absl::Now() < until) continue;
  }
  for (absl::Time now = absl::Now(); now < until; now = absl::Now()) {
    if (context.cancelled()) return absl::CancelledError("cancelled while asleep");
    const absl::Duration left = context.time_left();
    if (left <= absl::ZeroDuration())
      return absl::DeadlineExceededError("deadline passed while asleep");
    absl::SleepFor(std::min({kStep, until - now, left}));
  }
  return AnswerText(absl::StrCat("Slept ", ms, " ms."));
}

FaultHandler::Result FaultHandler::Oom(Arguments& arguments, HandlerContext&) {
  const uint64_t bytes = arguments.Integer("bytes", uint64_t{1} << 30, kMostBytes);
  if (!arguments.status().ok()) return arguments.status();
  TakeMemory(bytes);
  return AnswerText(absl::StrCat("Took ", bytes, " bytes."));
}

FaultHandler::Result FaultHandler::Leak(Arguments& arguments, HandlerContext&) {
  const uint64_t bytes = arguments.Integer("bytes", 1 << 20, kMostBytes);
  const uint64_t block = std::max<uint64_t>(1, arguments.Integer("block", bytes, kMostBytes));
  if (!arguments.status().ok()) return arguments.status();
  for (uint64_t done = 0; done < bytes; done += block) {
    leaked_.emplace_back(new char[block]);
    memset(leaked_.back().get(), 0x5a, block);
  }
  return AnswerText(absl::StrCat("Leaked ", bytes, " bytes."));
}

FaultHandler::Result FaultHandler::OpenFile(Arguments& arguments, HandlerContext&) {
  const std::string path = arguments.RequiredString("path");
  if (!arguments.status().ok()) return arguments.status();
  return AnswerErrno(OpenAndRead(path));
}

FaultHandler::Result FaultHandler::Connect(Arguments& arguments, HandlerContext&) {
  const std::string address = arguments.RequiredString("address");
  if (!arguments.status().ok()) return arguments.status();
  const absl::StatusOr<int> error = ConnectTo(address);
  if (!error.ok()) return error.status();
  return AnswerErrno(*error);
}

FaultHandler::Result FaultHandler::Call(Arguments& arguments, HandlerContext&) {
  const std::string name = arguments.RequiredString("name");
  if (!arguments.status().ok()) return arguments.status();
  const absl::StatusOr<int> error = TryCall(name);
  if (!error.ok()) return error.status();
  return AnswerErrno(*error);
}

FaultHandler::Result FaultHandler::Fork(Arguments& arguments, HandlerContext&) {
  const uint64_t ms = arguments.Integer("ms", 1000, kMostMs);
  if (!arguments.status().ok()) return arguments.status();
  pid_t pid = -1;
  const int error = ForkSleeper(absl::Milliseconds(ms), &pid);
  return error == 0 ? Answer(absl::StrCat(pid)) : AnswerErrno(error);
}

FaultHandler::Result FaultHandler::GarbageFds(Arguments& arguments, HandlerContext&) {
  const uint64_t bytes = arguments.Integer("bytes", 4096, kMostGarbageBytes);
  const bool fds_only = arguments.Boolean("fds_only", false);
  const bool maps_only = arguments.Boolean("maps_only", false);
  if (!arguments.status().ok()) return arguments.status();
  int written = 0;
  if (!maps_only) {
    const absl::StatusOr<int> descriptors = WriteGarbageToDescriptors(bytes);
    if (!descriptors.ok()) return descriptors.status();
    written = *descriptors;
  }
  if (!fds_only) {
    const absl::Status survived = WriteGarbageToMappings();
    if (!survived.ok()) return survived;
  }
  return AnswerText(absl::StrCat("Wrote to ", written, " descriptors."));
}

FaultHandler::Result FaultHandler::Flood(Arguments& arguments, HandlerContext&) {
  const uint64_t bytes = arguments.Integer("bytes", 8, kMostGarbageBytes);
  const uint64_t ms = arguments.Integer("ms", 1000, kMostMs);
  if (!arguments.status().ok()) return arguments.status();
  const absl::StatusOr<int> sent = FloodSockets(bytes, absl::Milliseconds(ms));
  if (!sent.ok()) return sent.status();
  return AnswerText(absl::StrCat("Sent ", *sent, " packets."));
}

FaultHandler::Result FaultHandler::Echo(Arguments& arguments, HandlerContext&) {
  const uint64_t ms = arguments.Integer("ms", 0, kMostMs);
  if (!arguments.status().ok()) return arguments.status();
  absl::SleepFor(absl::Milliseconds(ms));
  return Answer(arguments.Json("value"));
}

FaultHandler::Result FaultHandler::Attempt(Arguments&, HandlerContext& context) {
  return Answer(absl::StrCat(context.attempt()));
}

FaultHandler::Result FaultHandler::CrashOnce(Arguments&, HandlerContext& context) {
  if (context.attempt() == 1) std::abort();
  return AnswerText(absl::StrCat("Survived attempt ", context.attempt(), "."));
}

FaultHandler::Result FaultHandler::Cancelled(Arguments& arguments, HandlerContext& context) {
  const uint64_t ms = arguments.Integer("ms", 10'000, kMostMs);
  const std::string path = arguments.RequiredString("path");
  if (!arguments.status().ok()) return arguments.status();
  const absl::Time until = absl::Now() + absl::Milliseconds(ms);
  while (!context.cancelled() && absl::Now() < until) absl::SleepFor(kStep);
  const absl::string_view outcome = context.cancelled() ? "cancelled" : "not cancelled";
  const int error = AppendLine(path, outcome);
  return error == 0 ? AnswerText(outcome) : AnswerErrno(error);
}

FaultHandler::Result FaultHandler::Print(Arguments& arguments, HandlerContext&) {
  const std::string text(arguments.String("text", "printed by fault"));
  if (!arguments.status().ok()) return arguments.status();
  ::fprintf(stdout, "%s to standard output\n", text.c_str());
  ::fflush(stdout);
  ::fprintf(stderr, "%s to standard error\n", text.c_str());
  return AnswerText("Printed.");
}

FaultHandler::Result FaultHandler::Log(Arguments& arguments, HandlerContext& context) {
  constexpr std::array<absl::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  const std::string text(arguments.String("text", "logged by fault"));
  const absl::string_view name = arguments.String("level", "info");
  if (!arguments.status().ok()) return arguments.status();
  const auto* level = std::find(kLevels.begin(), kLevels.end(), name);
  if (level == kLevels.end())
    return absl::InvalidArgumentError("level must be debug, info, warning or error");
  context.Log(static_cast<HandlerLogLevel>(level - kLevels.begin()), text);
  return AnswerText("Logged.");
}

FaultHandler::Result FaultHandler::Scratch(Arguments& arguments, HandlerContext& context) {
  const uint64_t bytes = arguments.Integer("bytes", kPageBytes, kMostBytes);
  if (!arguments.status().ok()) return arguments.status();
  const absl::Span<char> memory = context.Scratch(bytes);
  FillWithPattern(memory);
  return AnswerBinary(ResponsePiece::Borrowed({memory.data(), memory.size()}));
}

FaultHandler::Result FaultHandler::Memfd(Arguments& arguments, HandlerContext&) {
  const uint64_t bytes = arguments.Integer("bytes", 1 << 20, kMostBytes);
  if (!arguments.status().ok()) return arguments.status();
  OwnedFd memfd(::memfd_create("fault", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd.valid()) return Failed("memfd_create");
  std::array<char, 251 * 256> pattern;  // whole turns, so that each piece continues the one before
  FillWithPattern(absl::MakeSpan(pattern));
  for (uint64_t done = 0; done < bytes;) {
    const size_t at = done % pattern.size();
    const size_t step = std::min<uint64_t>(bytes - done, pattern.size() - at);
    const ssize_t n = ::write(memfd.get(), pattern.data() + at, step);
    if (n < 0) return Failed("write to a memfd");
    done += static_cast<uint64_t>(n);
  }
  return AnswerBinary(ResponsePiece::Memfd(std::move(memfd), 0, bytes));
}

FaultHandler::Result FaultHandler::File(Arguments& arguments, HandlerContext&) {
  const std::string path = arguments.RequiredString("path");
  if (!arguments.status().ok()) return arguments.status();
  OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return Failed(absl::StrCat("open ", path));
  struct stat about = {};
  if (::fstat(file.get(), &about) != 0) return Failed(absl::StrCat("stat ", path));
  return AnswerBinary(
      ResponsePiece::File(std::move(file), 0, static_cast<uint64_t>(about.st_size)));
}

FaultHandler::Result FaultHandler::Model(Arguments& arguments, HandlerContext&) {
  const bool of_private = arguments.Boolean("private", false);
  if (!arguments.status().ok()) return arguments.status();
  return Answer(
      absl::StrCat(OneByteOfEachPage(of_private ? absl::MakeConstSpan(private_model_) : model_)));
}

FaultHandler::Result FaultHandler::Fail(Arguments& arguments, HandlerContext&) {
  // A status of a handler that neither the client nor the server is to blame for by name.
  const std::string message(arguments.String("message", "failed as asked"));
  if (!arguments.status().ok()) return arguments.status();
  return absl::InternalError(message);
}

FaultHandler::Result FaultHandler::Pid(Arguments&, HandlerContext&) {
  return Answer(absl::StrCat(::getpid()));
}

WINDLASS_HANDLER("fault", FaultHandler);

}  // namespace windlass::fault
