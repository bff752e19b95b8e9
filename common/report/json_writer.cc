#include "common/report/json_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/report/printable_text.h"

namespace windlass {

void JsonWriter::Open(absl::string_view key, char opening, char closing) {
  Begin(key);
  out_.push_back(opening);
  closers_.push_back(closing);
  first_ = true;
}

void JsonWriter::Close() {
  CHECK(!closers_.empty()) << "nothing is open";
  out_.push_back(closers_.back());
  closers_.pop_back();
  first_ = false;
}

void JsonWriter::Begin(absl::string_view key) {
  if (!first_) out_.append(", ");
  first_ = false;
  if (closers_.empty() || closers_.back() == ']') return;
  AppendJsonString(PrintableText(key), &out_);
  out_.append(": ");
}

void JsonWriter::Text(absl::string_view key, absl::string_view bytes) {
  Begin(key);
  AppendJsonString(PrintableText(bytes), &out_);
}

void JsonWriter::Unsigned(absl::string_view key, uint64_t number) {
  Begin(key);
  absl::StrAppend(&out_, number);
}

void JsonWriter::Signed(absl::string_view key, int64_t number) {
  Begin(key);
  absl::StrAppend(&out_, number);
}

void JsonWriter::Seconds(absl::string_view key, int64_t ms) {
  Begin(key);
  // Unsigned, because the most negative number has no opposite.
  const uint64_t size =
      ms < 0 ? uint64_t{0} - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
  absl::StrAppendFormat(&out_, "%s%d.%03d", ms < 0 ? "-" : "", size / 1000, size % 1000);
}

void JsonWriter::Id(absl::string_view key, uint64_t id) {
  if (id == 0) return Null(key);
  Text(key, absl::StrCat(id));
}

void JsonWriter::Flag(absl::string_view key, bool value) {
  Begin(key);
  out_.append(value ? "true" : "false");
}

void JsonWriter::Null(absl::string_view key) {
  Begin(key);
  out_.append("null");
}

std::string JsonWriter::Take() && {
  CHECK(closers_.size() == 1) << "something is still open";
  Close();
  out_.push_back('\n');
  return std::move(out_);
}

}  // namespace windlass
