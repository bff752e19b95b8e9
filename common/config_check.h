#ifndef WINDLASS_COMMON_CONFIG_CHECK_H_
#define WINDLASS_COMMON_CONFIG_CHECK_H_

#include <string>
#include <vector>

#include "common/config.h"
#include "common/config_errors.h"
#include "common/config_tree.h"

namespace windlass {

// What values must not be together: the same name or address twice, names of what is not there,
// counts that exceed other counts, keys that mean nothing beside others. The default handlers need
// not be in `located`. Blocking: never.
void CheckConfig(const LocatedConfig& located, ConfigErrors* errors);

// What is valid, but may not be meant: a line each. REQUIRES: the default handlers are in `config`.
std::vector<std::string> DoubtfulSettings(const Config& config);

// The default handlers, those of the same name replaced, then the others that were written.
std::vector<HandlerConfig> WithDefaultHandlers(const std::vector<HandlerConfig>& written);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_CHECK_H_
