// Clients of `http` and the connection that serves them: whole requests, parts of requests, and
// requests that move to another worker.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/worker/io/worker_fixture.h"

namespace windlass {
namespace {

class HttpConnectionTest : public WorkersTest {
 protected:
  // Gives every job its content back, in upper case.
  void RunJobs(TestWorker& worker) {
    Settle();
    while (std::optional<TestJob> job = worker.TakeJob()) {
      contents_.push_back(job->content);
      worker.Reply(job->id, absl::AsciiStrToUpper(job->content));
      Settle();
    }
  }

  std::vector<std::string> contents_;  // of all jobs
};

std::string Post(absl::string_view path, absl::string_view content, absl::string_view fields = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: a\r\nContent-Length: ", content.size(),
                      "\r\n", fields, "\r\n", content);
}

std::string PostChunked(absl::string_view path, absl::string_view chunks,
                        absl::string_view fields = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n",
                      fields, "\r\n", chunks);
}

bool Contains(absl::string_view text, absl::string_view part) {
  return absl::StrContains(text, part);
}

std::string Get(absl::string_view path) {
  return absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: a\r\n\r\n");
}

// Statuses and contents of a stream of answers: "200:FIRST 200:SECOND 404".
std::string Summary(absl::string_view stream) {
  std::vector<std::string> answers;
  while (!stream.empty()) {
    const size_t end = stream.find("\r\n\r\n");
    if (end == absl::string_view::npos) return absl::StrCat("torn: ", stream);
    const absl::string_view head = stream.substr(0, end);
    const std::string status(head.substr(9, 3));
    stream.remove_prefix(end + 4);
    size_t length = 0;
    if (const size_t at = head.find("Content-Length: "); at != absl::string_view::npos)
      length = std::stoul(std::string(head.substr(at + 16, 12)));
    const bool is_problem = absl::StrContains(head, "problem+json");
    answers.push_back(
        is_problem || length == 0 ? status : absl::StrCat(status, ":", stream.substr(0, length)));
    stream.remove_prefix(std::min(length, stream.size()));
  }
  return absl::StrJoin(answers, " ");
}

TEST_F(HttpConnectionTest, PipelinedRequestsAreAnsweredInOrderWhereverTheStreamIsCut) {
  const std::string stream = absl::StrCat(
      Post("/h/work", "first"),
      PostChunked("/h/work", "3\r\nsec\r\n3;x=y\r\nond\r\n0\r\nT: u\r\n\r\n"), Get("/h/fixed"),
      Post("/nothing", "dropped"), PostChunked("/h/work", "0\r\n\r\n"),
      "PUT /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx", Post("/h/work", "last"));
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    TestWorker& worker = AddWorker();
    TestClient client = worker.Accept(kHttp);
    contents_.clear();
    client.Send(stream.substr(0, cut));
    Settle();
    client.Send(stream.substr(cut));
    RunJobs(worker);
    ASSERT_EQ(Summary(client.Read()), "200:FIRST 200:SECOND 200:fixed 404 200 405 200:LAST") << cut;
    ASSERT_EQ(contents_, (std::vector<std::string>{"first", "second", "", "last"})) << cut;
    ASSERT_FALSE(client.IsClosed());
    client.Close();
    Settle();
    workers_.clear();
  }
}

TEST_F(HttpConnectionTest, TheSameBytesOneByOne) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  const std::string stream =
      absl::StrCat(Post("/h/work", "first"),
                   PostChunked("/h/work", "3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n"), Get("/h/fixed"));
  for (const char c : stream) {
    client.Send(absl::string_view(&c, 1));
    Settle();
  }
  RunJobs(worker);
  EXPECT_EQ(Summary(client.Read()), "200:FIRST 200:SECOND 200:fixed");
}

