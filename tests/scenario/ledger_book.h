#ifndef WINDLASS_TESTS_SCENARIO_LEDGER_BOOK_H_
#define WINDLASS_TESTS_SCENARIO_LEDGER_BOOK_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/scenario/ledger_answers.h"
#include "tests/scenario/ledger_payload.h"

namespace windlass {

// What all connections of a ledger add up to. Any thread may read and add.
// Invariant: sent == answered + refused + wrong + out_of_order + lost + in_flight.
struct LedgerTotals {
  // What became of requests.
  std::atomic<uint64_t> sent = 0;          // to their last byte
  std::atomic<uint64_t> answered = 0;      // in their turn and to the byte
  std::atomic<uint64_t> refused = 0;       // in their turn, by an error answer
  std::atomic<uint64_t> wrong = 0;         // in their turn, with other bytes than were sent
  std::atomic<uint64_t> out_of_order = 0;  // after the answer to a later request
  std::atomic<uint64_t> lost = 0;          // not at all
  std::atomic<int64_t> in_flight = 0;
  // Answers that belong to no request that waits for one.
  std::atomic<uint64_t> duplicates = 0;  // to a request that had its answer
  std::atomic<uint64_t> strangers = 0;   // to nothing that this connection ever sent
  // Connections.
  std::atomic<uint64_t> dropped_connections =
      0;  // ended by the server, or no longer to be followed
  std::atomic<uint64_t> failed_connects = 0;
  std::atomic<uint32_t> connections = 0;  // ever made; numbers them

  // How many of those things happened that never may; refusals are not among them.
  uint64_t Troubles() const;
  void Note(absl::string_view trouble);  // keeps the first few, for the report

  mutable std::mutex mutex;  // guards what follows
  std::map<std::string, uint64_t> refused_by_code;
  std::vector<std::string> notes;
  struct Executed {
    uint32_t connection, number;
  };
  std::vector<Executed> executed;  // requests with an answer that only their handler can give
};

// Role: the requests of one connection and what became of them: decides what an answer is. No
// sockets. A connection is made once; its successor has a book and a number of its own, so that an
// answer that comes to the wrong one is noticed. Blocking: never.
class LedgerBook {
 public:
  // Ids are NAME, the connection's number, "-" and the request's number. `totals` must outlive the
  // book.
  LedgerBook(absl::string_view name, LedgerTotals* totals);

  std::string NextId() const;  // of the request that Add is called with next
  // `end`: where in the bytes of the connection the request ends.
  void Add(const LedgerPayload& payload, uint64_t end);
  void OnSent(uint64_t bytes);  // so many bytes of the connection, altogether
  void OnAnswer(const LedgerAnswer& answer);
  void OnEnd();  // no more answers come: what waits for one is lost
  size_t waiting() const { return waiting_.size(); }  // also those that are not sent yet
  std::string Describe() const;                       // "connection 3 with 5 waiting"

 private:
  struct Entry {
    uint32_t number;
    LedgerPayload payload;
    uint64_t end;
  };

  std::string IdOf(uint32_t number) const;
  void OnLateAnswer(uint32_t number, const LedgerAnswer& answer);
  void Settle(const Entry& entry, const LedgerAnswer& answer);

  const uint32_t connection_;
  const std::string prefix_;
  LedgerTotals* const totals_;
  std::deque<Entry> waiting_;  // consecutive numbers; the first sent_ are sent
  size_t sent_ = 0;
  std::vector<Entry> overtaken_;  // sent, and a later one was answered before
  uint32_t next_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_LEDGER_BOOK_H_
