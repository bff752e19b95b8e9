#include "tools/examples/fault/arguments.h"

#include "absl/strings/str_cat.h"

namespace windlass::fault {
namespace {

std::string_view Standard(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

uint64_t Arguments::Integer(absl::string_view key, uint64_t otherwise, uint64_t max) {
  simdjson::dom::element value;
  if (object_[Standard(key)].get(value) != simdjson::SUCCESS) return otherwise;
  uint64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS && number <= max) return number;
  Refuse(key, absl::StrCat("an integer from 0 to ", max));
  return otherwise;
}

bool Arguments::Boolean(absl::string_view key, bool otherwise) {
  simdjson::dom::element value;
  if (object_[Standard(key)].get(value) != simdjson::SUCCESS) return otherwise;
  bool truth = false;
  if (value.get(truth) == simdjson::SUCCESS) return truth;
  Refuse(key, "true or false");
  return otherwise;
}

absl::string_view Arguments::String(absl::string_view key, absl::string_view otherwise) {
  simdjson::dom::element value;
  if (object_[Standard(key)].get(value) != simdjson::SUCCESS) return otherwise;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return {text.data(), text.size()};
  Refuse(key, "a string");
  return otherwise;
}

std::string Arguments::RequiredString(absl::string_view key) {
  const absl::string_view text = String(key, "");
  if (text.empty()) Refuse(key, "a string that is not empty");
  return std::string(text);
}

std::string Arguments::Json(absl::string_view key) const {
  simdjson::dom::element value;
  if (object_[Standard(key)].get(value) != simdjson::SUCCESS) return "null";
  return simdjson::minify(value);
}

void Arguments::Refuse(absl::string_view key, absl::string_view must_be) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(key, " must be ", must_be));
}

}  // namespace windlass::fault
