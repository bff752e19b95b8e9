#include "worker/handlers/arena_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "common/read_file.h"

namespace windlass {
namespace {

absl::Span<char> Take(ArenaMemory* arena, size_t bytes, size_t alignment = 64) {
  absl::StatusOr<absl::Span<char>> memory = arena->Allocate(bytes, alignment);
  EXPECT_TRUE(memory.ok()) << memory.status();
  return memory.ok() ? *memory : absl::Span<char>();
}

// How a forked child ends that does `what`: its exit code, or minus the signal.
template <typename What>
int EndOfChildThat(What what) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's would report instead
    ::_exit(what());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(ArenaMemory, IsZeroedAlignedAndDoesNotOverlap) {
  ArenaMemory arena;
  std::vector<absl::Span<char>> all;
  for (size_t i = 0; i < 200; ++i) {
    const size_t alignment = size_t{1} << (i % 13);
    const absl::Span<char> memory = Take(&arena, 1 + i * 37, alignment);
    ASSERT_EQ(memory.size(), 1 + i * 37);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % alignment, 0u) << alignment;
    EXPECT_EQ(std::count(memory.begin(), memory.end(), 0), static_cast<ptrdiff_t>(memory.size()));
    std::memset(memory.data(), static_cast<int>(i + 1), memory.size());
    all.push_back(memory);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const auto written = static_cast<char>(i + 1);
    EXPECT_EQ(std::count(all[i].begin(), all[i].end(), written),
              static_cast<ptrdiff_t>(all[i].size()));
  }
}

TEST(ArenaMemory, GivesMoreThanOneChunkHolds) {
  ArenaMemory arena;
  char* last = nullptr;
  for (size_t taken = 0; taken < 3 * ArenaMemory::kChunkBytes; taken += 1 << 20) {
    const absl::Span<char> memory = Take(&arena, 1 << 20);
    ASSERT_NE(memory.data(), last);
    memory[0] = memory[memory.size() - 1] = 'x';
    last = memory.data();
  }
  const absl::Span<char> large = Take(&arena, 2 * ArenaMemory::kChunkBytes + 1, 4096);
  large[0] = large[large.size() - 1] = 'x';
  Take(&arena, 10)[0] = 'x';
}

TEST(ArenaMemory, CostsOnlyWhatIsWrittenTo) {
  const auto resident_kb = [] {
    const std::string text = ReadFile("/proc/self/status").value_or("");
    return std::atoll(text.c_str() + text.find("RssShmem:") + sizeof("RssShmem:"));
  };
  ArenaMemory arena;
  const long long before = resident_kb();
  const absl::Span<char> memory = Take(&arena, size_t{40} << 20);
  memory[0] = 'x';
  EXPECT_LT(resident_kb() - before, 1024);
}

TEST(ArenaMemory, TakesNothingForNothing) {
  ArenaMemory arena;
  EXPECT_EQ(Take(&arena, 0).size(), 0u);
}

TEST(ArenaMemory, RefusesWhatIsNoAlignment) {
  ArenaMemory arena;
  for (const size_t alignment : {size_t{0}, size_t{3}, size_t{96}, size_t{8192}}) {
    EXPECT_EQ(arena.Allocate(1, alignment).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ArenaMemory, MoreThanThereIsIsRefusedAndTheRestStaysGood) {
  ArenaMemory arena;
  const absl::Span<char> before = Take(&arena, 10);
  for (const size_t bytes : {size_t{1} << 46, size_t{1} << 62, SIZE_MAX, SIZE_MAX - 4095}) {
    EXPECT_EQ(arena.Allocate(bytes).status().code(), absl::StatusCode::kResourceExhausted) << bytes;
  }
  before[0] = Take(&arena, 10)[0];
  EXPECT_EQ(arena.Seal(), absl::OkStatus());
}

TEST(ArenaMemory, IsSharedWithChildrenNotCopied) {
  ArenaMemory arena;
  const absl::Span<char> memory = Take(&arena, 10);
  EXPECT_EQ(EndOfChildThat([&] {
              memory[0] = 'c';
              return 0;
            }),
            0);
  EXPECT_EQ(memory[0], 'c');
}

class SealedArena : public testing::Test {
 protected:
  SealedArena() {
    small_[0] = large_[0] = 'x';
    EXPECT_EQ(arena_.Seal(), absl::OkStatus());
  }
  ArenaMemory arena_;
  const absl::Span<char> small_ = Take(&arena_, 100);
  const absl::Span<char> large_ = Take(&arena_, ArenaMemory::kChunkBytes);
};

TEST_F(SealedArena, KeepsItsContentAtItsPlace) {
  EXPECT_EQ(small_[0], 'x');
  EXPECT_EQ(small_[1], 0);
  EXPECT_EQ(large_[0], 'x');
  EXPECT_EQ(EndOfChildThat([&] { return small_[0] == 'x' && large_[0] == 'x' ? 0 : 1; }), 0);
}

TEST_F(SealedArena, CannotBeWrittenTo) {
  for (char* const at : {small_.data(), large_.data() + large_.size() - 1}) {
    EXPECT_EQ(EndOfChildThat([at] {
                *const_cast<volatile char*>(at) = 'y';
                return 0;
              }),
              -SIGSEGV);
  }
}

TEST_F(SealedArena, CannotBeMadeWritableAgain) {
  EXPECT_NE(::mprotect(large_.data(), 4096, PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(EndOfChildThat([&] {
              return ::mprotect(large_.data(), 4096, PROT_READ | PROT_WRITE) == 0 ? 1 : 0;
            }),
            0);
}

TEST_F(SealedArena, GivesNoMoreMemory) {
  EXPECT_EQ(arena_.Allocate(1).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ArenaMemory, EmptyOneCanBeSealed) { EXPECT_EQ(ArenaMemory().Seal(), absl::OkStatus()); }

}  // namespace
}  // namespace windlass
