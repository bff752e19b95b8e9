// The network against sums written out, and its model file when it lies.
#include "tools/examples/infer/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace windlass::infer {
namespace {

using testing::HasSubstr;

std::string Word(uint32_t value) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &value, 4);
  return bytes;
}
std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}
std::string LayerText(uint32_t inputs, uint32_t outputs, uint32_t activation,
                      const std::vector<float>& numbers) {
  return absl::StrCat(Word(inputs), Word(outputs), Word(activation), Floats(numbers));
}
std::string Model(const std::vector<std::string>& layers) {
  std::string text = absl::StrCat("WLDENSE1", Word(static_cast<uint32_t>(layers.size())));
  for (const std::string& layer : layers) text += layer;
  return text;
}

// A copy that is aligned as files in memory are.
class Loaded {
 public:
  explicit Loaded(const std::string& file) : memory_((file.size() + 3) / 4) {
    if (!file.empty()) std::memcpy(memory_.data(), file.data(), file.size());
    network_ = Network::Parse({reinterpret_cast<const char*>(memory_.data()), file.size()});
  }
  const absl::StatusOr<Network>& operator*() const { return network_; }
  std::vector<float> Run(const std::vector<float>& in) const {
    const size_t rows = in.size() / network_->inputs();
    std::vector<float> out(rows * network_->outputs()), work(network_->WorkFloats(rows));
    network_->Run(in.data(), rows, out.data(), work.data());
    return out;
  }

 private:
  std::vector<float> memory_;
  absl::StatusOr<Network> network_;
};

TEST(Network, MultipliesAddsAndActivates) {
  const Loaded plain(Model({LayerText(2, 3, 0, {1, 2, 3, 4, 5, 6, 10, 20, 30})}));
  EXPECT_EQ(plain.Run({1, -1}), (std::vector<float>{9, 19, 29}));
  const Loaded relu(Model({LayerText(2, 3, 1, {1, 2, 3, 4, 5, 6, 0, 2, -1})}));
  EXPECT_EQ(relu.Run({1, -1}), (std::vector<float>{0, 1, 0}));
  const Loaded softmax(Model({LayerText(1, 2, 2, {0, 0, 1000, 1000})}));
  EXPECT_EQ(softmax.Run({7}), (std::vector<float>{0.5, 0.5})) << "large numbers do not overflow";
}

TEST(Network, OfSeveralLayersIsWhatSumsWrittenOutAre) {
  const uint32_t widths[] = {5, 9, 7, 3};
  std::vector<std::vector<float>> numbers;
  std::vector<std::string> layers;
  uint32_t noise = 1;
  const auto next = [&noise] {
    noise = noise * 1'664'525 + 1'013'904'223;
    return static_cast<float>(static_cast<int32_t>(noise)) / 2147483648.0f;
  };
  for (int i = 0; i < 3; ++i) {
    std::vector<float> of_layer(widths[i] * widths[i + 1] + widths[i + 1]);
    for (float& number : of_layer) number = next();
    layers.push_back(LayerText(widths[i], widths[i + 1], i < 2 ? 1 : 2, of_layer));
    numbers.push_back(of_layer);
  }
  std::vector<float> in(5 * 17);
  for (float& number : in) number = next();
  const std::vector<float> out = Loaded(Model(layers)).Run(in);
  for (size_t row = 0; row < 17; ++row) {
    std::vector<double> values(in.begin() + static_cast<ptrdiff_t>(row * 5),
                               in.begin() + static_cast<ptrdiff_t>(row * 5 + 5));
    for (size_t layer = 0; layer < 3; ++layer) {
      std::vector<double> after(widths[layer + 1]);
      for (size_t o = 0; o < after.size(); ++o) {
        after[o] = numbers[layer][widths[layer] * after.size() + o];
        for (size_t i = 0; i < values.size(); ++i) {
          after[o] += values[i] * numbers[layer][o * values.size() + i];
        }
        if (layer < 2) after[o] = std::max(after[o], 0.0);
      }
      values = after;
    }
    double sum = 0;
    for (const double value : values) sum += std::exp(value);
    for (size_t o = 0; o < 3; ++o) {
      EXPECT_NEAR(out[row * 3 + o], std::exp(values[o]) / sum, 1e-5) << row;
    }
  }
}

TEST(Network, AFileThatLiesIsRefused) {
  const std::string good = Model({LayerText(2, 1, 0, {1, 2, 3})});
  const std::pair<std::string, const char*> kBad[] = {
      {"", "WLDENSE1 is missing"},
      {"WLDENSE2", "WLDENSE1 is missing"},
      {"WLDENSE1", "1 to 64 layers"},
      {Model({}), "1 to 64 layers"},
      {absl::StrCat("WLDENSE1", Word(65)), "1 to 64 layers"},
      {absl::StrCat("WLDENSE1", Word(1), Word(2)), "ends early"},
      {good.substr(0, good.size() - 1), "ends early"},
      {absl::StrCat(good, "x"), "bytes after the last layer"},
      {Model({LayerText(0, 1, 0, {1})}), "1 to 65536 are allowed"},
      {Model({LayerText(1, 70'000, 0, {1})}), "1 to 65536 are allowed"},
      {Model({LayerText(60'000, 60'000, 0, {1})}), "ends early"},
      {Model({LayerText(1, 1, 3, {1, 1})}), "activation 3"},
      {Model({LayerText(1, 1, 0, {1, std::nanf("")})}), "layer 0: not all of it are numbers"},
      {Model({LayerText(1, 2, 0, {1, 1, 1, 1}), LayerText(3, 1, 0, {1, 1, 1, 1})}),
       "takes 3 where the one before gives 2"},
  };
  for (const auto& [file, says] : kBad) {
    const Loaded loaded(file);
    EXPECT_EQ((*loaded).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string((*loaded).status().message()), HasSubstr(says));
  }
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Those that its script made beside it, and that it was not trained with.
TEST(DigitsModel, ReadsNearlyAllDigitsThatItHasNotSeen) {
  const std::string folder = absl::StrCat(WINDLASS_SOURCE_DIR, "/tools/examples/infer/");
  const Loaded model(ReadWhole(folder + "digits.model"));
  ASSERT_TRUE((*model).ok()) << (*model).status();
  ASSERT_EQ((*model)->inputs(), 64u);
  ASSERT_EQ((*model)->outputs(), 10u);
  const std::string digits = ReadWhole(folder + "digits.test");
  ASSERT_EQ(digits.size(), 1000u * 65);
  int right = 0;
  for (size_t i = 0; i < 1000; ++i) {
    std::vector<float> pixels;
    for (size_t p = 0; p < 64; ++p) {
      pixels.push_back(static_cast<float>(static_cast<uint8_t>(digits[i * 65 + p])) / 255.0f);
    }
    const std::vector<float> out = model.Run(pixels);
    const auto best = std::max_element(out.begin(), out.end()) - out.begin();
    if (best == digits[i * 65 + 64]) ++right;
  }
  EXPECT_GE(right, 990);
  RecordProperty("right", right);
}

}  // namespace
}  // namespace windlass::infer
