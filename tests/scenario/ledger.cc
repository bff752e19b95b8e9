#include "tests/scenario/ledger.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <fstream>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "common/address.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr size_t kThreads = 2;
constexpr absl::Duration kLongestWait = absl::Milliseconds(10);  // then Stop is noticed
constexpr uint64_t kMaxExamples = 5;

void AddExample(uint64_t count, absl::string_view what, absl::string_view id, std::string* out) {
  if (count <= kMaxExamples) absl::StrAppend(out, what, " ", id.substr(0, 80), "\n");
}

}  // namespace

Ledger::Ledger(Options options) : options_(std::move(options)), shares_(kThreads) {
  if (!options_.message_address.empty())
    AddConnections(options_.message_address, Protocol::kMessage);
  if (!options_.line_address.empty()) AddConnections(options_.line_address, Protocol::kLine);
}

Ledger::~Ledger() { Stop(); }

void Ledger::AddConnections(const std::string& address, Protocol protocol) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = ResolveConnectAddress(address);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  if (!resolved.ok()) return;
  const PayloadSizes large =
      protocol == Protocol::kMessage ? PayloadSizes::kMixed : PayloadSizes::kLines;
  for (int i = 0; i < options_.connections_per_protocol; ++i) {
    LedgerConnection::Options options;
    options.address = resolved->front();
    options.protocol = protocol;
    options.habit = static_cast<ClientHabit>(i % kClientHabitCount);
    options.name = options_.name;
    options.handler = options_.handler;
    options.sizes = options_.only_small_payloads ? PayloadSizes::kSmall : large;
    options.pipeline_depth = options_.pipeline_depth;
    options.seed =
        options_.seed * 1000 + static_cast<uint64_t>(protocol) * 500 + static_cast<uint64_t>(i);
    shares_[static_cast<size_t>(i) % kThreads].push_back(
        std::make_unique<LedgerConnection>(std::move(options), &totals_));
  }
}

void Ledger::Start() {
  for (const Connections& share : shares_) threads_.emplace_back([this, &share] { Drive(share); });
}

void Ledger::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Ledger::Drive(const Connections& connections) {
  while (!stopping_) TakeTurn(connections);
  for (const auto& connection : connections) connection->Finish();
  const absl::Time end = absl::Now() + options_.finish_limit;
  const auto is_done = [](const auto& connection) { return connection->done(); };
  while (!std::all_of(connections.begin(), connections.end(), is_done) && absl::Now() < end)
    TakeTurn(connections);
  for (const auto& connection : connections) connection->GiveUp();
}

void Ledger::TakeTurn(const Connections& connections) {
  absl::Time now = absl::Now();
  absl::Time wake = now + kLongestWait;
  std::vector<pollfd> entries;
  for (const auto& connection : connections) {
    entries.push_back(connection->Interest(now));
    if (!connection->done()) wake = std::min(wake, connection->wake());
  }
  const int64_t wait_ms = absl::ToInt64Milliseconds(
      absl::Ceil(std::max(wake - now, absl::ZeroDuration()), absl::Milliseconds(1)));
  const absl::StatusOr<int> ready = Poll(absl::MakeSpan(entries), static_cast<int>(wait_ms));
  EXPECT_TRUE(ready.ok()) << ready.status();
  now = absl::Now();
  for (size_t i = 0; i < connections.size(); ++i) {
    LedgerConnection& connection = *connections[i];
    if (!connection.done()) connection.Step(entries[i].revents, now);
  }
}

std::map<std::string, uint64_t> Ledger::refused_by_code() const {
  const std::lock_guard lock(totals_.mutex);
  return totals_.refused_by_code;
}

std::string Ledger::Report() const {
  std::string text =
      absl::StrCat(sent(), " sent: ", answered(), " answered, ", refused(), " refused, ", wrong(),
                   " wrong, ", out_of_order(), " out of order, ", lost(), " lost, ", in_flight(),
                   " in flight; answers: ", duplicates(), " duplicates, ", strangers(),
                   " strangers; connections: ", totals_.connections.load(), " made, ",
                   dropped_connections(), " dropped, ", failed_connects(), " failed to connect\n");
  for (const auto& [code, count] : refused_by_code())
    absl::StrAppend(&text, "  refused with ", code, ": ", count, "\n");
  const std::lock_guard lock(totals_.mutex);
  for (const std::string& note : totals_.notes) absl::StrAppend(&text, "  ", note, "\n");
  return text;
}

std::vector<std::string> Ledger::AnsweredIds() const {
  const std::lock_guard lock(totals_.mutex);
  std::vector<std::string> ids;
  ids.reserve(totals_.executed.size());
  for (const LedgerTotals::Executed& request : totals_.executed)
    ids.push_back(absl::StrCat(options_.name, request.connection, "-", request.number));
  return ids;
}

ExecutionCheck Ledger::CheckExecutions(const std::string& append_file,
                                       const std::vector<std::string>& answered_ids) {
  ExecutionCheck check;
  std::unordered_map<std::string, int> times;
  std::ifstream file(append_file, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << append_file;
  for (std::string record; std::getline(file, record); ++check.records) {
    if (!IsWholePayload(record)) {
      AddExample(++check.torn, "torn", record, &check.examples);
      continue;
    }
    const std::string id(IdOfPayload(record));
    if (++times[id] == 2) AddExample(++check.repeated, "repeated", id, &check.examples);
  }
  for (const std::string& id : answered_ids) {
    if (times.count(id) == 0) AddExample(++check.missing, "missing", id, &check.examples);
  }
  return check;
}

}  // namespace windlass
