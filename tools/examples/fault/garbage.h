#ifndef WINDLASS_TOOLS_EXAMPLES_FAULT_GARBAGE_H_
#define WINDLASS_TOOLS_EXAMPLES_FAULT_GARBAGE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// What a process does that has lost its mind: the server must not care what its own processes say.

namespace windlass::fault {

constexpr size_t kMostGarbageBytes = 65'536;

// Random bytes, in one write each, to every descriptor from 3. Makes those that are no sockets
// non-blocking, for all who share them. How many took some. REQUIRES: bytes <= kMostGarbageBytes.
// Blocking: never.
absl::StatusOr<int> WriteGarbageToDescriptors(size_t bytes);

// The same bytes to every socket among them, as fast as they take them, for so long. How many
// packets.
absl::StatusOr<int> FloodSockets(size_t bytes, absl::Duration duration);

// Random bytes over every writable mapping, at most the first 16 MiB of each: what is shared with
// other processes first, then the heap, the data of all libraries and the stack, with the frames of
// all callers. So it does not return, but for an error before it began.
absl::Status WriteGarbageToMappings();

}  // namespace windlass::fault

#endif  // WINDLASS_TOOLS_EXAMPLES_FAULT_GARBAGE_H_
