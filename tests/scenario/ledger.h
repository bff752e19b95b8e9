#ifndef WINDLASS_TESTS_SCENARIO_LEDGER_H_
#define WINDLASS_TESTS_SCENARIO_LEDGER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "tests/scenario/ledger_book.h"
#include "tests/scenario/ledger_connection.h"

namespace windlass {

// What a file that `append` wrote says about which requests ran.
struct ExecutionCheck {
  uint64_t records = 0;
  uint64_t torn = 0;      // records that are not whole payloads
  uint64_t repeated = 0;  // ids that are there more than once
  uint64_t missing = 0;   // ids that were answered and are not there
  std::string examples;   // the first few of each
};

// Role: clients of many habits that keep a server busy over long-lived connections and write down
// what becomes of every request: each is to be answered once, in its turn, by what was sent. Two
// threads; the server's handlers must answer with the content (`echo`, `append`).
//
//   Ledger ledger({.message_address = server->address("message")});
//   ledger.Start();
//   ... do something to the server that clients must not notice ...
//   ledger.Stop();
//   EXPECT_EQ(ledger.troubles(), 0u) << ledger.Report();
//
// Habits go round: of five connections to a protocol, one is of each kind (see ClientHabit). A
// connection that the server ends is counted, and another one is made.
// Invariant: sent == answered + refused + wrong + out_of_order + lost + in_flight.
class Ledger {
 public:
  struct Options {
    std::string message_address = "", line_address = "";  // "" = none
    int connections_per_protocol = 10;
    size_t pipeline_depth = 16;        // requests outstanding on each connection
    std::string handler = "echo";      // named by messages; lines have their listener's
    bool only_small_payloads = false;  // 20 to 200 bytes; else some of them up to 1 MiB
    // Begins every id. Ledgers whose requests end up in one file need different ones.
    std::string name = "";
    uint64_t seed = 1;
    // How long Stop waits for answers that are due.
    absl::Duration finish_limit = absl::Seconds(60);
  };

  explicit Ledger(Options options);
  ~Ledger();

  void Start();
  // Lets every connection finish what is outstanding and read to the end of its stream.
  void Stop();

  // At any time, from any thread.
  uint64_t sent() const { return totals_.sent; }
  uint64_t answered() const { return totals_.answered; }
  uint64_t refused() const { return totals_.refused; }
  uint64_t wrong() const { return totals_.wrong; }
  uint64_t out_of_order() const { return totals_.out_of_order; }
  uint64_t lost() const { return totals_.lost; }
  uint64_t duplicates() const { return totals_.duplicates; }
  uint64_t strangers() const { return totals_.strangers; }
  uint64_t dropped_connections() const { return totals_.dropped_connections; }
  uint64_t failed_connects() const { return totals_.failed_connects; }
  uint64_t in_flight() const { return static_cast<uint64_t>(totals_.in_flight.load()); }
  std::map<std::string, uint64_t> refused_by_code() const;
  // All that never may happen; refusals, which have an answer of their own, are not among it.
  uint64_t troubles() const { return totals_.Troubles(); }
  // Every count, and the first troubles one by one.
  std::string Report() const;

  // The requests whose answers only their handler can have given.
  std::vector<std::string> AnsweredIds() const;
  // What `append_file` says, given the ids that were answered.
  static ExecutionCheck CheckExecutions(const std::string& append_file,
                                        const std::vector<std::string>& answered_ids);

 private:
  using Connections = std::vector<std::unique_ptr<LedgerConnection>>;

  void AddConnections(const std::string& address, Protocol protocol);
  void Drive(const Connections& connections);
  void TakeTurn(const Connections& connections);

  const Options options_;
  LedgerTotals totals_;
  std::vector<Connections> shares_;  // of each thread
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_LEDGER_H_
