// The header of the PROXY protocol: at every cut it asks for more, or says what the whole says.
#include <algorithm>

#include "tests/fuzz/fuzz_input.h"
#include "worker/framing/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  ProxyHeader whole;
  const ProxyOutcome outcome = CutProxyHeader(input, &whole);
  if (outcome == ProxyOutcome::kDone) {
    CHECK(whole.bytes > 0 && whole.bytes <= input.size());
    // What comes behind the header makes no difference.
    ProxyHeader alone;
    CHECK(CutProxyHeader(input.substr(0, whole.bytes), &alone) == ProxyOutcome::kDone);
    CHECK(alone.bytes == whole.bytes && alone.peer == whole.peer);
  }
  if (outcome == ProxyOutcome::kNeedMore) CHECK(input.size() < (size_t{64} << 10) + 16);
  const size_t end = outcome == ProxyOutcome::kDone ? whole.bytes : input.size();
  for (size_t cut = 0; cut < std::min(end, size_t{300}); ++cut) {
    ProxyHeader part;
    const ProxyOutcome then = CutProxyHeader(std::string(input.substr(0, cut)), &part);
    CHECK(then == ProxyOutcome::kNeedMore || then == outcome);
    CHECK(then != ProxyOutcome::kDone);
  }
  return 0;
}
