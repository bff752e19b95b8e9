#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/sanitizer.h"
#include "tests/tools/examples/plugin_under_test.h"

namespace windlass {
namespace {

using ::testing::HasSubstr;

class Fault : public ::testing::Test {
 protected:
  Fault() : handler_(MakePluginHandler("fault", "fault")) {}
  void SetUp() override { ASSERT_NE(handler_, nullptr); }

  absl::StatusOr<Response> Handle(absl::string_view content) {
    padded_ = absl::StrCat(content, std::string(64, '\0'));
    Request request;
    request.content = absl::string_view(padded_).substr(0, content.size());
    return handler_->Handle(request, context_);
  }
  // The content of the answer; what went wrong instead of an answer.
  std::string Ask(absl::string_view kind, absl::string_view more = "") {
    const absl::StatusOr<Response> response =
        Handle(absl::StrCat(R"({"action": "fault", "kind": ")", kind, "\"", more, "}"));
    if (!response.ok()) return response.status().ToString();
    std::string content;
    for (const ResponsePiece& piece : response->pieces) {
      if (!piece.is_file()) {
        absl::StrAppend(&content, piece.bytes());
        continue;
      }
      std::string bytes(piece.size(), '\0');
      EXPECT_EQ(::pread(piece.file.get(), bytes.data(), bytes.size(),
                        static_cast<off_t>(piece.file_offset)),
                static_cast<ssize_t>(bytes.size()));
      content += bytes;
    }
    return content;
  }

  const std::unique_ptr<Handler> handler_;
  GivenContext context_;
  std::string padded_;
};
using FaultDeathTest = Fault;

std::string Pattern(size_t bytes) {
  std::string pattern(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<char>(i % 251);
  return pattern;
}

std::string Folder() { return ::testing::TempDir(); }

std::string TextOf(const std::string& path) {
  std::string text(4096, '\0');
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}

TEST_F(Fault, RefusesWhatIsNoJsonObject) {
  for (const char* content : {"", "kind", "[1]", "{\"kind\": ", "{\"kind\": \"\xff\"}"})
    EXPECT_EQ(Handle(content).status().code(), absl::StatusCode::kInvalidArgument) << content;
}

TEST_F(Fault, NamesTheKindsThatItKnowsWhenAskedForAnother) {
  const absl::Status status = Handle(R"({"action": "fault", "kind": "drought"})").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("segv, abort, trap, forbidden-call, exit, throw, hang"));
}

TEST_F(Fault, RefusesArgumentsOfAWrongTypeOrSizeBeforeItDoesHarm) {
  EXPECT_THAT(Ask("exit", R"(, "code": "3")"), HasSubstr("code must be an integer from 0 to 255"));
  EXPECT_THAT(Ask("exit", R"(, "code": 256)"), HasSubstr("code must be an integer from 0 to 255"));
  EXPECT_THAT(Ask("garbage-fds", R"(, "fds_only": 1)"),
              HasSubstr("fds_only must be true or false"));
  EXPECT_THAT(Ask("open-file"), HasSubstr("path must be a string that is not empty"));
  EXPECT_THAT(Ask("connect", R"(, "address": "localhost")"), HasSubstr("address must be"));
}

TEST_F(Fault, EchoesAnyJson) {
  EXPECT_EQ(Ask("echo", R"(, "value": {"a": [1, "\u00e4", null]})"),
            R"({"result": {"a":[1,"ä",null]}})");
  EXPECT_EQ(Ask("echo"), R"({"result": null})");
}

TEST_F(Fault, ThrowsWhatTheServerHasToCatch) { EXPECT_THROW(Ask("throw"), std::runtime_error); }

TEST_F(Fault, FailsWithTheMessageThatItWasGiven) {
  EXPECT_EQ(Ask("fail", R"(, "message": "no luck")"), "INTERNAL: no luck");
}

TEST_F(Fault, SleepsAsLongAsItIsToldWhoeverWaits) {
  context_.is_cancelled = true;
  context_.left = absl::ZeroDuration();
  const absl::Time begun = absl::Now();
  EXPECT_EQ(Ask("sleep", R"(, "ms": 30)"), R"({"result": "Slept 30 ms."})");
  EXPECT_GE(absl::Now() - begun, absl::Milliseconds(30));
}

TEST_F(Fault, SleepsPolitelyUntilItIsCancelledOrItsDeadlineHasPassed) {
  EXPECT_EQ(Ask("sleep", R"(, "ms": 20, "polite": true)"), R"({"result": "Slept 20 ms."})");
  context_.is_cancelled = true;
  EXPECT_THAT(Ask("sleep", R"(, "ms": 60000, "polite": true)"), HasSubstr("CANCELLED"));
  context_.is_cancelled = false;
  context_.left = absl::ZeroDuration();
  EXPECT_THAT(Ask("sleep", R"(, "ms": 60000, "polite": true)"), HasSubstr("DEADLINE_EXCEEDED"));
}

TEST_F(Fault, TakesAndLeaksMemoryWithinItsBound) {
  EXPECT_EQ(Ask("oom", R"(, "bytes": 3000000)"), R"({"result": "Took 3000000 bytes."})");
  EXPECT_EQ(Ask("leak", R"(, "bytes": 5000)"), R"({"result": "Leaked 5000 bytes."})");
}

TEST_F(Fault, SaysWhetherAFileCouldBeRead) {
  EXPECT_EQ(Ask("open-file", R"(, "path": "/proc/self/status")"), R"({"result": "ok"})");
  EXPECT_EQ(Ask("open-file", R"(, "path": "/does/not/exist")"), R"({"result": "ENOENT"})");
  EXPECT_EQ(Ask("open-file", R"(, "path": "/proc")"), R"({"result": "EISDIR"})");
}

TEST_F(Fault, SaysWhetherItCouldConnect) {
  const std::string path = absl::StrCat(Folder(), "/fault_", ::getpid(), ".sock");
  const OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string more = absl::StrCat(R"(, "address": ")", path, "\"");
  EXPECT_EQ(Ask("connect", more), R"({"result": "ECONNREFUSED"})");
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(Ask("connect", more), R"({"result": "ok"})");
  ::unlink(path.c_str());
  EXPECT_EQ(Ask("connect", more), R"({"result": "ENOENT"})");
  EXPECT_EQ(Ask("connect", R"(, "address": "127.0.0.1:1")"), R"({"result": "ECONNREFUSED"})");
}

