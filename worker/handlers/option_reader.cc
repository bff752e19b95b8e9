#include "worker/handlers/option_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/nearest_name.h"
#include "common/toml_reader.h"
#include "common/units.h"

namespace windlass {

bool OptionReader::Has(absl::string_view key) const {
  return config_.options.count(std::string(key)) != 0;
}

const OptionValue* OptionReader::Find(absl::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  const auto found = config_.options.find(std::string(key));
  return found == config_.options.end() ? nullptr : &found->second;
}

void OptionReader::Complain(absl::string_view key, absl::string_view what) {
  if (!first_.ok()) return;
  first_ = absl::InvalidArgumentError(
      absl::StrCat("handler ", config_.name, ": option \"", key, "\" ", what));
}

void OptionReader::ComplainOf(absl::string_view key, absl::string_view expects) {
  Complain(key, absl::StrCat("must be ", expects, ", not ", DescribeValue(*Find(key))));
}

template <typename T>
const T* OptionReader::FindAs(absl::string_view key, absl::string_view expects) {
  const OptionValue* const value = Find(key);
  if (value == nullptr) return nullptr;
  const T* const typed = std::get_if<T>(value);
  if (typed == nullptr) ComplainOf(key, expects);
  return typed;
}

std::string OptionReader::String(absl::string_view key, absl::string_view otherwise) {
  const std::string* const text = FindAs<std::string>(key, "a string");
  return text == nullptr ? std::string(otherwise) : *text;
}

std::string OptionReader::RequiredString(absl::string_view key) {
  if (Find(key) == nullptr) Complain(key, "is required: set it to a string");
  return String(key, "");
}

int64_t OptionReader::Integer(absl::string_view key, int64_t otherwise, int64_t min, int64_t max) {
  const std::string expects = absl::StrCat("an integer from ", min, " to ", max);
  const int64_t* const value = FindAs<int64_t>(key, expects);
  if (value == nullptr) return otherwise;
  if (*value >= min && *value <= max) return *value;
  ComplainOf(key, expects);
  return otherwise;
}

double OptionReader::Number(absl::string_view key, double otherwise, double min, double max) {
  const OptionValue* const value = Find(key);
  if (value == nullptr) return otherwise;
  const int64_t* const integer = std::get_if<int64_t>(value);
  const double* const number = std::get_if<double>(value);
  if (integer != nullptr || number != nullptr) {
    const double given = number != nullptr ? *number : static_cast<double>(*integer);
    if (given >= min && given <= max) return given;  // not of NaN
  }
  ComplainOf(key, absl::StrCat("a number from ", min, " to ", max));
  return otherwise;
}

bool OptionReader::Boolean(absl::string_view key, bool otherwise) {
  const bool* const value = FindAs<bool>(key, "true or false");
  return value == nullptr ? otherwise : *value;
}

absl::Duration OptionReader::Duration(absl::string_view key, absl::Duration otherwise) {
  const std::string* const text = FindAs<std::string>(key, "a duration with a unit, like \"30s\"");
  if (text == nullptr) return otherwise;
  const absl::StatusOr<absl::Duration> duration = ParseDuration(*text);
  if (duration.ok()) return *duration;
  Complain(key, absl::StrCat("must be a duration: ", duration.status().message()));
  return otherwise;
}

uint64_t OptionReader::Bytes(absl::string_view key, uint64_t otherwise) {
  const OptionValue* const value = Find(key);
  if (value == nullptr) return otherwise;
  if (const int64_t* const integer = std::get_if<int64_t>(value); integer && *integer >= 0)
    return static_cast<uint64_t>(*integer);
  const std::string* const text = std::get_if<std::string>(value);
  if (text == nullptr) {
    ComplainOf(key, "a size, like \"64MiB\" or 65536");
    return otherwise;
  }
  const absl::StatusOr<uint64_t> bytes = ParseSize(*text);
  if (bytes.ok()) return *bytes;
  Complain(key, absl::StrCat("must be a size: ", bytes.status().message()));
  return otherwise;
}

std::vector<std::string> OptionReader::Strings(absl::string_view key) {
  const auto* const strings = FindAs<std::vector<std::string>>(key, "an array of strings");
  return strings == nullptr ? std::vector<std::string>{} : *strings;
}

absl::Status OptionReader::Verdict() const {
  if (!first_.ok()) return first_;
  for (const auto& [key, value] : config_.options) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string nearest = NearestName(key, known_);
    std::string hint = "; it has no options";
    if (!nearest.empty()) {
      hint = absl::StrCat("; did you mean \"", nearest, "\"?");
    } else if (!known_.empty()) {
      hint = absl::StrCat("; there are ", absl::StrJoin(known_, ", "));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("handler ", config_.name, ": option \"", key, "\" is unknown", hint));
  }
  return absl::OkStatus();
}

}  // namespace windlass
