#ifndef WINDLASS_WORKER_FRAMING_HTTP_TARGET_H_
#define WINDLASS_WORKER_FRAMING_HTTP_TARGET_H_

#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// A request-target (RFC 9112 section 3.2). Views into it.
struct HttpTarget {
  absl::string_view path;       // as it came, with its percent-encoding; "*" of OPTIONS *
  absl::string_view query;      // without the question mark
  absl::string_view authority;  // of absolute-form: the host, and its port
};

// uri-host [ ":" port ] (RFC 9110 section 7.2, RFC 3986 section 3.2.2). "" is none.
bool IsHttpHost(absl::string_view host);

// Of a target in origin-form, absolute-form or asterisk-form. False: it is none of them, or holds
// what no URI may.
bool SplitHttpTarget(absl::string_view target, HttpTarget* into);

// Appends `text` without its percent-encoding (RFC 3986 section 2.1); in a query a plus is a space.
// False: a % that no two hexadecimal digits follow, or an encoded NUL.
bool AppendPercentDecoded(absl::string_view text, bool plus_is_space, std::string* out);

// Appends the query as a JSON object of strings, after `action`: what a JSON handler gets for a
// GET. The error, or "": a name that stands twice, or is `action`; what is no UTF-8.
std::string AppendQueryAsJson(absl::string_view action, absl::string_view query, std::string* out);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_HTTP_TARGET_H_
