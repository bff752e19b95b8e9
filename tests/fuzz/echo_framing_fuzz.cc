#include "tests/fuzz/cut_in_pieces.h"
#include "worker/framing/echo_framing.h"

// Raw: no byte makes a frame, or an answer of its own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  EchoFraming framing;
  CHECK(framing.IsRaw());
  fuzz::ExpectSameHoweverCut(&framing, UINT32_MAX, data, size);
  return 0;
}
