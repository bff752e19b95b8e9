#include "tests/scenario/status.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>

namespace windlass {
namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;

// Absent and null are "" and 0.
std::string Text(const Object& object, const char* key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

uint64_t Number(const Object& object, const char* key) {
  uint64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

int64_t Signed(const Object& object, const char* key) {
  int64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

bool Flag(const Object& object, const char* key) {
  bool flag = false;
  return object[key].get(flag) == simdjson::SUCCESS && flag;
}

template <typename Use>
void ForEach(const Object& object, const char* key, Use use) {
  simdjson::dom::array list;
  EXPECT_EQ(object[key].get(list), simdjson::SUCCESS) << "no list " << key;
  for (const Element element : list) use(element);
}

template <typename Use>
void ForEachObject(const Object& object, const char* key, Use use) {
  ForEach(object, key, [&](const Element& element) {
    Object entry;
    if (element.get(entry) == simdjson::SUCCESS) use(entry);
  });
}

std::vector<uint64_t> Numbers(const Object& object, const char* key) {
  std::vector<uint64_t> numbers;
  ForEach(object, key,
          [&](const Element& element) { numbers.push_back(element.get_uint64().value_unsafe()); });
  return numbers;
}

ServerStatus::Size SizeOf(const Object& report, const char* key) {
  Object size;
  if (report[key].get(size) != simdjson::SUCCESS) return {};
  return {Number(size, "wanted"), Number(size, "configured"), Flag(size, "kept")};
}

// Runs `windlassctl COMMAND --json` and gives its object to `read`.
template <typename Read>
void Ask(const Server& server, const std::string& command, Read read) {
  const ProgramResult result = server.Ctl({command, "--json"});
  EXPECT_EQ(result.exit_code, 0) << command << ": " << result.err << result.out;
  simdjson::dom::parser parser;
  Object object;
  const auto failure = parser.parse(result.out).get(object);
  EXPECT_EQ(failure, simdjson::SUCCESS) << result.out;
  if (failure == simdjson::SUCCESS) read(object);
}

ServerStatus::Process ProcessOf(const Object& entry) {
  ServerStatus::Process process;
  process.role = Text(entry, "role");
  process.state = Text(entry, "state");
  process.job_id = Text(entry, "job_id");
  process.pool = Text(entry, "pool");
  process.slot = Number(entry, "slot");
  process.generation = Number(entry, "generation");
  process.pid = static_cast<pid_t>(Number(entry, "pid"));
  process.connections = Number(entry, "connections");
  process.requests = Number(entry, "requests");
  process.jobs = Number(entry, "jobs");
  process.rss_bytes = Number(entry, "rss_bytes");
  process.quick_deaths = Number(entry, "quick_deaths");
  return process;
}

void ReadStatus(const Object& report, ServerStatus* status) {
  status->generation = Number(report, "generation");
  status->state = Text(report, "state");
  Object last;
  if (report["last_reload"].get(last) == simdjson::SUCCESS)
    status->last_reload = {Flag(last, "ok"), Text(last, "message")};
  ForEachObject(report, "listeners", [&](const Object& entry) {
    status->listeners.push_back(
        {Text(entry, "address"), Text(entry, "protocol"), Number(entry, "generation")});
  });
  ForEachObject(report, "generations", [&](const Object& entry) {
    status->generations.push_back(
        {Number(entry, "number"), Text(entry, "state"), Text(entry, "note")});
  });
  ForEachObject(report, "processes",
                [&](const Object& entry) { status->processes.push_back(ProcessOf(entry)); });
  Object totals;
  EXPECT_EQ(report["totals"].get(totals), simdjson::SUCCESS);
  for (const auto field : totals) {
    uint64_t number = 0;
    if (field.value.get(number) == simdjson::SUCCESS)
      status->totals[std::string(field.key)] = number;
  }
  status->workers = SizeOf(report, "workers");
  status->pool = SizeOf(report, "pool");
  ForEachObject(report, "pools", [&](const Object& entry) {
    status->pools.push_back({Text(entry, "name"), Number(entry, "wanted"), Number(entry, "min"),
                             Number(entry, "max"), Number(entry, "ready"), Number(entry, "running"),
                             Number(entry, "waiting")});
  });
  ForEach(report, "failed_roles", [&](const Element& role) {
    status->failed_roles.emplace_back(role.get_string().value_unsafe());
  });
}

}  // namespace

ServerStatus ServerStatus::Of(const Server& server) {
  ServerStatus status;
  Ask(server, "status", [&](const Object& report) { ReadStatus(report, &status); });
  return status;
}

std::vector<ServerStatus::Process> ServerStatus::Serving(const std::string& role) const {
  std::vector<Process> serving;
  std::copy_if(processes.begin(), processes.end(), std::back_inserter(serving),
               [&](const Process& process) {
                 return process.role == role && process.state == "serving" &&
                        process.generation == generation;
               });
  return serving;
}

std::vector<pid_t> ServerStatus::Pids(const std::string& role) const {
  std::vector<pid_t> pids;
  for (const Process& process : Serving(role)) pids.push_back(process.pid);
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::string ServerStatus::AddressOf(const std::string& protocol) const {
  for (const Listener& listener : listeners) {
    if (listener.protocol == protocol && listener.generation == generation) return listener.address;
  }
  return "";
}

ServerConnections ServerConnections::Of(const Server& server) {
  ServerConnections all;
  Ask(server, "connections", [&](const Object& report) {
    ForEachObject(report, "connections", [&](const Object& entry) {
      all.connections.push_back(
          {Text(entry, "peer"), Text(entry, "listener"), Text(entry, "protocol"),
           Text(entry, "state"), Number(entry, "in_flight"), Number(entry, "recv_q_bytes"),
           Number(entry, "send_q_bytes"), Number(entry, "worker"), Number(entry, "generation")});
    });
    all.silent_workers = Numbers(report, "silent_workers");
  });
  return all;
}

bool ServerConnections::AllRead() const {
  return std::all_of(connections.begin(), connections.end(),
                     [](const Connection& one) { return one.recv_q_bytes == 0; });
}

ServerJobs ServerJobs::Of(const Server& server) {
  ServerJobs all;
  Ask(server, "jobs", [&](const Object& report) {
    ForEachObject(report, "jobs", [&](const Object& entry) {
      all.jobs.push_back({Text(entry, "id"), Text(entry, "handler"), Flag(entry, "running"),
                          Signed(entry, "age_ms"), Signed(entry, "deadline_ms"),
                          static_cast<pid_t>(Signed(entry, "pid"))});
    });
    all.silent_workers = Numbers(report, "silent_workers");
  });
  return all;
}

size_t ServerJobs::running() const {
  return static_cast<size_t>(
      std::count_if(jobs.begin(), jobs.end(), [](const Job& job) { return job.running; }));
}

bool Reload(const Server& server) {
  const ProgramResult result = server.Ctl({"reload"});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  return result.exit_code == 0;
}

bool OldGenerationsEnd(const Server& server, absl::Duration limit) {
  return Eventually(
      [&] {
        const ServerStatus status = ServerStatus::Of(server);
        uint64_t pool = 0;
        for (const ServerStatus::Pool& one : status.pools) pool += one.wanted;
        return status.generations.size() == 1 &&
               status.Serving("worker").size() == status.workers.wanted &&
               status.Serving("pool").size() == pool &&
               status.Serving("zygote").size() == status.pools.size() &&
               status.processes.size() == status.workers.wanted + pool + status.pools.size() +
                                              status.Serving("admin").size();
      },
      limit);
}

bool ReadsEverything(const Server& server) {
  return Eventually([&] { return ServerConnections::Of(server).AllRead(); });
}

bool RunsJobs(const Server& server, size_t jobs) {
  return Eventually([&] { return ServerJobs::Of(server).running() == jobs; });
}

}  // namespace windlass
