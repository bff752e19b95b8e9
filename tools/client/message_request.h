#ifndef WINDLASS_TOOLS_CLIENT_MESSAGE_REQUEST_H_
#define WINDLASS_TOOLS_CLIENT_MESSAGE_REQUEST_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/client/client_options.h"

namespace windlass {

// What comes before the content: two length bytes and the header, in this machine's byte order.
// InvalidArgument: text that is not UTF-8, or a header longer than the length bytes can say. Pure.
absl::StatusOr<std::string> EncodeMessageHead(const MessageOptions& options,
                                              uint64_t content_bytes);

// {"action": "search", "value": VALUE}
std::string SearchContent(absl::string_view value);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CLIENT_MESSAGE_REQUEST_H_
