// What an output queue still owes, written down for another worker (ForEachUnsent), and the last
// exchange taken out again (TakeLast).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "common/posix.h"
#include "tests/common/socket_pairs.h"
#include "worker/io/output_queue.h"

namespace windlass {
namespace {

class NobodysTimer : public TimerOwner {
  void OnTimer(Timer*, Instant) override {}
};

class OutputQueueMovingTest : public testing::Test {
 protected:
  OutputQueueMovingTest() : client_(SocketPair()) {
    const int small = 4096;
    ::setsockopt(client_.ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    file_.Reset(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    for (int i = 0; i < 50'000; ++i) file_content_.push_back(static_cast<char>('A' + i % 26));
    EXPECT_EQ(::write(file_.get(), file_content_.data(), file_content_.size()), 50'000);
  }
  ~OutputQueueMovingTest() override {
    queue_.TakeAll([](Exchange* exchange) { exchange->pieces.clear(); });
  }

  Exchange* Push() {
    exchanges_.push_back(std::make_unique<Exchange>(&timer_owner_));
    queue_.Push(exchanges_.back().get());
    return exchanges_.back().get();
  }
  void AddMemory(Exchange* exchange, std::string bytes) {
    memory_.push_back(std::make_unique<std::string>(std::move(bytes)));
    AnswerPiece& piece = exchange->pieces.emplace_back();
    piece.data = memory_.back()->data();
    piece.bytes = memory_.back()->size();
  }
  void AddFile(Exchange* exchange, uint64_t offset, uint64_t bytes) {
    AnswerPiece& piece = exchange->pieces.emplace_back();
    piece.file = *Duplicate(file_.get());
    piece.offset = offset;
    piece.bytes = bytes;
  }
  void Answer(Exchange* exchange, std::string out, size_t tail_bytes = 0) {
    exchange->out = std::move(out);
    exchange->tail_bytes = tail_bytes;
    exchange->state = Exchange::State::kAnswered;
    queue_.OnAnswered(*exchange);
  }
  OutputQueue::Outcome Flush() {
    uint64_t sent = 0;
    return queue_.Flush(client_.ours.get(), &sent, [](Exchange* done) { done->pieces.clear(); });
  }
  // What the client has read by now and, "|" before each file, what is still owed.
  std::string Read(size_t most) {
    std::string chunk(most, '\0');
    const ssize_t n = ::recv(client_.theirs.get(), chunk.data(), most, MSG_DONTWAIT);
    chunk.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return chunk;
  }
  std::string ReadAll() {
    std::string all;
    for (std::string chunk; !(chunk = Read(1 << 16)).empty();) all += chunk;
    return all;
  }
  std::string Owed(absl::string_view before_file = "") {
    std::string owed;
    closes_ = queue_.ForEachUnsent(
        [&](absl::string_view bytes) {
          EXPECT_FALSE(bytes.empty());
          owed.append(bytes.data(), bytes.size());
        },
        [&](const AnswerPiece& piece) {
          owed.append(before_file.data(), before_file.size());
          owed += file_content_.substr(piece.offset, piece.bytes);
        });
    return owed;
  }

  NobodysTimer timer_owner_;
  Pair client_;
  OwnedFd file_;
  std::string file_content_;
  std::vector<std::unique_ptr<std::string>> memory_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  OutputQueue queue_;
  bool closes_ = false;  // as Owed heard
};

TEST_F(OutputQueueMovingTest, AnEmptyQueueOwesNothing) {
  EXPECT_TRUE(queue_.all_answered());
  EXPECT_EQ(Owed(), "");
}

TEST_F(OutputQueueMovingTest, AllIsAnsweredWhenTheLastOneIs) {
  Exchange* const first = Push();
  Exchange* const second = Push();
  EXPECT_FALSE(queue_.all_answered());
  Answer(second, "two");
  EXPECT_FALSE(queue_.all_answered());
  Answer(first, "one");
  EXPECT_TRUE(queue_.all_answered());
  Flush();
  EXPECT_TRUE(queue_.all_answered());
  Push();
  EXPECT_FALSE(queue_.all_answered());
  queue_.TakeAll([](Exchange*) {});
  EXPECT_TRUE(queue_.all_answered());
}

TEST_F(OutputQueueMovingTest, OwesHeadPiecesFilesAndTailOfEveryAnswerInOrder) {
  queue_.raw().Append("raw ");
  Exchange* const first = Push();
  AddMemory(first, "memory ");
  AddFile(first, 0, 5);
  AddMemory(first, " more");
  Answer(first, "head tail", 5);
  Answer(Push(), "");
  Answer(Push(), "small");
  Exchange* const last = Push();
  AddFile(last, 2, 3);
  AddFile(last, 25, 2);
  Answer(last, "\n", 1);
  EXPECT_EQ(Owed("|"), "raw headmemory |ABCDE more tailsmall|CDE|ZA\n");
}

TEST_F(OutputQueueMovingTest, OwesNothingThatTheClientHasTaken) {
  Answer(Push(), "sent");
  Flush();
  EXPECT_EQ(ReadAll(), "sent");
  Answer(Push(), "owed");
  EXPECT_EQ(Owed(), "owed");
}

TEST_F(OutputQueueMovingTest, OwesNothingBehindTheAnswerThatCloses) {
  Answer(Push(), "one ");
  EXPECT_EQ(Owed(), "one ");
  EXPECT_FALSE(closes_);
  Exchange* const last = Push();
  last->close_after = true;
  AddMemory(last, "two");
  Answer(last, "");
  Answer(Push(), "never");
  EXPECT_EQ(Owed(), "one two");
  EXPECT_TRUE(closes_);
}

TEST_F(OutputQueueMovingTest, AnAnswerWithoutBytesClosesToo) {
  Exchange* const only = Push();
  only->close_after = true;
  Answer(only, "");
  Answer(Push(), "never");
  EXPECT_EQ(Owed(), "");
  EXPECT_TRUE(closes_);
}

TEST_F(OutputQueueMovingTest, LookingChangesNothing) {
  Exchange* const exchange = Push();
  AddFile(exchange, 0, 5);
  Answer(exchange, "head tail", 5);
  EXPECT_EQ(Owed(), "headABCDE tail");
  EXPECT_EQ(Owed(), "headABCDE tail");
  EXPECT_EQ(queue_.answered_bytes(), 14u);
  Flush();
  EXPECT_EQ(ReadAll(), "headABCDE tail");
}

TEST_F(OutputQueueMovingTest, OwesTheRestOfWhateverIsHalfSent) {
  for (const std::string what : {"raw", "head", "memory", "file", "tail"}) {
    SCOPED_TRACE(what);
    const auto bytes = [&](absl::string_view part) { return part == what ? 40'000u : 10u; };
    queue_.raw().Append(std::string(bytes("raw"), 'r'));
    Exchange* const exchange = Push();
    AddMemory(exchange, std::string(bytes("memory"), 'm'));
    AddFile(exchange, 0, bytes("file"));
    const std::string tail(bytes("tail"), 't');
    Answer(exchange, std::string(bytes("head"), 'h') + tail, tail.size());
    const std::string all = Owed();
    ASSERT_EQ(all.size(), 40'040u);
    EXPECT_EQ(Flush(), OutputQueue::Outcome::kBlocked);
    std::string read = Read(3000);
    EXPECT_EQ(Flush(), OutputQueue::Outcome::kBlocked);
    const std::string owed = Owed();
    EXPECT_LT(owed.size(), all.size() - 3000);
    EXPECT_EQ(owed.size(), queue_.answered_bytes());
    read += ReadAll();
    EXPECT_TRUE(read + owed == all) << read.size() << " and " << owed.size();
    queue_.TakeAll([](Exchange* taken) { taken->pieces.clear(); });
    queue_.raw().Clear();
  }
}

// Answers of every shape, moved after a flush and a read of random sizes: what was read and what is
// owed make the whole, wherever the kernel stopped taking.
TEST_F(OutputQueueMovingTest, ReadAndOwedAlwaysMakeTheWhole) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    if (random() % 2 == 0) queue_.raw().Append(std::string(random() % 3000, 'r'));
    const size_t answers = random() % 5;
    for (size_t i = 0; i < answers; ++i) {
      Exchange* const exchange = Push();
      const size_t pieces = random() % 5;
      for (size_t p = 0; p < pieces; ++p) {
        if (random() % 3 == 0) {
          AddFile(exchange, random() % 1000, 1 + random() % 9000);
        } else {
          AddMemory(exchange, std::string(1 + random() % 5000, static_cast<char>('a' + p)));
        }
      }
      const std::string tail(pieces == 0 ? 0 : random() % 300, 't');
      Answer(exchange, std::string(random() % 300, 'h') + tail, tail.size());
    }
    const std::string all = Owed();
    ASSERT_EQ(all.size(), queue_.answered_bytes());
    std::string read;
    const size_t turns = random() % 6;
    for (size_t turn = 0; turn < turns; ++turn) {
      Flush();
      read += Read(random() % 4000 + 1);
    }
    const std::string owed = Owed();
    ASSERT_EQ(owed.size(), queue_.answered_bytes());
    read += ReadAll();
    ASSERT_TRUE(read + owed == all)
        << "round " << round << ": " << read.size() << " + " << owed.size() << " of " << all.size();
    queue_.TakeAll([](Exchange* taken) { taken->pieces.clear(); });
    queue_.raw().Clear();
  }
}

TEST_F(OutputQueueMovingTest, TheOnlyOneTakenOutLeavesNothing) {
  Exchange* const only = Push();
  EXPECT_EQ(queue_.TakeLast(), only);
  EXPECT_TRUE(queue_.empty());
  EXPECT_TRUE(queue_.all_answered());
  EXPECT_EQ(queue_.exchanges(), 0u);
}

TEST_F(OutputQueueMovingTest, TheLastOneIsTakenOutAndTheOthersStay) {
  Exchange* const first = Push();
  Exchange* const second = Push();
  Exchange* const last = Push();
  EXPECT_EQ(queue_.TakeLast(), last);
  EXPECT_EQ(queue_.exchanges(), 2u);
  Answer(second, "two");
  Answer(first, "one ");
  EXPECT_TRUE(queue_.all_answered());
  EXPECT_EQ(Owed(), "one two");
}

TEST_F(OutputQueueMovingTest, ANewOneTakesThePlaceOfTheOneTakenOut) {
  Answer(Push(), "one ");
  Push();
  queue_.TakeLast();
  Answer(Push(), "another");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kIdle);
  EXPECT_EQ(ReadAll(), "one another");
  EXPECT_TRUE(queue_.empty());
}

TEST_F(OutputQueueMovingTest, TakingOutChangesNothingThatIsOwed) {
  Answer(Push(), "answered");
  Push();
  queue_.TakeLast();
  EXPECT_EQ(queue_.answered_bytes(), 8u);
  EXPECT_TRUE(queue_.has_exchanges());
  EXPECT_EQ(Owed(), "answered");
}

using OutputQueueDeathTest = OutputQueueMovingTest;

TEST_F(OutputQueueDeathTest, NobodyTakesOutAnAnswerOrWritesDownWhatIsNotAnswered) {
  EXPECT_DEATH(queue_.TakeLast(), "");
  Answer(Push(), "answered");
  EXPECT_DEATH(queue_.TakeLast(), "");
  Push();
  EXPECT_DEATH(Owed(), "");
}

}  // namespace
}  // namespace windlass
