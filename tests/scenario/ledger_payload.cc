#include "tests/scenario/ledger_payload.h"

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr size_t kHashDigits = 16;
constexpr uint32_t kMaxBodyBytes = 1 << 20;

// Twice the longest body, so that bodies differ in where they start.
const std::string& BodyText() {
  static const std::string& text = *new std::string([] {
    std::mt19937_64 random(20);  // any seed: the text is the same in every run
    std::string made(2 * size_t{kMaxBodyBytes}, ' ');
    for (char& c : made) c = static_cast<char>(' ' + random() % 95);
    return made;
  }());
  return text;
}

absl::string_view Body(const LedgerPayload& payload) {
  return absl::string_view(BodyText()).substr(payload.body_offset, payload.body_bytes);
}

// "ID HASH "
std::string PayloadHead(absl::string_view id, const LedgerPayload& payload) {
  return absl::StrCat(id, " ", absl::Hex(payload.body_hash, absl::kZeroPad16), " ");
}

uint32_t RandomBodyBytes(PayloadSizes sizes, std::mt19937_64* random) {
  const auto between = [random](uint32_t least, uint32_t most) {
    return least + static_cast<uint32_t>((*random)() % (most - least + 1));
  };
  const uint64_t dice = (*random)() % 512;
  if (sizes == PayloadSizes::kMixed && dice == 0) return between(64 << 10, kMaxBodyBytes);
  if (sizes != PayloadSizes::kSmall && dice < 26) return between(2 << 10, 8 << 10);
  return between(1, 170);  // the head has some 30 bytes more
}

}  // namespace

uint64_t Fnv1a64(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

LedgerPayload RandomPayload(PayloadSizes sizes, std::mt19937_64* random) {
  LedgerPayload payload;
  payload.body_bytes = RandomBodyBytes(sizes, random);
  payload.body_offset = static_cast<uint32_t>((*random)() % kMaxBodyBytes);
  payload.body_hash = Fnv1a64(Body(payload));
  return payload;
}

void AppendPayload(absl::string_view id, const LedgerPayload& payload, std::string* out) {
  absl::StrAppend(out, PayloadHead(id, payload), Body(payload));
}

size_t PayloadBytes(absl::string_view id, const LedgerPayload& payload) {
  return id.size() + 1 + kHashDigits + 1 + payload.body_bytes;
}

bool IsPayload(absl::string_view received, absl::string_view id, const LedgerPayload& payload) {
  if (received.size() != PayloadBytes(id, payload)) return false;
  const std::string head = PayloadHead(id, payload);
  return received.substr(0, head.size()) == head && received.substr(head.size()) == Body(payload);
}

absl::string_view IdOfPayload(absl::string_view payload) {
  const size_t end = payload.find(' ');
  return end == absl::string_view::npos ? "" : payload.substr(0, end);
}

bool IsWholePayload(absl::string_view payload) {
  const size_t head = IdOfPayload(payload).size() + 1 + kHashDigits + 1;
  if (payload.size() < head) return false;
  const absl::string_view digits = payload.substr(head - kHashDigits - 1, kHashDigits);
  const uint64_t hash = Fnv1a64(payload.substr(head));
  return digits == absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace windlass