TEST_F(Fault, LeavesAChildBehind) {
  const std::string answer = Ask("fork", R"(, "ms": 1)");
  pid_t pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(answer.substr(11, answer.size() - 12), &pid)) << answer;
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(Fault, KnowsItsAttempt) {
  EXPECT_EQ(Ask("attempt"), R"({"result": 1})");
  context_.attempt_number = 2;
  EXPECT_EQ(Ask("attempt"), R"({"result": 2})");
  EXPECT_EQ(Ask("crash-once"), R"({"result": "Survived attempt 2."})");
}

TEST_F(Fault, WritesDownWhetherItWasCancelled) {
  const std::string path = absl::StrCat(Folder(), "/fault_", ::getpid(), ".txt");
  const std::string more = absl::StrCat(R"(, "ms": 1, "path": ")", path, "\"");
  EXPECT_EQ(Ask("cancelled", more), R"({"result": "not cancelled"})");
  context_.is_cancelled = true;
  EXPECT_EQ(Ask("cancelled", more), R"({"result": "cancelled"})");
  EXPECT_EQ(TextOf(path), "not cancelled\ncancelled\n");
  ::unlink(path.c_str());
}

TEST_F(Fault, PrintsAndLogs) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Ask("print", R"(, "text": "heard")");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "heard to standard output\n");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "heard to standard error\n");
  Ask("log", R"(, "text": "seen", "level": "warning")");
  ASSERT_EQ(context_.logged.size(), 1u);
  EXPECT_EQ(context_.logged[0].first, HandlerLogLevel::kWarning);
  EXPECT_EQ(context_.logged[0].second, "seen");
  EXPECT_THAT(Ask("log", R"(, "level": "loud")"), HasSubstr("level must be"));
}

TEST_F(Fault, AnswersFromScratchMemory) {
  EXPECT_EQ(Ask("scratch", R"(, "bytes": 1000)"), Pattern(1000));
  EXPECT_EQ(context_.scratch.size(), 1000u);
}

TEST_F(Fault, AnswersWithAMemfdThatCanBeSealed) {
  EXPECT_EQ(Ask("memfd", R"(, "bytes": 300000)"), Pattern(300'000));
  const absl::StatusOr<Response> response = Handle(R"({"kind": "memfd", "bytes": 1})");
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(response->pieces[0].is_memfd);
  EXPECT_EQ(::fcntl(response->pieces[0].file.get(), F_GET_SEALS), 0);
}

TEST_F(Fault, AnswersWithAFile) {
  const std::string path = absl::StrCat(Folder(), "/fault_", ::getpid(), ".bin");
  const OwnedFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(file.get(), "12345", 5), 5);
  EXPECT_EQ(Ask("file", absl::StrCat(R"(, "path": ")", path, "\"")), "12345");
  ::unlink(path.c_str());
  EXPECT_THAT(Ask("file", absl::StrCat(R"(, "path": ")", path, "\"")), HasSubstr("NOT_FOUND"));
}

