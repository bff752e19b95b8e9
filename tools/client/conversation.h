#ifndef WINDLASS_TOOLS_CLIENT_CONVERSATION_H_
#define WINDLASS_TOOLS_CLIENT_CONVERSATION_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "tools/client/wire_log.h"

namespace windlass {

// What one command says on its connection, and what it makes of the answers. Holds no socket.
// Errors end the conversation and use the vocabulary of exit_code.h.
class Dialogue {
 public:
  virtual ~Dialogue() = default;

  // Bytes to send now; "" when there are none. Valid until the next call on *this.
  virtual absl::StatusOr<absl::string_view> ToSend() = 0;
  virtual void OnSent(size_t bytes) = 0;
  // Nothing more will ever be sent, and the server is to know.
  virtual bool WantsHalfClose() const { return false; }
  // True: the conversation is complete.
  virtual absl::StatusOr<bool> OnReceived(absl::string_view bytes) = 0;
  // The server closed. OK: the conversation is complete with that.
  virtual absl::Status OnEnd() = 0;
  // True: complete, though nothing was received (there was nothing to ask).
  virtual bool IsComplete() const { return false; }

  // Where more to send comes from (standard input); -1: nowhere, or not now.
  virtual int InputFd() const { return -1; }
  virtual absl::Status OnInputReady() { return absl::OkStatus(); }
  // Whether an answer is open. While none is, an interactive conversation may take as long as it
  // likes.
  virtual bool AwaitsAnswer() const { return true; }
};

enum class TimeoutOf : uint8_t {
  kWhole,     // the deadline is fixed
  kOneAnswer  // it moves with every progress, and waits while no answer is open
};
struct ConversationLimits {
  absl::Duration timeout;
  TimeoutOf timeout_of = TimeoutOf::kWhole;
  Instant started;  // kWhole counts from here
};

// Connects to `address` (as people write it) and carries out `dialogue`: sends and receives at the
// same time, so that neither side waits for the other for ever. Uses poll, because standard input
// may be a regular file, which epoll refuses. Blocking: until complete, the server closes, or the
// timeout.
absl::Status Converse(const std::string& address, const ConversationLimits& limits,
                      const WireLog& wire, Dialogue* dialogue);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_CONVERSATION_H_
