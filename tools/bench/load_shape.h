#ifndef WINDLASS_TOOLS_BENCH_LOAD_SHAPE_H_
#define WINDLASS_TOOLS_BENCH_LOAD_SHAPE_H_

#include "absl/status/statusor.h"
#include "common/config.h"
#include "tools/bench/bench_options.h"
#include "tools/bench/numbered_template.h"

namespace windlass {

// What goes over the wire in one run: every request, and what its answer must be.
struct LoadShape {
  Protocol protocol = Protocol::kMessage;
  NumberedTemplate request;
  NumberedTemplate answer;          // message: its content
  bool check_content = true;        // false: message, and only the status is known beforehand
  bool one_per_connection = false;  // the server closes after each answer
};

// Pure. InvalidArgument: the handler's name is too long for a header.
absl::StatusOr<LoadShape> MakeLoadShape(const BenchOptions& options);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_BENCH_LOAD_SHAPE_H_
