#include "worker/handlers/json_content.h"

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "worker/handlers/charset.h"

namespace windlass {
namespace {

std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct JsonContent::Impl {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::string converted;

  std::optional<simdjson::dom::element> Find(absl::string_view key) const {
    simdjson::dom::element value;
    if (object.at_key(Std(key)).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
};

JsonContent::JsonContent() : impl_(std::make_unique<Impl>()) {}
JsonContent::~JsonContent() = default;

absl::Status JsonContent::Parse(absl::string_view content, absl::string_view charset,
                                bool big_endian) {
  impl_->object = simdjson::dom::object();
  if (!IsUtf8Charset(charset)) {
    absl::StatusOr<std::string> converted = ToUtf8(content, charset, big_endian);
    if (!converted.ok()) return converted.status();
    impl_->converted = *std::move(converted);
    impl_->converted.append(simdjson::SIMDJSON_PADDING, '\0');
    content = absl::string_view(impl_->converted.data(),
                                impl_->converted.size() - simdjson::SIMDJSON_PADDING);
  }
  simdjson::dom::element root;
  const auto failure =
      impl_->parser.parse(content.data(), content.size(), /*realloc_if_needed=*/false).get(root);
  if (failure != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(
        absl::StrCat("content is not JSON: ", simdjson::error_message(failure)));
  }
  if (root.get(impl_->object) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("content is not a JSON object");
  }
  return absl::OkStatus();
}

bool JsonContent::Has(absl::string_view key) const { return impl_->Find(key).has_value(); }

std::optional<absl::string_view> JsonContent::String(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return std::nullopt;
  return absl::string_view(text.data(), text.size());
}

std::optional<int64_t> JsonContent::Integer(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  int64_t number = 0;
  if (!value || value->get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::string JsonContent::Text(absl::string_view key) const {
  const std::optional<simdjson::dom::element> value = impl_->Find(key);
  if (!value) return "None";
  std::string_view text;
  if (value->get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(*value);
}

}  // namespace windlass
