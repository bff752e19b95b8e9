#ifndef WINDLASS_COMMON_CONFIG_PRINT_H_
#define WINDLASS_COMMON_CONFIG_PRINT_H_

#include <string>

#include "common/config.h"

namespace windlass {

// The whole configuration as commented TOML. LoadConfig reads it back as the same Config (but for
// `source`). Keys that are not set are there as comments. Blocking: never.
std::string PrintConfig(const Config& config);

// 16 hexadecimal digits that tell configurations apart: of what PrintConfig says, without the name
// of the file.
std::string ConfigHash(const Config& config);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_PRINT_H_
