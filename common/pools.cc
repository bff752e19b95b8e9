#include "common/pools.h"

#include <xxhash.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace windlass {

uint32_t PoolNamed(const Config& config, absl::string_view name) {
  if (name.empty()) return 0;
  for (uint32_t i = 0; i < config.pools.size(); ++i) {
    if (config.pools[i].name == name) return i;
  }
  return UINT32_MAX;
}

std::vector<uint32_t> PoolsOfHandlers(const Config& config) {
  std::vector<uint32_t> pools;
  for (const HandlerConfig& handler : config.handlers) {
    pools.push_back(PoolNamed(config, handler.pool));
  }
  return pools;
}

uint64_t PoolKey(absl::string_view name) { return XXH3_64bits(name.data(), name.size()) | 1; }

std::string WhyNoPoolName(absl::string_view name) {
  constexpr size_t kMost = 32;
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
  if (name == kDefaultPool) return "the default pool is [pool]";
  if (name.empty() || name.size() > kMost || !is_plain) {
    return absl::StrCat("a pool's name is 1 to ", kMost, " of A-Z, a-z, 0-9, _ and -");
  }
  return "";
}

std::string OfPool(const PoolConfig& pool) {
  return pool.name == kDefaultPool ? "" : absl::StrCat(" of pool ", pool.name);
}

}  // namespace windlass
