#ifndef WINDLASS_TESTS_TOOLS_EXAMPLES_IMAGE_MADE_PICTURE_H_
#define WINDLASS_TESTS_TOOLS_EXAMPLES_IMAGE_MADE_PICTURE_H_

#include <cstdint>
#include <vector>

#include "tools/examples/image/picture.h"

namespace windlass::image {

using Pixels = std::vector<uint8_t>;

// Gradients with noise in them, the same in every run.
inline Pixels MadePicture(const Shape& shape) {
  Pixels pixels(shape.bytes());
  uint32_t noise = shape.width * 31 + shape.height * 17 + shape.channels;
  for (size_t i = 0; i < pixels.size(); ++i) {
    noise = noise * 1'664'525 + 1'013'904'223;
    pixels[i] = static_cast<uint8_t>(i * 3 / shape.channels + (noise >> 26));
  }
  return pixels;
}

}  // namespace windlass::image

#endif  // WINDLASS_TESTS_TOOLS_EXAMPLES_IMAGE_MADE_PICTURE_H_
