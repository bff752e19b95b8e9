#include "worker/handlers/handler_set.h"

#include <exception>
#include <map>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/pools.h"
#include "worker/handlers/option_reader.h"
#include "worker/handlers/plugin.h"
#include "worker/handlers/preload_watch.h"
#include "worker/handlers/registry.h"

namespace windlass {
namespace {

// An error says which handler it is about; some say it already.
absl::Status Of(const std::string& name, const absl::Status& status) {
  const std::string prefix = absl::StrCat("handler ", name, ": ");
  if (status.ok() || absl::StartsWith(status.message(), prefix)) return status;
  return absl::Status(status.code(), absl::StrCat(prefix, status.message()));
}

// What `call` returns; an exception is an error of `what`.
absl::Status Guard(absl::string_view what, absl::FunctionRef<absl::Status()> call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, " threw an exception: ", error.what()));
  } catch (...) {
    return absl::InternalError(absl::StrCat(what, " threw an exception"));
  }
}

// Makes handlers. Lives for one Load.
class HandlerMaker {
 public:
  absl::StatusOr<std::unique_ptr<Handler>> Make(const HandlerConfig& config) {
    if (config.library.empty()) {
      std::unique_ptr<Handler> made = MakeBuiltin(config.builtin);
      if (made != nullptr) return made;
      return absl::NotFoundError(absl::StrCat("no built-in '", config.builtin, "'"));
    }
    auto found = loaded_.find(config.library);
    if (found == loaded_.end()) {
      absl::StatusOr<Plugin> plugin = Plugin::Load(config.library);
      if (!plugin.ok()) return plugin.status();
      found = loaded_.emplace(config.library, *std::move(plugin)).first;
    }
    const absl::StatusOr<std::string> entry = found->second.Choose(config.entry, config.name);
    if (!entry.ok()) return entry.status();
    return found->second.Make(*entry);
  }

 private:
  std::map<std::string, Plugin> loaded_;
};

absl::Status Preload(const HandlerConfig& config, Handler* handler, SharedArena* arena) {
  OptionReader options(config);
  const absl::Status preloaded =
      Guard("Preload", [&] { return handler->Preload(options, *arena); });
  // A wrong option is the better reason: it may be why Preload failed.
  const absl::Status verdict = options.Verdict();
  if (!preloaded.ok()) return options.has_wrong_value() ? verdict : preloaded;
  return verdict;
}

}  // namespace

absl::StatusOr<HandlerSet> HandlerSet::Load(const Config& config, uint32_t pool,
                                            absl::FunctionRef<void(uint32_t)> loading) {
  HandlerSet set;
  HandlerMaker maker;
  for (uint32_t i = 0; i < config.handlers.size(); ++i) {
    const HandlerConfig& handler = config.handlers[i];
    if (PoolNamed(config, handler.pool) != pool) {
      set.handlers_.push_back({handler.name, nullptr});
      continue;
    }
    loading(i);
    const PreloadWatch watch;  // from before the library is loaded, which may do things by itself
    absl::StatusOr<std::unique_ptr<Handler>> made = maker.Make(handler);
    if (!made.ok()) return Of(handler.name, made.status());
    if (absl::Status ready = Preload(handler, made->get(), &set.arena_); !ready.ok())
      return Of(handler.name, ready);
    if (const std::string left = watch.LeftBehind(); !left.empty())
      LOG(WARNING) << "handler " << handler.name << ": Preload left behind " << left;
    set.handlers_.push_back({handler.name, *std::move(made)});
  }
  if (absl::Status sealed = set.arena_.Seal(); !sealed.ok()) return sealed;
  return set;
}

absl::Status HandlerSet::Start() {
  for (const Named& named : handlers_) {
    if (named.handler == nullptr) continue;
    const absl::Status started = Guard("Start", [&] { return named.handler->Start(); });
    if (!started.ok()) return Of(named.name, started);
  }
  return absl::OkStatus();
}

}  // namespace windlass
