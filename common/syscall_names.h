#ifndef WINDLASS_COMMON_SYSCALL_NAMES_H_
#define WINDLASS_COMMON_SYSCALL_NAMES_H_

#include <optional>
#include <string>

// Names of system calls on this machine's architecture, by libseccomp. Blocking: never.

namespace windlass {

// "openat" to 257. nullopt: no architecture has it, or not this one.
std::optional<int> SyscallNumber(const std::string& name);
// Whether any architecture has it: "open" is one, also where there is only openat.
bool IsSyscallName(const std::string& name);
std::string SyscallName(int number);  // "openat", or "system call 1234"

// How a call is written.
struct SyscallShape {
  int arguments = 6;
  int path = -1;  // which of them is one; -1: none
};
// Six arguments for those that it does not know. May be called in a signal handler.
SyscallShape ShapeOf(int number);

}  // namespace windlass

#endif  // WINDLASS_COMMON_SYSCALL_NAMES_H_
