#include "tests/fuzz/cut_in_pieces.h"
#include "worker/framing/message_framing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static auto* const framing = new MessageFraming({fuzz::kMaxHeader, fuzz::kMaxContent});
  fuzz::ExpectSameHoweverCut(framing, 2 + fuzz::kMaxHeader, data, size);
  return 0;
}
