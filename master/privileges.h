#ifndef WINDLASS_MASTER_PRIVILEGES_H_
#define WINDLASS_MASTER_PRIVILEGES_H_

#include <string>

#include "absl/status/status.h"

namespace windlass {

bool RunningAsRoot();
// As root: becomes the user and group nobody, without supplementary groups, for good. Otherwise
// nothing. NO_NEW_PRIVS is set in any case. Called in a child, before it runs foreign code.
absl::Status BecomeNobody();
// What ps and top show; the kernel keeps 15 characters.
void NameProcess(const std::string& name);

}  // namespace windlass

#endif  // WINDLASS_MASTER_PRIVILEGES_H_
