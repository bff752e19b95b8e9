#include "tests/scenario/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace windlass {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The fields of /proc/PID/stat after the name, which may hold blanks: [0] is the state.
std::vector<std::string> StatFields(pid_t pid) {
  const std::string stat = ReadWhole(absl::StrCat("/proc/", pid, "/stat"));
  const size_t end = stat.rfind(')');
  if (end == std::string::npos) return {};
  return absl::StrSplit(stat.substr(end + 2), ' ');
}

// `runtime`: where a server that is told nothing puts its control socket.
pid_t SpawnWith(const std::vector<std::string>& arguments, const std::string& runtime, int in,
                int out, int err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setenv("RUNTIME_DIRECTORY", runtime.c_str(), 1);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

bool SetsAdmin(const std::vector<std::string>& arguments, const std::string& config) {
  if (absl::StrContains(config, "[admin]")) return true;
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return absl::StrContains(argument, "admin.");
  });
}

int ExitCodeOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string Program(const std::string& name) { return absl::StrCat(WINDLASS_BUILD_DIR, "/", name); }

bool ProcessExists(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

absl::Duration CpuTime(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  if (fields.size() < 13) return absl::ZeroDuration();
  return absl::Seconds(1) * (std::stol(fields[11]) + std::stol(fields[12])) /
         ::sysconf(_SC_CLK_TCK);
}

ProgramResult RunProgram(const std::vector<std::string>& arguments, const std::string& input,
                         absl::Duration limit) {
  TemporaryFolder folder;
  const std::string in = folder.Write("in", input), out = folder.Write("out", ""),
                    err = folder.Write("err", "");
  OwnedFd in_fd(::open(in.c_str(), O_RDONLY)), out_fd(::open(out.c_str(), O_WRONLY)),
      err_fd(::open(err.c_str(), O_WRONLY));
  const pid_t pid = SpawnWith(arguments, folder.path(), in_fd.get(), out_fd.get(), err_fd.get());
  int status = 0;
  ProgramResult result;
  if (Eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, limit)) {
    result.exit_code = ExitCodeOf(status);
  } else {
    ADD_FAILURE() << absl::StrCat(arguments[0], " did not end");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  result.out = ReadWhole(out);
  result.err = ReadWhole(err);
  return result;
}

std::unique_ptr<Server> Server::Start(std::vector<std::string> arguments) {
  std::unique_ptr<Server> server(new Server);
  arguments.push_back(server->ControlArgument());
  server->Spawn(std::move(arguments));
  return server;
}

void Server::Spawn(std::vector<std::string> arguments, const std::string& program) {
  char path[] = "/tmp/windlass-test-log-XXXXXX";
  OwnedFd log(::mkostemp(path, O_APPEND));
  log_path_ = path;
  OwnedFd null(::open("/dev/null", O_RDWR));
  if (!SetsAdmin(arguments, ReadWhole(config_path()))) {
    // Many servers run at a time, and the default is one address.
    arguments.push_back("--set=admin.address=\"\"");
  }
  arguments.insert(arguments.begin(), program.empty() ? Program("windlassd") : program);
  pid_ = SpawnWith(arguments, folder_.path(), null.get(), null.get(), log.get());
  const bool serving = Eventually([&] { return LogHas("serving:") || !ProcessExists(pid_); });
  if (!serving || !ProcessExists(pid_)) {
    ADD_FAILURE() << "windlassd is not serving:\n" << Log();
    return;
  }
  constexpr absl::string_view kAdmin = "admin address=";
  for (absl::string_view line : absl::StrSplit(Log(), '\n')) {
    const size_t admin = line.find(kAdmin);
    if (admin != absl::string_view::npos) {
      admin_address_ = std::string(line.substr(admin + kAdmin.size()));
    }
    const size_t at = line.find("listening protocol=");
    if (at == absl::string_view::npos) continue;
    const std::vector<std::string> words = absl::StrSplit(line.substr(at + 10), ' ');
    addresses_.emplace(words[0].substr(9), words[1].substr(8));
  }
}

std::unique_ptr<Server> Server::StartUsual(std::vector<std::string> more) {
  return StartProgram(Program("windlassd"), std::move(more));
}

std::unique_ptr<Server> Server::StartProgram(const std::string& program,
                                             std::vector<std::string> more) {
  std::vector<std::string> arguments = {"--workers=2", "--pool=2"};
  for (const char* protocol : {"message", "echo", "line", "length"}) {
    arguments.push_back(absl::StrCat("--listen=", protocol, "://127.0.0.1:0"));
  }
  std::unique_ptr<Server> server(new Server);
  arguments.push_back(server->ControlArgument());
  arguments.insert(arguments.end(), more.begin(), more.end());
  server->Spawn(std::move(arguments), program);
  return server;
}

std::unique_ptr<Server> Server::StartWithConfig(const std::string& toml_text,
                                                std::vector<std::string> more) {
  std::unique_ptr<Server> server(new Server);
  server->WriteConfig(toml_text);
  std::vector<std::string> arguments = {absl::StrCat("--config=", server->config_path()),
                                        server->ControlArgument()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  server->Spawn(std::move(arguments));
  return server;
}

Server::~Server() {
  if (pid_ > 0 && !ended_) {
    std::vector<pid_t> children;  // while they are known by their parent
    for (const char* role : {"worker", "pool", "zygote", "admin"}) {
      for (const pid_t child : Children(role)) children.push_back(child);
    }
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGKILL);
    for (const pid_t child : children) ::kill(child, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
  }
  if (testing::Test::HasFailure()) std::cerr << "--- windlassd's log\n" << Log() << "---\n";
  ::unlink(log_path_.c_str());
}

std::string Server::address(const std::string& protocol) const {
  const auto found = addresses_.find(protocol);
  if (found != addresses_.end()) return found->second;
  ADD_FAILURE() << "no listener for " << protocol;
  return "127.0.0.1:1";
}

std::vector<pid_t> Server::Children(const std::string& role) const {
  std::vector<pid_t> children;
  std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  while (const dirent* entry = ::readdir(proc.get())) {
    const pid_t pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0) continue;
    const std::vector<std::string> fields = StatFields(pid);
    if (fields.size() < 2 || fields[0] == "Z" || fields[1] != std::to_string(pid_)) continue;
    const std::string name = ReadWhole(absl::StrCat("/proc/", pid, "/comm"));
    if (absl::StartsWith(name, absl::StrCat("wl-", role))) children.push_back(pid);
  }
  std::sort(children.begin(), children.end());
  return children;
}

std::string Server::admin_address() const {
  if (admin_address_.empty()) ADD_FAILURE() << "no admin pages";
  return admin_address_;
}

std::string Server::config_path() const { return folder_.path() + "/windlass.toml"; }

void Server::WriteConfig(const std::string& toml_text) const {
  folder_.Write("windlass.toml", toml_text);
}

std::string Server::control_path() const { return folder_.path() + "/control.sock"; }

std::string Server::ControlArgument() const {
  return absl::StrCat("--set=master.control=\"", control_path(), "\"");
}

ProgramResult Server::Ctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(),
                   {Program("windlassctl"), absl::StrCat("--control=", control_path())});
  return RunProgram(arguments);
}

