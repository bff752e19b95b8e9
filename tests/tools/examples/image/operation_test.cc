// Every operation against what its definition says, pixel by pixel, whole and in bands.
#include "tools/examples/image/operation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/tools/examples/image/made_picture.h"

namespace windlass::image {
namespace {

// --- What it must be: slow, and written from the definitions alone ---

struct Reference {
  const Shape shape;
  const Pixels& pixels;
  // Beyond an edge: the edge.
  int64_t At(int64_t x, int64_t y, uint32_t c) const {
    x = std::clamp<int64_t>(x, 0, int64_t{shape.width} - 1);
    y = std::clamp<int64_t>(y, 0, int64_t{shape.height} - 1);
    return pixels[(static_cast<size_t>(y) * shape.width + static_cast<size_t>(x)) * shape.channels +
                  c];
  }
  uint8_t Blurred(int64_t x, int64_t y, uint32_t c, int64_t radius) const {
    int64_t sum = 0;
    for (int64_t dy = -radius; dy <= radius; ++dy) {
      for (int64_t dx = -radius; dx <= radius; ++dx) sum += At(x + dx, y + dy, c);
    }
    const int64_t area = (2 * radius + 1) * (2 * radius + 1);
    return static_cast<uint8_t>((sum + area / 2) / area);
  }
  // How much of source pixel `s` there is in pixel `at` of `to`, where there were `from`.
  static int64_t Weight(int64_t s, int64_t at, int64_t from, int64_t to) {
    if (to < from) {  // what it covers
      const int64_t begin = std::max(s * to, at * from);
      const int64_t end = std::min((s + 1) * to, (at + 1) * from);
      return std::max<int64_t>(0, end - begin);
    }
    // By how near the centres are, in units of 1 / 2 to.
    const int64_t centre =
        std::clamp<int64_t>((2 * at + 1) * from, to, (2 * from - 1) * to);  // not beyond the outer
    return std::max<int64_t>(0, 2 * to - std::abs(centre - (2 * s + 1) * to));
  }
  uint8_t Resized(int64_t x, int64_t y, uint32_t c, int64_t width, int64_t height) const {
    int64_t sum = 0, total = 0;
    for (int64_t sy = 0; sy < shape.height; ++sy) {
      const int64_t wy = Weight(sy, y, shape.height, height);
      for (int64_t sx = 0; wy > 0 && sx < shape.width; ++sx) {
        const int64_t weight = wy * Weight(sx, x, shape.width, width);
        sum += weight * At(sx, sy, c);
        total += weight;
      }
    }
    return static_cast<uint8_t>((sum + total / 2) / total);
  }
  // Sample c of pixel x, y of what comes out.
  uint8_t After(const Operation& op, int64_t x, int64_t y, uint32_t c) const {
    const int64_t right = int64_t{shape.width} - 1, bottom = int64_t{shape.height} - 1;
    const bool is_alpha = shape.has_alpha() && c == ShapeAfter(op, shape).channels - 1;
    switch (op.kind) {
      case OperationKind::kNone:
        break;
      case OperationKind::kGrayscale:
        if (shape.channels <= 2) break;
        if (is_alpha) return static_cast<uint8_t>(At(x, y, 3));
        return static_cast<uint8_t>(
            (299 * At(x, y, 0) + 587 * At(x, y, 1) + 114 * At(x, y, 2) + 500) / 1000);
      case OperationKind::kInvert:
        return static_cast<uint8_t>(is_alpha ? At(x, y, c) : 255 - At(x, y, c));
      case OperationKind::kBlur:
        return Blurred(x, y, c, op.radius);
      case OperationKind::kResize:
        return Resized(x, y, c, op.width, op.height);
      case OperationKind::kRotate:
        if (op.degrees == 90) return static_cast<uint8_t>(At(y, bottom - x, c));
        if (op.degrees == 180) return static_cast<uint8_t>(At(right - x, bottom - y, c));
        return static_cast<uint8_t>(At(right - y, x, c));
      case OperationKind::kFlip:
        return static_cast<uint8_t>(op.upside_down ? At(x, bottom - y, c) : At(right - x, y, c));
    }
    return static_cast<uint8_t>(At(x, y, c));
  }
};

// --- What it is ---

Pixels Made(const Operation& operation, const Shape& in, const Pixels& pixels, uint32_t bands) {
  const Shape out = ShapeAfter(operation, in);
  Pixels made(out.bytes(), 0xAA);
  std::vector<char> memory;
  const auto scratch = [&memory](size_t bytes) {
    memory.assign(bytes + 64, 'x');
    const size_t off = 64 - reinterpret_cast<uintptr_t>(memory.data()) % 64;
    return absl::MakeSpan(memory.data() + off, bytes);
  };
  for (uint32_t i = 0; i < bands; ++i) {
    const uint32_t first = out.height * i / bands, end = out.height * (i + 1) / bands;
    if (first == end) continue;
    MakeRows(operation, in, pixels.data(), first, end, made.data() + first * out.row_bytes(),
             scratch, [] { return false; });
  }
  return made;
}

std::string Name(const Operation& op, const Shape& in) {
  return absl::StrCat("operation ", static_cast<int>(op.kind), " radius ", op.radius, " to ",
                      op.width, "x", op.height, " degrees ", op.degrees, " of ", in.width, "x",
                      in.height, "x", in.channels);
}

void Expect(const Operation& operation, const Shape& in) {
  const Pixels pixels = MadePicture(in);
  const Reference reference{in, pixels};
  const Shape out = ShapeAfter(operation, in);
  const Pixels whole = Made(operation, in, pixels, 1);
  size_t wrong = 0;
  for (uint32_t y = 0; y < out.height; ++y) {
    for (uint32_t x = 0; x < out.width; ++x) {
      for (uint32_t c = 0; c < out.channels; ++c) {
        const uint8_t is = whole[(size_t{y} * out.width + x) * out.channels + c];
        if (is != reference.After(operation, x, y, c)) ++wrong;
      }
    }
  }
  EXPECT_EQ(wrong, 0u) << Name(operation, in);
  for (const uint32_t bands : {2u, 3u, 7u, out.height}) {
    EXPECT_TRUE(Made(operation, in, pixels, bands) == whole)
        << Name(operation, in) << " in " << bands << " bands";
  }
}

const Shape kShapes[] = {{1, 1, 1},  {1, 1, 4},  {2, 1, 3},   {1, 9, 2},   {3, 3, 3},
                         {17, 5, 1}, {5, 17, 4}, {31, 29, 3}, {64, 48, 2}, {101, 67, 3}};

void ExpectOfAllShapes(const Operation& operation) {
  for (const Shape& shape : kShapes) Expect(operation, shape);
}

TEST(Operation, None) { ExpectOfAllShapes({}); }
TEST(Operation, Grayscale) { ExpectOfAllShapes({.kind = OperationKind::kGrayscale}); }
TEST(Operation, Invert) { ExpectOfAllShapes({.kind = OperationKind::kInvert}); }
TEST(Operation, Blur) {
  for (const uint32_t radius : {1u, 2u, 5u, 10u, 40u}) {
    ExpectOfAllShapes({.kind = OperationKind::kBlur, .radius = radius});
  }
}
TEST(Operation, BlurOfAPictureThatIsWiderThanWhatIsSummedAtOnce) {
  for (const uint32_t width : {1023u, 1024u, 1025u, 2049u}) {
    for (const uint32_t radius : {1u, 30u}) {
      Expect({.kind = OperationKind::kBlur, .radius = radius}, {width, 3, 3});
    }
  }
}
TEST(Operation, BlurOfTheLargestRadiusAndTheBrightestPictureIsExact) {
  const Shape shape{9, 9, 1};
  const Operation blur{.kind = OperationKind::kBlur, .radius = kMaxRadius};
  EXPECT_EQ(Made(blur, shape, Pixels(81, 255), 1), Pixels(81, 255));
  Expect(blur, shape);
}
TEST(Operation, Resize) {
  for (const auto& [width, height] : std::vector<std::pair<uint32_t, uint32_t>>{
           {1, 1}, {2, 3}, {7, 50}, {50, 7}, {64, 48}, {100, 101}}) {
    ExpectOfAllShapes({.kind = OperationKind::kResize, .width = width, .height = height});
  }
}
TEST(Operation, Rotate) {
  for (const uint32_t degrees : {90u, 180u, 270u}) {
    ExpectOfAllShapes({.kind = OperationKind::kRotate, .degrees = degrees});
  }
}
TEST(Operation, Flip) {
  ExpectOfAllShapes({.kind = OperationKind::kFlip});
  ExpectOfAllShapes({.kind = OperationKind::kFlip, .upside_down = true});
}

TEST(Operation, ALargePictureOfOddSidesIsTheSameInBands) {
  const Shape shape{1999, 1501, 3};
  const Pixels pixels = MadePicture(shape);
  for (const Operation& operation :
       {Operation{.kind = OperationKind::kBlur, .radius = 10},
        Operation{.kind = OperationKind::kResize, .width = 777, .height = 2003},
        Operation{.kind = OperationKind::kRotate, .degrees = 270}}) {
    const Pixels whole = Made(operation, shape, pixels, 1);
    for (const uint32_t bands : {2u, 5u, 64u}) {
      EXPECT_TRUE(Made(operation, shape, pixels, bands) == whole) << Name(operation, shape);
    }
  }
}

TEST(Operation, EndsWhenNobodyWantsTheRows) {
  const Shape shape{40, 400, 3};
  const Pixels pixels = MadePicture(shape);
  for (const Operation& operation :
       {Operation{.kind = OperationKind::kGrayscale}, Operation{.kind = OperationKind::kInvert},
        Operation{.kind = OperationKind::kBlur, .radius = 3},
        Operation{.kind = OperationKind::kResize, .width = 50, .height = 500},
        Operation{.kind = OperationKind::kRotate, .degrees = 90},
        Operation{.kind = OperationKind::kRotate, .degrees = 180},
        Operation{.kind = OperationKind::kFlip}}) {
    const Shape after = ShapeAfter(operation, shape);
    Pixels out(after.bytes()), memory;
    const auto scratch = [&memory](size_t bytes) {
      memory.resize(bytes);
      return absl::MakeSpan(reinterpret_cast<char*>(memory.data()), bytes);
    };
    int asked = 0;
    const auto stop = [&asked] { return ++asked == 2; };
    EXPECT_FALSE(
        MakeRows(operation, shape, pixels.data(), 0, after.height, out.data(), scratch, stop))
        << Name(operation, shape);
    EXPECT_EQ(asked, 2) << Name(operation, shape);
    EXPECT_TRUE(out != Made(operation, shape, pixels, 1)) << "not all of it is made";
  }
}

TEST(ConvertPixels, GoesBetweenGrayColoursAndAlpha) {
  const auto convert = [](const Pixels& pixels, uint32_t from, uint32_t to) {
    Pixels out(pixels.size() / from * to);
    ConvertPixels(pixels.data(), pixels.size() / from, from, to, out.data());
    return out;
  };
  EXPECT_EQ(convert({7, 9}, 1, 3), (Pixels{7, 7, 7, 9, 9, 9}));
  EXPECT_EQ(convert({100, 150, 200}, 3, 1), (Pixels{141}));
  EXPECT_EQ(convert({10, 20, 30, 255}, 4, 3), (Pixels{10, 20, 30}));
  EXPECT_EQ(convert({10, 20, 30, 0}, 4, 3), (Pixels{255, 255, 255})) << "white";
  EXPECT_EQ(convert({100, 128}, 2, 1), (Pixels{177}));
  EXPECT_EQ(convert({100, 128}, 2, 4), (Pixels{100, 100, 100, 128}));
}

}  // namespace
}  // namespace windlass::image
