// netpbm's binary formats: https://netpbm.sourceforge.net/doc/ppm.html, pgm.html.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/examples/image/codec.h"

namespace windlass::image {
namespace {

// A decimal number after white space and comments. 0: there is none, or it is too large.
uint32_t TakeNumber(absl::string_view file, size_t* at) {
  while (*at < file.size()) {
    if (file[*at] == '#') {
      while (*at < file.size() && file[*at] != '\n') ++*at;
    } else if (absl::ascii_isspace(static_cast<unsigned char>(file[*at]))) {
      ++*at;
    } else {
      break;
    }
  }
  uint64_t number = 0;
  while (*at < file.size() && absl::ascii_isdigit(static_cast<unsigned char>(file[*at]))) {
    number = number * 10 + static_cast<uint64_t>(file[*at] - '0');
    if (number > UINT32_MAX) return 0;
    ++*at;
  }
  return static_cast<uint32_t>(number);
}

}  // namespace

absl::StatusOr<FileHeader> ReadNetpbmHeader(absl::string_view file) {
  if (file[1] != '5' && file[1] != '6') {
    return absl::InvalidArgumentError(
        absl::StrCat("netpbm's P", file.substr(1, 1), ": only P5 and P6 are known"));
  }
  FileHeader header;
  header.format = file[1] == '6' ? Format::kPpm : Format::kPgm;
  header.shape.channels = file[1] == '6' ? 3 : 1;
  size_t at = 2;
  header.shape.width = TakeNumber(file, &at);
  header.shape.height = TakeNumber(file, &at);
  header.maxval = TakeNumber(file, &at);
  if (header.shape.width == 0 || header.shape.height == 0) {
    return absl::InvalidArgumentError("width and height must be positive numbers");
  }
  if (header.maxval == 0 || header.maxval > 65'535) {
    return absl::InvalidArgumentError("the greatest sample must be from 1 to 65535");
  }
  if (at >= file.size() || !absl::ascii_isspace(static_cast<unsigned char>(file[at]))) {
    return absl::InvalidArgumentError("one white space must follow the greatest sample");
  }
  header.pixels_at = at + 1;
  return header;
}

absl::Status DecodeNetpbm(absl::string_view file, const FileHeader& header, uint8_t* pixels) {
  const size_t samples = header.shape.bytes(), sample_bytes = header.maxval > 255 ? 2 : 1;
  if (file.size() - header.pixels_at < samples * sample_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("truncated: ", file.size() - header.pixels_at,
                                                   " bytes of pixels where ",
                                                   samples * sample_bytes, " are announced"));
  }
  const auto* from = reinterpret_cast<const uint8_t*>(file.data()) + header.pixels_at;
  const uint32_t maxval = header.maxval;
  for (size_t i = 0; i < samples; ++i) {
    const uint32_t sample = sample_bytes == 2 ? from[2 * i] << 8 | from[2 * i + 1] : from[i];
    if (sample > maxval) return absl::InvalidArgumentError("a sample beyond the greatest");
    pixels[i] = static_cast<uint8_t>((sample * 255 + maxval / 2) / maxval);
  }
  return absl::OkStatus();
}

}  // namespace windlass::image
