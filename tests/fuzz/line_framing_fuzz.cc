#include "tests/fuzz/cut_in_pieces.h"
#include "worker/framing/line_framing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static auto* const framing = new LineFraming(fuzz::kMaxLine);
  fuzz::ExpectSameHoweverCut(framing, fuzz::kMaxLine + 1, data, size);
  return 0;
}