void Server::Signal(int signal) const { ::kill(pid_, signal); }

int Server::WaitForEnd() {
  int status = 0;
  if (!Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
  ended_ = true;
  return ExitCodeOf(status);
}

std::string Server::Log() const { return ReadWhole(log_path_); }

bool Server::LogHas(const std::string& text) const { return absl::StrContains(Log(), text); }

TemporaryFolder::TemporaryFolder() {
  char path[] = "/tmp/windlass-test-XXXXXX";
  path_ = ::mkdtemp(path);
  ::chmod(path_.c_str(), 0755);
}

TemporaryFolder::~TemporaryFolder() {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path_.c_str()), &::closedir);
  while (const dirent* entry = ::readdir(folder.get()))
    ::unlink(absl::StrCat(path_, "/", entry->d_name).c_str());
  ::rmdir(path_.c_str());
}

std::string TemporaryFolder::Write(const std::string& name, const std::string& content) const {
  const std::string path = absl::StrCat(path_, "/", name), unfinished = path + ".new";
  std::ofstream(unfinished, std::ios::binary) << content;
  ::chmod(unfinished.c_str(), 0644);
  EXPECT_EQ(::rename(unfinished.c_str(), path.c_str()), 0) << path << ": " << strerror(errno);
  return path;
}

}  // namespace windlass
