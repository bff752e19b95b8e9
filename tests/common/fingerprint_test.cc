#include "common/fingerprint.h"

#include <gtest/gtest.h>

#include "common/posix.h"

namespace windlass {
namespace {

Fingerprinter Make(const OwnedFd& secret) { return *Fingerprinter::FromSecret(secret.get()); }

TEST(Fingerprint, IsTheSameForEveryoneWithTheSecret) {
  const OwnedFd secret = *CreateFingerprintSecret();
  for (const size_t bytes : {0, 1, 16, 240, 100'000}) {
    const std::string content(bytes, 'x');
    EXPECT_EQ(Make(secret).Of(content), Make(secret).Of(content)) << bytes;
  }
}

TEST(Fingerprint, IsAnotherOneForOtherBytesOfThatLength) {
  const Fingerprinter fingerprinter = Make(*CreateFingerprintSecret());
  EXPECT_NE(fingerprinter.Of("poison1"), fingerprinter.Of("poison2"));
  EXPECT_NE(fingerprinter.Of(std::string(100'000, 'a')),
            fingerprinter.Of(std::string(99'999, 'a') + "b"));
}

TEST(Fingerprint, IsAnotherOneWithAnotherSecret) {
  EXPECT_NE(Make(*CreateFingerprintSecret()).Of("poison"),
            Make(*CreateFingerprintSecret()).Of("poison"));
}

TEST(Fingerprinter, IsNotMadeOfWhatIsNoSecret) {
  const OwnedFd half = *MemfdCreate("half", 100);
  EXPECT_FALSE(Fingerprinter::FromSecret(half.get()).ok());
  EXPECT_FALSE(Fingerprinter::FromSecret(-1).ok());
}

TEST(ShortName, IsItsFirstHalfInHexadecimal) {
  EXPECT_EQ(ShortName({0x0123456789abcdef, 7}), "0123456789abcdef");
  EXPECT_EQ(ShortName({1, 7}), "0000000000000001");
}

}  // namespace
}  // namespace windlass
