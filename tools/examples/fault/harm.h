#ifndef WINDLASS_TOOLS_EXAMPLES_FAULT_HARM_H_
#define WINDLASS_TOOLS_EXAMPLES_FAULT_HARM_H_

#include <cstddef>

// What a bad handler does to the process that it runs in. The functions in which a process hangs
// are exported, so that a stack which is taken there can name them in a stripped library, too.

extern "C" {

// Uses the CPU for ever.
[[noreturn]] void windlass_fault_hang();
// The same with all signals blocked, so that only SIGKILL gets through.
[[noreturn]] void windlass_fault_hang_blocked();

}  // extern "C"

namespace windlass::fault {

// Writes to where nothing is mapped.
void WriteToNowhere();
// Runs into a breakpoint that no debugger has set.
void RunIntoBreakpoint();
// Forbids itself getppid(2) by a seccomp filter that traps, and calls it. Returns errno if the
// filter cannot be set, else not, where the trap ends the process.
int MakeForbiddenCall();
// Takes memory and writes to all of it, until it has `bytes`; then gives it back. Throws
// std::bad_alloc.
void TakeMemory(size_t bytes);

}  // namespace windlass::fault

#endif  // WINDLASS_TOOLS_EXAMPLES_FAULT_HARM_H_
