#include "tools/examples/image/codec.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass::image {

absl::Status CheckShape(uint64_t width, uint64_t height, const Limits& limits) {
  if (width == 0 || height == 0) return absl::InvalidArgumentError("a picture without pixels");
  if (width > limits.max_side || height > limits.max_side) {
    return absl::OutOfRangeError(absl::StrCat(width, " x ", height, " pixels: at most ",
                                              limits.max_side, " in each direction"));
  }
  if (width * height > limits.max_pixels) {
    return absl::OutOfRangeError(absl::StrCat(width, " x ", height, " = ", width * height,
                                              " pixels: at most ", limits.max_pixels));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileHeader> ReadHeader(absl::string_view file, const Limits& limits) {
  absl::StatusOr<FileHeader> header;
  if (absl::StartsWith(file, "\x89PNG\r\n\x1a\n")) {
    header = ReadPngHeader(file);
  } else if (absl::StartsWith(file, "\xff\xd8\xff")) {
    header = ReadJpegHeader(file);
  } else if (file.size() >= 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '7') {
    header = ReadNetpbmHeader(file);
  } else {
    return absl::InvalidArgumentError("neither PNG nor JPEG nor PPM nor PGM");
  }
  if (!header.ok()) return header;
  const absl::Status checked = CheckShape(header->shape.width, header->shape.height, limits);
  if (!checked.ok()) return checked;
  // After the limits: a size that is too large is told as that.
  if (header->is_plain() && file.size() - header->pixels_at < header->shape.bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("truncated: ", file.size() - header->pixels_at,
                                                   " bytes of pixels where ", header->shape.bytes(),
                                                   " are announced"));
  }
  return header;
}

absl::Status Decode(absl::string_view file, const FileHeader& header, uint8_t* pixels) {
  switch (header.format) {
    case Format::kPng:
      return DecodePng(file, header, pixels);
    case Format::kJpeg:
      return DecodeJpeg(file, header, pixels);
    case Format::kPpm:
    case Format::kPgm:
      break;
  }
  return DecodeNetpbm(file, header, pixels);
}

uint32_t ChannelsIn(Format format, uint32_t channels) {
  switch (format) {
    case Format::kPng:
      return channels;
    case Format::kJpeg:
      return channels <= 2 ? 1 : 3;
    case Format::kPpm:
      return 3;
    case Format::kPgm:
      break;
  }
  return 1;
}

absl::string_view MediaType(Format format) {
  switch (format) {
    case Format::kPng:
      return "image/png";
    case Format::kJpeg:
      return "image/jpeg";
    case Format::kPpm:
      return "image/x-portable-pixmap";
    case Format::kPgm:
      break;
  }
  return "image/x-portable-graymap";
}

std::string PlainHeader(Format format, const Shape& shape) {
  if (format != Format::kPpm && format != Format::kPgm) return "";
  return absl::StrCat(format == Format::kPpm ? "P6\n" : "P5\n", shape.width, " ", shape.height,
                      "\n255\n");
}

absl::StatusOr<std::string> Encode(Format format, const Shape& shape, const uint8_t* pixels,
                                   const EncodeOptions& options) {
  switch (format) {
    case Format::kPng:
      return EncodePng(shape, pixels, options.png_compression);
    case Format::kJpeg:
      return EncodeJpeg(shape, pixels, options.jpeg_quality);
    case Format::kPpm:
    case Format::kPgm:
      break;
  }
  std::string file = PlainHeader(format, shape);
  file.append(reinterpret_cast<const char*>(pixels), shape.bytes());
  return file;
}

}  // namespace windlass::image
