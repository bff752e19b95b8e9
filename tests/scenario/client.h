#ifndef WINDLASS_TESTS_SCENARIO_CLIENT_H_
#define WINDLASS_TESTS_SCENARIO_CLIENT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/scenario/server.h"
#include "windlass/owned_fd.h"

namespace windlass {

// One answer in the `message` protocol, as it came over the wire.
struct MessageAnswer {
  std::string header;  // the JSON object
  std::string content;
  std::string status;  // "" = ok
  std::string request_id;
  bool close = false;
  std::string whole() const;  // with the two length bytes
};

// A plain blocking client, as a stranger would write one: connect, send, receive. Failures to
// connect fail the test; everything else is an outcome.
class Client {
 public:
  explicit Client(const std::string& address);  // "127.0.0.1:port" or "unix:/path"

  // False: the server does not take it.
  bool Send(absl::string_view bytes);
  bool SendByteByByte(absl::string_view bytes);
  void ShutdownWrite();
  void Close() { socket_.Reset(); }
  void CloseWithReset();
  // Up to `bytes`; less at the end of the stream or after `limit`.
  std::string Read(size_t bytes, absl::Duration limit = kSoon);
  std::string ReadToEnd(absl::Duration limit = kSoon);
  // nullopt: the connection ended or `limit` passed before a whole answer was here.
  std::optional<MessageAnswer> ReadAnswer(absl::Duration limit = kSoon);
  // Whether the server has ended the connection (end of stream or reset), within `limit`.
  bool SeesEnd(absl::Duration limit = kSoon);
  void SetReceiveBuffer(int bytes);
  int fd() const { return socket_.get(); }

 private:
  OwnedFd socket_;
  std::string received_;
};

// A `message` request: length bytes, header, content. `more` goes into the header as it is: `,
// "handler": "echo"`.
std::string MessageRequest(absl::string_view content, absl::string_view type = "text/json",
                           absl::string_view encoding = "utf-8", absl::string_view more = "");
std::string RawMessage(absl::string_view header, absl::string_view content);
std::string SearchRequest(absl::string_view value, absl::string_view more = "");
std::string BurnRequest(int ms, absl::string_view more = "");
inline constexpr absl::string_view kRabbit =
    "{\"result\": \"Follow the white rabbit. \xf0\x9f\x90\xb0\"}";

// Whether a fresh client gets its answer: the server is alive and well.
bool Serves(const std::string& message_address);

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_CLIENT_H_
