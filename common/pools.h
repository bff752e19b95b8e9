#ifndef WINDLASS_COMMON_POOLS_H_
#define WINDLASS_COMMON_POOLS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/config.h"

// Pools are told apart by their index into Config::pools; 0 is the default one. Handlers of
// different pools share nothing but CPUs: each has its own queue, processes, limits and sandbox,
// and its part of the memory for payloads. Blocking: never.

namespace windlass {

// UINT32_MAX: there is none of that name. "" is the default one.
uint32_t PoolNamed(const Config& config, absl::string_view name);

// By handler, as in Config::handlers. REQUIRES: a checked configuration.
std::vector<uint32_t> PoolsOfHandlers(const Config& config);

// Its name as a number, never 0; the same in every generation and binary.
uint64_t PoolKey(absl::string_view name);

// Why a pool cannot be called so; "" = it can.
std::string WhyNoPoolName(absl::string_view name);

// ` of pool images`; nothing of the default one, of which nobody who has no other needs to know.
std::string OfPool(const PoolConfig& pool);

// What of the server's memory for payloads is for one pool.
inline uint64_t PoolShare(uint64_t payload_budget_bytes, const Config& config) {
  return payload_budget_bytes / config.pools.size();
}

}  // namespace windlass

#endif  // WINDLASS_COMMON_POOLS_H_
