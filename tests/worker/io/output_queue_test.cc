#include "worker/io/output_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

class NobodysTimer : public TimerOwner {
  void OnTimer(Timer*, Instant) override {}
};

// A queue on one end of a stream with a small buffer; the test reads the other end in random
// pieces.
class OutputQueueTest : public testing::Test {
 protected:
  OutputQueueTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ours_.Reset(ends[0]);
    theirs_.Reset(ends[1]);
    const int small = 4096;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  }
  ~OutputQueueTest() override {
    queue_.TakeAll([](Exchange* exchange) { exchange->pieces.clear(); });
  }

  Exchange* Push() {
    exchanges_.push_back(std::make_unique<Exchange>(&timer_owner_));
    queue_.Push(exchanges_.back().get());
    return exchanges_.back().get();
  }
  void Answer(Exchange* exchange, std::string out, size_t tail_bytes = 0) {
    exchange->out = std::move(out);
    exchange->tail_bytes = tail_bytes;
    exchange->state = Exchange::State::kAnswered;
    queue_.OnAnswered(*exchange);
  }
  OutputQueue::Outcome Flush() {
    uint64_t sent = 0;
    return queue_.Flush(ours_.get(), &sent, [this](Exchange* done) {
      done->pieces.clear();
      finished_.push_back(done);
    });
  }
  void ReadSome(size_t most) {
    std::string chunk(most, '\0');
    const ssize_t n = ::recv(theirs_.get(), chunk.data(), most, MSG_DONTWAIT);
    if (n > 0) received_.append(chunk.data(), static_cast<size_t>(n));
  }
  void FlushAndReadAll(std::mt19937* random) {
    for (;;) {
      const OutputQueue::Outcome outcome = Flush();
      const size_t before = received_.size();
      ReadSome(1 + (*random)() % 5000);
      if (outcome == OutputQueue::Outcome::kIdle && received_.size() == before) return;
    }
  }

  NobodysTimer timer_owner_;
  OwnedFd ours_, theirs_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> finished_;
  OutputQueue queue_;
  std::string received_;
};

TEST_F(OutputQueueTest, HoldsBackAnswersUntilAllBeforeThemAreSent) {
  Exchange* const first = Push();
  Exchange* const second = Push();
  Answer(second, "two");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kIdle);
  ReadSome(100);
  EXPECT_EQ(received_, "");
  Answer(first, "one");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kIdle);
  ReadSome(100);
  EXPECT_EQ(received_, "onetwo");
  EXPECT_EQ(finished_, (std::vector<Exchange*>{first, second}));
  EXPECT_EQ(queue_.answered_bytes(), 0u);
}

TEST_F(OutputQueueTest, SendsBytesThatWaitForNobodyFirst) {
  queue_.raw().Append("raw ");
  Answer(Push(), "answer");
  Flush();
  ReadSome(100);
  EXPECT_EQ(received_, "raw answer");
}

TEST_F(OutputQueueTest, StopsAfterTheAnswerThatCloses) {
  Exchange* const last = Push();
  last->close_after = true;
  Answer(last, "bye");
  Answer(Push(), "never");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kClose);
  ReadSome(100);
  EXPECT_EQ(received_, "bye");
}

TEST_F(OutputQueueTest, AnEmptyAnswerThatClosesClosesAtOnce) {
  Exchange* const only = Push();
  only->close_after = true;
  Answer(only, "");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kClose);
}

TEST_F(OutputQueueTest, SaysThatThePeerIsGone) {
  theirs_.Reset();
  Answer(Push(), "anything");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kPeerGone);
}

TEST_F(OutputQueueTest, AFileThatBecameShorterThanPromisedEndsTheConnection) {
  char path[] = "/tmp/windlass-test-XXXXXX";
  OwnedFd file(::mkstemp(path));
  ::unlink(path);
  ASSERT_EQ(::write(file.get(), "abc", 3), 3);
  Exchange* const exchange = Push();
  exchange->pieces.emplace_back();
  exchange->pieces[0].file = std::move(file);
  exchange->pieces[0].bytes = 10;
  Answer(exchange, "");
  EXPECT_EQ(Flush(), OutputQueue::Outcome::kPeerGone);
}

// Heads, memory pieces, files and tails of random sizes through a small socket buffer: every
// partial write there is.
TEST_F(OutputQueueTest, SendsEveryByteOnceAndInOrderThroughPartialWrites) {
  std::mt19937 random(11);
  char path[] = "/tmp/windlass-test-XXXXXX";
  OwnedFd file(::mkstemp(path));
  ::unlink(path);
  std::string file_content;
  for (int i = 0; i < 50'000; ++i) file_content.push_back(static_cast<char>('A' + i % 26));
  ASSERT_EQ(::write(file.get(), file_content.data(), file_content.size()),
            static_cast<ssize_t>(file_content.size()));

  std::string expected;
  std::vector<std::unique_ptr<std::string>> memory;
  std::vector<std::pair<Exchange*, std::string>> to_answer;
  for (int i = 0; i < 300; ++i) {
    Exchange* const exchange = Push();
    std::string head(random() % 200, static_cast<char>('a' + i % 26));
    expected += head;
    const size_t pieces = random() % 4;
    for (size_t p = 0; p < pieces; ++p) {
      AnswerPiece piece;
      if (random() % 4 == 0) {
        piece.file.Reset(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
        piece.offset = random() % 1000;
        piece.bytes = 1 + random() % 40'000;
        expected += file_content.substr(piece.offset, piece.bytes);
      } else {
        memory.push_back(
            std::make_unique<std::string>(1 + random() % 9000, static_cast<char>('0' + i % 10)));
        piece.data = memory.back()->data();
        piece.bytes = memory.back()->size();
        expected += *memory.back();
      }
      exchange->pieces.push_back(std::move(piece));
    }
    const bool has_tail = random() % 2 == 0;
    if (has_tail) {
      head += "\n";
      expected += "\n";
    }
    exchange->tail_bytes = has_tail ? 1 : 0;
    to_answer.emplace_back(exchange, head);
  }
  // Answers arrive out of order, in small groups.
  for (size_t group = 0; group < to_answer.size(); group += 5) {
    const size_t end = std::min(group + 5, to_answer.size());
    for (size_t i = end; i-- > group;)
      Answer(to_answer[i].first, to_answer[i].second, to_answer[i].first->tail_bytes);
    FlushAndReadAll(&random);
  }
  EXPECT_TRUE(received_ == expected) << received_.size() << " of " << expected.size();
  EXPECT_EQ(finished_.size(), 300u);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.answered_bytes(), 0u);
}

}  // namespace
}  // namespace windlass
