#ifndef WINDLASS_WORKER_ADMIN_ASKER_H_
#define WINDLASS_WORKER_ADMIN_ASKER_H_

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "common/control_channel.h"
#include "common/report/reply_reader.h"
#include "common/selector.h"
#include "common/timer_wheel.h"
#include "proto/ctl.pb.h"
#include "windlass/owned_fd.h"
#include "worker/io/io_loop.h"

namespace windlass {

// What the master can be asked by an admin process: Report::Ask of proto/control.proto.
enum class Question : uint8_t { kVersion, kStatus, kDeaths };
constexpr size_t kQuestions = 3;

class AskerOwner {
 public:
  // The answer to the question that Ask has given `number`, and to all before it. Null: there is
  // none in time.
  virtual void OnAnswer(Question question, uint64_t number, const proto::CtlReply* reply) = 0;

 protected:
  virtual ~AskerOwner() = default;
};

// Role: asks the master, over the control channel, with a socket for the answer. The admin process.
// Owns those sockets. Invariants: 1. at most one question of a kind is out; whoever asks meanwhile
// gets the answer to the next one, which is asked then: no answer is older than the question; 2.
// they are kPace apart, so that no number of clients keeps the master busy; 3. each is answered
// once, kPatience after it was sent at the latest, and never from within Ask. Blocking: never.
// Errors: a master that does not answer, or not in a way that is understood, is an answer (null).
class Asker : public TimerOwner {
 public:
  static constexpr uint64_t kTokenKind = IoLoop::kPagesKind;  // the top 8 bits of its tokens
  static constexpr absl::Duration kPatience = absl::Seconds(1);
  static constexpr absl::Duration kPace = absl::Milliseconds(20);
  // Behind a report, ten times what it took, but at most:
  static constexpr absl::Duration kMostRest = absl::Milliseconds(250);

  // All are borrowed.
  Asker(ControlChannel* control, Selector* selector, TimerWheel* timers, AskerOwner* owner);
  ~Asker();

  // Returns the number by which the owner knows the answer.
  uint64_t Ask(Question question);
  void OnReady(SelectorToken token);  // of kTokenKind
  void OnTimer(Timer* timer, Instant now) override;

 private:
  struct Line {
    explicit Line(TimerOwner* owner) : timer(owner) {}
    uint64_t asked = 0;   // questions so far
    bool is_out = false;  // the last of them
    bool again = false;   // one more is due
    Instant last;         // when it was sent
    Instant next;         // not before
    OwnedFd socket;       // for its answer
    ReplyReader reader;
    Timer timer;  // out: the end of patience; else the next question's turn
  };

  Line& LineOf(Question question) { return lines_[static_cast<size_t>(question)]; }
  void Send(Question question);
  bool TrySend(Question question);
  void End(Question question, const proto::CtlReply* reply);

  ControlChannel* const control_;
  Selector* const selector_;
  TimerWheel* const timers_;
  AskerOwner* const owner_;
  std::array<Line, kQuestions> lines_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_ADMIN_ASKER_H_
