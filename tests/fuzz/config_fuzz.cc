// The configuration: a file, or a --set. What is understood is printed as what is understood as the
// same.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/config_load.h"
#include "common/config_print.h"
#include "common/posix.h"
#include "common/toml_reader.h"
#include "tests/fuzz/fuzz_input.h"

namespace windlass {
namespace {

absl::StatusOr<Config> Load(absl::string_view text, std::vector<std::string> sets) {
  const absl::StatusOr<OwnedFd> file = MemfdCreate("fuzz", 0);
  CHECK(file.ok() && PWriteAll(file->get(), text).ok());
  ConfigSources sources;
  sources.file = absl::StrCat("/proc/self/fd/", file->get());
  sources.sets = std::move(sets);
  return LoadConfig(sources);
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  FuzzedDataProvider input(data, size);
  const bool is_set = input.ConsumeBool();
  const std::string text = input.ConsumeRemainingBytesAsString();
  // As a value of any kind, and back.
  const TomlNode node = ReadTomlValue(text);
  (void)DescribeNode(node);
  const absl::StatusOr<Config> config = is_set ? Load("", {text}) : Load(text, {});
  if (!config.ok()) {
    CHECK(!config.status().message().empty());
    return 0;
  }
  const std::string printed = PrintConfig(*config);
  absl::StatusOr<Config> again = Load(printed, {});
  CHECK(again.ok()) << again.status().ToString() << "\n" << printed;
  again->source = config->source;
  CHECK(*again == *config) << printed;
  return 0;
}
