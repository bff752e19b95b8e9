#include "tests/scenario/faulty.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>

#include "absl/strings/match.h"

namespace windlass {
namespace {

std::string Text(simdjson::dom::element object, const char* key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

uint64_t Number(simdjson::dom::element object, const char* key) {
  uint64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

std::vector<std::string> Stack(simdjson::dom::element object) {
  std::vector<std::string> lines;
  simdjson::dom::array array;
  if (object["stack"].get(array) != simdjson::SUCCESS) return lines;
  for (std::string_view line : array) lines.emplace_back(line);
  return lines;
}

std::vector<ServerDeaths::Death> Deaths(simdjson::dom::element list) {
  std::vector<ServerDeaths::Death> deaths;
  for (simdjson::dom::element one : list.get_array()) {
    ServerDeaths::Death death;
    death.role = Text(one, "role");
    death.kind = Text(one, "kind");
    death.cause = Text(one, "cause");
    death.handler = Text(one, "handler");
    death.no_stack = Text(one, "no_stack");
    death.forbidden_call = Text(one, "forbidden_call");
    death.stack = Stack(one);
    death.payload_bytes = Number(one, "payload_bytes");
    death.attempt = Number(one, "attempt");
    death.peak_rss_bytes = Number(one, "peak_rss_bytes");
    death.pid = static_cast<pid_t>(Number(one, "pid"));
    deaths.push_back(std::move(death));
  }
  return deaths;
}

}  // namespace

ServerDeaths ServerDeaths::Of(const Server& server) {
  ServerDeaths all;
  const ProgramResult result = server.Ctl({"deaths", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(result.out).get(root) != simdjson::SUCCESS) {
    ADD_FAILURE() << result.out;
    return all;
  }
  all.deaths = Deaths(root["deaths"]);
  all.ended = Deaths(root["ended"]);
  for (simdjson::dom::element one : root["slow"].get_array()) {
    Slow slow;
    slow.process = Text(one, "process");
    slow.handler = Text(one, "handler");
    slow.past_deadline = one["past_deadline"].get_bool();
    slow.stack = Stack(one);
    all.slow.push_back(std::move(slow));
  }
  return all;
}

std::vector<ServerDeaths::Death> ServerDeaths::OfPool() const {
  std::vector<Death> pool;
  std::copy_if(deaths.begin(), deaths.end(), std::back_inserter(pool),
               [](const Death& one) { return one.role == "pool"; });
  return pool;
}

bool Mentions(const std::vector<std::string>& stack, const std::string& function) {
  return std::any_of(stack.begin(), stack.end(),
                     [&](const std::string& line) { return absl::StrContains(line, function); });
}

std::string FaultText(absl::string_view more, absl::string_view name) {
  return absl::StrCat("[[handler]]\nname = \"", name, "\"\nlibrary = \"", Program("plugins/fault"),
                      ".so\"\nentry = \"fault\"\n", more, "\n");
}

std::string FaultRequest(absl::string_view kind, absl::string_view more, absl::string_view header,
                         absl::string_view handler) {
  return MessageRequest(absl::StrCat(R"({"action": ")", handler, R"(", "kind": ")", kind, "\"",
                                     more.empty() ? "" : ", ", more, "}"),
                        "text/json", "utf-8", header);
}

FaultyServer::FaultyServer(absl::string_view handler_lines, const ConfigParts& parts)
    : server_([&] {
        ConfigParts with = parts;
        with.handlers += FaultText(handler_lines);
        return Server::StartWithConfig(ConfigText(with));
      }()) {}

MessageAnswer FaultyServer::Ask(absl::string_view kind, absl::string_view more,
                                absl::string_view header) const {
  Client client(server_->address("message"));
  client.Send(FaultRequest(kind, more, header));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  EXPECT_TRUE(answer) << kind;
  return answer.value_or(MessageAnswer());
}

bool FaultyServer::IsWhole() const {
  if (!OldGenerationsEnd(*server_)) return false;
  const ServerStatus status = ServerStatus::Of(*server_);
  return Eventually([&] {
           return server_->Children("pool") == ServerStatus::Of(*server_).Pids("pool");
         }) &&
         status.failed_roles.empty();
}

}  // namespace windlass
