#ifndef WINDLASS_TESTS_SCENARIO_FAULTY_H_
#define WINDLASS_TESTS_SCENARIO_FAULTY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {

// `windlassctl deaths --json`, of what this needs.
struct ServerDeaths {
  struct Death {
    std::string role, kind, cause, handler, no_stack, forbidden_call;
    std::vector<std::string> stack;
    uint64_t payload_bytes = 0, attempt = 0, peak_rss_bytes = 0;
    pid_t pid = 0;
  };
  struct Slow {
    std::string process, handler;
    bool past_deadline = false;
    std::vector<std::string> stack;
  };
  static ServerDeaths Of(const Server& server);
  // Those of pool processes.
  std::vector<Death> OfPool() const;

  std::vector<Death> deaths, ended;
  std::vector<Slow> slow;
};

// Whether a line of a call stack names this function.
bool Mentions(const std::vector<std::string>& stack, const std::string& function);

// [[handler]] of build/plugins/fault.so, `more` lines of it.
std::string FaultText(absl::string_view more = "", absl::string_view name = "fault");

// What fault does for {"action": "fault", "kind": KIND, MORE}. `header`: more keys of the
// request's.
std::string FaultRequest(absl::string_view kind, absl::string_view more = "",
                         absl::string_view header = "", absl::string_view handler = "fault");

// A server with that handler.
class FaultyServer {
 public:
  explicit FaultyServer(absl::string_view handler_lines = "", const ConfigParts& parts = {});
  const Server* operator->() const { return server_.get(); }
  const Server& operator*() const { return *server_; }

  // One request on a connection of its own.
  MessageAnswer Ask(absl::string_view kind, absl::string_view more = "",
                    absl::string_view header = "") const;
  // Whether the pool is as it was meant: all there, and nothing left of the dead.
  bool IsWhole() const;

 private:
  const std::unique_ptr<Server> server_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_FAULTY_H_
