#ifndef WINDLASS_TESTS_TOOLS_CTL_CONTROL_SERVER_H_
#define WINDLASS_TESTS_TOOLS_CTL_CONTROL_SERVER_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"

// The other end of the control socket, played by a thread.

namespace windlass {

// A folder of its own, removed in the end.
class Folder {
 public:
  Folder() : path_("/tmp/ctl_tests.XXXXXX") {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
  }
  ~Folder() {
    ::unlink(SocketPath().c_str());
    ::rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  std::string SocketPath() const { return path_ + "/control.sock"; }

 private:
  std::string path_;
};

// A socket that listens in a folder. Closing it leaves its file behind.
inline OwnedFd ListenIn(const Folder& folder) {
  OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, folder.SocketPath().c_str(), sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  return listener;
}

// Takes one client and plays `part` on its connection, which ends with it.
class ControlServer {
 public:
  class Client {
   public:
    explicit Client(OwnedFd socket) : socket_(std::move(socket)) {}

    void Send(const std::string& bytes) {
      EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(bytes.size()));
    }
    proto::CtlRequest TakeRequest() {
      uint32_t length = 0;
      EXPECT_EQ(::recv(socket_.get(), &length, sizeof(length), MSG_WAITALL), 4);
      std::string message(ntohl(length), '\0');
      EXPECT_EQ(::recv(socket_.get(), message.data(), message.size(), MSG_WAITALL),
                static_cast<ssize_t>(message.size()));
      proto::CtlRequest request;
      EXPECT_TRUE(request.ParseFromString(message));
      return request;
    }
    // Until the client has closed.
    void AwaitEnd() {
      pollfd entry = {socket_.get(), POLLRDHUP, 0};
      EXPECT_EQ(::poll(&entry, 1, 10'000), 1);
    }

   private:
    OwnedFd socket_;
  };

  explicit ControlServer(std::function<void(Client*)> part)
      : thread_([this, play = std::move(part)] {
          Client client(OwnedFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
          play(&client);
        }) {}
  ~ControlServer() { thread_.join(); }

  std::string path() const { return folder_.SocketPath(); }

 private:
  const Folder folder_;
  const OwnedFd listener_ = ListenIn(folder_);
  std::thread thread_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_TOOLS_CTL_CONTROL_SERVER_H_
