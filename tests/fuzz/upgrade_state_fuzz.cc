// What a binary of another version, or a broken one, leaves to the next.
#include "common/posix.h"
#include "master/upgrade_state.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  const absl::StatusOr<OwnedFd> memfd = MemfdCreate("fuzz", 0);
  CHECK(memfd.ok());
  CHECK(PWriteAll(memfd->get(), {reinterpret_cast<const char*>(data), size}).ok());
  const absl::StatusOr<proto::UpgradeState> state = ReadUpgradeState(memfd->get());
  if (!state.ok()) return 0;
  CHECK(state->format() == kUpgradeFormat);
  CHECK(DescriptorsOf(*state).size() >= 2);
  (void)CheckUpgradeState(*state);
  for (const proto::UpgradeState::Generation& generation : state->generations()) {
    (void)ParsePrintedConfig(generation);
  }
  const absl::StatusOr<OwnedFd> written = WriteUpgradeState(*state);
  CHECK(written.ok());
  const absl::StatusOr<proto::UpgradeState> again = ReadUpgradeState(written->get());
  CHECK(again.ok() && again->SerializeAsString() == state->SerializeAsString());
  return 0;
}
