#include "tools/ctl/control_client.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/control_path.h"
#include "common/log.h"
#include "common/posix.h"
#include "tools/client/dial.h"

namespace windlass {
namespace {

constexpr size_t kReadBytes = 64 << 10;

absl::Status MayNotUse(const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat(path, ": Permission denied: run windlassctl as root or as the server's user"));
}

}  // namespace

absl::StatusOr<std::string> FindControlSocket(const std::vector<std::string>& paths) {
  CHECK(!paths.empty());
  const std::string* hidden = nullptr;  // may or may not exist: its directory is closed to us
  for (const std::string& path : paths) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
      return ::eaccess(path.c_str(), W_OK) == 0 ? absl::StatusOr<std::string>(path)
                                                : MayNotUse(path);
    }
    if (error == std::errc::permission_denied && hidden == nullptr) hidden = &path;
  }
  if (hidden != nullptr) return MayNotUse(*hidden);
  return absl::UnavailableError(
      absl::StrCat("no control socket at ", absl::StrJoin(paths, " or "),
                   ": is windlassd running? --control=PATH names another socket"));
}

absl::StatusOr<std::string> LocateControlSocket(const std::string& given) {
  return FindControlSocket(given.empty() ? ClientControlPaths() : std::vector<std::string>{given});
}

absl::StatusOr<SocketAddress> ControlAddress(const std::string& path) {
  std::error_code ignored;  // leaves `absolute` empty, which is no address
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  const absl::StatusOr<std::vector<SocketAddress>> found =
      ResolveTarget(absl::StrCat("unix:", absolute.string()));
  if (!found.ok()) return found.status();
  return found->front();
}

absl::StatusOr<ControlClient> ControlClient::Connect(const std::string& path, Instant deadline) {
  const absl::StatusOr<SocketAddress> address = ControlAddress(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<Dialed> dialed = Dial({*address}, deadline);
  if (absl::IsUnavailable(dialed.status())) {
    return absl::UnavailableError(
        absl::StrCat(dialed.status().message(), " (--control=PATH names another socket)"));
  }
  if (!dialed.ok()) return dialed.status();
  return ControlClient(std::move(dialed->socket), path, deadline);
}

absl::Status ControlClient::Send(const proto::CtlRequest& request) {
  const std::string bytes = EncodeRequest(request);
  for (size_t sent = 0; sent < bytes.size();) {
    const iovec piece = {const_cast<char*>(bytes.data()) + sent, bytes.size() - sent};
    const IoResult result = SendSome(socket_.get(), absl::MakeConstSpan(&piece, 1));
    if (result.outcome == IoOutcome::kPeerGone) return absl::OkStatus();
    sent += result.bytes;
    if (result.outcome != IoOutcome::kWouldBlock) continue;
    if (absl::Status ready = Await(POLLOUT); !ready.ok()) return ready;
  }
  return absl::OkStatus();
}

absl::StatusOr<proto::CtlReply> ControlClient::Receive() {
  for (;;) {
    absl::StatusOr<std::optional<proto::CtlReply>> reply = reader_.Next();
    if (!reply.ok()) return reply.status();
    if (reply->has_value()) return **std::move(reply);
    const absl::StatusOr<bool> more = ReceiveSome();
    if (!more.ok()) return more.status();
    if (!*more) return absl::AbortedError("the server ended the connection");
  }
}

absl::Status ControlClient::AwaitEnd() {
  for (;;) {
    const absl::StatusOr<bool> more = ReceiveSome();
    if (absl::IsDeadlineExceeded(more.status())) {
      return absl::DeadlineExceededError(
          absl::StrCat("timeout: the server at ", path_, " has agreed to end, but has not yet"));
    }
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    reader_ = ReplyReader();
  }
}

absl::Status ControlClient::Await(short events) {
  pollfd entry = {socket_.get(), events, 0};
  for (;;) {
    const Instant now = MonotonicNow();
    if (now >= deadline_) {
      return absl::DeadlineExceededError(absl::StrCat("timeout: no answer at ", path_));
    }
    const absl::StatusOr<int> ready = Poll(absl::MakeSpan(&entry, 1), SleepMs(now, deadline_));
    if (!ready.ok()) return ready.status();
    if (*ready > 0) return absl::OkStatus();
  }
}

absl::StatusOr<bool> ControlClient::ReceiveSome() {
  std::array<char, kReadBytes> buffer;
  for (;;) {
    const IoResult result = RecvSome(socket_.get(), buffer.data(), buffer.size());
    switch (result.outcome) {
      case IoOutcome::kProgress:
        reader_.Append(absl::string_view(buffer.data(), result.bytes));
        return true;
      case IoOutcome::kEnd:
      case IoOutcome::kPeerGone:
        return false;
      case IoOutcome::kWouldBlock:
        break;
    }
    if (absl::Status ready = Await(POLLIN); !ready.ok()) return ready;
  }
}

}  // namespace windlass
