// Files of pictures, whole and hostile.
#include "tools/examples/image/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "tests/tools/examples/image/made_picture.h"

namespace windlass::image {
namespace {

using testing::HasSubstr;

absl::StatusOr<Pixels> Decoded(absl::string_view file, FileHeader* header = nullptr,
                               const Limits& limits = {}) {
  const absl::StatusOr<FileHeader> read = ReadHeader(file, limits);
  if (!read.ok()) return read.status();
  if (header != nullptr) *header = *read;
  Pixels pixels(read->shape.bytes());
  const absl::Status decoded = Decode(file, *read, pixels.data());
  if (!decoded.ok()) return decoded;
  return pixels;
}

// As PNG has numbers.
std::string Word(uint32_t value) {
  return std::string({static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                      static_cast<char>(value >> 8), static_cast<char>(value)});
}

std::string File(Format format, const Shape& shape) {
  return *Encode(format, shape, MadePicture(shape).data(), {});
}

TEST(Codec, WhatIsEncodedIsDecodedAsItWas) {
  for (const Format format : {Format::kPng, Format::kPpm, Format::kPgm}) {
    for (const Shape& shape :
         std::vector<Shape>{{1, 1, 1}, {3, 1, 2}, {1, 7, 3}, {33, 21, 4}, {200, 101, 3}}) {
      if (ChannelsIn(format, shape.channels) != shape.channels) continue;
      FileHeader header;
      const absl::StatusOr<Pixels> pixels = Decoded(File(format, shape), &header);
      ASSERT_TRUE(pixels.ok()) << pixels.status();
      EXPECT_EQ(header.shape, shape);
      EXPECT_EQ(header.format, format);
      EXPECT_TRUE(*pixels == MadePicture(shape));
    }
  }
}

TEST(Codec, JpegIsNearWhatItWas) {
  for (const uint32_t channels : {1u, 3u}) {
    const Shape shape{64, 33, channels};
    const Pixels flat(shape.bytes(), 90);
    const std::string file = *Encode(Format::kJpeg, shape, flat.data(), {});
    FileHeader header;
    const absl::StatusOr<Pixels> pixels = Decoded(file, &header);
    ASSERT_TRUE(pixels.ok()) << pixels.status();
    EXPECT_EQ(header.shape, shape);
    for (const uint8_t sample : *pixels) EXPECT_NEAR(sample, 90, 2);
  }
}

TEST(Codec, SamplesOfNetpbmAreScaledToABytes) {
  EXPECT_EQ(*Decoded("P5 2 1 15\n\x0f\x07"), (Pixels{255, 119}));
  EXPECT_EQ(
      *Decoded(absl::string_view("P5\n# a comment\n2 1 # another\n65535\n\xff\xff\x80\x00", 40)),
      (Pixels{255, 128}));
}

// Chunks by hand, for what no encoder would write.
std::string Chunk(absl::string_view type, absl::string_view data) {
  const std::string body = absl::StrCat(type, data);
  const auto sum = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return absl::StrCat(Word(static_cast<uint32_t>(data.size())), body, Word(sum));
}
std::string Zipped(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string zipped(size, '\0');
  compress(reinterpret_cast<Bytef*>(zipped.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  zipped.resize(size);
  return zipped;
}
std::string Png(uint32_t width, uint32_t height, char depth, char colour, absl::string_view chunks,
                bool is_interlaced = false) {
  return absl::StrCat(
      "\x89PNG\r\n\x1a\n",
      Chunk("IHDR", absl::StrCat(Word(width), Word(height),
                                 std::string({depth, colour, 0, 0, is_interlaced ? '\1' : '\0'}))),
      chunks, Chunk("IEND", ""));
}

TEST(Codec, PngOfPalettesBitsAndSixteenBitsBecomesBytes) {
  FileHeader header;
  const std::string palette =
      Png(2, 1, 1, 3,
          absl::StrCat(Chunk("PLTE", "abcxyz"), Chunk("IDAT", Zipped(std::string("\0\x40", 2)))));
  EXPECT_EQ(*Decoded(palette, &header), (Pixels{'a', 'b', 'c', 'x', 'y', 'z'}));
  const std::string with_alpha = Png(2, 1, 1, 3,
                                     absl::StrCat(Chunk("PLTE", "abcxyz"), Chunk("tRNS", "\x80"),
                                                  Chunk("IDAT", Zipped(std::string("\0\x40", 2)))));
  EXPECT_EQ(*Decoded(with_alpha, &header), (Pixels{'a', 'b', 'c', 128, 'x', 'y', 'z', 255}));
  EXPECT_EQ(header.shape.channels, 4u);
  const std::string bits = Png(3, 1, 2, 0, Chunk("IDAT", Zipped(std::string("\0\x1b", 2))));
  EXPECT_EQ(*Decoded(bits), (Pixels{0, 85, 170}));
  const std::string sixteen = Png(1, 1, 16, 0, Chunk("IDAT", Zipped(std::string("\0\xab\xcd", 3))));
  EXPECT_EQ(*Decoded(sixteen), (Pixels{0xab}));
}

struct Hostile {
  const char* name;
  std::string file;
  absl::StatusCode code;
  const char* says;
};

std::vector<Hostile> HostileFiles() {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto too_large = absl::StatusCode::kOutOfRange;
  const Shape shape{40, 30, 3};
  const std::string png = File(Format::kPng, shape), jpeg = File(Format::kJpeg, shape),
                    ppm = File(Format::kPpm, shape);
  std::string bad_crc = png;
  bad_crc[bad_crc.size() / 2] ^= 1;
  std::string tall_jpeg = jpeg;  // the height and width in the frame header
  const size_t frame = tall_jpeg.find("\xff\xc0");
  for (const size_t i : {5, 7}) tall_jpeg[frame + i] = '\xf0';
  std::vector<Hostile> files = {
      {"nothing", "", invalid, "neither PNG nor JPEG"},
      {"one byte", "P", invalid, "neither PNG"},
      {"a text", "hello, world", invalid, "neither PNG"},
      {"GIF", "GIF89a...", invalid, "neither PNG"},
      {"PNG's magic alone", "\x89PNG\r\n\x1a\n", invalid, "PNG: the file ends early"},
      {"PNG without its magic's end", "\x89PNG\r\n\x1a", invalid, "neither PNG"},
      {"a bomb's header", Png(60'000, 60'000, 8, 2, Chunk("IDAT", Zipped("x"))), too_large,
       "60000 x 60000 pixels: at most 32768"},
      {"a bomb within the sides", Png(30'000, 30'000, 8, 2, Chunk("IDAT", Zipped("x"))), too_large,
       "900000000 pixels: at most 100000000"},
      {"PNG of no width", Png(0, 10, 8, 2, Chunk("IDAT", Zipped("x"))), invalid, "PNG: "},
      {"PNG of unknown colours", Png(4, 4, 8, 5, Chunk("IDAT", Zipped("x"))), invalid, "PNG: "},
      {"PNG of too little data", Png(20, 20, 8, 2, Chunk("IDAT", Zipped("x"))), invalid, "PNG: "},
      {"PNG of no data", Png(20, 20, 8, 2, ""), invalid, "PNG: "},
      {"PNG of data that is none", Png(20, 20, 8, 2, Chunk("IDAT", "no zlib")), invalid, "PNG: "},
      {"PNG without a palette", Png(4, 4, 8, 3, Chunk("IDAT", Zipped("x"))), invalid, "PNG: "},
      {"PNG with a wrong checksum", bad_crc, invalid, "PNG: "},
      {"half of a PNG", png.substr(0, png.size() / 2), invalid, "PNG: the file ends early"},
      {"PNG without its end", png.substr(0, png.size() - 12), invalid, "PNG: the file ends early"},
      {"JPEG's magic alone", "\xff\xd8\xff", invalid, "a picture without pixels"},
      {"half of a JPEG", jpeg.substr(0, jpeg.size() / 2), invalid, "JPEG: "},
      {"JPEG without its end", jpeg.substr(0, jpeg.size() - 2), invalid, "JPEG: "},
      {"JPEG that lies about its size", tall_jpeg, too_large, "pixels: at most 32768"},
      {"PPM that ends early", ppm.substr(0, ppm.size() - 1), invalid,
       "truncated: 3599 bytes of pixels where 3600 are announced"},
      {"PPM that announces too much", "P6 30000 30000 255\nabc", too_large, "at most 100000000"},
      {"PPM of overflowing sides", "P6 99999999999999999999 2 255\nabc", invalid,
       "must be positive"},
      {"PPM of a negative side", "P6 -4 2 255\nabc", invalid, "must be positive"},
      {"PPM without a size", "P6", invalid, "must be positive"},
      {"PPM of no samples", "P6 2 2 0\nabc", invalid, "greatest sample"},
      {"PPM of samples too large", "P6 2 2 65536\nabc", invalid, "greatest sample"},
      {"PPM in words", "P3 1 1 255 1 2 3", invalid, "only P5 and P6"},
      {"PGM of a sample beyond the greatest", "P5 1 1 15\n\x10", invalid, "beyond the greatest"},
      {"PGM of two bytes that ends early", "P5 1 1 256\n\x01", invalid, "truncated"},
      {"PPM of comments for ever", absl::StrCat("P6", std::string(100'000, '#')), invalid,
       "must be positive"},
  };
  return files;
}

TEST(Codec, HostileFilesAreRefusedWithAReason) {
  for (const Hostile& hostile : HostileFiles()) {
    // In memory of its own size: a sanitizer sees who reads beyond it.
    const std::vector<char> exact(hostile.file.begin(), hostile.file.end());
    const absl::Status status = Decoded({exact.data(), exact.size()}).status();
    EXPECT_EQ(status.code(), hostile.code) << hostile.name << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(hostile.says)) << hostile.name;
  }
}

// Cut and bent at every byte: an error or a picture, never more.
TEST(Codec, AnyByteMayBeMissingOrWrong) {
  const Shape shape{12, 9, 3};
  for (const Format format : {Format::kPng, Format::kJpeg, Format::kPpm}) {
    const std::string file = File(format, shape);
    Limits small;
    small.max_side = 4000;
    small.max_pixels = 4'000'000;
    for (size_t i = 0; i < file.size(); ++i) {
      const std::vector<char> cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(Decoded({cut.data(), cut.size()}, nullptr, small).ok()) << i;
      for (const char bit : {'\x01', '\x80', '\xff'}) {
        std::vector<char> bent(file.begin(), file.end());
        bent[i] = static_cast<char>(bent[i] ^ bit);
        (void)Decoded({bent.data(), bent.size()}, nullptr, small);
      }
    }
  }
}

TEST(Codec, InterlacedPngComesInOrder) {
  // Adam7 of a 3 x 3 picture: passes 1, 4, 5, 6 and 7 have pixels.
  std::string data;
  const auto row = [&data](absl::string_view pixels) {
    absl::StrAppend(&data, std::string(1, 0), pixels);
  };
  row("a");    // 1: (0,0)
  row("c");    // 4: (2,0)
  row("gi");   // 5: (0,2) (2,2)
  row("b");    // 6: (1,0)
  row("h");    // 6: (1,2)
  row("def");  // 7: the row between
  const absl::StatusOr<Pixels> pixels =
      Decoded(Png(3, 3, 8, 0, Chunk("IDAT", Zipped(data)), /*is_interlaced=*/true));
  ASSERT_TRUE(pixels.ok()) << pixels.status();
  EXPECT_EQ(*pixels, (Pixels{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'}));
}

}  // namespace
}  // namespace windlass::image
