#ifndef WINDLASS_COMMON_FINGERPRINT_H_
#define WINDLASS_COMMON_FINGERPRINT_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "windlass/owned_fd.h"

// By what a payload is known again, without keeping it: keyed XXH3-128 of its bytes. Who does not
// know the secret can make no two payloads with the same one.

namespace windlass {

struct Fingerprint {
  uint64_t high = 0, low = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// The first 8 bytes in hexadecimal, for people: "9f86d081884c7d65".
std::string ShortName(Fingerprint fingerprint);

// The secret is in a file that only its owner and workers hold: nothing of it is in the memory that
// a pool process inherits.
absl::StatusOr<OwnedFd> CreateFingerprintSecret();

// Role: takes fingerprints. Workers. Blocking: never; some 10 GB/s.
class Fingerprinter {
 public:
  // `secret`: what CreateFingerprintSecret made, borrowed for the call. Errors: it cannot be read,
  // or is none.
  static absl::StatusOr<Fingerprinter> FromSecret(int secret);
  Fingerprint Of(absl::string_view bytes) const;

 private:
  Fingerprinter() = default;
  std::array<char, 192> secret_;  // as much as XXH3 uses of one
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_FINGERPRINT_H_
