#include "tests/fuzz/fuzz_input.h"
#include "worker/handlers/charset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  constexpr const char* kCharsets[] = {"utf-8",
                                       "utf-16",
                                       "utf-16le",
                                       "utf-32",
                                       "latin1",
                                       "windows-1252",
                                       "utf-7",
                                       "iso-2022-jp",
                                       "gb18030",
                                       "big5",
                                       "shift_jis//IGNORE",
                                       "euc-kr"};
  FuzzedDataProvider input(data, size);
  const auto which = input.ConsumeIntegral<uint8_t>();
  const bool big_endian = input.ConsumeBool();
  // Names come from clients, too.
  const std::string charset = which < std::size(kCharsets) ? kCharsets[which]
                              : which < 64                 ? input.ConsumeRandomLengthString(16)
                                                           : kCharsets[which % 5];
  const std::string text = input.ConsumeRemainingBytesAsString();
  const fuzz::PaddedBytes bytes(text);
  const absl::StatusOr<std::string> converted = ToUtf8(bytes.view(), charset, big_endian);
  if (converted.ok()) CHECK(simdjson::validate_utf8(*converted)) << charset;
  if (IsUtf8Charset(charset) && converted.ok()) CHECK(converted->size() <= text.size());
  return 0;
}