TEST_F(HttpConnectionTest, ARequestMovesToAnotherWorkerWhereverItWasCut) {
  const std::string request =
      PostChunked("/h/work", absl::StrCat("3\r\nsec\r\n3;x=y\r\nond\r\n", "28\r\n",
                                          std::string(0x28, 'z'), "\r\n0\r\nT: u\r\n\r\n"));
  for (size_t cut = 1; cut < request.size(); ++cut) {
    TestWorker& old = AddWorker();
    TestWorker& fresh = AddWorker();
    TestClient client = old.Accept(kHttp);
    client.Send(request.substr(0, cut));
    Settle();
    Link(old, fresh);
    old.BeginLeaving();
    Settle();
    ASSERT_EQ(fresh.connections(), 1u) << cut;
    client.Send(request.substr(cut));
    RunJobs(fresh);
    ASSERT_EQ(Summary(client.Read()), absl::StrCat("200:SECOND", std::string(0x28, 'Z'))) << cut;
    client.Close();
    Settle();
    workers_.clear();
  }
}

TEST_F(HttpConnectionTest, LargeChunkedContentGoesToMemoryOfThePoolAndMovesHalfWay) {
  std::string content, chunks;
  for (int i = 0; i < 300; ++i) {
    const std::string part(1000 + i, static_cast<char>('a' + i % 26));
    content += part;
    absl::StrAppend(&chunks, absl::Hex(part.size()), "\r\n", part, "\r\n");
  }
  const std::string request = PostChunked("/h/work", chunks + "0\r\n\r\n");
  for (const size_t cut :
       {size_t{100}, size_t{20'000}, size_t{33'000}, request.size() / 2 + 7, request.size() - 3}) {
    TestWorker& old = AddWorker();
    TestWorker& fresh = AddWorker();
    TestClient client = old.Accept(kHttp);
    const auto send = [&](absl::string_view bytes) {
      while (!bytes.empty()) {
        bytes.remove_prefix(client.Send(bytes.substr(0, 30'000)));
        Settle();
      }
    };
    send(request.substr(0, cut));
    Link(old, fresh);
    old.BeginLeaving();
    Settle();
    ASSERT_EQ(fresh.connections(), 1u) << cut;
    send(request.substr(cut));
    const std::optional<TestJob> job = fresh.TakeJob();
    ASSERT_TRUE(job.has_value());
    EXPECT_TRUE(job->content == content) << cut << ": " << job->content.size();
    fresh.Reply(job->id, "done");
    Settle();
    EXPECT_EQ(Summary(client.Read()), "200:done");
    client.Close();
    Settle();
    Advance(absl::Seconds(6));  // kept for the next one until then
    EXPECT_EQ(old.slot().load[0].payload_bytes.load() + fresh.slot().load[0].payload_bytes.load(),
              0u);
    workers_.clear();
  }
}

TEST_F(HttpConnectionTest, ContentThatWaitsForMemoryMovesAsItCame) {
  TestWorker& old = AddWorker();
  TestWorker& fresh = AddWorker();
  const std::string first(30000, 'a'), second(10000, 'b');
  TestClient client = old.Accept(kHttp);
  Word<uint64_t>& held_by_others =
      board_.MutableSlot(SlotIndex{kMostWorkers - 1}).load[0].payload_bytes;
  held_by_others.store(200 << 20);
  client.Send(PostChunked("/h/work", absl::StrCat("7530\r\n", first, "\r\n2710\r\n", second)));
  Settle();
  ASSERT_EQ(old.only()->state(), ConnState::kAwaitingMemory);
  Link(old, fresh);
  old.BeginLeaving();
  Settle();
  ASSERT_EQ(fresh.connections(), 1u);
  held_by_others.store(0);
  Advance(absl::Milliseconds(100));
  client.Send("\r\n0\r\n\r\n");
  Settle();
  const std::optional<TestJob> job = fresh.TakeJob();
  ASSERT_TRUE(job.has_value());
  EXPECT_TRUE(job->content == first + second);
}

TEST_F(HttpConnectionTest, ARequestBehindChunksHasItsOwnTime) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(PostChunked("/h/work", "5\r\nhel"));
  Settle();
  Advance(absl::Seconds(29));
  client.Send("lo\r\n0\r\n\r\nGET /h/fi");
  Settle();
  Advance(absl::Seconds(5));
  client.Send("xed HTTP/1.1\r\nHost: a\r\n\r\n");
  RunJobs(worker);
  EXPECT_EQ(Summary(client.Read()), "200:HELLO 200:fixed");
}

TEST_F(HttpConnectionTest, ContentOverTheLimitIsRefusedAndTheConnectionCloses) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  const std::string chunk = absl::StrCat("8000\r\n", std::string(0x8000, 'x'), "\r\n");
  client.Send(PostChunked("/h/work", ""));
  for (int i = 0; i < 40; ++i) {  // 1.25 MiB, the limit is 1
    client.Send(chunk);
    Settle();
  }
  EXPECT_EQ(Summary(client.Read()), "413");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_FALSE(worker.TakeJob().has_value());
}

TEST_F(HttpConnectionTest, ContentOverTheLimitIsToldTheLimitAndItsKeyHoweverItsLengthIsSaid) {
  TestWorker& worker = AddWorker();
  for (const std::string& request :
       {std::string("POST /h/work HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"),
        PostChunked("/h/work", "100001\r\n"),
        PostChunked("/h/work", "8\r\n12345678\r\nfffff\r\n")}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(request);
    Settle();
    EXPECT_PRED2(Contains, client.Read(), "content over the limit of 1048576 bytes (max_content)");
  }
}

TEST_F(HttpConnectionTest, ChunksBeyondThePayloadMemoryAreToldThatKey) {
  config_.listeners[kHttp].max_content = uint64_t{1} << 40;
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(PostChunked("/h/work", ""));
  const std::string chunk = absl::StrCat("10000\r\n", std::string(0x10000, 'x'), "\r\n");
  for (int i = 0; i < 2100; ++i) {  // 128 MiB are half of the memory
    client.Send(chunk);
    Settle();
  }
  EXPECT_PRED2(Contains, client.Read(),
               "content beyond half of its pool's share of workers.payload_memory");
}

TEST_F(HttpConnectionTest, AnAnswerSaysWhichDeadlineHasPassed) {
  config_.handlers[1].deadline = absl::Seconds(2);
  TestWorker& worker = AddWorker();
  for (const auto& [fields, words] :
       {std::pair("X-Deadline-Ms: 100\r\n", "deadline passed (the request's own, 100ms)"),
        std::pair("X-Deadline-Ms: 5000\r\n", "deadline passed (handler work's, 2s)"),
        std::pair("", "deadline passed (handler work's, 2s)")}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(Post("/h/work", "x", fields));
    Settle();
    Advance(absl::Seconds(3));
    EXPECT_PRED2(Contains, client.Read(), absl::StrCat("\"detail\": \"", words, "\""));
  }
}

TEST_F(HttpConnectionTest, AnAnswerSaysWhichDeadlineAHandlerFoundPassed) {
  TestWorker& worker = AddWorker();
  for (const int ms : {50, 102}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(Post("/h/work", "x", "X-Deadline-Ms: 101\r\n"));
    Settle();
    now_ = now_ + absl::Milliseconds(ms);
    worker.ReplyError(worker.TakeJob()->id, ErrorCode::kDeadlineExceeded);
    Settle();
    EXPECT_PRED2(Contains, client.Read(),
                 ms == 50 ? "\"of the handler\"" : "\"of the handler (the request's own, 101ms)\"");
    now_ = now_ + absl::Milliseconds(200 - ms);
  }
}

TEST_F(HttpConnectionTest, AFixedAnswerDoesNotMindLargeContent) {
  TestWorker& worker = AddWorker();
  for (const std::string& request :
       {Post("/h/fixed", std::string(40000, 'x')),
        PostChunked("/h/fixed",
                    absl::StrCat("9c40\r\n", std::string(40000, 'x'), "\r\n0\r\n\r\n"))}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(request.substr(0, 20000));
    Settle();
    client.Send(request.substr(20000));
    client.Send(Post("/h/fixed", "x"));
    Settle();
    EXPECT_EQ(Summary(client.Read()), "200:fixed 200:fixed");
    EXPECT_FALSE(client.IsClosed());
  }
}

TEST_F(HttpConnectionTest, BadChunksAreRefusedAndNothingBehindThemIsRead) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(absl::StrCat(PostChunked("/h/work", "5\r\nhelloX"), Get("/h/fixed")));
  Settle();
  client.Send(Get("/h/fixed"));
  Settle();
  EXPECT_EQ(Summary(client.Read()), "400");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_FALSE(worker.TakeJob().has_value());
}