TEST_F(Fault, PreloadsAModelIntoTheArenaAndAnotherOntoTheHeap) {
  GivenOptions options;
  HeapArena arena;
  options.bytes = {{"preload_bytes", 4096 * 3}, {"private_bytes", 4096 * 2}};
  options.durations = {{"preload_sleep", absl::Milliseconds(20)}};
  const absl::Time begun = absl::Now();
  ASSERT_TRUE(handler_->Preload(options, arena).ok());
  EXPECT_GE(absl::Now() - begun, absl::Milliseconds(20));
  ASSERT_EQ(arena.memory.size(), 1u);
  EXPECT_EQ(arena.memory[0].size(), 4096u * 3);
  // Bytes 0, 4096 and 8192, modulo 251.
  EXPECT_EQ(Ask("model"), absl::StrCat("{\"result\": ", 0 + 4096 % 251 + 8192 % 251, "}"));
  EXPECT_EQ(Ask("model", R"(, "private": true)"), absl::StrCat("{\"result\": ", 4096 % 251, "}"));
}

#ifdef WINDLASS_ADDRESS_SANITIZER
// It may report the signal and end by itself.
bool DiedOf(int, int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 0; }
#else
bool DiedOf(int number, int status) { return WIFSIGNALED(status) && WTERMSIG(status) == number; }
#endif

TEST_F(FaultDeathTest, DiesAsItIsTold) {
  EXPECT_EXIT(
      Ask("segv"), [](int status) { return DiedOf(SIGSEGV, status); }, "");
  EXPECT_EXIT(Ask("abort"), ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(Ask("crash-once"), ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(Ask("exit"), ::testing::ExitedWithCode(3), "");
  EXPECT_EXIT(Ask("exit", R"(, "code": 41)"), ::testing::ExitedWithCode(41), "");
}

// Runs `harm` in a child that SIGALRM ends after `patience`, and SIGKILL after three times as long;
// its wait status.
template <typename Harm>
int StatusAfter(absl::Duration patience, Harm harm) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const itimerval alarm = {{}, absl::ToTimeval(patience)};
    ::setitimer(ITIMER_REAL, &alarm, nullptr);
    harm();
    ::_exit(0);
  }
  int status = 0;
  const absl::Time until = absl::Now() + 3 * patience;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (absl::Now() > until) ::kill(pid, SIGKILL);
    absl::SleepFor(absl::Milliseconds(5));
  }
  return status;
}

TEST_F(FaultDeathTest, HangsUntilASignal) {
  const int status = StatusAfter(absl::Milliseconds(200), [this] { Ask("hang"); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) << status;
}

TEST_F(FaultDeathTest, HangsBlockedUntilItIsKilled) {
  const int status = StatusAfter(absl::Milliseconds(200), [this] { Ask("hang-blocked"); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST_F(FaultDeathTest, WritesGarbageToEveryDescriptorAndNeverBlocks) {
  int packets[2];
  int full_pipe[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, packets), 0);
  ASSERT_EQ(::pipe2(full_pipe, O_CLOEXEC | O_NONBLOCK), 0);
  while (::write(full_pipe[1], padded_.data(), 1) == 1) continue;
  ::fcntl(full_pipe[1], F_SETFL, 0);
  const OwnedFd file(::memfd_create("file", MFD_CLOEXEC));
  const OwnedFd ends[] = {OwnedFd(packets[0]), OwnedFd(packets[1]), OwnedFd(full_pipe[0]),
                          OwnedFd(full_pipe[1])};

  // Not here: it would write to whatever this program has open.
  const int status = StatusAfter(absl::Seconds(10), [&] {
    ::signal(SIGPIPE, SIG_IGN);  // as in a pool process
    // Whatever whoever runs this has left open shall not get any.
    const std::set<int> ours = {packets[0], packets[1], full_pipe[0], full_pipe[1], file.get()};
    for (int fd = 3; fd < 1024; ++fd) {
      if (ours.count(fd) == 0) ::close(fd);
    }
    const std::string answer = Ask("garbage-fds", R"(, "fds_only": true, "bytes": 100)");
    ::_exit(answer.find("Wrote to ") == std::string::npos);
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  char packet[200];
  EXPECT_EQ(::recv(packets[0], packet, sizeof packet, MSG_DONTWAIT), 100);
  EXPECT_EQ(::recv(packets[1], packet, sizeof packet, MSG_DONTWAIT), 100);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 100);
}

TEST_F(FaultDeathTest, WritesGarbageOverSharedMemoryAndDiesOfWhatItDidToItself) {
  constexpr size_t kBytes = 1 << 20;
  char* shared = static_cast<char*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  // The last page is behind the end of its file, where writing is SIGBUS: it is to be left out.
  const OwnedFd file(::memfd_create("short", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
  char* holed =
      static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  const int status = StatusAfter(absl::Seconds(10), [this] {
    Ask("garbage-fds", R"(, "maps_only": true)");
    ::_exit(0);
  });
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "lived on";
  // 16 zero bytes in a row in a MiB of random ones: never.
  for (const auto& [memory, bytes] : {std::pair{shared, kBytes}, std::pair{holed, size_t{4096}}}) {
    const std::string untouched(16, '\0');
    EXPECT_EQ(absl::string_view(memory, bytes).find(untouched), absl::string_view::npos);
  }
  ::munmap(shared, kBytes);
  ::munmap(holed, 8192);
}

}  // namespace
}  // namespace windlass
