#ifndef WINDLASS_TOOLS_CTL_TEXT_TABLE_H_
#define WINDLASS_TOOLS_CTL_TEXT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace windlass {

enum class Colour : uint8_t { kNone, kGreen, kYellow, kRed };

// What a text is written for.
struct TextStyle {
  static constexpr size_t kAnyWidth = SIZE_MAX;

  bool colours = false;
  size_t columns = kAnyWidth;  // of a terminal; what does not fit into a line of a table is cut
};

// `text` between the escape sequences of an ANSI terminal.
std::string Painted(absl::string_view text, Colour colour);

struct Column {
  enum class Align : uint8_t { kLeft, kRight };

  std::string name;
  Align align = Align::kLeft;
};

struct Cell {
  // Implicit, because most cells are just text.
  Cell(std::string shown) : text(std::move(shown)) {}
  Cell(const char* shown) : text(shown) {}
  Cell(std::string shown, Colour painted) : text(std::move(shown)), colour(painted) {}

  std::string text;  // "": does not apply to this row; shown as "-"
  Colour colour = Colour::kNone;
};

// Role: rows under aligned columns, two spaces apart. A column that applies to no row is left out.
// Invariants: 1. every row has a cell for each column; 2. no line ends in spaces, nor is wider than
// the style allows. Pure.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void AddRow(std::vector<Cell> row);  // REQUIRES: invariant 1; cells are on one line
  // Lines with their newlines, the names of the columns first.
  std::string Render(const TextStyle& style) const;

 private:
  std::string RenderLine(const std::vector<size_t>& widths, const std::vector<Cell>& row,
                         const TextStyle& style) const;

  const std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TEXT_TABLE_H_
