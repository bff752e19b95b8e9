#ifndef WINDLASS_TOOLS_EXAMPLES_INFER_BATCH_H_
#define WINDLASS_TOOLS_EXAMPLES_INFER_BATCH_H_

#include <cstddef>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "windlass/handler.h"

namespace windlass::infer {

// The rows of numbers that a request brings, and those of its answer. Two forms: binary, float32
// one after the other in the request's byte order, and JSON, [[...], ...] or [...] for one row, or
// {"inputs": one of these}. Pure. Errors: InvalidArgument says where, OutOfRange what is too much.

bool IsJson(const Request& request);

// How many rows of `inputs` numbers there are. Only for binary: of JSON it is known when it is
// read.
absl::StatusOr<size_t> BinaryRows(absl::string_view content, size_t inputs, size_t most_rows);
// `rows` of them from row `first` on, in the byte order of this machine. A number that is none
// (NaN) or infinite is InvalidArgument.
absl::Status ReadBinary(absl::string_view content, ByteOrder order, size_t inputs, size_t first,
                        size_t rows, float* into);

// Reads all rows into what `memory` gives, of rows x inputs floats; how many they were.
absl::StatusOr<size_t> ReadJson(absl::string_view content, size_t inputs, size_t most_rows,
                                absl::FunctionRef<float*(size_t floats)> memory);

// InvalidArgument: a row whose sums are beyond what a float holds. `first`: its number in the
// batch.
absl::Status CheckOutputs(const float* outputs, size_t rows, size_t width, size_t first);
// As binary: in that byte order, in place.
void ToOrder(ByteOrder order, float* numbers, size_t count);
// {"outputs": [[...], ...], "classes": [...]}: of each row the index of its largest number, too.
std::string ToJson(const float* outputs, size_t rows, size_t width);

}  // namespace windlass::infer

#endif  // WINDLASS_TOOLS_EXAMPLES_INFER_BATCH_H_
