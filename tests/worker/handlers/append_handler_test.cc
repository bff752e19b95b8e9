#include "worker/handlers/append_handler.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "worker/handlers/arena_memory.h"
#include "worker/handlers/option_reader.h"

namespace windlass {
namespace {

class NoContext : public HandlerContext {
 public:
  uint64_t job_id() const override { return 1; }
  absl::Duration time_left() const override { return absl::InfiniteDuration(); }
  bool cancelled() const override { return false; }
  std::optional<std::string> header(absl::string_view) override { return std::nullopt; }
  int attempt() const override { return 1; }
  void Log(HandlerLogLevel, absl::string_view) override {}
  absl::Span<char> Scratch(size_t) override { return {}; }
  int processes() const override { return 1; }
  absl::StatusOr<absl::Span<char>> ResponseMemory(size_t) override { return absl::Span<char>(); }
};

class AppendHandlerTest : public testing::Test {
 protected:
  AppendHandlerTest() {
    char folder[] = "/tmp/windlass-append-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/sink";
  }
  ~AppendHandlerTest() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }

  absl::Status Preload(AppendHandler* handler, const std::string& path) {
    HandlerConfig config;
    config.name = "append";
    config.options["file"] = path;
    OptionReader options(config);
    ArenaMemory arena;
    const absl::Status status = handler->Preload(options, arena);
    EXPECT_EQ(options.Verdict(), absl::OkStatus());
    return status;
  }
  std::unique_ptr<AppendHandler> Open() {
    auto handler = std::make_unique<AppendHandler>();
    EXPECT_EQ(Preload(handler.get(), path_), absl::OkStatus());
    return handler;
  }
  absl::StatusOr<Response> Append(AppendHandler* handler, absl::string_view content) {
    NoContext context;
    Request request;
    request.content = content;
    request.content_type = "x/y";
    request.content_encoding = "binary";
    return handler->Handle(request, context);
  }
  std::string Recorded() const {
    std::stringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }

  std::string folder_, path_;
};

TEST_F(AppendHandlerTest, RecordsEachContentAsALineAndAnswersWithIt) {
  const auto handler = Open();
  const std::string content("one\0two", 7);
  const absl::StatusOr<Response> response = Append(handler.get(), content);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->content_type, "x/y");
  EXPECT_EQ(response->content_encoding, "binary");
  ASSERT_EQ(response->pieces.size(), 1u);
  EXPECT_EQ(response->pieces[0].bytes().data(), content.data()) << "copied";
  EXPECT_EQ(response->pieces[0].bytes(), content);
  EXPECT_TRUE(Append(handler.get(), "").ok());
  EXPECT_EQ(Recorded(), absl::StrCat(content, "\n\n"));
}

TEST_F(AppendHandlerTest, AddsToWhatIsThereAlready) {
  std::ofstream(path_) << "old\n";
  EXPECT_TRUE(Append(Open().get(), "new").ok());
  EXPECT_EQ(Recorded(), "old\nnew\n");
}

TEST_F(AppendHandlerTest, RefusesANewlineAndRecordsNothingOfIt) {
  const auto handler = Open();
  for (const char* content : {"\n", "a\n", "\nb", "a\nb"}) {
    EXPECT_EQ(Append(handler.get(), content).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Recorded(), "");
}

TEST_F(AppendHandlerTest, RecordsOfSeveralHandlersNeverMix) {
  constexpr int kHandlers = 4, kRecords = 200;
  std::vector<std::thread> threads;
  for (int h = 0; h < kHandlers; ++h) {
    threads.emplace_back([&, h] {
      const auto handler = Open();
      const std::string padding(9000, static_cast<char>('a' + h));
      for (int i = 0; i < kRecords; ++i) {
        EXPECT_TRUE(Append(handler.get(), absl::StrCat(i, padding)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> records;
  std::ifstream file(path_);
  for (std::string record; std::getline(file, record);) records.insert(record);
  ASSERT_EQ(records.size(), static_cast<size_t>(kHandlers * kRecords));
  for (int h = 0; h < kHandlers; ++h) {
    for (int i = 0; i < kRecords; ++i)
      EXPECT_TRUE(records.count(absl::StrCat(i, std::string(9000, static_cast<char>('a' + h)))));
  }
}

TEST_F(AppendHandlerTest, SaysWhichFileCannotBeOpened) {
  path_ = folder_ + "/no/such/folder";
  AppendHandler handler;
  const absl::Status status = Preload(&handler, path_);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find(path_), absl::string_view::npos) << status;
}

TEST_F(AppendHandlerTest, TakesOnlyRegularFilesAndNeverWaitsForAReader) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  for (const std::string& path : {path_, std::string("/dev/null"), folder_}) {
    AppendHandler handler;
    const absl::Status status = Preload(&handler, path);
    EXPECT_FALSE(status.ok()) << path;
    EXPECT_NE(status.message().find(path), absl::string_view::npos) << status;
  }
}

// The limit of the file's size stands for a full disk.
TEST_F(AppendHandlerTest, AnswersWithAnErrorWhenTheRecordDoesNotFit) {
  const auto handler = Open();
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status torn = Append(handler.get(), "0123456789").status();
  const absl::Status none = Append(handler.get(), "x").status();
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(torn.code(), absl::StatusCode::kDataLoss) << torn;
  EXPECT_EQ(none.code(), absl::StatusCode::kInternal) << none;
  for (const absl::Status& status : {torn, none})
    EXPECT_NE(status.message().find(path_), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace windlass
