#ifndef WINDLASS_TESTS_SCENARIO_LEDGER_PAYLOAD_H_
#define WINDLASS_TESTS_SCENARIO_LEDGER_PAYLOAD_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/string_view.h"

namespace windlass {

// What a ledger sends: "ID HASH BODY", where ID is unique, HASH is the FNV-1a 64 of BODY in 16
// hexadecimal digits, and BODY is printable text without a newline. So any reader of a payload can
// tell whether it is whole, and the sender need not keep it to know it again.
struct LedgerPayload {
  uint32_t body_offset = 0;  // in the text that all bodies are cut from
  uint32_t body_bytes = 0;
  uint64_t body_hash = 0;
};

enum class PayloadSizes : uint8_t {
  kSmall,  // 20 to 200 bytes
  kLines,  // and some of 2 to 8 KiB
  kMixed,  // and a few of 64 KiB to 1 MiB
};

uint64_t Fnv1a64(absl::string_view bytes);
LedgerPayload RandomPayload(PayloadSizes sizes, std::mt19937_64* random);
void AppendPayload(absl::string_view id, const LedgerPayload& payload, std::string* out);
size_t PayloadBytes(absl::string_view id, const LedgerPayload& payload);
// Whether `received` is that payload, to the byte.
bool IsPayload(absl::string_view received, absl::string_view id, const LedgerPayload& payload);

// The id at the start of a payload, "" when there is none.
absl::string_view IdOfPayload(absl::string_view payload);
// Whether the hash in it is that of its body.
bool IsWholePayload(absl::string_view payload);

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_LEDGER_PAYLOAD_H_
