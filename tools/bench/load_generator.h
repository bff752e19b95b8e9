#ifndef WINDLASS_TOOLS_BENCH_LOAD_GENERATOR_H_
#define WINDLASS_TOOLS_BENCH_LOAD_GENERATOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/address.h"
#include "common/selector.h"
#include "tools/bench/bench_options.h"
#include "tools/bench/load_connection.h"
#include "tools/bench/load_shape.h"
#include "tools/bench/precise_timer.h"
#include "tools/bench/schedule.h"
#include "tools/bench/tally.h"
#include "windlass/owned_fd.h"

namespace windlass {

// Role: one load run, in one thread: connects everything, then sends what the schedule allows and
// checks what comes back. Invariants: 1. every issued request is counted once: right, mismatched,
// or one error; 2. a run ends by itself, at the latest one timeout after its last answer or, with a
// duration, after that. Blocking: for the whole run. Errors: Unavailable (no connection), others
// (our own system calls).
class LoadGenerator {
 public:
  using Progress = std::function<void(const Tally&, absl::Duration since_start)>;

  // Borrows both. `progress` is called about twice a second.
  LoadGenerator(const BenchOptions& options, const LoadShape& shape, Progress progress);

  absl::Status Run();
  const Tally& tally() const { return tally_; }  // complete after Run

 private:
  using Phase = LoadConnection::Phase;

  // Making and losing connections.
  absl::Status ConnectAll();
  void ConnectDown();
  bool Adopt(uint32_t index, OwnedFd socket);
  void Opened(uint32_t index);
  void FinishConnecting(uint32_t index);
  void Lose(uint32_t index, ErrorKind kind);
  void TakeDown(uint32_t index, Instant again_at);
  void ConnectFailed(uint32_t index);

  // Sending and receiving.
  absl::Status Turn(bool sending);
  int SleepBound(bool sending);
  void Issue();
  void Give(LoadConnection* connection, uint32_t index);
  void FlushDirty();
  void Flush(uint32_t index);
  void NoteRoom(uint32_t index);
  void OnReady(uint32_t index, uint32_t events);
  void Receive(uint32_t index);
  void TakeAnswers(uint32_t index, absl::string_view input, Instant now);
  void AwaitClose(LoadConnection* connection, Instant now);
  bool CountAnswer(LoadConnection* connection, AnswerReader::Verdict verdict, Instant now);

  // Ending.
  void CheckTimeouts();
  bool IsOver();
  void CountWhatIsLeft();

  // Fixed after construction.
  const BenchOptions& options_;
  const LoadShape& shape_;
  const Progress progress_;
  // Fixed after ConnectAll.
  SocketAddress server_;
  std::unique_ptr<Selector> selector_;
  std::unique_ptr<PreciseTimer> timer_;  // open loop only
  // The loop's working state.
  std::vector<LoadConnection> connections_;
  std::vector<uint32_t> down_;   // every connection in kDown
  std::deque<uint32_t> roomy_;   // connections that may have room, each once
  std::vector<uint32_t> dirty_;  // each once
  uint32_t connecting_ = 0;
  uint64_t outstanding_ = 0;  // requests in all queues
  Schedule schedule_;
  Instant now_;            // of this turn
  Instant next_check_;     // of timeouts and progress
  Instant last_answer_;    // or the start
  Instant last_movement_;  // last answer, or the last time when nothing was waited for
  Tally tally_;
  // Scratch reused between turns.
  AnswerHeadParser heads_;
  std::vector<char> in_, out_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_LOAD_GENERATOR_H_
