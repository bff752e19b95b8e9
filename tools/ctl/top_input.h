#ifndef WINDLASS_TOOLS_CTL_TOP_INPUT_H_
#define WINDLASS_TOOLS_CTL_TOP_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "tools/ctl/top_model.h"

// What keys do to `windlassctl top`. Pure.

namespace windlass {

// A character, or one of these.
using TopKey = int;
constexpr TopKey kTopKeyNone = 0;
constexpr TopKey kTopKeyEscape = 27;
constexpr TopKey kTopKeyUp = 0x10000;
constexpr TopKey kTopKeyDown = 0x10001;
constexpr TopKey kTopKeyLeft = 0x10002;
constexpr TopKey kTopKeyRight = 0x10003;
constexpr TopKey kTopKeyPageUp = 0x10004;
constexpr TopKey kTopKeyPageDown = 0x10005;
constexpr TopKey kTopKeyHome = 0x10006;
constexpr TopKey kTopKeyEnd = 0x10007;

enum class TopPage : uint8_t { kProcesses, kStacks, kHelp };

// What the operator has chosen.
struct TopControls {
  TopPage page = TopPage::kProcesses;
  TopOrder order;
  size_t scroll = 0;  // lines of the page's list that are above the window; may be too many
  bool paused = false;
  absl::Duration interval = absl::Seconds(1);
};

enum class TopAction : uint8_t {
  kNothing,  // the key means nothing here
  kRedraw,
  kAsk,  // and ask the server now
  kQuit,
};

// `page_lines`: how far a page key goes, at least 1.
TopAction ApplyKey(TopKey key, size_t page_lines, TopControls* controls);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_INPUT_H_
