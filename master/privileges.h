#ifndef WINDLASS_MASTER_PRIVILEGES_H_
#define WINDLASS_MASTER_PRIVILEGES_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace windlass {

// Whom a process becomes before it runs foreign code.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;  // as it was asked for, for messages
};

bool RunningAsRoot();
// `user` and `group` are names or numbers; an empty group is the user's own. Errors: NotFound and
// InvalidArgument name what is unknown or out of the question; root is, because hostile payloads
// never run as root. Blocking: asks the name service, so it is called at start, by the master.
absl::StatusOr<Identity> LookUpIdentity(const std::string& user, const std::string& group);
// Becomes that user and group, without supplementary groups, for good: OK means that root cannot be
// regained. Who is it already need not be root. NO_NEW_PRIVS is set first. After an error this
// process may be anything between the two identities and must end. Called in a child. Blocking:
// never.
absl::Status BecomeIdentity(const Identity& identity);
// Gives up all capabilities (capabilities(7)), also those that a program started later could get,
// and supplementary groups, for good; who the process is stays. NO_NEW_PRIVS is set. Called in a
// child, after it became who it shall be. Blocking: never.
absl::Status DropCapabilities();
// As root: becomes the user and group nobody. Otherwise nothing. NO_NEW_PRIVS is set in any case.
absl::Status BecomeNobody();

}  // namespace windlass

#endif  // WINDLASS_MASTER_PRIVILEGES_H_
