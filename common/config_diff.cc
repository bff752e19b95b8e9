#include "common/config_diff.h"

namespace windlass {

std::vector<std::string> UnchangeableKeysThatDiffer(const Config& running, const Config& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&](auto MasterConfig::*member, const char* key) {
    if (running.master.*member != wanted.master.*member) keys.push_back(key);
  };
  compare(&MasterConfig::control, "master.control");
  compare(&MasterConfig::user, "master.user");
  compare(&MasterConfig::group, "master.group");
  compare(&MasterConfig::max_processes, "master.max_processes");
  return keys;
}

}  // namespace windlass
