#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_BLUR_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_BLUR_H_

#include "tools/examples/image/operation.h"

namespace windlass::image {

// As MakeRows. Each sample costs the same whatever the radius is: sums are carried along the rows,
// and those of columns down. Reads `radius` rows above and below the band, too.
bool BlurRows(uint32_t radius, const Shape& in, const uint8_t* pixels, uint32_t first, uint32_t end,
              uint8_t* out, Scratch scratch, Stop stop);

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_BLUR_H_
