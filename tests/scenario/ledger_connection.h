#ifndef WINDLASS_TESTS_SCENARIO_LEDGER_CONNECTION_H_
#define WINDLASS_TESTS_SCENARIO_LEDGER_CONNECTION_H_

#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "common/address.h"
#include "tests/scenario/ledger_answers.h"
#include "tests/scenario/ledger_book.h"
#include "tests/scenario/ledger_payload.h"
#include "windlass/owned_fd.h"

namespace windlass {

// How a client behaves. All of it is within its rights.
enum class ClientHabit : uint8_t {
  kPlain,       // sends and reads as fast as it can
  kSlowReader,  // reads 4 KiB at a time, with pauses, through a small receive buffer
  kTornSender,  // sends in pieces of random sizes, often of single bytes
  kIdler,       // sends in bursts, and is silent between them
  kHalfCloser,  // plain, but at the end it closes its side while answers are due
};
constexpr int kClientHabitCount = 5;

// Role: a long-lived connection that keeps requests outstanding and writes down what comes of them.
// When the server ends it, that is counted, and another one is made. Test process, one thread each.
//   waiting to connect -> connecting -> open -> half-closed -> done
// Finish lets an open one send what it began, read what is due, then half-close and read to the end
// of the stream, so that an answer too many is seen too. Blocking: never.
class LedgerConnection {
 public:
  struct Options {
    SocketAddress address;
    Protocol protocol = Protocol::kMessage;  // or kLine
    ClientHabit habit = ClientHabit::kPlain;
    std::string name;     // of the ledger
    std::string handler;  // header of a message; "" = none
    PayloadSizes sizes = PayloadSizes::kSmall;
    size_t pipeline_depth = 1;  // requests
    uint64_t seed = 0;
  };
  LedgerConnection(Options options, LedgerTotals* totals);

  pollfd Interest(absl::Time now) const;
  // When Step is to be called although nothing is ready.
  absl::Time wake() const { return wake_; }
  void Step(int ready, absl::Time now);
  void Finish();  // no more requests
  void GiveUp();  // what is due is lost
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t { kWaitingToConnect, kConnecting, kOpen, kHalfClosed, kDone };

  void Connect(absl::Time now);
  void OnConnected();
  void OnConnectFailed(absl::string_view why, absl::Time now);
  void Receive(int ready, absl::Time now);
  void TakeAnswers(absl::Time now);
  void PlanBurst(absl::Time now);
  bool MayCompose() const;
  void Compose();
  void SendComposed(absl::Time now);
  size_t NextPieceBytes();
  void HalfCloseWhenFinished();
  void OnStreamEnd(absl::string_view how, absl::Time now);
  uint64_t RandomBelow(uint64_t limit) { return random_() % limit; }
  size_t unsent_bytes() const { return out_.size() - out_at_; }

  const Options options_;
  LedgerTotals* const totals_;
  std::mt19937_64 random_;

  // Of the present connection.
  State state_ = State::kWaitingToConnect;
  OwnedFd socket_;
  std::unique_ptr<LedgerBook> book_;
  std::unique_ptr<LedgerAnswers> answers_;
  std::string out_;  // from out_at_ on it is not sent yet
  size_t out_at_ = 0;
  uint64_t sent_bytes_ = 0, composed_bytes_ = 0;

  bool finishing_ = false;
  absl::Time wake_ = absl::InfinitePast();
  absl::Time connect_at_ = absl::InfinitePast();
  absl::Time read_at_ = absl::InfinitePast();   // slow readers: not before
  absl::Time write_at_ = absl::InfinitePast();  // torn senders: not before
  // Idlers: what is left of the burst; when the next one begins, once this one is answered.
  uint64_t burst_left_ = 0;
  std::optional<absl::Time> next_burst_at_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_LEDGER_CONNECTION_H_
