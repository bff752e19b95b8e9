// A plug-in that begins in Preload what belongs into Start: threads and a socket.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "windlass/handler.h"

namespace {

class Bad : public windlass::Handler {
 public:
  absl::Status Preload(windlass::HandlerOptions& options, windlass::SharedArena&) override {
    std::thread([] {}).join();  // this one is gone
    for (int64_t i = options.Integer("threads", 2, 0, 9); i > 0; --i)
      std::thread([] { ::pause(); }).detach();
    if (!options.Boolean("socket", true)) return absl::OkStatus();
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      return absl::UnavailableError("bind");
    return absl::OkStatus();
  }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("bad", Bad);
