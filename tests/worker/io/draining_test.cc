// What a worker that drains owes to clients that are on their way.
#include <gtest/gtest.h>

#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

class DrainingTest : public WorkersTest {
 protected:
  DrainingTest() : worker_(AddWorker()) {}

  // `seconds` pass, and what is due is done.
  void Pass(double seconds) {
    now_ = now_ + absl::Seconds(seconds);
    Settle();
  }

  TestWorker& worker_;
};

TEST_F(DrainingTest, AClientThatHasJustConnectedStillAsks) {
  TestClient client = worker_.Accept(kLine);
  Settle();
  worker_.Drain();
  Pass(0.9);
  ASSERT_FALSE(client.IsClosed());
  client.Send("one\n");
  Settle();
  EXPECT_EQ(client.Read(), "one\n");
  EXPECT_TRUE(client.IsClosed()) << "that was it";
}

TEST_F(DrainingTest, AClientThatHasJustConnectedStillAsksThePool) {
  TestClient client = worker_.Accept(kWork);
  worker_.Drain();
  client.Send("one\n");
  Settle();
  EXPECT_FALSE(client.IsClosed());
  const std::optional<TestJob> job = worker_.TakeJob();
  ASSERT_TRUE(job);
  worker_.Reply(job->id, "done");
  Settle();
  EXPECT_EQ(client.Read(), "done\n");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, OneOfRawBytesStillSpeaks) {
  TestClient client = worker_.Accept(kEcho);
  worker_.Drain();
  client.Send("one");
  Settle();
  EXPECT_EQ(client.Read(), "one");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, AClientThatHasConnectedLongAgoAndSaidNothingIsClosedAtOnce) {
  TestClient client = worker_.Accept(kLine);
  Pass(2);
  worker_.Drain();
  Settle();
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, AClientThatHasAskedBeforeIsClosedAtOnce) {
  TestClient client = worker_.Accept(kLine);
  client.Send("one\n");
  Settle();
  worker_.Drain();
  Settle();
  EXPECT_EQ(client.Read(), "one\n");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, AClientThatSaysNothingIsWaitedForASecond) {
  TestClient client = worker_.Accept(kLine);
  worker_.Drain();
  Pass(0.9);
  EXPECT_FALSE(client.IsClosed());
  Pass(0.2);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, TheRestOfARequestIsWaitedForASecond) {
  TestClient asks = worker_.Accept(kLine), stops = worker_.Accept(kLine);
  Pass(5);
  asks.Send("on");
  stops.Send("on");
  Pass(5);  // a slow one
  worker_.Drain();
  Pass(0.9);
  asks.Send("e\n");
  Settle();
  EXPECT_EQ(asks.Read(), "one\n");
  EXPECT_TRUE(asks.IsClosed());
  EXPECT_FALSE(stops.IsClosed());
  Pass(0.2);
  EXPECT_TRUE(stops.IsClosed());
}

TEST_F(DrainingTest, AClientThatIsAlwaysInTheMiddleOfARequestIsNotServedForEver) {
  TestClient client = worker_.Accept(kLine);
  client.Send("on");
  Pass(5);
  worker_.Drain();
  for (int i = 0; i < 30 && !client.IsClosed(); ++i) {
    client.Send("e\non");
    Pass(0.1);
    client.Read();
  }
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(DrainingTest, AClientThatHasJustConnectedAndMovedStillAsks) {
  TestWorker& other = AddWorker();
  Link(worker_, other);
  TestClient client = worker_.Accept(kLine);
  worker_.BeginLeaving();
  Settle();
  ASSERT_EQ(other.connections(), 1u);
  other.Drain();
  Settle();
  ASSERT_FALSE(client.IsClosed());
  client.Send("one\n");
  Settle();
  EXPECT_EQ(client.Read(), "one\n");
}

}  // namespace
}  // namespace windlass
