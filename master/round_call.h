#ifndef WINDLASS_MASTER_ROUND_CALL_H_
#define WINDLASS_MASTER_ROUND_CALL_H_

#include <string>
#include <utility>
#include <vector>

#include "common/timer_wheel.h"
#include "master/control_server.h"
#include "master/service.h"
#include "proto/ctl.pb.h"

namespace windlass {

// Role: one question to many children, and who has not answered yet. The master. Owns no child.
// Blocking: never; the timer says when it is over for those that are silent.
class RoundCall {
 public:
  struct Asked {
    const Supervisor* supervisor = nullptr;  // to be compared, not followed: it may be gone
    ChildId child;
    uint32_t number = 0;  // in its name
  };

  RoundCall(uint32_t number, ControlClientId client, TimerOwner* owner)
      : number_(number), client_(client), timer_(owner) {}

  void Expect(const Supervisor& supervisor, const Child& child) {
    silent_.push_back({&supervisor, child.id, supervisor.NumberOf(child)});
    ++asked_;
  }
  // False: not one who was asked, or one who has answered.
  bool OnAnswered(const Supervisor& supervisor, ChildId child) {
    for (size_t i = 0; i < silent_.size(); ++i) {
      if (silent_[i].supervisor != &supervisor || !(silent_[i].child == child)) continue;
      silent_.erase(silent_.begin() + static_cast<ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  // Which job it is about; 0: none.
  void set_about(uint64_t job) { about_ = job; }
  uint64_t about() const { return about_; }
  uint32_t number() const { return number_; }
  ControlClientId client() const { return client_; }
  bool complete() const { return silent_.empty(); }
  const std::vector<Asked>& silent() const { return silent_; }
  size_t asked() const { return asked_; }
  Timer& timer() { return timer_; }
  proto::CtlReply& reply() { return reply_; }  // collected so far

 private:
  const uint32_t number_;
  const ControlClientId client_;
  Timer timer_;
  std::vector<Asked> silent_;
  size_t asked_ = 0;
  uint64_t about_ = 0;
  proto::CtlReply reply_;
};

}  // namespace windlass

#endif  // WINDLASS_MASTER_ROUND_CALL_H_
