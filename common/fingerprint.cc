#include "common/fingerprint.h"

#include <fcntl.h>
#include <string.h>
#include <xxhash.h>

#include "absl/strings/str_format.h"
#include "common/posix.h"

namespace windlass {

std::string ShortName(Fingerprint fingerprint) {
  return absl::StrFormat("%016x", fingerprint.high);
}

absl::StatusOr<OwnedFd> CreateFingerprintSecret() {
  std::array<char, 192> secret;  // up to 256 bytes getrandom gives at once
  if (absl::Status filled = FillRandom(absl::MakeSpan(secret)); !filled.ok()) return filled;
  absl::StatusOr<OwnedFd> file = MemfdCreate("windlass-secret", 0);
  if (!file.ok()) return file.status();
  const absl::Status written =
      PWriteAll(file->get(), absl::string_view(secret.data(), secret.size()));
  ::explicit_bzero(secret.data(), secret.size());
  if (!written.ok()) return written;
  // Workers hold it open.
  absl::Status sealed = AddSeals(file->get(), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
  if (!sealed.ok()) return sealed;
  return file;
}

absl::StatusOr<Fingerprinter> Fingerprinter::FromSecret(int secret) {
  Fingerprinter made;
  static_assert(sizeof(made.secret_) >= XXH3_SECRET_SIZE_MIN);
  const absl::StatusOr<size_t> got = PReadFd(secret, made.secret_.data(), made.secret_.size(), 0);
  if (!got.ok()) return got.status();
  if (*got != made.secret_.size()) return absl::InvalidArgumentError("the secret is too short");
  return made;
}

Fingerprint Fingerprinter::Of(absl::string_view bytes) const {
  const XXH128_hash_t hash =
      XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_.data(), secret_.size());
  return {hash.high64, hash.low64};
}

}  // namespace windlass
