// What workers count of their clients' requests (worker/io/request_meter.h).
#include "worker/io/request_meter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

class RequestMeterTest : public WorkersTest {
 protected:
  RequestMeterTest() {
    board_.MutableHeader().worker_slots_ever = kMostWorkers;
    for (uint32_t i = 0; i < config_.listeners.size(); ++i) {
      board_.MutableNames().AddListener(AddressOf(i));
    }
    for (const HandlerConfig& handler : config_.handlers) {
      board_.MutableNames().AddHandler(handler.name);
    }
  }
  static std::string AddressOf(uint32_t listener) {
    return absl::StrCat("127.0.0.1:", 7000 + listener);
  }
  // Of all workers.
  RequestCounts Counts(TestListener listener, const std::string& handler) {
    return CountRequests(board_)[{AddressOf(listener), handler}];
  }
  static uint64_t Of(const RequestCounts& counts, ErrorCode code) {
    return counts.answers[static_cast<size_t>(code)];
  }
  static uint64_t Total(const LatencyCounts& counts) {
    uint64_t sum = 0;
    for (const uint64_t count : counts.counts) sum += count;
    return sum;
  }
};

TEST_F(RequestMeterTest, CountsInlineAnswersWithTheirBytes) {
  TestClient client = AddWorker().Accept(kLine);
  client.Send("a\nbcd\n");
  Settle();
  EXPECT_EQ(client.Read(), "a\nbcd\n");
  const RequestCounts counts = Counts(kLine, "echo");
  EXPECT_EQ(Of(counts, ErrorCode::kOk), 2u);
  EXPECT_EQ(counts.bytes_in, 6u);
  EXPECT_EQ(counts.bytes_out, 6u);
  EXPECT_EQ(counts.latency.counts[0], 2u);
  EXPECT_EQ(Total(counts.run_time), 0u);
}

TEST_F(RequestMeterTest, CountsAJobWhenItIsAnsweredAndItsLatencyFromTheHeadToTheLastByte) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kWork);
  client.Send("hello\n");
  Settle();
  const std::optional<TestJob> job = worker.TakeJob();
  ASSERT_TRUE(job);
  EXPECT_EQ(Of(Counts(kWork, "work"), ErrorCode::kOk), 0u);
  Advance(absl::Milliseconds(40));
  worker.Reply(job->id, "HELLO");
  Settle();
  EXPECT_EQ(client.Read(), "HELLO\n");
  const RequestCounts counts = Counts(kWork, "work");
  EXPECT_EQ(Of(counts, ErrorCode::kOk), 1u);
  EXPECT_EQ(counts.bytes_in, 6u);
  EXPECT_EQ(counts.bytes_out, 6u);
  EXPECT_EQ(counts.latency.counts[LatencyBucket(40'000'000)], 1u);
  EXPECT_EQ(counts.latency.sum_ns, 40'000'000u);
}

TEST_F(RequestMeterTest, CountsErrorsByTheirCode) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(
      "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
  Settle();
  worker.ReplyError(worker.TakeJob()->id);
  Settle();
  EXPECT_EQ(Of(Counts(kHttp, ""), ErrorCode::kNotFound), 1u) << "no handler was found";
  EXPECT_EQ(Of(Counts(kHttp, "work"), ErrorCode::kHandlerFailed), 1u);
  EXPECT_EQ(Of(Counts(kHttp, "work"), ErrorCode::kOk), 0u);
}

