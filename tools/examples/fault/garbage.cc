#include "tools/examples/fault/garbage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace windlass::fault {
namespace {

struct Range {
  uintptr_t begin;
  uintptr_t end;
};

// More than a process of ours has; the rest is spared.
constexpr size_t kMostRanges = 1024;
// Sparse mappings can be larger than all memory.
constexpr size_t kMostBytesOfRange = size_t{16} << 20;

absl::StatusOr<std::vector<int>> DescriptorsFrom3() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (folder == nullptr) return absl::ErrnoToStatus(errno, "list /proc/self/fd");
  std::vector<int> descriptors;
  while (const dirent* entry = ::readdir(folder.get())) {
    int fd = -1;
    if (!absl::SimpleAtoi(entry->d_name, &fd) || fd < 3 || fd == ::dirfd(folder.get())) continue;
    descriptors.push_back(fd);
  }
  return descriptors;
}

// Those that are shared come first: if this process does not live to the end, they are what counts.
absl::StatusOr<std::vector<Range>> WritableMappings() {
  const std::unique_ptr<FILE, int (*)(FILE*)> maps(std::fopen("/proc/self/maps", "re"),
                                                   std::fclose);
  if (maps == nullptr) return absl::ErrnoToStatus(errno, "read /proc/self/maps");
  std::vector<Range> shared;
  std::vector<Range> own;
  char line[4096 + 128];  // a path and what stands before it
  while (std::fgets(line, sizeof line, maps.get()) != nullptr) {
    Range range;
    char access[5] = "";
    if (std::sscanf(line, "%lx-%lx %4s", &range.begin, &range.end, access) != 3) continue;
    if (access[1] != 'w') continue;
    (access[3] == 's' ? shared : own).push_back(range);
  }
  shared.insert(shared.end(), own.begin(), own.end());
  return shared;
}

// The kernel looks at a piece of this thread's memory whenever it interrupts it, and kills it for
// garbage there: before it has done what it is here for.
void TellTheKernelNotToLook() {
  constexpr size_t kRegisteredBytes = 32;  // what glibc registers, whatever it uses of it
  char* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  if (__rseq_size > 0) ::syscall(SYS_rseq, area, kRegisteredBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

// Everything it needs while it works is in its own frame, in registers and in code: it calls
// nothing that has data. The kernel writes the random bytes, because it leaves out a page that
// cannot be written, where a loop here would end with SIGBUS.
__attribute__((noinline, no_sanitize("address", "undefined"), no_stack_protector)) void Overwrite(
    const Range* mappings, size_t count) {
  Range ranges[kMostRanges];
  if (count > kMostRanges) count = kMostRanges;
  for (size_t i = 0; i < count; ++i) ranges[i] = mappings[i];

  const uintptr_t frame_end = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  for (size_t i = 0; i < count; ++i) {
    uintptr_t at = ranges[i].begin;
    uintptr_t end = ranges[i].end;
    if (at <= frame_end && frame_end < end) {
      at = frame_end;  // the callers' frames; its own and what it calls need what is below
    } else if (end - at > kMostBytesOfRange) {
      end = at + kMostBytesOfRange;
    }
    while (at < end) {
      const size_t step = end - at < 4096 ? end - at : 4096;
      ::syscall(SYS_getrandom, at, step, 0);
      at += step;
    }
  }
}

}  // namespace

absl::StatusOr<int> WriteGarbageToDescriptors(size_t bytes) {
  const absl::StatusOr<std::vector<int>> descriptors = DescriptorsFrom3();
  if (!descriptors.ok()) return descriptors.status();
  std::array<char, kMostGarbageBytes> garbage;
  bytes = std::min(bytes, garbage.size());
  for (size_t filled = 0; filled < bytes;) {
    const ssize_t more = ::getrandom(garbage.data() + filled, bytes - filled, 0);
    if (more > 0) filled += static_cast<size_t>(more);
  }
  int written = 0;
  for (const int fd : *descriptors) {
    ssize_t n = ::send(fd, garbage.data(), bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) {
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
      n = ::write(fd, garbage.data(), bytes);
    }
    if (n > 0) ++written;
  }
  return written;
}

absl::StatusOr<int> FloodSockets(size_t bytes, absl::Duration duration) {
  absl::StatusOr<std::vector<int>> sockets = DescriptorsFrom3();
  if (!sockets.ok()) return sockets.status();
  const std::vector<char> garbage(std::min(bytes, kMostGarbageBytes), 'x');
  int sent = 0;
  for (const absl::Time until = absl::Now() + duration; absl::Now() < until;) {
    for (const int fd : *sockets) {
      if (::send(fd, garbage.data(), garbage.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) ++sent;
    }
  }
  return sent;
}

absl::Status WriteGarbageToMappings() {
  const absl::StatusOr<std::vector<Range>> mappings = WritableMappings();
  if (!mappings.ok()) return mappings.status();
  TellTheKernelNotToLook();
  Overwrite(mappings->data(), mappings->size());
  return absl::OkStatus();
}

}  // namespace windlass::fault
