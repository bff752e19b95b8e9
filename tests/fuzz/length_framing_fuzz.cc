#include "tests/fuzz/cut_in_pieces.h"
#include "worker/framing/length_framing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static auto* const framing = new LengthFraming(fuzz::kMaxContent);
  fuzz::ExpectSameHoweverCut(framing, 22, data, size);
  return 0;
}
