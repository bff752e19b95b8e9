#include "common/config_tree_pools.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/config_keys.h"
#include "common/pools.h"

namespace windlass {

PoolConfig* FindOrAddPool(absl::string_view name, const Origin& origin, LocatedConfig* located,
                          ConfigErrors* errors) {
  std::vector<PoolConfig>& pools = located->config.pools;
  const std::string why = PoolKeys().Find(name) != nullptr
                              ? absl::StrCat("'", name, "' is a key of [pool], and no name of one")
                              : WhyNoPoolName(name);
  if (!why.empty()) {
    errors->Add(origin, absl::StrCat("[pool.", absl::CEscape(name), "]: ", why));
    return nullptr;
  }
  if (const uint32_t found = PoolNamed(located->config, name); found < pools.size()) {
    return &pools[found];
  }
  if (pools.size() == kMaxPools) {
    errors->Add(origin, absl::StrCat("[pool.", name, "]: there can be ", kMaxPools,
                                     " pools at most, with [pool]"));
    return nullptr;
  }
  pools.emplace_back();
  pools.back().name = std::string(name);
  located->keys.keys.emplace(absl::StrCat("pool.", name), origin);
  return &pools.back();
}

bool AddPoolValue(absl::string_view key, const TomlNode& value, const Origin& origin,
                  LocatedConfig* located, ConfigErrors* errors) {
  const size_t first = key.find('.'), last = key.rfind('.');
  if (last == absl::string_view::npos || first == last) return false;
  if (key.substr(0, first) != PoolKeys().name) return false;
  const Key<PoolConfig>* const found = PoolKeys().Find(key.substr(last + 1));
  if (found == nullptr) return false;
  PoolConfig* const pool =
      FindOrAddPool(key.substr(first + 1, last - first - 1), origin, located, errors);
  if (pool == nullptr) return true;
  const absl::Status set = found->set(value, pool);
  if (!set.ok()) {
    errors->Add(origin, absl::StrCat(key, " ", set.message()));
  } else {
    located->keys.keys[std::string(key)] = origin;
  }
  return true;
}

}  // namespace windlass
