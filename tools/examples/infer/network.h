#ifndef WINDLASS_TOOLS_EXAMPLES_INFER_NETWORK_H_
#define WINDLASS_TOOLS_EXAMPLES_INFER_NETWORK_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace windlass::infer {

enum class Activation : uint32_t { kNone = 0, kRelu = 1, kSoftmax = 2 };

// Role: a dense network: layers of activation(W x + b). Read from a model file (README.md), whose
// numbers it refers to and never copies; so they may lie in memory that all processes share.
// Immutable. Blocking: never.
class Network {
 public:
  // What a file may ask for; more is refused before any memory is taken.
  static constexpr uint32_t kMostLayers = 64, kMostWidth = 1 << 16;

  // `file` must outlive this, aligned to 4 bytes. InvalidArgument: what is wrong with it.
  static absl::StatusOr<Network> Parse(absl::string_view file);

  uint32_t inputs() const { return layers_.front().inputs; }
  uint32_t outputs() const { return layers_.back().outputs; }
  // How many floats of work memory a batch of `rows` needs.
  size_t WorkFloats(size_t rows) const;
  // `in`: rows x inputs(), row by row; `out`: rows x outputs(), the same; `work`: WorkFloats(rows).
  void Run(const float* in, size_t rows, float* out, float* work) const;

 private:
  struct Layer {
    uint32_t inputs = 0, outputs = 0;
    Activation activation = Activation::kNone;
    const float* weights = nullptr;  // outputs x inputs, row by row
    const float* biases = nullptr;
  };
  std::vector<Layer> layers_;
  uint32_t widest_ = 0;
};

}  // namespace windlass::infer

#endif  // WINDLASS_TOOLS_EXAMPLES_INFER_NETWORK_H_
