#include "worker/framing/framing.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "worker/framing/echo_framing.h"
#include "worker/framing/http_framing.h"
#include "worker/framing/length_framing.h"
#include "worker/framing/line_framing.h"
#include "worker/framing/message_framing.h"

namespace windlass {

std::string TooLargeContent(uint64_t max_content_bytes) {
  return absl::StrCat("content over the limit of ", max_content_bytes, " bytes (max_content)");
}

std::unique_ptr<Framing> MakeFraming(const ListenerConfig& listener) {
  switch (listener.protocol) {
    case Protocol::kMessage:
      return std::make_unique<MessageFraming>(
          MessageFraming::Limits{listener.max_header, listener.max_content});
    case Protocol::kEcho:
      return std::make_unique<EchoFraming>();
    case Protocol::kLine:
      return std::make_unique<LineFraming>(listener.max_line);
    case Protocol::kLength:
      return std::make_unique<LengthFraming>(listener.max_content);
    case Protocol::kHttp:
      return std::make_unique<HttpFraming>(
          HttpFraming::Limits{listener.max_header, listener.max_content},
          HttpRoutes(listener.routes, listener.handler));
  }
  std::abort();
}

}  // namespace windlass
