#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_CODEC_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_CODEC_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/examples/image/picture.h"

namespace windlass::image {

// Files of pictures: PNG (ISO/IEC 15948, by libpng), JPEG (ITU-T T.81, by libjpeg-turbo), PPM and
// PGM (netpbm's P6 and P5). Pure. Blocking: never. Errors: InvalidArgument says what is broken,
// OutOfRange what is beyond a limit; a file is never believed before it is checked.

struct Limits {
  uint32_t max_side = 32'768;
  uint64_t max_pixels = 100'000'000;
};

// What a file says of itself, within the limits.
struct FileHeader {
  Format format = Format::kPng;
  Shape shape;           // as Decode gives it
  size_t pixels_at = 0;  // ppm and pgm: where the pixels begin
  uint32_t maxval = 0;   // the same: of each sample
  // The file has the pixels as Decode would give them: nothing to decode.
  bool is_plain() const { return maxval == 255; }
};
absl::StatusOr<FileHeader> ReadHeader(absl::string_view file, const Limits& limits);

// Into header.shape.bytes() bytes. Palettes become colours, 16 bits become 8, interlaced rows come
// in order.
absl::Status Decode(absl::string_view file, const FileHeader& header, uint8_t* pixels);

// How many channels a picture of so many has in a file of that format.
uint32_t ChannelsIn(Format format, uint32_t channels);
// "image/png"; static.
absl::string_view MediaType(Format format);
// Of ppm and pgm: all that comes before the pixels, which are the rest of the file. "" for others.
std::string PlainHeader(Format format, const Shape& shape);

struct EncodeOptions {
  int jpeg_quality = 85;    // 1 to 100
  int png_compression = 3;  // zlib's: 0 to 9
};
// REQUIRES: shape.channels == ChannelsIn(format, shape.channels).
absl::StatusOr<std::string> Encode(Format format, const Shape& shape, const uint8_t* pixels,
                                   const EncodeOptions& options);

// The formats' own; what they have in common is checked by the functions above.
absl::StatusOr<FileHeader> ReadPngHeader(absl::string_view file);
absl::Status DecodePng(absl::string_view file, const FileHeader& header, uint8_t* pixels);
absl::StatusOr<std::string> EncodePng(const Shape& shape, const uint8_t* pixels, int compression);
absl::StatusOr<FileHeader> ReadJpegHeader(absl::string_view file);
absl::Status DecodeJpeg(absl::string_view file, const FileHeader& header, uint8_t* pixels);
absl::StatusOr<std::string> EncodeJpeg(const Shape& shape, const uint8_t* pixels, int quality);
absl::StatusOr<FileHeader> ReadNetpbmHeader(absl::string_view file);
absl::Status DecodeNetpbm(absl::string_view file, const FileHeader& header, uint8_t* pixels);

// OutOfRange: beyond the limits; InvalidArgument: no pixels at all.
absl::Status CheckShape(uint64_t width, uint64_t height, const Limits& limits);

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_CODEC_H_
