#ifndef WINDLASS_WORKER_POOL_ZYGOTE_H_
#define WINDLASS_WORKER_POOL_ZYGOTE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/captured_output.h"
#include "common/control_channel.h"
#include "common/process_setup.h"
#include "proto/control.pb.h"
#include "worker/handlers/handler_set.h"
#include "worker/pool/sandbox.h"

namespace windlass {

// Role: loads the handlers of a generation once, and is then copied: each pool process is its
// clone, made in a fraction of a millisecond, and shares with it all memory that neither writes to.
// Runs no job. It also names the places in the code that are on the call stacks of its clones,
// whose address layout is its own. The zygote process, one for each generation. A clone is a child
// of the master, not of the zygote, so the zygote's death costs nothing but new processes, until
// another one is there. Invariant: it has one thread, whatever handlers have done (the others would
// be missing in clones; HandlerSet says so). Blocking: while handlers load; then only for the next
// command. Errors: handlers that cannot be loaded are reported, and end it.
class Zygote {
 public:
  explicit Zygote(ProcessSetup setup);
  // Until the master says drain or is gone. In a clone, until the pool process ends. Returns the
  // exit code of either.
  int Run();

 private:
  absl::Status Load();
  // True: this is the clone.
  bool Clone(const proto::Command::Clone& command);
  int RunClone();
  void Symbolize(const proto::Command::Symbolize& command);
  void LogOutput();

  ProcessSetup setup_;
  std::unique_ptr<ControlChannel> control_;
  std::optional<HandlerSet> handlers_;
  Sandbox sandbox_;
  std::optional<OutputCapture> output_;
  LogLimit output_limit_{kOutputRate};
  std::string clone_name_;
  OwnedFd clone_output_;
};

// A zygote's entry.
int RunZygote(ProcessSetup setup);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_ZYGOTE_H_
