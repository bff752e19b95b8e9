#ifndef WINDLASS_MASTER_CONTROL_DIALOGUE_H_
#define WINDLASS_MASTER_CONTROL_DIALOGUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/byte_buffer.h"
#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: one connection to the control socket: a request, progress lines, a last reply. Master. Owns
// the socket, and what its peer has not taken yet. Knows no time: whoever owns it gives up on a
// peer that is too slow. Invariants: 1. at most one request is given out; 2. nothing is added after
// the last reply; 3. what is no request is answered here, and the master never sees it. Blocking:
// never, and it moves about a MiB in a call.
class ControlDialogue {
 public:
  enum class State : uint8_t {
    kReadingRequest,
    kAwaitingReply,  // the request has been given out; progress lines may be on their way
    kFinishing,      // the last reply is on its way
    kEnded,          // the last reply was taken, or the peer went before it had asked or after it
                     // was answered
    kAbandoned,      // the peer went before it was answered
  };
  // A request names a few things; a reply may list every connection.
  static constexpr size_t kMaxRequestBytes = 64 << 10;
  static constexpr size_t kMaxOutputBytes = 64 << 20;  // what windlassctl takes for a reply

  explicit ControlDialogue(OwnedFd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  State state() const { return state_; }
  bool over() const { return state_ == State::kEnded || state_ == State::kAbandoned; }
  bool has_output() const { return !output_.empty(); }
  // What the selector should watch the socket for; a peer that has gone shows at 0, too.
  uint32_t Interest() const;

  // Takes what has come. The request, when that makes it whole. REQUIRES: kReadingRequest.
  std::optional<proto::CtlRequest> Read();
  // The request was taken by somebody before us. REQUIRES: nothing was read.
  void AwaitReply() { state_ = State::kAwaitingReply; }
  // Queues a reply; ignored unless one is awaited. Any but Progress is the last one. When
  // kMaxOutputBytes are exceeded, a progress line is dropped, and a last reply is replaced by one
  // that says so.
  void Add(const proto::CtlReply& reply);
  // Done{ok = false} as the last reply.
  void Refuse(absl::string_view why);
  // Sends what the peer takes now; false when that is nothing.
  bool Write();
  // The peer has gone, or is given up.
  void GiveUp();

 private:
  void Append(const proto::CtlReply& reply);
  std::optional<proto::CtlRequest> TakeRequest();

  const OwnedFd socket_;
  State state_ = State::kReadingRequest;
  std::string input_;  // of the request, with its length in front
  ByteBuffer output_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_CONTROL_DIALOGUE_H_
