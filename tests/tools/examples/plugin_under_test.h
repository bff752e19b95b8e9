#ifndef WINDLASS_TESTS_TOOLS_EXAMPLES_PLUGIN_UNDER_TEST_H_
#define WINDLASS_TESTS_TOOLS_EXAMPLES_PLUGIN_UNDER_TEST_H_

#include <dlfcn.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "windlass/handler.h"

namespace windlass {

// The handler of that name in build/plugins/LIBRARY.so, or null; the library stays loaded.
inline std::unique_ptr<Handler> MakePluginHandler(const std::string& library,
                                                  absl::string_view name) {
  void* loaded = ::dlopen(absl::StrCat(WINDLASS_BUILD_DIR, "/plugins/", library, ".so").c_str(),
                          RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) return nullptr;
  const auto describe =
      reinterpret_cast<plugin::DescriptionFunction>(::dlsym(loaded, "windlass_plugin_description"));
  if (describe == nullptr || describe()->abi != WINDLASS_PLUGIN_ABI) return nullptr;
  for (const plugin::Entry* entry = describe()->entries; entry != nullptr; entry = entry->next)
    if (entry->name == name) return entry->make();
  return nullptr;
}

// Options that a test sets by hand, of the types that they are asked for.
struct GivenOptions : HandlerOptions {
  bool Has(absl::string_view key) const override { return bytes.count(std::string(key)) > 0; }
  std::string String(absl::string_view, absl::string_view otherwise) override {
    return std::string(otherwise);
  }
  std::string RequiredString(absl::string_view) override { return ""; }
  int64_t Integer(absl::string_view, int64_t otherwise, int64_t, int64_t) override {
    return otherwise;
  }
  double Number(absl::string_view, double otherwise, double, double) override { return otherwise; }
  bool Boolean(absl::string_view, bool otherwise) override { return otherwise; }
  absl::Duration Duration(absl::string_view key, absl::Duration otherwise) override {
    const auto found = durations.find(std::string(key));
    return found == durations.end() ? otherwise : found->second;
  }
  uint64_t Bytes(absl::string_view key, uint64_t otherwise) override {
    const auto found = bytes.find(std::string(key));
    return found == bytes.end() ? otherwise : found->second;
  }
  std::vector<std::string> Strings(absl::string_view) override { return {}; }

  std::map<std::string, uint64_t> bytes;
  std::map<std::string, absl::Duration> durations;
};

struct HeapArena : SharedArena {
  absl::StatusOr<absl::Span<char>> Allocate(size_t size, size_t) override {
    memory.emplace_back(size);
    return absl::MakeSpan(memory.back());
  }

  std::deque<std::vector<char>> memory;
};

// A job as a test wants it, and what the handler did with it.
struct GivenContext : HandlerContext {
  uint64_t job_id() const override { return 17; }
  int attempt() const override { return attempt_number; }
  absl::Duration time_left() const override { return left; }
  bool cancelled() const override { return is_cancelled; }
  std::optional<std::string> header(absl::string_view) override { return std::nullopt; }
  void Log(HandlerLogLevel level, absl::string_view line) override {
    logged.emplace_back(level, std::string(line));
  }
  absl::Span<char> Scratch(size_t bytes) override {
    scratch.resize(bytes);
    return absl::MakeSpan(scratch);
  }
  int processes() const override { return process_count; }
  absl::StatusOr<absl::Span<char>> ResponseMemory(size_t bytes) override {
    response.resize(bytes);
    return absl::MakeSpan(response);
  }

  int process_count = 1;
  int attempt_number = 1;
  absl::Duration left = absl::InfiniteDuration();
  bool is_cancelled = false;
  std::vector<std::pair<HandlerLogLevel, std::string>> logged;
  std::vector<char> scratch, response;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_TOOLS_EXAMPLES_PLUGIN_UNDER_TEST_H_
