#ifndef WINDLASS_WORKER_HANDLERS_HANDLER_SET_H_
#define WINDLASS_WORKER_HANDLERS_HANDLER_SET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config.h"
#include "windlass/handler.h"
#include "worker/handlers/arena_memory.h"

namespace windlass {

// Role: the handlers of a configuration, built-in ones and those of plug-ins, ready to run. Load
// and Start may happen in two processes, of which the second is a copy of the first. Owns the
// handlers and the arena that they share; move-only.
// Invariants:
//   1. at(i) is the handler of Config::handlers[i], or null where another pool runs that.
//   2. A library that several handlers name is loaded once.
//   3. After Load nobody can write to the arena.
// Blocking: as long as handlers do. Errors name the handler; exceptions of its constructor, Preload
// and Start are errors, too.
class HandlerSet {
 public:
  // Makes every handler of the pool, in the order of the configuration, and runs its Preload. One
  // that left threads or sockets behind gets a warning in the log. `loading` hears the index of
  // each before it is made.
  static absl::StatusOr<HandlerSet> Load(
      const Config& config, uint32_t pool,
      absl::FunctionRef<void(uint32_t)> loading = [](uint32_t) {});
  // Once in each process that is to run them.
  absl::Status Start();

  size_t size() const { return handlers_.size(); }
  Handler* at(size_t index) const { return handlers_[index].handler.get(); }  // index < size()

 private:
  struct Named {
    std::string name;
    std::unique_ptr<Handler> handler;
  };
  HandlerSet() = default;

  // In this order, because handlers may look into the arena until they are gone.
  ArenaMemory arena_;
  std::vector<Named> handlers_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_HANDLER_SET_H_
