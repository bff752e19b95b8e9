#include "tools/examples/image/operation.h"

#include <algorithm>
#include <cstring>

#include "tools/examples/image/blur.h"
#include "tools/examples/image/resize.h"

namespace windlass::image {
namespace {

uint8_t Luma(const uint8_t* pixel) {
  return static_cast<uint8_t>((299u * pixel[0] + 587u * pixel[1] + 114u * pixel[2] + 500u) / 1000u);
}

uint8_t OnWhite(uint8_t sample, uint8_t alpha) {
  return static_cast<uint8_t>((sample * alpha + 255u * (255u - alpha) + 127u) / 255u);
}

void Grayscale(const uint8_t* row, size_t count, uint32_t channels, uint8_t* out) {
  if (channels <= 2) {
    std::memcpy(out, row, count * channels);
    return;
  }
  const uint32_t after = channels - 2;
  for (size_t i = 0; i < count; ++i, row += channels, out += after) {
    out[0] = Luma(row);
    if (after == 2) out[1] = row[3];
  }
}

void Invert(const uint8_t* row, size_t count, uint32_t channels, uint8_t* out) {
  const uint32_t colours = channels == 2 || channels == 4 ? channels - 1 : channels;
  if (colours == channels) {
    for (size_t i = 0; i < count * channels; ++i) out[i] = static_cast<uint8_t>(255 - row[i]);
    return;
  }
  for (size_t i = 0; i < count; ++i, row += channels, out += channels) {
    for (uint32_t c = 0; c < colours; ++c) out[c] = static_cast<uint8_t>(255 - row[c]);
    out[colours] = row[colours];
  }
}

void MirrorRow(const uint8_t* row, size_t count, uint32_t channels, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(out + i * channels, row + (count - 1 - i) * channels, channels);
  }
}

// Rows `first` to `end` of a picture that is turned by 90 or 270 degrees: columns of `in`. Read
// along the rows of `in`, which are long.
bool Turn(const Shape& in, const uint8_t* pixels, bool clockwise, uint32_t first, uint32_t end,
          uint8_t* out, Stop stop) {
  const size_t out_row = size_t{in.height} * in.channels;
  for (uint32_t y = 0; y < in.height; ++y) {
    if (y % kRowsPerLook == 0 && stop()) return false;
    const uint32_t x_out = clockwise ? in.height - 1 - y : y;
    for (uint32_t row = first; row < end; ++row) {
      const uint32_t x = clockwise ? row : in.width - 1 - row;
      std::memcpy(out + (row - first) * out_row + size_t{x_out} * in.channels,
                  pixels + y * in.row_bytes() + size_t{x} * in.channels, in.channels);
    }
  }
  return true;
}

}  // namespace

Shape ShapeAfter(const Operation& operation, const Shape& in) {
  Shape out = in;
  switch (operation.kind) {
    case OperationKind::kGrayscale:
      if (in.channels >= 3) out.channels = in.channels - 2;
      break;
    case OperationKind::kResize:
      out.width = operation.width;
      out.height = operation.height;
      break;
    case OperationKind::kRotate:
      if (operation.degrees != 180) std::swap(out.width, out.height);
      break;
    case OperationKind::kNone:
    case OperationKind::kInvert:
    case OperationKind::kBlur:
    case OperationKind::kFlip:
      break;
  }
  return out;
}

bool MakeRows(const Operation& operation, const Shape& in, const uint8_t* pixels, uint32_t first,
              uint32_t end, uint8_t* out, Scratch scratch, Stop stop) {
  const size_t in_row = in.row_bytes(), out_row = ShapeAfter(operation, in).row_bytes();
  if (operation.kind == OperationKind::kBlur) {
    return BlurRows(operation.radius, in, pixels, first, end, out, scratch, stop);
  }
  if (operation.kind == OperationKind::kResize) {
    return ResizeRows(operation.width, operation.height, in, pixels, first, end, out, scratch,
                      stop);
  }
  if (operation.kind == OperationKind::kRotate && operation.degrees != 180) {
    return Turn(in, pixels, operation.degrees == 90, first, end, out, stop);
  }
  for (uint32_t y = first; y < end; ++y, out += out_row) {
    if (y % kRowsPerLook == 0 && stop()) return false;
    const uint8_t* const row = pixels + y * in_row;
    const uint8_t* const mirrored = pixels + (in.height - 1 - y) * in_row;
    switch (operation.kind) {
      case OperationKind::kGrayscale:
        Grayscale(row, in.width, in.channels, out);
        break;
      case OperationKind::kInvert:
        Invert(row, in.width, in.channels, out);
        break;
      case OperationKind::kRotate:
        MirrorRow(mirrored, in.width, in.channels, out);
        break;
      case OperationKind::kFlip:
        if (operation.upside_down) {
          std::memcpy(out, mirrored, out_row);
        } else {
          MirrorRow(row, in.width, in.channels, out);
        }
        break;
      case OperationKind::kNone:
      case OperationKind::kBlur:
      case OperationKind::kResize:
        std::memcpy(out, row, out_row);
        break;
    }
  }
  return true;
}

void ConvertPixels(const uint8_t* pixels, size_t count, uint32_t from, uint32_t to, uint8_t* out) {
  const bool had_alpha = from == 2 || from == 4, has_alpha = to == 2 || to == 4;
  for (size_t i = 0; i < count; ++i, pixels += from, out += to) {
    uint8_t pixel[3] = {pixels[0], pixels[0], pixels[0]};
    if (from >= 3) std::memcpy(pixel, pixels, 3);
    const uint8_t alpha = had_alpha ? pixels[from - 1] : 255;
    if (!has_alpha) {
      for (uint8_t& sample : pixel) sample = OnWhite(sample, alpha);
    }
    if (to >= 3) {
      std::memcpy(out, pixel, 3);
    } else {
      out[0] = from >= 3 ? Luma(pixel) : pixel[0];
    }
    if (has_alpha) out[to - 1] = alpha;
  }
}

}  // namespace windlass::image
