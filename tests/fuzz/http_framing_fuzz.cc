#include "tests/fuzz/cut_in_pieces.h"
#include "worker/framing/http_framing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static auto* const framing =
      new HttpFraming({fuzz::kMaxHeader, fuzz::kMaxContent},
                      HttpRoutes({{"/exact", "work"}, {"/p/*", "file"}}, ""));
  fuzz::ExpectSameHoweverCut(framing, 4 + fuzz::kMaxHeader + 1, data, size);
  return 0;
}
