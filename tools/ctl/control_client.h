#ifndef WINDLASS_TOOLS_CTL_CONTROL_CLIENT_H_
#define WINDLASS_TOOLS_CTL_CONTROL_CLIENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/address.h"
#include "common/clock.h"
#include "common/report/reply_reader.h"
#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// The first of `paths` that exists. Unavailable, with a line that says what to do: there is none,
// or this user may not see or use it. REQUIRES: not empty.
absl::StatusOr<std::string> FindControlSocket(const std::vector<std::string>& paths);

// The same for what the command line says: one path, or "", which is ClientControlPaths().
absl::StatusOr<std::string> LocateControlSocket(const std::string& given);
// The address of the socket at `path`, which may be relative.
absl::StatusOr<SocketAddress> ControlAddress(const std::string& path);

// Role: a connection to the server's control socket, in windlassctl. Owns the socket.
// Blocking: every member function until the deadline that Connect was given.
// Errors: Unavailable (no connection), DeadlineExceeded, Aborted (the server ended the connection),
// DataLoss (what it sent is no reply). Every one but DeadlineExceeded is final.
class ControlClient {
 public:
  static absl::StatusOr<ControlClient> Connect(const std::string& path, Instant deadline);

  // OK also when the server takes no more: it may have said why, which Receive returns.
  absl::Status Send(const proto::CtlRequest& request);
  absl::StatusOr<proto::CtlReply> Receive();
  // Until the server ends the connection; what it still sends is dropped.
  absl::Status AwaitEnd();

 private:
  ControlClient(OwnedFd socket, std::string path, Instant deadline)
      : socket_(std::move(socket)), path_(std::move(path)), deadline_(deadline) {}

  // Until `events` (of poll) or the end of the connection.
  absl::Status Await(short events);
  // False: the connection has ended.
  absl::StatusOr<bool> ReceiveSome();

  // Fixed after construction.
  OwnedFd socket_;
  std::string path_;
  Instant deadline_;
  // What has come and is not taken yet.
  ReplyReader reader_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_CONTROL_CLIENT_H_
