#ifndef WINDLASS_TESTS_WORKER_IO_SPLIT_FIXTURE_H_
#define WINDLASS_TESTS_WORKER_IO_SPLIT_FIXTURE_H_

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/worker/io/worker_fixture.h"

namespace windlass {

inline constexpr uint32_t kWorkHandler = 1;
inline constexpr uint64_t kShared = 8192;

// A worker whose pool is the test: it splits the jobs, and answers their parts.
class SplitJobsTest : public WorkersTest {
 protected:
  TestWorker& worker() {
    if (workers_.empty()) AddWorker();
    return *workers_[0];
  }
  static std::string Message(absl::string_view content) {
    const std::string header = absl::StrCat(
        R"({"byteorder": "little", "content-type": "x/y", "content-encoding": "binary", )",
        R"("handler": "work", "content-length": )", content.size(), "}");
    return absl::StrCat(std::string({static_cast<char>(header.size() >> 8),
                                     static_cast<char>(header.size() & 255)}),
                        header, content);
  }
  void SendWhole(TestClient* client, absl::string_view content) {
    const std::string request = Message(content);
    for (size_t sent = 0; sent < request.size();) {
      sent += client->Send(absl::string_view(request).substr(sent));
      Settle();
    }
  }
  TestClient Ask(absl::string_view content) {
    TestClient client = worker().Accept(kMessage);
    SendWhole(&client, content);
    return client;
  }
  TestJob Job() {
    std::optional<TestJob> job = worker().TakeJob();
    EXPECT_TRUE(job);
    return job ? *std::move(job) : TestJob();
  }
  bool PoolHasNothing() { return !worker().TakeJob(); }

  static proto::Reply SplitReply(const TestJob& job, const std::vector<std::string>& parts) {
    proto::Reply reply;
    reply.set_id(job.id);
    reply.set_handler(kWorkHandler + 1);
    for (const std::string& part : parts) reply.add_parts(part);
    return reply;
  }
  void Send(const proto::Reply& reply, const std::vector<int>& fds = {}) {
    worker().Reply(reply, "", fds);
    Settle();
  }
  void Reply(const TestJob& job, absl::string_view content) {
    worker().Reply(job.id, content);
    Settle();
  }
  // The job, split into two parts that are out; they share memory.
  void SplitInTwo(const TestJob& whole) {
    shared_ = *MemfdCreate("parts", kShared);
    ASSERT_TRUE(AddSeals(shared_.get(), F_SEAL_SHRINK | F_SEAL_GROW).ok());
    ASSERT_EQ(::pwrite(shared_.get(), "of all parts", 12, 100), 12);
    proto::Reply reply = SplitReply(whole, {"left", "right"});
    reply.set_shared_bytes(kShared);
    Send(reply, {shared_.get()});
    left_ = Job();
    right_ = Job();
  }
  void Lose(const TestJob& job) {
    worker().LoseJob(
        {JobId::FromWord(job.id), "was killed by SIGSEGV", true, true, true, kWorkHandler + 1});
    Settle();
  }
  bool IsCancelled(const TestJob& job) {
    const size_t at = ProcessSlot::CancelledAt(JobId::FromWord(job.id), 1);
    return worker().slot().cancelled[at].load() == job.id;
  }
  uint64_t PayloadBytes() { return worker().slot().load[0].payload_bytes.load(); }
  uint32_t Queued() { return worker().slot().load[0].jobs_queued.load(); }

  // The last job of it, when both parts are done.
  TestJob ReachMerge() {
    SplitInTwo(Job());
    Reply(left_, "1");
    Reply(right_, "2");
    TestJob merge = Job();
    EXPECT_EQ(merge.envelope.kind(), proto::MERGE);
    return merge;
  }

  OwnedFd shared_;
  TestJob left_, right_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_WORKER_IO_SPLIT_FIXTURE_H_
