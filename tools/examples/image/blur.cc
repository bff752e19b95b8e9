#include "tools/examples/image/blur.h"

#include <algorithm>
#include <cstring>

namespace windlass::image {
namespace {

// A sum of up to 2 kMaxRadius + 1 samples.
using RowSum = uint16_t;
static_assert((2 * kMaxRadius + 1) * 255 <= UINT16_MAX);

// Pixels whose sums are carried at once: with those of all rows of a usual window they stay in a
// core's own cache.
constexpr uint32_t kStrip = 1024;

// For each sample of the pixels from `from` to before `to` of a row: the sum of those from `radius`
// pixels before it to as many after it.
template <uint32_t kChannels>
void SumAlong(const uint8_t* row, uint32_t width, uint32_t radius, uint32_t from, uint32_t to,
              RowSum* sums) {
  const uint32_t last = width - 1;
  const auto at = [&](uint32_t x) { return row + size_t{x} * kChannels; };
  uint32_t sum[kChannels] = {};
  for (uint32_t x = from; x <= from + 2 * radius; ++x) {  // counted from `radius` before the row
    const uint8_t* const pixel = at(std::clamp(x, radius, radius + last) - radius);
    for (uint32_t c = 0; c < kChannels; ++c) sum[c] += pixel[c];
  }
  const auto step = [&](const uint8_t* enters, const uint8_t* leaves) {
    for (uint32_t c = 0; c < kChannels; ++c) {
      *sums++ = static_cast<RowSum>(sum[c]);
      sum[c] += enters[c];
      sum[c] -= leaves[c];
    }
  };
  // In the middle nothing is beyond an edge.
  const uint32_t middle = std::clamp(radius, from, to);
  const uint32_t right = std::clamp(last > radius ? last - radius : 0, middle, to);
  uint32_t x = from;
  for (; x < middle; ++x) step(at(std::min(x + radius + 1, last)), at(0));
  for (; x < right; ++x) step(at(x + radius + 1), at(x - radius));
  for (; x < to; ++x) step(at(last), at(x > radius ? x - radius : 0));
}

void SumAlong(const uint8_t* row, const Shape& shape, uint32_t radius, uint32_t from, uint32_t to,
              RowSum* sums) {
  switch (shape.channels) {
    case 1:
      return SumAlong<1>(row, shape.width, radius, from, to, sums);
    case 2:
      return SumAlong<2>(row, shape.width, radius, from, to, sums);
    case 3:
      return SumAlong<3>(row, shape.width, radius, from, to, sums);
    default:
      return SumAlong<4>(row, shape.width, radius, from, to, sums);
  }
}

// The pixels from `left` to before `right` of each row.
bool BlurStrip(uint32_t radius, const Shape& in, const uint8_t* pixels, uint32_t first,
               uint32_t end, uint32_t left, uint32_t right, uint8_t* out, absl::Span<char> memory,
               Stop stop) {
  const size_t samples = size_t{right - left} * in.channels, row_bytes = in.row_bytes();
  const uint32_t window = 2 * std::min(radius, kMaxRadius) + 1;
  // The sums of the columns, and of the rows of the window, in a ring.
  auto* const sums = reinterpret_cast<uint32_t*>(memory.data());
  auto* const ring = reinterpret_cast<RowSum*>(sums + samples);
  const auto slot = [&](uint32_t at) { return ring + size_t{at} * samples; };
  // Row y of the picture, where y counts from `radius` above it.
  const auto sum_row = [&](uint32_t y, RowSum* into) {
    const uint32_t inside = std::clamp(y, radius, radius + in.height - 1) - radius;
    SumAlong(pixels + inside * row_bytes, in, radius, left, right, into);
  };
  std::memset(sums, 0, samples * sizeof(uint32_t));
  for (uint32_t i = 0; i < window; ++i) {
    sum_row(first + i, slot(i));
    const RowSum* const row = slot(i);
    for (size_t s = 0; s < samples; ++s) sums[s] += row[s];
  }
  // Division by a constant, exact: n < 2^25, area < 2^17.
  const uint64_t area = uint64_t{window} * window;
  const uint64_t reciprocal = ((uint64_t{1} << 44) + area - 1) / area;
  uint32_t oldest = 0;
  out += size_t{left} * in.channels;
  for (uint32_t y = first;; ++y, out += row_bytes) {
    for (size_t s = 0; s < samples; ++s) {
      out[s] = static_cast<uint8_t>((sums[s] + area / 2) * reciprocal >> 44);
    }
    if (y + 1 == end) return true;
    if (y % kRowsPerLook == 0 && stop()) return false;
    RowSum* const row = slot(oldest);
    for (size_t s = 0; s < samples; ++s) sums[s] -= row[s];
    sum_row(y + 1 + 2 * radius, row);
    for (size_t s = 0; s < samples; ++s) sums[s] += row[s];
    oldest = oldest + 1 == window ? 0 : oldest + 1;
  }
}

}  // namespace

bool BlurRows(uint32_t radius, const Shape& in, const uint8_t* pixels, uint32_t first, uint32_t end,
              uint8_t* out, Scratch scratch, Stop stop) {
  const size_t most = size_t{std::min(in.width, kStrip)} * in.channels;
  const absl::Span<char> memory =
      scratch(most * (sizeof(uint32_t) + (2 * radius + 1) * sizeof(RowSum)));
  for (uint32_t left = 0; left < in.width; left += kStrip) {
    const uint32_t right = std::min(left + kStrip, in.width);
    if (!BlurStrip(radius, in, pixels, first, end, left, right, out, memory, stop)) return false;
  }
  return true;
}

}  // namespace windlass::image
