#include "common/metrics_board.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr uint32_t kWorkers = 3;

// --- Buckets

// The first bucket whose upper bound is not below, by looking at all.
size_t SlowBucket(int64_t ns) {
  size_t bucket = 0;
  while (bucket + 1 < kLatencyBuckets && ns > static_cast<int64_t>(LatencyUpperUs(bucket)) * 1000) {
    ++bucket;
  }
  return bucket;
}

TEST(LatencyBuckets, GrowByAQuarterOfAnOctave) {
  EXPECT_EQ(LatencyUpperUs(0), 16u);
  EXPECT_EQ(LatencyUpperUs(1), 20u);
  EXPECT_EQ(LatencyUpperUs(4), 32u);
  EXPECT_EQ(LatencyUpperUs(5), 40u);
  EXPECT_EQ(LatencyUpperUs(kLatencyBuckets - 2), 1u << 26);
  for (size_t i = 1; i + 1 < kLatencyBuckets; ++i) {
    EXPECT_GT(LatencyUpperUs(i), LatencyUpperUs(i - 1));
    EXPECT_LE(LatencyUpperUs(i) * 4, LatencyUpperUs(i - 1) * 5);
  }
}

TEST(LatencyBuckets, AreTheFirstWhoseBoundIsNotBelow) {
  std::set<int64_t> durations = {INT64_MIN, -1, 0, 1, INT64_MAX};
  for (size_t i = 0; i + 1 < kLatencyBuckets; ++i) {
    const auto bound = static_cast<int64_t>(LatencyUpperUs(i)) * 1000;
    durations.insert({bound - 1, bound, bound + 1, bound + 999});
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    durations.insert(static_cast<int64_t>(random() >> (random() % 63 + 1)));
  }
  for (const int64_t ns : durations) EXPECT_EQ(LatencyBucket(ns), SlowBucket(ns)) << ns;
}

// --- Rows

class MetricsBoardTest : public testing::Test {
 protected:
  MetricsBoardTest() : board_(Scoreboard::Create(kWorkers, 1).value()) {
    board_.MutableHeader().worker_slots_ever = kWorkers;
  }
  // Counts `times` answers in a process that has the worker's slot.
  void CountInChild(uint32_t slot, absl::string_view listener, absl::string_view handler,
                    int times) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (!board_.EnterChild(SlotIndex{slot}).ok()) ::_exit(1);
      MetricsRow& row =
          board_.MutableMetrics(SlotIndex{slot})
              .RowFor({board_.names().FindListener(listener), board_.names().FindHandler(handler)});
      for (int i = 0; i < times; ++i) {
        Bump(row.answers[0]);
        row.latency.Add(1'000'000);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
  }
  uint64_t Answers(absl::string_view listener, absl::string_view handler) {
    return CountRequests(board_)[{std::string(listener), std::string(handler)}].answers[0];
  }

  Scoreboard board_;
};

TEST_F(MetricsBoardTest, ASuccessorGoesOnWithTheRowsOfItsSlot) {
  board_.MutableNames().AddListener("a:1");
  board_.MutableNames().AddHandler("work");
  CountInChild(0, "a:1", "work", 3);
  CountInChild(0, "a:1", "work", 4);
  EXPECT_EQ(Answers("a:1", "work"), 7u);
  EXPECT_EQ(board_.metrics(SlotIndex{0}).rows_used(), 1u);
}

TEST_F(MetricsBoardTest, TwoWorkersCountBesideEachOther) {
  board_.MutableNames().AddListener("a:1");
  board_.MutableNames().AddListener("b:2");
  board_.MutableNames().AddHandler("work");
  CountInChild(0, "a:1", "work", 3);
  CountInChild(2, "b:2", "work", 5);
  CountInChild(2, "a:1", "work", 4);
  EXPECT_EQ(Answers("a:1", "work"), 7u);
  EXPECT_EQ(Answers("b:2", "work"), 5u);
  const RequestCounts sum = CountRequests(board_)[{"a:1", "work"}];
  EXPECT_EQ(sum.latency.counts[LatencyBucket(1'000'000)], 7u);
  EXPECT_EQ(sum.latency.sum_ns, 7'000'000u);
}

TEST_F(MetricsBoardTest, NamesKeepTheirNumbersWhateverComesAfter) {
  MetricsNames& names = board_.MutableNames();
  const uint32_t first = names.AddHandler("first");
  const uint32_t second = names.AddHandler("second");
  EXPECT_NE(first, second);
  EXPECT_NE(first, MetricsNames::kNoHandler);
  names.AddHandler("third");
  EXPECT_EQ(names.AddHandler("first"), first);
  EXPECT_EQ(names.FindHandler("second"), second);
  EXPECT_EQ(names.HandlerName(second), "second");
  EXPECT_EQ(names.HandlerName(MetricsNames::kNoHandler), "");
}

