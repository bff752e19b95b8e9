#include "tests/fuzz/fuzz_input.h"
#include "worker/handlers/json_content.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  constexpr const char* kCharsets[] = {"utf-8",  "",       "latin1",    "utf-16",
                                       "utf-32", "binary", "shift_jis", "none"};
  FuzzedDataProvider input(data, size);
  const auto how = input.ConsumeIntegral<uint8_t>();
  const char* const charset = kCharsets[how % 8];
  const bool big_endian = (how & 8) != 0;
  const std::string text = input.ConsumeRemainingBytesAsString();
  // What was in them does not matter: the other one is new from time to time.
  static auto& reused = *new JsonContent;
  static auto* other = new JsonContent;
  static int turn = 0;
  if (++turn % 64 == 0) delete std::exchange(other, new JsonContent);
  JsonContent& fresh = *other;
  const fuzz::PaddedBytes bytes(text), alike(text, '}');
  const absl::Status parsed = reused.Parse(bytes.view(), charset, big_endian);
  CHECK(fresh.Parse(alike.view(), charset, big_endian) == parsed);
  if (!parsed.ok()) return 0;
  for (const char* const key : {"action", "value", "n", "", "\xc3\xa9"}) {
    CHECK(reused.Has(key) == fresh.Has(key));
    CHECK(reused.String(key) == fresh.String(key));
    CHECK(reused.Integer(key) == fresh.Integer(key));
    const std::string shown = reused.Text(key);
    CHECK(shown == fresh.Text(key));
    CHECK(simdjson::validate_utf8(shown)) << shown;
    CHECK(reused.Has(key) || shown == "None");
    if (const auto string = reused.String(key)) CHECK(shown == *string);
  }
  return 0;
}
