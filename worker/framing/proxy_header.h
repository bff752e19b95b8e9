#ifndef WINDLASS_WORKER_FRAMING_PROXY_HEADER_H_
#define WINDLASS_WORKER_FRAMING_PROXY_HEADER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// The header that a proxy sends before the client's first byte, to say who that is: the PROXY
// protocol of haproxy (proxy-protocol.txt, sections 2.1 and 2.2), version 1 and 2. Version 2's
// extensions (TLVs) are skipped.
struct ProxyHeader {
  size_t bytes = 0;  // of it
  std::string peer;  // "192.0.2.7:4711", "[2001:db8::1]:4711"; "": the proxy speaks for itself, or
                     // does not know
};

enum class ProxyOutcome {
  kNeedMore,  // it has begun
  kDone,
  kBad,  // the input begins with something else: whoever sends it is no proxy
};
// Pure. Looks at the front of `input`. Never asks for more than 64 KiB + 16 bytes.
ProxyOutcome CutProxyHeader(absl::string_view input, ProxyHeader* header);

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_PROXY_HEADER_H_
