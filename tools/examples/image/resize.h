#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_RESIZE_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_RESIZE_H_

#include "tools/examples/image/operation.h"

namespace windlass::image {

// As MakeRows, to width x height. In a direction that becomes smaller a pixel is the mean of what
// it covers; in one that becomes larger it lies between the centres of two, and is of each by how
// near it is.
bool ResizeRows(uint32_t width, uint32_t height, const Shape& in, const uint8_t* pixels,
                uint32_t first, uint32_t end, uint8_t* out, Scratch scratch, Stop stop);

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_RESIZE_H_
