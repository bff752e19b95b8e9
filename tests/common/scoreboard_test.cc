#include "common/scoreboard.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace windlass {
namespace {

constexpr uint32_t kWorkers = 2, kSlots = 4;

// Runs `body` in a child and gives its answer.
bool InChild(const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Asks the kernel, which answers EFAULT where a store would be a SIGSEGV.
bool IsWritable(const void* at) {
  const OwnedFd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  return ::read(zero.get(), const_cast<void*>(at), 1) == 1;
}

bool CanBeMadeWritable(const void* page) {
  return ::mprotect(const_cast<void*>(page), 4096, PROT_READ | PROT_WRITE) == 0;
}

int OpenDescriptors() {
  int count = 0;
  DIR* const directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

class ScoreboardTest : public testing::Test {
 protected:
  ScoreboardTest() : board_(Scoreboard::Create(kWorkers, kSlots - kWorkers).value()) {}
  Scoreboard board_;
};

TEST_F(ScoreboardTest, SaysWhatItIs) {
  EXPECT_EQ(board_.header().magic, ScoreboardHeader::kMagic);
  EXPECT_EQ(board_.header().version, ScoreboardHeader::kVersion);
  EXPECT_EQ(board_.header().worker_slots, kWorkers);
  EXPECT_EQ(board_.header().pool_slots, kSlots - kWorkers);
  EXPECT_EQ(board_.worker_slots(), kWorkers);
  EXPECT_EQ(board_.slots(), kSlots + (kMaxPools + 1) * ScoreboardHeader::kBays);
  EXPECT_EQ(board_.ZygoteSlot(0).value, kSlots);
  EXPECT_EQ(board_.ZygoteSlot(3, 1).value, kSlots + ScoreboardHeader::kBays + 3);
  EXPECT_EQ(board_.AdminSlot(0).value, kSlots + kMaxPools * ScoreboardHeader::kBays);
}

TEST_F(ScoreboardTest, StartsWithEmptySlots) {
  for (uint32_t i = 0; i < kSlots; ++i) {
    EXPECT_EQ(board_.slot(SlotIndex{i}).role.load(), Role::kNone);
    EXPECT_EQ(board_.slot(SlotIndex{i}).pid.load(), 0);
    EXPECT_EQ(board_.slot(SlotIndex{i}).job.load(), kSlotIdle);
  }
}

TEST_F(ScoreboardTest, TheMasterWritesEverySlotAndNoneOverlaps) {
  for (uint32_t i = 0; i < kSlots; ++i) {
    board_.MutableSlot(SlotIndex{i}).pid = 100 + static_cast<int>(i);
    board_.MutableSlot(SlotIndex{i}).cancelled.back() = i;
  }
  for (uint32_t i = 0; i < kSlots; ++i) {
    EXPECT_EQ(board_.slot(SlotIndex{i}).pid.load(), 100 + static_cast<int>(i));
    EXPECT_EQ(board_.slot(SlotIndex{i}).cancelled.back().load(), i);
  }
  EXPECT_EQ(board_.header().magic, ScoreboardHeader::kMagic);
}

TEST_F(ScoreboardTest, RangesStayWithinTheBoardWhateverTheHeaderSays) {
  GenerationBay& bay = board_.MutableHeader().bays[1];
  bay.first_worker = 1;
  bay.workers = 1;
  EXPECT_EQ(board_.WorkersOf(1).first, 1u);
  EXPECT_EQ(board_.WorkersOf(1).end, 2u);
  bay.workers = 1000;
  EXPECT_EQ(board_.WorkersOf(1).end, kWorkers);
  bay.first_worker = 77;
  EXPECT_EQ(board_.WorkersOf(1).first, board_.WorkersOf(1).end);
  board_.MutableHeader().pool_slots_used = 99;
  EXPECT_EQ(board_.PoolSlots().first, kWorkers);
  EXPECT_EQ(board_.PoolSlots().end, kSlots);
}

TEST_F(ScoreboardTest, PayloadBytesCountEveryGenerationAndTheWholePool) {
  board_.MutableHeader().bays[0].workers = 1;
  board_.MutableHeader().bays[5].first_worker = 1;
  board_.MutableHeader().bays[5].workers = 1;
  board_.MutableHeader().pool_slots_used = 1;
  for (uint32_t i = 0; i < kWorkers; ++i) {
    board_.MutableSlot(SlotIndex{i}).load[0].payload_bytes = 1u << i;
  }
  for (uint32_t i = kWorkers; i < kSlots; ++i) {
    board_.MutableSlot(SlotIndex{i}).payload_bytes = 1u << i;
  }
  EXPECT_EQ(board_.PayloadBytes(), 1u + 2u + 4u);
}

TEST_F(ScoreboardTest, PayloadBytesOfOnePoolAreThoseOfItsRequestsAndItsProcesses) {
  constexpr uint64_t kKey = 77;
  board_.MutableHeader().bays[0].workers = 1;
  board_.MutableHeader().pool_slots_used = kSlots - kWorkers;
  board_.MutableSlot(SlotIndex{0}).load[0].payload_bytes = 1;
  board_.MutableSlot(SlotIndex{0}).load[3].payload_bytes = 2;
  // Of the generation before it was the first pool.
  board_.MutableHeader().bays[0].pool_keys[3] = kKey;
  board_.MutableHeader().bays[1].first_worker = 1;
  board_.MutableHeader().bays[1].workers = 1;
  board_.MutableHeader().bays[1].pool_keys[0] = kKey;
  board_.MutableSlot(SlotIndex{1}).load[0].payload_bytes = 8;
  board_.MutableAssignment(SlotIndex{kWorkers}).pool_key = kKey;
  board_.MutableSlot(SlotIndex{kWorkers}).payload_bytes = 4;
  EXPECT_EQ(board_.PayloadBytes(kKey), 2u + 4u + 8u);
  EXPECT_EQ(board_.PayloadBytes(kKey + 1), 0u);
  EXPECT_EQ(board_.PayloadBytes(), 15u);
}

TEST_F(ScoreboardTest, BumpAdds) {
  ProcessSlot& slot = board_.MutableSlot(SlotIndex{0});
  Bump(slot.requests);
  Bump(slot.requests, uint64_t{41});
  EXPECT_EQ(slot.requests.load(), 42u);
}

TEST_F(ScoreboardTest, AChildWritesItsOwnSlotAndTheMasterReadsIt) {
  EXPECT_TRUE(InChild([this] {
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    Bump(board_.MutableSlot(SlotIndex{2}).requests, uint64_t{5});
    return board_.slot(SlotIndex{2}).requests.load() == 5;
  }));
  EXPECT_EQ(board_.slot(SlotIndex{2}).requests.load(), 5u) << "and it outlives the child";
  EXPECT_EQ(board_.slot(SlotIndex{1}).requests.load(), 0u);
  EXPECT_EQ(board_.slot(SlotIndex{3}).requests.load(), 0u);
}

TEST_F(ScoreboardTest, ASuccessorContinuesTheCounters) {
  for (int incarnation = 0; incarnation < 3; ++incarnation) {
    EXPECT_TRUE(InChild([this] {
      if (!board_.EnterChild(SlotIndex{1}).ok()) return false;
      Bump(board_.MutableSlot(SlotIndex{1}).jobs_done);
      return true;
    }));
  }
  EXPECT_EQ(board_.slot(SlotIndex{1}).jobs_done.load(), 3u);
}

TEST_F(ScoreboardTest, AChildReadsWhatTheMasterWroteBeforeAndAfterItEntered) {
  board_.MutableSlot(SlotIndex{0}).incarnation = 7;
  int gate[2];
  ASSERT_EQ(::pipe(gate), 0);
  OwnedFd wait_end(gate[0]), go_end(gate[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    char byte;
    const bool fine =
        board_.EnterChild(SlotIndex{1}).ok() && board_.slot(SlotIndex{0}).incarnation.load() == 7 &&
        ::read(wait_end.get(), &byte, 1) == 1 && board_.header().bays[0].pool_ready[0].load() == 3;
    ::_exit(fine ? 0 : 1);
  }
  board_.MutableHeader().bays[0].pool_ready[0] = 3;
  ASSERT_EQ(::write(go_end.get(), "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST_F(ScoreboardTest, InAChildOnlyItsOwnSlotIsWritable) {
  ASSERT_TRUE(IsWritable(&board_.slot(SlotIndex{0}))) << "the probe works";
  EXPECT_TRUE(InChild([this] {
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    bool fine = IsWritable(&board_.MutableSlot(SlotIndex{2}));
    for (uint32_t i = 0; i < kSlots; ++i) fine = fine && !IsWritable(&board_.slot(SlotIndex{i}));
    return fine && !IsWritable(&board_.header());
  }));
}

TEST_F(ScoreboardTest, InAChildNothingElseCanBeMadeWritable) {
  EXPECT_TRUE(InChild([this] {
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    bool fine = !CanBeMadeWritable(&board_.header());
    for (uint32_t i = 0; i < kSlots; ++i) {
      fine = fine && !CanBeMadeWritable(&board_.slot(SlotIndex{i})) && errno == EACCES;
    }
    return fine;
  }));
}

TEST_F(ScoreboardTest, InAChildTheMastersMappingIsGone) {
  const void* const masters = &board_.slot(SlotIndex{0});
  EXPECT_TRUE(InChild([this, masters] {
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    return !IsWritable(masters) && !CanBeMadeWritable(masters);
  }));
}

TEST_F(ScoreboardTest, AChildKeepsNoDescriptorOfIt) {
  EXPECT_TRUE(InChild([this] {
    const int before = OpenDescriptors();
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    return OpenDescriptors() == before - 2;
  }));
}

TEST_F(ScoreboardTest, AChildOfAChildIsNotTheMaster) {
  EXPECT_TRUE(InChild([this] {
    if (!board_.EnterChild(SlotIndex{2}).ok()) return false;
    return InChild([this] {
      return IsWritable(&board_.MutableSlot(SlotIndex{2})) &&
             !IsWritable(&board_.slot(SlotIndex{1}));
    });
  }));
}

TEST_F(ScoreboardTest, AChildsLastWordOutlivesASigkill) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!board_.EnterChild(SlotIndex{3}).ok()) ::_exit(1);
    board_.MutableSlot(SlotIndex{3}).job = JobId::Make(SlotIndex{0}, 1, 9).word();
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(JobId::FromWord(board_.slot(SlotIndex{3}).job).sequence(), 9u);
}

using ScoreboardDeathTest = ScoreboardTest;

TEST_F(ScoreboardDeathTest, ASlotThatIsNotThereIsOurOwnFault) {
  EXPECT_DEATH((void)board_.slot(SlotIndex{board_.slots()}), "CHECK failed");
  EXPECT_DEATH((void)board_.MutableSlot(SlotIndex{board_.slots()}), "CHECK failed");
  EXPECT_DEATH((void)board_.EnterChild(SlotIndex{board_.slots()}), "CHECK failed");
}

TEST_F(ScoreboardDeathTest, WritingAnothersSlotOrTheHeaderIsAChildsOwnFault) {
  ASSERT_TRUE(board_.EnterChild(SlotIndex{1}).ok());
  EXPECT_DEATH((void)board_.MutableSlot(SlotIndex{2}), "CHECK failed");
  EXPECT_DEATH((void)board_.MutableHeader(), "CHECK failed");
}

}  // namespace
}  // namespace windlass
