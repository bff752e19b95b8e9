#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_PICTURE_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_PICTURE_H_

#include <cstddef>
#include <cstdint>

namespace windlass::image {

// The shape of pixels in memory: rows from the top, in each row the pixels from the left, each of
// `channels` bytes: 1 gray, 2 gray and alpha, 3 red, green and blue, 4 those and alpha. Rows follow
// one another without gaps.
struct Shape {
  uint32_t width = 0, height = 0;
  uint32_t channels = 0;

  size_t row_bytes() const { return size_t{width} * channels; }
  uint64_t bytes() const { return uint64_t{height} * row_bytes(); }
  uint64_t pixels() const { return uint64_t{width} * height; }
  bool has_alpha() const { return channels == 2 || channels == 4; }
  bool operator==(const Shape&) const = default;
};

enum class Format : uint8_t { kPng, kJpeg, kPpm, kPgm };

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_PICTURE_H_
