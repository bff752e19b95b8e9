#include "tools/examples/image/resize.h"

#include <algorithm>
#include <cstring>

namespace windlass::image {
namespace {

// Which pixels of a line of `from` make pixel `at` of one of `to`, and with what weights: those in
// [first, last], the outer ones with weights of their own, all between them with `inner`.
struct Cover {
  uint32_t first = 0, last = 0;
  uint32_t first_weight = 0, last_weight = 0;  // last_weight counts only where last > first
  uint32_t inner = 0;
};

class Axis {
 public:
  Axis(uint32_t from, uint32_t to) : from_(from), to_(to) {}
  // The sum of all weights, of any pixel.
  uint64_t total() const { return to_ < from_ ? from_ : 2 * uint64_t{to_}; }
  Cover At(uint32_t at) const { return to_ < from_ ? Covered(at) : Between(at); }

 private:
  // In units of 1 / to: a pixel that comes in is `to` long, one that comes out `from`.
  Cover Covered(uint32_t at) const {
    const uint64_t begin = uint64_t{at} * from_, end = begin + from_;
    Cover cover;
    cover.first = static_cast<uint32_t>(begin / to_);
    cover.last = static_cast<uint32_t>((end - 1) / to_);
    cover.inner = to_;
    cover.first_weight =
        static_cast<uint32_t>(std::min(end, (uint64_t{cover.first} + 1) * to_) - begin);
    cover.last_weight = static_cast<uint32_t>(end - uint64_t{cover.last} * to_);
    return cover;
  }
  // In units of 1 / (2 to), from the centre of the first pixel.
  Cover Between(uint32_t at) const {
    const int64_t unit = 2 * int64_t{to_};
    const int64_t position = (2 * int64_t{at} + 1) * from_ - to_;
    const int64_t most = (int64_t{from_} - 1) * unit;
    const int64_t inside = std::clamp<int64_t>(position, 0, most);
    Cover cover;
    cover.first = static_cast<uint32_t>(inside / unit);
    cover.last_weight = static_cast<uint32_t>(inside % unit);
    cover.first_weight = static_cast<uint32_t>(unit) - cover.last_weight;
    cover.last = cover.first + (cover.last_weight > 0 ? 1 : 0);
    return cover;
  }

  const uint32_t from_, to_;
};

// A row as it is after its width has changed, not yet divided.
void ShrinkRow(const uint8_t* row, uint32_t channels, const Cover* covers, uint32_t width,
               uint32_t* out) {
  for (uint32_t x = 0; x < width; ++x) {
    const Cover& cover = covers[x];
    for (uint32_t c = 0; c < channels; ++c) {
      const auto sample = [&](uint32_t at) -> uint32_t { return row[size_t{at} * channels + c]; };
      uint32_t sum = cover.first_weight * sample(cover.first);
      for (uint32_t at = cover.first + 1; at < cover.last; ++at) sum += cover.inner * sample(at);
      if (cover.last > cover.first) sum += cover.last_weight * sample(cover.last);
      *out++ = sum;
    }
  }
}

}  // namespace

bool ResizeRows(uint32_t width, uint32_t height, const Shape& in, const uint8_t* pixels,
                uint32_t first, uint32_t end, uint8_t* out, Scratch scratch, Stop stop) {
  const Axis across(in.width, width), down(in.height, height);
  const size_t samples = size_t{width} * in.channels;
  const auto aligned = [](size_t bytes) { return (bytes + 63) / 64 * 64; };
  const size_t covers_bytes = aligned(width * sizeof(Cover));
  const size_t row_bytes = aligned(samples * sizeof(uint32_t));
  const absl::Span<char> memory =
      scratch(covers_bytes + 2 * row_bytes + samples * sizeof(uint64_t));
  auto* const covers = reinterpret_cast<Cover*>(memory.data());
  uint32_t* rows[2];  // the two that were needed last: a row may be part of two that come out
  for (size_t i = 0; i < 2; ++i) {
    rows[i] = reinterpret_cast<uint32_t*>(memory.data() + covers_bytes + i * row_bytes);
  }
  auto* const sums = reinterpret_cast<uint64_t*>(memory.data() + covers_bytes + 2 * row_bytes);
  for (uint32_t x = 0; x < width; ++x) covers[x] = across.At(x);
  int64_t held[2] = {-1, -1};
  const auto add = [&](uint32_t y, uint64_t weight) {
    uint32_t* const row = rows[y % 2];
    if (held[y % 2] != y) {
      ShrinkRow(pixels + y * in.row_bytes(), in.channels, covers, width, row);
      held[y % 2] = y;
    }
    for (size_t s = 0; s < samples; ++s) sums[s] += weight * row[s];
  };
  const uint64_t total = across.total() * down.total();
  for (uint32_t y = first; y < end; ++y, out += samples) {
    if (y % kRowsPerLook == 0 && stop()) return false;
    std::memset(sums, 0, samples * sizeof(uint64_t));
    const Cover cover = down.At(y);
    add(cover.first, cover.first_weight);
    for (uint32_t at = cover.first + 1; at < cover.last; ++at) add(at, cover.inner);
    if (cover.last > cover.first) add(cover.last, cover.last_weight);
    for (size_t s = 0; s < samples; ++s) {
      out[s] = static_cast<uint8_t>((sums[s] + total / 2) / total);
    }
  }
  return true;
}

}  // namespace windlass::image
