#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_OPERATION_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_OPERATION_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/examples/image/picture.h"

namespace windlass::image {

// What is done to a picture. All of it in whole numbers, row by row, so that a band of rows is the
// same whether it is made alone or with all others.
enum class OperationKind : uint8_t {
  kNone,       // only the format changes
  kGrayscale,  // luma by ITU-R BT.601: (299 R + 587 G + 114 B) / 1000; alpha stays
  kInvert,     // 255 - each sample; alpha stays
  kBlur,       // the mean of the square of 2 radius + 1 pixels around; beyond the edge, the edge
  kResize,     // means of what each pixel covers when smaller, linear between pixels when larger
  kRotate,     // by 90, 180 or 270 degrees, clockwise
  kFlip,       // left and right, or top and bottom
};

struct Operation {
  OperationKind kind = OperationKind::kNone;
  uint32_t radius = 0;             // blur: up to kMaxRadius
  uint32_t width = 0, height = 0;  // resize: of what comes out
  uint32_t degrees = 0;
  bool upside_down = false;  // flip: top and bottom
};
constexpr uint32_t kMaxRadius = 128;

// Of what comes out, of a picture of shape `in`.
Shape ShapeAfter(const Operation& operation, const Shape& in);

// Memory for work, of so many bytes, aligned to 64; valid until the next call.
using Scratch = absl::FunctionRef<absl::Span<char>(size_t)>;
// Whether nobody wants the rows any more; asked now and then.
using Stop = absl::FunctionRef<bool()>;
constexpr uint32_t kRowsPerLook = 32;

// Makes the rows from `first` to before `end` of what comes out, into `out`, which begins with row
// `first`. `pixels`: the whole picture that comes in. False: it has been stopped. REQUIRES: end <=
// the height after.
bool MakeRows(const Operation& operation, const Shape& in, const uint8_t* pixels, uint32_t first,
              uint32_t end, uint8_t* out, Scratch scratch, Stop stop);

// `count` pixels of `from` channels as those of `to` channels: colours become gray as above, gray
// becomes three colours, alpha goes where `to` has none, on white.
void ConvertPixels(const uint8_t* pixels, size_t count, uint32_t from, uint32_t to, uint8_t* out);

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_OPERATION_H_
