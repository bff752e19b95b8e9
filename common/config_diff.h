#ifndef WINDLASS_COMMON_CONFIG_DIFF_H_
#define WINDLASS_COMMON_CONFIG_DIFF_H_

#include <string>
#include <vector>

#include "common/config.h"

namespace windlass {

// What a reload cannot change because the master holds it for as long as it runs (its control
// socket, the room in its scoreboard, whom it may still become): the full names of those keys that
// differ, as "master.control". Empty: none. Pure.
std::vector<std::string> UnchangeableKeysThatDiffer(const Config& running, const Config& wanted);

}  // namespace windlass

#endif  // WINDLASS_COMMON_CONFIG_DIFF_H_
