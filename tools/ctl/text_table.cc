#include "tools/ctl/text_table.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/report/printable_text.h"

namespace windlass {
namespace {

constexpr absl::string_view kDoesNotApply = "-";
constexpr absl::string_view kGap = "  ";

absl::string_view EscapeFor(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kRed:
      return "\x1b[1;31m";
  }
  std::abort();  // not an enumerator: memory is corrupt
}

absl::string_view Shown(const Cell& cell) { return cell.text.empty() ? kDoesNotApply : cell.text; }

}  // namespace

std::string Painted(absl::string_view text, Colour colour) {
  if (colour == Colour::kNone) return std::string(text);
  return absl::StrCat(EscapeFor(colour), text, "\x1b[0m");
}

void TextTable::AddRow(std::vector<Cell> row) {
  CHECK(row.size() == columns_.size()) << row.size() << " cells for " << columns_.size();
  rows_.push_back(std::move(row));
}

std::string TextTable::Render(const TextStyle& style) const {
  std::vector<size_t> widths(columns_.size(), 0);  // 0: left out
  std::vector<Cell> names;
  for (size_t i = 0; i < columns_.size(); ++i) {
    names.emplace_back(columns_[i].name);
    const bool applies = std::any_of(rows_.begin(), rows_.end(),
                                     [i](const auto& row) { return !row[i].text.empty(); });
    if (!applies) continue;
    widths[i] = DisplayWidth(columns_[i].name);
    for (const std::vector<Cell>& row : rows_) {
      widths[i] = std::max(widths[i], DisplayWidth(Shown(row[i])));
    }
  }
  std::string out = RenderLine(widths, names, style);
  for (const std::vector<Cell>& row : rows_) out += RenderLine(widths, row, style);
  return out;
}

std::string TextTable::RenderLine(const std::vector<size_t>& widths, const std::vector<Cell>& row,
                                  const TextStyle& style) const {
  std::string line, due;  // blanks that are due before the next text
  size_t room = style.columns;
  for (size_t i = 0; i < row.size(); ++i) {
    if (widths[i] == 0) continue;
    const absl::string_view text = Shown(row[i]);
    const std::string padding(widths[i] - DisplayWidth(text), ' ');
    const bool right = columns_[i].align == Column::Align::kRight;
    if (right) due += padding;
    if (due.size() >= room) break;
    const std::string shown = CutToWidth(text, room - due.size());
    room -= due.size() + DisplayWidth(shown);
    absl::StrAppend(&line, due, style.colours ? Painted(shown, row[i].colour) : shown);
    if (shown != text) break;
    due = absl::StrCat(right ? "" : padding, kGap);
  }
  return line + "\n";
}

}  // namespace windlass
