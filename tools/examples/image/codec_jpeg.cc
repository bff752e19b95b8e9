#include <turbojpeg.h>

#include <memory>
#include <new>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/examples/image/codec.h"

namespace windlass::image {
namespace {

using Handle = std::unique_ptr<void, int (*)(tjhandle)>;

// Throws bad_alloc where the library says that: libjpeg's "Insufficient memory".
absl::Status Broken(tjhandle handle) {
  if (absl::StrContains(absl::AsciiStrToLower(tjGetErrorStr2(handle)), "memory"))
    throw std::bad_alloc();
  return absl::InvalidArgumentError(absl::StrCat("JPEG: ", tjGetErrorStr2(handle)));
}

const unsigned char* Bytes(absl::string_view file) {
  return reinterpret_cast<const unsigned char*>(file.data());
}

}  // namespace

absl::StatusOr<FileHeader> ReadJpegHeader(absl::string_view file) {
  const Handle handle(tjInitDecompress(), tjDestroy);
  if (handle == nullptr) return absl::ResourceExhaustedError("JPEG: no memory");
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle.get(), Bytes(file), file.size(), &width, &height, &subsampling,
                          &colours) != 0) {
    return Broken(handle.get());
  }
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    return absl::InvalidArgumentError("JPEG of four colours (CMYK)");
  }
  FileHeader header;
  header.format = Format::kJpeg;
  header.shape = {static_cast<uint32_t>(width), static_cast<uint32_t>(height),
                  colours == TJCS_GRAY ? 1u : 3u};
  return header;
}

absl::Status DecodeJpeg(absl::string_view file, const FileHeader& header, uint8_t* pixels) {
  const Handle handle(tjInitDecompress(), tjDestroy);
  if (handle == nullptr) return absl::ResourceExhaustedError("JPEG: no memory");
  // A file that ends early is refused, and so is one of more scans than any picture needs.
  constexpr int kFlags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  const int format = header.shape.channels == 1 ? TJPF_GRAY : TJPF_RGB;
  if (tjDecompress2(handle.get(), Bytes(file), file.size(), pixels,
                    static_cast<int>(header.shape.width), 0, static_cast<int>(header.shape.height),
                    format, kFlags) != 0) {
    return Broken(handle.get());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> EncodeJpeg(const Shape& shape, const uint8_t* pixels, int quality) {
  const Handle handle(tjInitCompress(), tjDestroy);
  if (handle == nullptr) return absl::ResourceExhaustedError("JPEG: no memory");
  const bool is_gray = shape.channels == 1;
  const int subsampling = is_gray ? TJSAMP_GRAY : TJSAMP_420;
  const int width = static_cast<int>(shape.width), height = static_cast<int>(shape.height);
  std::string file(tjBufSize(width, height, subsampling), '\0');
  auto* to = reinterpret_cast<unsigned char*>(file.data());
  unsigned long bytes = file.size();
  if (tjCompress2(handle.get(), pixels, width, 0, height, is_gray ? TJPF_GRAY : TJPF_RGB, &to,
                  &bytes, subsampling, quality, TJFLAG_NOREALLOC) != 0) {
    return absl::OutOfRangeError(absl::StrCat("JPEG: ", tjGetErrorStr2(handle.get())));
  }
  file.resize(bytes);
  return file;
}

}  // namespace windlass::image
