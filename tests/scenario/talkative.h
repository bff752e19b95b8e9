#ifndef WINDLASS_TESTS_SCENARIO_TALKATIVE_H_
#define WINDLASS_TESTS_SCENARIO_TALKATIVE_H_

#include <stdlib.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <regex>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/server.h"

namespace windlass {

// A server whose `append` has the habits of tests/scenario/talkative_writev.c, as somebody else's
// handler might.
class TalkativeServer {
 public:
  // `in_pool`: lines of its configuration.
  explicit TalkativeServer(const std::string& in_pool = "") {
    const std::string sink = folder_.Write("sink", "");
    ::chmod(sink.c_str(), 0666);  // pool processes run as nobody
    ::setenv("LD_PRELOAD", WINDLASS_BUILD_DIR "/tests/libtalkative_writev.so", 1);
    // Sanitizers want to be the first library.
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    server_ = Server::StartWithConfig(ConfigText(
        {.in_pool = in_pool,
         .handlers =
             HandlerText("append", absl::StrCat("file = \"", sink, "\"")) + "idempotent = true\n",
         .listeners = ListenerText("message") + ListenerText("line", "handler = \"append\"\n")}));
    ::unsetenv("LD_PRELOAD");
  }

  const Server& operator*() const { return *server_; }
  const Server* operator->() const { return server_.get(); }

  // `more` as in MessageRequest.
  static std::string Request(const std::string& content, absl::string_view more = "") {
    return MessageRequest(content, "text/plain", "utf-8",
                          absl::StrCat(", \"handler\": \"append\"", more));
  }
  // The answer's status; "" = ok.
  std::string Ask(const std::string& content, absl::string_view more = "") const {
    Client client(server_->address("message"));
    client.Send(Request(content, more));
    const std::optional<MessageAnswer> answer = client.ReadAnswer();
    return answer ? answer->status : "(none)";
  }
  bool LogMatches(const std::string& pattern) const {
    const std::regex regex(pattern);
    return Eventually([&] { return std::regex_search(server_->Log(), regex); });
  }
  size_t LinesWith(const std::string& text) const {
    size_t count = 0;
    for (absl::string_view line : absl::StrSplit(server_->Log(), '\n')) {
      count += absl::StrContains(line, text) ? 1 : 0;
    }
    return count;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_TALKATIVE_H_
