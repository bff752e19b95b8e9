#include "worker/io/static_answers.h"

#include "absl/strings/str_cat.h"
#include "worker/handlers/arena_memory.h"
#include "worker/handlers/option_reader.h"

namespace windlass {

absl::Status StaticAnswers::Load(const Config& config) {
  ArenaMemory unused;
  for (const HandlerConfig& handler : config.handlers) {
    by_handler_.emplace_back();
    if (handler.builtin != "static") continue;
    auto made = std::make_unique<StaticHandler>();
    OptionReader options(handler);
    const absl::Status loaded = made->Preload(options, unused);
    if (!loaded.ok()) {
      return absl::Status(loaded.code(),
                          absl::StrCat("handler ", handler.name, ": ", loaded.message()));
    }
    by_handler_.back() = std::move(made);
  }
  return absl::OkStatus();
}

}  // namespace windlass
