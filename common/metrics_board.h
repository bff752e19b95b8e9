#ifndef WINDLASS_COMMON_METRICS_BOARD_H_
#define WINDLASS_COMMON_METRICS_BOARD_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/latency_histogram.h"
#include "common/scoreboard.h"
#include "windlass/error_code.h"

// What workers count of their requests, by listener and handler, in the scoreboard's mapping behind
// the slots. Rows and names that are not used cost no memory: nobody may touch them, not even by
// reading, before what counts them says that they are there.

namespace windlass {

// A name in shared memory. Longer ones are cut off.
struct MetricsName {
  static constexpr size_t kMost = 124;
  Word<uint32_t> bytes;
  std::array<char, kMost> text;

  absl::string_view view() const;
};

// The numbers that names have in rows. Written by the master alone, before the processes are made
// that use them; a name keeps its number for ever, so that a counter never changes its meaning.
struct MetricsNames {
  static constexpr uint32_t kMostListeners = 63;
  static constexpr uint32_t kMostHandlers = 127;
  static constexpr uint32_t kOtherListener = kMostListeners;
  // Handlers count from 1.
  static constexpr uint32_t kNoHandler = 0;  // none was found
  static constexpr uint32_t kOtherHandler = kMostHandlers + 1;

  Word<uint32_t> listeners, handlers;  // how many there are
  std::array<MetricsName, kMostListeners> listener_names;
  std::array<MetricsName, kMostHandlers> handler_names;

  // The number of a name, given to it now if it has none and there is one left. The master's.
  uint32_t AddListener(absl::string_view name);
  uint32_t AddHandler(absl::string_view name);
  // kOther... when it has none.
  uint32_t FindListener(absl::string_view name) const;
  uint32_t FindHandler(absl::string_view name) const;
  // "other" for all that have no name of their own; a handler that is none has "".
  absl::string_view ListenerName(uint32_t number) const;
  absl::string_view HandlerName(uint32_t number) const;
};

// What one worker slot has counted of the requests at one listener for one handler.
struct alignas(64) MetricsRow {
  std::array<Word<uint64_t>, kErrorCodeCount> answers;  // by code
  Word<uint64_t> bytes_in, bytes_out;
  LatencyHistogram latency;     // from a head that is complete until the kernel has the answer
  LatencyHistogram queue_wait;  // of jobs: until a process took it, or its time was up
  LatencyHistogram run_time;    // of the answer's job
};

// All of one worker slot. Written by its process alone, and for ever: a successor finds the rows by
// their keys and goes on.
struct alignas(4096) MetricsSlot {
  static constexpr uint32_t kRows = 64;  // the last one is everything else's
  struct Key {
    uint32_t listener = 0, handler = 0;
    friend auto operator<=>(Key, Key) = default;
  };
  static constexpr Key kOther = {MetricsNames::kOtherListener, MetricsNames::kOtherHandler};

  Word<uint32_t> used;  // rows, counted when they have their key
  std::array<Word<uint32_t>, kRows> keys;
  std::array<MetricsRow, kRows> rows;

  // The row of a key, which is taken now if there is none. For its writer.
  MetricsRow& RowFor(Key key);
  // Within the array, whatever the memory says.
  uint32_t rows_used() const;
  Key KeyOf(uint32_t row) const;
};

// The sum over all worker slots, by name.
struct RequestCounts {
  std::array<uint64_t, kErrorCodeCount> answers = {};
  uint64_t bytes_in = 0, bytes_out = 0;
  LatencyCounts latency, queue_wait, run_time;

  void Add(const MetricsRow& row);
  void Add(const RequestCounts& other);
};
using RequestCountsByName = std::map<std::pair<std::string, std::string>, RequestCounts>;
RequestCountsByName CountRequests(const Scoreboard& board);

}  // namespace windlass

#endif  // WINDLASS_COMMON_METRICS_BOARD_H_
