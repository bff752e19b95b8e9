#ifndef WINDLASS_COMMON_CONFIG_TREE_POOLS_H_
#define WINDLASS_COMMON_CONFIG_TREE_POOLS_H_

#include "absl/strings/string_view.h"
#include "common/config.h"
#include "common/config_errors.h"
#include "common/config_tree.h"
#include "common/toml_reader.h"

// The part of common/config_tree.h that deals with [pool.NAME].

namespace windlass {

// The pool of that name, in order of appearance. Null: there can be none, which is reported.
PoolConfig* FindOrAddPool(absl::string_view name, const Origin& origin, LocatedConfig* located,
                          ConfigErrors* errors);

// Sets "pool.NAME.KEY". False: the key is none of these; nothing was changed.
bool AddPoolValue(absl::string_view key, const TomlNode& value, const Origin& origin,
                  LocatedConfig* located, ConfigErrors* errors);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_TREE_POOLS_H_