TEST_F(RequestMeterTest, CountsWhatIsRefusedUnderTheHandlerThatItIsFor) {
  config_.listeners[kHttp].max_content = 100'000;
  TestWorker& worker = AddWorker();
  const std::string start = "POST /h/work HTTP/1.1\r\nHost: a\r\n";
  for (const absl::string_view rest :
       {"Content-Length: 0\r\nX-Deadline-Ms: x\r\n\r\n", "Content-Length: 100001\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n186a1\r\n",
        "Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(absl::StrCat(start, rest));
    Settle();
  }
  EXPECT_EQ(Of(Counts(kHttp, "work"), ErrorCode::kInvalidArgument), 2u);
  EXPECT_EQ(Of(Counts(kHttp, "work"), ErrorCode::kTooLarge), 2u);
}

TEST_F(RequestMeterTest, CountsContentThatTheMemoryCannotHoldUnderItsHandler) {
  config_.listeners[kHttp].max_content = uint64_t{1} << 30;
  TestClient client = AddWorker().Accept(kHttp);
  client.Send("POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n");
  Settle();
  EXPECT_EQ(Of(Counts(kHttp, "work"), ErrorCode::kTooLarge), 1u);
}

TEST_F(RequestMeterTest, CountsFixedAnswersAlsoBehindAJob) {
  const std::string get = "GET /h/fixed HTTP/1.1\r\nHost: a\r\n\r\n";
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(get);
  Settle();
  const size_t answer = client.Read().size();
  client.Send(
      absl::StrCat("POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", get, get));
  Settle();
  worker.Reply(worker.TakeJob()->id, "y");
  Settle();
  const RequestCounts counts = Counts(kHttp, "fixed");
  EXPECT_EQ(Of(counts, ErrorCode::kOk), 3u);
  EXPECT_EQ(counts.bytes_in, 3 * get.size());
  EXPECT_EQ(counts.bytes_out, 3 * answer);
  EXPECT_EQ(Total(counts.latency), 3u);
}

TEST_F(RequestMeterTest, CountsLargeContentWhenAllOfItHasCome) {
  const std::string content(100'000, 'x');
  const std::string request = absl::StrCat(
      "POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: ", content.size(), "\r\n\r\n", content);
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  for (size_t at = 0; at < request.size();) {
    at += client.Send(absl::string_view(request).substr(at, 30'000));
    Settle();
  }
  worker.Reply(worker.TakeJob()->id, "y");
  Settle();
  EXPECT_EQ(Counts(kHttp, "work").bytes_in, request.size());
}

TEST_F(RequestMeterTest, CountsNoBytesThatWereOnlyAnnounced) {
  TestClient client = AddWorker().Accept(kHttp);
  const std::string head =
      "POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n";
  client.Send(head);
  Settle();
  RequestCounts all;
  for (const auto& [names, counts] : CountRequests(board_)) all.Add(counts);
  EXPECT_EQ(Of(all, ErrorCode::kTooLarge), 1u);
  EXPECT_LE(all.bytes_in, head.size());
}

TEST_F(RequestMeterTest, CountsARequestThatMovesInItsMiddleOnce) {
  TestWorker& from = AddWorker();
  TestWorker& to = AddWorker();
  Link(from, to);
  TestClient client = from.Accept(kWork);
  client.Send("hel");
  Settle();
  from.BeginLeaving();
  Settle();
  client.Send("lo\n");
  Settle();
  const std::optional<TestJob> job = to.TakeJob();
  ASSERT_TRUE(job);
  to.Reply(job->id, "HELLO");
  Settle();
  EXPECT_EQ(client.Read(), "HELLO\n");
  const RequestCounts counts = Counts(kWork, "work");
  EXPECT_EQ(Of(counts, ErrorCode::kOk), 1u);
  EXPECT_EQ(counts.bytes_in, 6u);
  EXPECT_EQ(Total(counts.latency), 1u);
}

TEST_F(RequestMeterTest, CountsEchoesByWhatIsReadAtATime) {
  TestClient client = AddWorker().Accept(kEcho);
  client.Send("hello");
  Settle();
  EXPECT_EQ(client.Read(), "hello");
  const RequestCounts counts = Counts(kEcho, "");
  EXPECT_EQ(Of(counts, ErrorCode::kOk), 1u);
  EXPECT_EQ(counts.bytes_in, 5u);
  EXPECT_EQ(counts.bytes_out, 5u);
}

}  // namespace
}  // namespace windlass
