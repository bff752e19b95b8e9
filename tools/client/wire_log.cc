#include "tools/client/wire_log.h"

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr size_t kColumns = 100;

void AppendReadable(unsigned char c, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    case '\\':
      out->append("\\\\");
      return;
    default:
      break;
  }
  if (c >= 0x20 && c < 0x7f) {
    out->push_back(static_cast<char>(c));
  } else {
    out->append({'\\', 'x', kHex[c >> 4], kHex[c & 15]});
  }
}

}  // namespace

std::string ReadableBytes(absl::string_view prefix, absl::string_view bytes) {
  std::string out;
  size_t line_start = 0;
  bool broken = true;
  for (const char c : bytes) {
    if (broken) {
      line_start = out.size();
      out.append(prefix.data(), prefix.size());
    }
    AppendReadable(static_cast<unsigned char>(c), &out);
    broken = c == '\n' || out.size() - line_start >= kColumns;
    if (broken) out.push_back('\n');
  }
  if (!broken) out.push_back('\n');
  return out;
}

WireLog::WireLog(bool on, absl::string_view label)
    : on_(on),
      sent_prefix_(absl::StrCat(label, "> ")),
      received_prefix_(absl::StrCat(label, "< ")) {}

void WireLog::Print(const std::string& prefix, absl::string_view bytes) const {
  if (!on_) return;
  const std::string text = ReadableBytes(prefix, bytes);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace windlass
