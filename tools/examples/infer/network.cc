#include "tools/examples/infer/network.h"

#include <Eigen/Core>
#include <algorithm>
#include <cstring>

#include "absl/base/config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#ifdef ABSL_IS_BIG_ENDIAN
#error "model files are little-endian, and used as they are"
#endif

namespace windlass::infer {
namespace {

constexpr absl::string_view kMagic = "WLDENSE1";
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void Softmax(Eigen::Map<Matrix> rows) {
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    rows.row(i) = (rows.row(i).array() - rows.row(i).maxCoeff()).exp();
    rows.row(i) /= rows.row(i).sum();
  }
}

}  // namespace

absl::StatusOr<Network> Network::Parse(absl::string_view file) {
  const auto take = [&file](uint32_t* number) {
    if (file.size() < sizeof(*number)) return false;
    std::memcpy(number, file.data(), sizeof(*number));
    file.remove_prefix(sizeof(*number));
    return true;
  };
  if (!absl::StartsWith(file, kMagic))
    return absl::InvalidArgumentError("no model: WLDENSE1 is missing");
  file.remove_prefix(kMagic.size());
  uint32_t count = 0;
  if (!take(&count) || count == 0 || count > kMostLayers) {
    return absl::InvalidArgumentError(absl::StrCat("a model has 1 to ", kMostLayers, " layers"));
  }
  Network network;
  for (uint32_t i = 0; i < count; ++i) {
    Layer layer;
    uint32_t activation = 0;
    if (!take(&layer.inputs) || !take(&layer.outputs) || !take(&activation)) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, ": the file ends early"));
    }
    if (layer.inputs == 0 || layer.outputs == 0 || layer.inputs > kMostWidth ||
        layer.outputs > kMostWidth) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, ": ", layer.inputs, " to ",
                                                     layer.outputs, ": 1 to ", kMostWidth,
                                                     " are allowed"));
    }
    if (i > 0 && layer.inputs != network.layers_.back().outputs) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, " takes ", layer.inputs,
                                                     " where the one before gives ",
                                                     network.layers_.back().outputs));
    }
    if (activation > static_cast<uint32_t>(Activation::kSoftmax)) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, ": activation ", activation));
    }
    layer.activation = static_cast<Activation>(activation);
    const uint64_t weights = uint64_t{layer.inputs} * layer.outputs;
    const uint64_t bytes = (weights + layer.outputs) * sizeof(float);
    if (file.size() < bytes) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, ": the file ends early"));
    }
    layer.weights = reinterpret_cast<const float*>(file.data());
    layer.biases = layer.weights + weights;
    file.remove_prefix(bytes);
    const Eigen::Map<const Eigen::ArrayXf> numbers(
        layer.weights, static_cast<Eigen::Index>(weights) + layer.outputs);
    if (!numbers.isFinite().all()) {
      return absl::InvalidArgumentError(absl::StrCat("layer ", i, ": not all of it are numbers"));
    }
    network.widest_ = std::max({network.widest_, layer.inputs, layer.outputs});
    network.layers_.push_back(layer);
  }
  if (!file.empty()) return absl::InvalidArgumentError("bytes after the last layer");
  return network;
}

size_t Network::WorkFloats(size_t rows) const { return 2 * rows * widest_; }

void Network::Run(const float* in, size_t rows, float* out, float* work) const {
  const auto count = static_cast<Eigen::Index>(rows);
  const float* from = in;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    float* const to = i + 1 == layers_.size() ? out : work + (i % 2) * rows * widest_;
    const Eigen::Map<const Matrix> values(from, count, layer.inputs);
    const Eigen::Map<const Matrix> weights(layer.weights, layer.outputs, layer.inputs);
    const Eigen::Map<const Eigen::RowVectorXf> biases(layer.biases, layer.outputs);
    Eigen::Map<Matrix> result(to, count, layer.outputs);
    result.noalias() = values * weights.transpose();
    result.rowwise() += biases;
    if (layer.activation == Activation::kRelu) result = result.cwiseMax(0.0f);
    if (layer.activation == Activation::kSoftmax) Softmax(result);
    from = to;
  }
}

}  // namespace windlass::infer