TEST_F(HttpConnectionTest, AClientThatWaitsToBeToldIsToldToGoOn) {
  for (const std::string& head :
       {std::string("POST /h/work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 5\r\n\r\n"),
        PostChunked("/h/work", "", "Expect: 100-continue\r\n"),
        std::string("POST /h/work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 40000\r\n\r\n")}) {
    TestWorker& worker = AddWorker();
    TestClient client = worker.Accept(kHttp);
    for (const char c : head) {
      EXPECT_EQ(client.Read(), "");
      client.Send(absl::string_view(&c, 1));
      Settle();
    }
    EXPECT_EQ(client.Read(), "HTTP/1.1 100 Continue\r\n\r\n") << head;
    if (absl::StrContains(head, "chunked")) {
      client.Send("5\r\nhello\r\n0\r\n\r\n");
    } else if (absl::StrContains(head, "40000")) {
      client.Send(std::string(40000, 'x'));
    } else {
      client.Send("hel");
      Settle();
      EXPECT_EQ(client.Read(), "") << "once is enough";
      client.Send("lo");
    }
    RunJobs(worker);
    EXPECT_TRUE(absl::StartsWith(Summary(client.Read()), "200:"));
    client.Close();
    Settle();
    workers_.clear();
  }
}

TEST_F(HttpConnectionTest, TheWordToGoOnComesAfterTheAnswersBeforeIt) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(absl::StrCat(Post("/h/work", "first"),
                           "POST /h/work HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                           "Content-Length: 5\r\n\r\n"));
  Settle();
  EXPECT_EQ(client.Read(), "");
  RunJobs(worker);
  EXPECT_EQ(Summary(client.Read()), "200:FIRST 100");
  client.Send("hello");
  RunJobs(worker);
  EXPECT_EQ(Summary(client.Read()), "200:HELLO");
}

TEST_F(HttpConnectionTest, ARefusedRequestIsNotToldToGoOn) {
  TestWorker& worker = AddWorker();
  for (const std::string& head :
       {std::string("POST /nothing HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 40000\r\n\r\n"),
        PostChunked("/nothing", "", "Expect: 100-continue\r\n")}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(head);
    Settle();
    EXPECT_EQ(Summary(client.Read()), "404");
    EXPECT_TRUE(client.IsClosed()) << "nobody knows whether the content comes";
  }
}

TEST_F(HttpConnectionTest, ASlowRequestIsToldSoAndCostsNoJob) {
  uint64_t timeouts = 0;  // a slot's count goes on
  for (const std::string& part : {std::string("POST /h/wo"), Post("/h/work", "hello").substr(0, 52),
                                  PostChunked("/h/work", "5\r\nhel"),
                                  Post("/h/work", std::string(40000, 'x')).substr(0, 100)}) {
    TestWorker& worker = AddWorker();
    TestClient client = worker.Accept(kHttp);
    client.Send(part);
    Settle();
    Advance(absl::Seconds(29));
    EXPECT_EQ(client.Read(), "");
    Advance(absl::Seconds(2));
    EXPECT_EQ(Summary(client.Read()), "408") << part;
    EXPECT_TRUE(client.IsClosed());
    EXPECT_EQ(worker.slot().closed_frame.load(), ++timeouts);
    EXPECT_FALSE(worker.TakeJob().has_value());
    client.Close();
    Advance(absl::Seconds(10));
    EXPECT_EQ(worker.connections(), 0u);
    workers_.clear();
  }
}

TEST_F(HttpConnectionTest, AnIdleConnectionIsClosedWithoutAWord) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(Get("/h/fixed"));
  Settle();
  EXPECT_EQ(Summary(client.Read()), "200:fixed");
  Advance(absl::Minutes(6));
  EXPECT_EQ(client.Read(), "");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpConnectionTest, HeadHasTheLengthAndNotTheContent) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  client.Send(
      "HEAD /h/work HTTP/1.1\r\nHost: a\r\n\r\nHEAD /h/fixed HTTP/1.1\r\nHost: a\r\n\r\n"
      "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\nHEAD /h/fixed HTTP/1.1\r\nHost: a\r\n"
      "Connection: close\r\n\r\n");
  RunJobs(worker);
  const std::vector<std::string> heads = absl::StrSplit(client.Read(), "\r\n\r\n");
  ASSERT_EQ(heads.size(), 5u);
  EXPECT_TRUE(absl::StrContains(heads[0], "Content-Length: 18")) << "of {\"action\": \"work\"}";
  EXPECT_TRUE(absl::StrContains(heads[1], "Content-Length: 5"));
  EXPECT_TRUE(absl::StartsWith(heads[2], "HTTP/1.1 404"));
  EXPECT_TRUE(absl::StrContains(heads[3], "Connection: close"));
  EXPECT_EQ(heads[4], "");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpConnectionTest, TheConnectionClosesWhenTheClientSaysSo) {
  TestWorker& worker = AddWorker();
  for (const std::string& request :
       {std::string("GET /h/fixed HTTP/1.0\r\n\r\n"),
        std::string("GET /h/fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(absl::StrCat(request, Get("/h/fixed")));
    Settle();
    const std::string answer = client.Read();
    EXPECT_EQ(Summary(answer), "200:fixed") << "and what stood behind it was not asked";
    EXPECT_TRUE(absl::StrContains(answer, "\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.IsClosed());
  }
}

TEST_F(HttpConnectionTest, ADrainingWorkerFinishesWhatHasBegunAndCloses) {
  TestWorker& worker = AddWorker();
  TestClient client = worker.Accept(kHttp);
  const std::string request = PostChunked("/h/work", "5\r\nhello\r\n0\r\n\r\n");
  client.Send(request.substr(0, request.size() - 8));
  Settle();
  worker.Drain();
  Settle();
  client.Send(request.substr(request.size() - 8));
  RunJobs(worker);
  const std::string answer = client.Read();
  EXPECT_EQ(Summary(answer), "200:HELLO");
  EXPECT_TRUE(absl::StrContains(answer, "\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpConnectionTest, AClientThatGoesInTheMiddleLeavesNothingBehind) {
  TestWorker& worker = AddWorker();
  for (const std::string& part :
       {PostChunked("/h/work", "5\r\nhel"),
        PostChunked("/h/work", absl::StrCat("10000\r\n", std::string(50000, 'x'))),
        Post("/h/work", std::string(40000, 'x')).substr(0, 30000)}) {
    TestClient client = worker.Accept(kHttp);
    client.Send(part);
    Settle();
    client.Close();
    Settle();
    EXPECT_EQ(worker.connections(), 0u);
  }
  EXPECT_FALSE(worker.TakeJob().has_value());
}

}  // namespace
}  // namespace windlass
