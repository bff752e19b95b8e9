// libpng reports errors by longjmp: functions that call it own nothing that must be destroyed, but
// for what they are given.
#include <png.h>
#include <setjmp.h>

#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/examples/image/codec.h"

namespace windlass::image {
namespace {

constexpr png_alloc_size_t kMostOfAChunk = 1 << 20;

// One use of libpng. Its parts are freed by the destructor, also after a longjmp to Setjmp's place
// in the function that has it.
struct Reading {
  explicit Reading(absl::string_view of) : file(of) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, Fail, Ignore);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) return;
    png_set_read_fn(png, this, Read);
    // Text and profiles are of no use here.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_set_chunk_malloc_max(png, kMostOfAChunk);
    png_set_chunk_cache_max(png, 16);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // CheckShape has ours
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  }
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  static void Read(png_structp from, png_bytep into, size_t bytes) {
    auto* const self = static_cast<Reading*>(png_get_io_ptr(from));
    if (bytes > self->file.size() - self->at) png_error(from, "the file ends early");
    std::memcpy(into, self->file.data() + self->at, bytes);
    self->at += bytes;
  }
  [[noreturn]] static void Fail(png_structp from, png_const_charp what) {
    auto* const self = static_cast<Reading*>(png_get_error_ptr(from));
    std::strncpy(self->fault, what, sizeof(self->fault) - 1);
    longjmp(self->place, 1);
  }
  static void Ignore(png_structp, png_const_charp) {}

  // Up to the pixels, of which it says how they shall come.
  void ReadInfo() {
    png_read_info(png, info);
    if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
    png_set_expand(png);  // palettes, less than 8 bits, transparent colours
    passes = png_set_interlace_handling(png);
  }

  absl::string_view file;
  size_t at = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  int passes = 1;
  jmp_buf place;
  char fault[128] = {};
};

// Throws bad_alloc where the library says that.
absl::Status Broken(const Reading& reading) {
  if (absl::StrContains(absl::AsciiStrToLower(reading.fault), "memory")) throw std::bad_alloc();
  return absl::InvalidArgumentError(absl::StrCat("PNG: ", reading.fault));
}

// False: reading.fault says why.
bool ReadShape(Reading* reading, Shape* shape) {
  if (setjmp(reading->place) != 0) return false;
  reading->ReadInfo();
  shape->width = png_get_image_width(reading->png, reading->info);
  shape->height = png_get_image_height(reading->png, reading->info);
  // What png_read_update_info would say, which needs memory for a row.
  const int colour = png_get_color_type(reading->png, reading->info);
  const bool has_alpha = (colour & PNG_COLOR_MASK_ALPHA) != 0 ||
                         png_get_valid(reading->png, reading->info, PNG_INFO_tRNS) != 0;
  shape->channels = ((colour & PNG_COLOR_MASK_COLOR) != 0 ? 3u : 1u) + (has_alpha ? 1u : 0u);
  return true;
}

bool ReadPixels(Reading* reading, const Shape& shape, uint8_t* pixels) {
  if (setjmp(reading->place) != 0) return false;
  reading->ReadInfo();
  png_read_update_info(reading->png, reading->info);
  if (png_get_rowbytes(reading->png, reading->info) != shape.row_bytes()) {
    png_error(reading->png, "rows of another size than announced");
  }
  for (int pass = 0; pass < reading->passes; ++pass) {
    for (uint32_t y = 0; y < shape.height; ++y) {
      png_read_row(reading->png, pixels + y * shape.row_bytes(), nullptr);
    }
  }
  png_read_end(reading->png, nullptr);
  return true;
}

struct Writing {
  Writing() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, Fail, Ignore);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info != nullptr) png_set_write_fn(png, this, Write, Flush);
  }
  ~Writing() { png_destroy_write_struct(&png, &info); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  static void Write(png_structp to, png_bytep from, size_t bytes) {
    auto* const self = static_cast<Writing*>(png_get_io_ptr(to));
    try {
      self->file.append(reinterpret_cast<const char*>(from), bytes);
      return;
    } catch (const std::bad_alloc&) {
    }
    png_error(to, "no memory");
  }
  static void Flush(png_structp) {}
  [[noreturn]] static void Fail(png_structp to, png_const_charp) {
    longjmp(static_cast<Writing*>(png_get_error_ptr(to))->place, 1);
  }
  static void Ignore(png_structp, png_const_charp) {}

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string file;
  jmp_buf place;
};

bool WritePixels(Writing* writing, const Shape& shape, const uint8_t* pixels, int compression) {
  constexpr int kColours[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                              PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(writing->place) != 0) return false;
  png_set_user_limits(writing->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(writing->png, writing->info, shape.width, shape.height, 8, kColours[shape.channels],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_set_compression_level(writing->png, compression);
  png_write_info(writing->png, writing->info);
  for (uint32_t y = 0; y < shape.height; ++y) {
    png_write_row(writing->png, pixels + y * shape.row_bytes());
  }
  png_write_end(writing->png, nullptr);
  return true;
}

}  // namespace

absl::StatusOr<FileHeader> ReadPngHeader(absl::string_view file) {
  Reading reading(file);
  if (reading.info == nullptr) return absl::ResourceExhaustedError("PNG: no memory");
  FileHeader header;
  header.format = Format::kPng;
  if (!ReadShape(&reading, &header.shape)) return Broken(reading);
  return header;
}

absl::Status DecodePng(absl::string_view file, const FileHeader& header, uint8_t* pixels) {
  Reading reading(file);
  if (reading.info == nullptr) return absl::ResourceExhaustedError("PNG: no memory");
  return ReadPixels(&reading, header.shape, pixels) ? absl::OkStatus() : Broken(reading);
}

absl::StatusOr<std::string> EncodePng(const Shape& shape, const uint8_t* pixels, int compression) {
  Writing writing;
  if (writing.info == nullptr || !WritePixels(&writing, shape, pixels, compression)) {
    return absl::ResourceExhaustedError("PNG: no memory");
  }
  return std::move(writing.file);
}

}  // namespace windlass::image
