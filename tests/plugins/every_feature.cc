// A plug-in that uses all there is: the content says what it shall do.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "windlass/handler.h"

namespace {

using windlass::ResponsePiece;

class EveryFeature : public windlass::Handler {
 public:
  absl::Status Preload(windlass::HandlerOptions& options, windlass::SharedArena& arena) override {
    const std::string greeting = options.String("greeting", "hello");
    options_ = absl::StrCat(
        greeting, " ", options.Integer("count", 3, 1, 10), " ", options.Number("ratio", 0.5, 0, 1),
        " ", options.Boolean("loud", false) ? "loud" : "quiet", " ",
        absl::FormatDuration(options.Duration("pause", absl::Seconds(1))), " ",
        options.Bytes("size", 1024), " [", absl::StrJoin(options.Strings("words"), ","), "]");
    if (options.Has("needed")) needed_ = options.RequiredString("needed");
    const absl::StatusOr<absl::Span<char>> memory = arena.Allocate(greeting.size());
    if (!memory.ok()) return memory.status();
    std::memcpy(memory->data(), greeting.data(), greeting.size());
    shared_ = *memory;
    return absl::OkStatus();
  }

  absl::Status Start() override {
    started_in_ = ::getpid();
    ::getrlimit(RLIMIT_LOCKS, &locks_at_start_);
    return absl::OkStatus();
  }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request& request,
                                            windlass::HandlerContext& context) override {
    const absl::string_view wanted = request.content;
    windlass::Response response{"text/plain", "utf-8"};
    const auto answer = [&](std::string text) {
      response.pieces.push_back(ResponsePiece::Owned(std::move(text)));
    };
    if (wanted == "options") {
      response.pieces.push_back(ResponsePiece::Borrowed(options_));
    } else if (wanted == "arena") {
      response.pieces.push_back(ResponsePiece::Borrowed({shared_.data(), shared_.size()}));
    } else if (wanted == "context") {
      answer(absl::StrCat(context.job_id() != 0 ? "job " : "", "attempt ", context.attempt(), " ",
                          context.time_left() == absl::InfiniteDuration() ? "endless" : "limited",
                          context.cancelled() ? " cancelled" : "",
                          " who=", context.header("who").value_or("(none)"),
                          " type=", request.content_type, " encoding=", request.content_encoding));
    } else if (wanted == "scratch") {
      const absl::Span<char> scratch = context.Scratch(1000);
      std::memset(scratch.data(), 's', scratch.size());
      response.pieces.push_back(ResponsePiece::Borrowed({scratch.data(), scratch.size()}));
    } else if (wanted == "padding") {
      const std::string zeros(64, '\0');
      answer(std::memcmp(wanted.data() + wanted.size(), zeros.data(), 64) == 0 ? "zeros" : "bytes");
    } else if (wanted == "started") {
      answer(started_in_ == ::getpid() ? "here" : "elsewhere");
    } else if (wanted == "locks") {
      answer(absl::StrCat("at most ", locks_at_start_.rlim_max));
    } else if (wanted == "pieces") {
      response.pieces.push_back(ResponsePiece::Borrowed("<"));
      response.pieces.push_back(FileWith("in a file", 0));
      response.pieces.push_back(ResponsePiece::Owned("|"));
      response.pieces.push_back(FileWith("in a memfd", MFD_ALLOW_SEALING));
      response.pieces.push_back(ResponsePiece::Borrowed(">"));
    } else if (wanted == "print") {
      std::printf("printed to standard output\n");
      context.Log(windlass::HandlerLogLevel::kWarning, "a line for the log");
      answer("done");
    } else if (wanted == "refuse") {
      return absl::InvalidArgumentError("no such wish");
    } else if (wanted == "own error") {
      response.status = windlass::ErrorCode::kTooLarge;
      answer("{\"too\": \"much\"}");
    } else if (wanted == "throw") {
      throw std::runtime_error("thrown on request");
    } else if (wanted == "write to the arena") {
      shared_[0] = 'x';
    } else {
      answer(absl::AsciiStrToUpper(wanted));
    }
    return response;
  }

 private:
  // A piece that leaves the first byte of its file out.
  static ResponsePiece FileWith(const std::string& text, unsigned flags) {
    windlass::OwnedFd file(::memfd_create("piece", MFD_CLOEXEC | flags));
    if (::write(file.get(), "-", 1) != 1 ||
        ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("no memory file");
    if (flags == 0) return ResponsePiece::File(std::move(file), 1, text.size());
    return ResponsePiece::Memfd(std::move(file), 1, text.size());
  }

  std::string options_, needed_;
  absl::Span<char> shared_;
  pid_t started_in_ = 0;
  rlimit locks_at_start_ = {};
};

class Reverse : public windlass::Handler {
 public:
  absl::StatusOr<windlass::Response> Handle(const windlass::Request& request,
                                            windlass::HandlerContext&) override {
    windlass::Response response{request.content_type, request.content_encoding};
    response.pieces.push_back(
        ResponsePiece::Owned(std::string(request.content.rbegin(), request.content.rend())));
    return response;
  }
};

}  // namespace

WINDLASS_HANDLER("everything", EveryFeature);
WINDLASS_HANDLER("reverse", Reverse);
