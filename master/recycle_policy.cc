#include "master/recycle_policy.h"

namespace windlass {
namespace {

// 0.9 to 1, evenly, from the upper bits of a multiplicative hash (Knuth, TAOCP 6.4).
double Fraction(uint64_t seed) {
  const uint64_t mixed = (seed + 1) * 0x9e3779b97f4a7c15u;
  return 1 - static_cast<double>(mixed >> 40) / static_cast<double>(1u << 24) / 10;
}

uint64_t Scaled(uint64_t limit, double fraction) {
  const auto scaled = static_cast<uint64_t>(static_cast<double>(limit) * fraction);
  return scaled == 0 ? 1 : scaled;
}

}  // namespace

RecycleLimits LimitsFor(const RecyclePolicy& policy, Instant started, uint64_t jobs_so_far,
                        uint64_t seed) {
  const double fraction = Fraction(seed);
  RecycleLimits limits;
  if (policy.max_jobs > 0) limits.jobs = jobs_so_far + Scaled(policy.max_jobs, fraction);
  if (policy.max_age < absl::InfiniteDuration()) {
    limits.age = started + policy.max_age * fraction;
  }
  if (policy.max_memory_bytes > 0) limits.memory_bytes = Scaled(policy.max_memory_bytes, fraction);
  return limits;
}

absl::string_view WhyRecycle(const RecycleLimits& limits, Instant now, uint64_t jobs,
                             uint64_t memory_bytes) {
  if (jobs >= limits.jobs) return "max_jobs";
  if (now >= limits.age) return "max_age";
  if (memory_bytes >= limits.memory_bytes) return "max_memory";
  return "";
}

}  // namespace windlass