TEST_F(MetricsBoardTest, NamesBeyondTheTableAreOther) {
  MetricsNames& names = board_.MutableNames();
  for (int i = 0; i < 500; ++i) {
    names.AddListener(absl::StrCat("listener-", i));
    names.AddHandler(absl::StrCat("handler-", i));
  }
  EXPECT_EQ(names.ListenerName(names.FindListener("listener-62")), "listener-62");
  EXPECT_EQ(names.FindListener("listener-63"), MetricsNames::kOtherListener);
  EXPECT_EQ(names.HandlerName(names.FindHandler("handler-126")), "handler-126");
  EXPECT_EQ(names.FindHandler("handler-127"), MetricsNames::kOtherHandler);
  EXPECT_EQ(names.ListenerName(MetricsNames::kOtherListener), "other");
  EXPECT_EQ(names.HandlerName(MetricsNames::kOtherHandler), "other");
}

TEST_F(MetricsBoardTest, ALongNameIsCutOffAndFound) {
  MetricsNames& names = board_.MutableNames();
  const std::string name(1000, 'x');
  const uint32_t number = names.AddListener(name);
  EXPECT_EQ(names.FindListener(name), number);
  EXPECT_EQ(names.ListenerName(number), name.substr(0, MetricsName::kMost));
}

TEST_F(MetricsBoardTest, PairsBeyondTheRowsShareTheLastOne) {
  MetricsSlot& slot = board_.MutableMetrics(SlotIndex{0});
  std::set<const MetricsRow*> rows;
  for (uint32_t handler = 1; handler <= 100; ++handler) {
    MetricsRow& row = slot.RowFor({0, handler});
    Bump(row.answers[0]);
    rows.insert(&row);
    EXPECT_EQ(&slot.RowFor({0, handler}), &row);
  }
  EXPECT_EQ(rows.size(), MetricsSlot::kRows);
  EXPECT_EQ(slot.KeyOf(MetricsSlot::kRows - 1), MetricsSlot::kOther);
  EXPECT_EQ(Answers("other", "other"), 100u) << "no name was given to any of these numbers";
}

TEST_F(MetricsBoardTest, ReadersStayWithinTheMemoryWhateverStandsInIt) {
  MetricsNames& names = board_.MutableNames();
  MetricsSlot& slot = board_.MutableMetrics(SlotIndex{1});
  slot.used = UINT32_MAX;
  for (auto& key : slot.keys) key = UINT32_MAX;
  names.listeners = names.handlers = UINT32_MAX;
  names.listener_names[0].bytes = UINT32_MAX;
  EXPECT_EQ(slot.rows_used(), MetricsSlot::kRows);
  EXPECT_EQ(names.ListenerName(0).size(), MetricsName::kMost);
  (void)CountRequests(board_);
  EXPECT_EQ(names.FindListener("none"), MetricsNames::kOtherListener);
  (void)slot.RowFor({1, 1});
}

TEST_F(MetricsBoardTest, ANewBinaryFindsTheRowsAndTheNames) {
  board_.MutableNames().AddListener("a:1");
  board_.MutableNames().AddHandler("work");
  CountInChild(1, "a:1", "work", 3);
  OwnedFd memfd(::dup(board_.fd()));
  absl::StatusOr<Scoreboard> adopted = Scoreboard::Adopt(std::move(memfd));
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_EQ((CountRequests(*adopted)[{"a:1", "work"}].answers[0]), 3u);
}

TEST_F(MetricsBoardTest, AWorkerWritesItsOwnRowsAndNobodyElses) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!board_.EnterChild(SlotIndex{1}).ok()) ::_exit(1);
    Bump(board_.MutableMetrics(SlotIndex{1}).rows[0].bytes_in);
    const auto is_writable = [](const void* at) {
      // The kernel answers EFAULT where a store would be a SIGSEGV.
      int ends[2];
      char byte = 0;
      if (::pipe(ends) != 0 || ::write(ends[1], &byte, 1) != 1) ::_exit(2);
      return ::read(ends[0], const_cast<void*>(at), 1) == 1;
    };
    const bool fine = is_writable(&board_.MutableMetrics(SlotIndex{1})) &&
                      !is_writable(&board_.metrics(SlotIndex{1})) &&
                      !is_writable(&board_.metrics(SlotIndex{0})) && !is_writable(&board_.names());
    ::_exit(fine ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(board_.metrics(SlotIndex{1}).rows[0].bytes_in.load(), 1u);
}

}  // namespace
}  // namespace windlass
