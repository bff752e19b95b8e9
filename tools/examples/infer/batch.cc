#include "tools/examples/infer/batch.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace windlass::infer {
namespace {

absl::Status TooMany(size_t rows, size_t most) {
  return absl::OutOfRangeError(absl::StrCat(rows, " rows: at most ", most));
}

// One row. `index`: for messages.
absl::Status ReadRow(const simdjson::dom::array& row, size_t index, size_t inputs, float* into) {
  if (row.size() != inputs) {
    return absl::InvalidArgumentError(
        absl::StrCat("row ", index, " has ", row.size(), " numbers, not ", inputs));
  }
  for (const simdjson::dom::element number : row) {
    double value = 0;
    if (number.get(value) != simdjson::SUCCESS || !(std::abs(value) <= 3.4028234e38)) {
      return absl::InvalidArgumentError(absl::StrCat("row ", index, ": not a number of 32 bits"));
    }
    *into++ = static_cast<float>(value);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsJson(const Request& request) {
  return request.content_type == "text/json" || request.content_type == "application/json";
}

absl::StatusOr<size_t> BinaryRows(absl::string_view content, size_t inputs, size_t most_rows) {
  const size_t row_bytes = inputs * sizeof(float);
  if (content.empty() || content.size() % row_bytes != 0) {
    const bool may_be_json = !content.empty() && (content[0] == '[' || content[0] == '{');
    return absl::InvalidArgumentError(
        absl::StrCat(content.size(), " bytes: not rows of ", inputs, " float32 (", row_bytes,
                     " bytes)", may_be_json ? "; the content type of JSON is text/json" : ""));
  }
  const size_t rows = content.size() / row_bytes;
  if (rows > most_rows) return TooMany(rows, most_rows);
  return rows;
}

absl::Status ReadBinary(absl::string_view content, ByteOrder order, size_t inputs, size_t first,
                        size_t rows, float* into) {
  const size_t count = rows * inputs;
  std::memcpy(into, content.data() + first * inputs * sizeof(float), count * sizeof(float));
  ToOrder(order, into, count);
  if (std::all_of(into, into + count, [](float number) { return std::isfinite(number); })) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("not all of it are numbers");
}

absl::StatusOr<size_t> ReadJson(absl::string_view content, size_t inputs, size_t most_rows,
                                absl::FunctionRef<float*(size_t floats)> memory) {
  simdjson::dom::parser parser;
  simdjson::dom::element whole;
  // 64 readable bytes follow the content of every request.
  const auto error =
      parser.parse(content.data(), content.size(), /*realloc_if_needed=*/false).get(whole);
  if (error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(absl::StrCat("JSON: ", simdjson::error_message(error)));
  }
  if (whole.is_object() && whole["inputs"].get(whole) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("\"inputs\" is missing");
  }
  simdjson::dom::array outer;
  if (whole.get(outer) != simdjson::SUCCESS || outer.begin() == outer.end()) {
    return absl::InvalidArgumentError("\"inputs\" must be rows of numbers, at least one");
  }
  if (!(*outer.begin()).is_array()) {
    const absl::Status read = ReadRow(outer, 0, inputs, memory(inputs));
    if (!read.ok()) return read;
    return 1;
  }
  size_t rows = 0;
  for (const simdjson::dom::element row : outer)
    rows += row.is_array() ? 1 : 0;  // size() saturates
  if (rows > most_rows) return TooMany(rows, most_rows);
  float* into = memory(rows * inputs);
  size_t index = 0;
  for (const simdjson::dom::element element : outer) {
    simdjson::dom::array row;
    if (element.get(row) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat("row ", index, " is no array"));
    }
    const absl::Status read = ReadRow(row, index, inputs, into);
    if (!read.ok()) return read;
    into += inputs;
    ++index;
  }
  return rows;
}

absl::Status CheckOutputs(const float* outputs, size_t rows, size_t width, size_t first) {
  const float* const end = outputs + rows * width;
  const float* const bad =
      std::find_if_not(outputs, end, [](float number) { return std::isfinite(number); });
  if (bad == end) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("row ",
                                                 first + static_cast<size_t>(bad - outputs) / width,
                                                 ": its numbers are too large for this network"));
}

void ToOrder(ByteOrder order, float* numbers, size_t count) {
  if (order == ByteOrder::kLittle) return;
  for (size_t i = 0; i < count; ++i) {
    uint32_t word = 0;
    std::memcpy(&word, numbers + i, sizeof(word));
    word = __builtin_bswap32(word);
    std::memcpy(numbers + i, &word, sizeof(word));
  }
}

std::string ToJson(const float* outputs, size_t rows, size_t width) {
  std::string json = R"({"outputs": [)";
  std::string classes;
  for (size_t row = 0; row < rows; ++row, outputs += width) {
    absl::StrAppend(&json, row == 0 ? "[" : ", [");
    for (size_t i = 0; i < width; ++i) {
      char text[32];  // as short as reads back as the same
      const char* const end = std::to_chars(text, text + sizeof(text), outputs[i]).ptr;
      absl::StrAppend(&json, i == 0 ? "" : ", ",
                      absl::string_view(text, static_cast<size_t>(end - text)));
    }
    json.push_back(']');
    const size_t best = static_cast<size_t>(std::max_element(outputs, outputs + width) - outputs);
    absl::StrAppend(&classes, row == 0 ? "" : ", ", best);
  }
  absl::StrAppend(&json, R"(], "classes": [)", classes, "]}");
  return json;
}

}  // namespace windlass::infer
