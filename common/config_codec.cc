#include "common/config_codec.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/address.h"
#include "common/units.h"

namespace windlass {
namespace {

// Null when the node is anything but a scalar of type T.
template <typename T>
const T* As(const TomlNode& node) {
  return node.kind == TomlNode::Kind::kScalar ? std::get_if<T>(&node.scalar) : nullptr;
}

absl::Status OutOfRange(const std::string& expects, const TomlNode& node) {
  return absl::InvalidArgumentError(
      absl::StrCat("must be ", expects, ": ", DescribeNode(node), " is out of range"));
}

absl::StatusOr<int> ReadInteger(const TomlNode& node, int min, int max,
                                const std::string& expects) {
  const int64_t* integer = As<int64_t>(node);
  if (integer == nullptr) return WrongValue(expects, node);
  if (*integer < min || *integer > max) return OutOfRange(expects, node);
  return static_cast<int>(*integer);
}

// The bytes of "64KiB" or of the integer 65536.
absl::StatusOr<uint64_t> ReadSize(const TomlNode& node, uint64_t min, uint64_t max,
                                  const std::string& expects) {
  const std::string* text = As<std::string>(node);
  const int64_t* integer = As<int64_t>(node);
  if (text == nullptr && integer == nullptr) return WrongValue(expects, node);
  const absl::StatusOr<uint64_t> bytes =
      ParseSize(text != nullptr ? *text : absl::StrCat(*integer));
  if (!bytes.ok())
    return absl::InvalidArgumentError(
        absl::StrCat("must be ", expects, ": ", bytes.status().message()));
  if (*bytes < min || *bytes > max) return OutOfRange(expects, node);
  return *bytes;
}

absl::StatusOr<absl::Duration> ReadDuration(const TomlNode& node, absl::Duration min,
                                            absl::Duration max, const std::string& expects) {
  const std::string* text = As<std::string>(node);
  const int64_t* integer = As<int64_t>(node);
  // Zero needs no unit; --set makes an integer of it.
  const bool zero = integer != nullptr && *integer == 0;
  if (text == nullptr && !zero) return WrongValue(expects, node);
  const absl::StatusOr<absl::Duration> duration = ParseDuration(zero ? "0" : *text);
  if (!duration.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be ", expects, ": ", duration.status().message()));
  }
  if (*duration < min || *duration > max) return OutOfRange(expects, node);
  return *duration;
}

absl::StatusOr<MemoryAmount> ReadMemoryAmount(const TomlNode& node, const std::string& expects) {
  const std::string* text = As<std::string>(node);
  absl::string_view number = text == nullptr ? absl::string_view() : absl::string_view(*text);
  if (absl::ConsumeSuffix(&number, "%")) {
    uint32_t percent = 0;
    const bool digits =
        !number.empty() && absl::ascii_isdigit(static_cast<unsigned char>(number[0]));
    if (!digits || !absl::SimpleAtoi(number, &percent)) return WrongValue(expects, node);
    if (percent < 1 || percent > 100) return OutOfRange(expects, node);
    return MemoryAmount{true, percent};
  }
  const absl::StatusOr<uint64_t> bytes = ReadSize(node, 1 << 20, UINT64_MAX, expects);
  if (!bytes.ok()) return bytes.status();
  return MemoryAmount{false, *bytes};
}

absl::StatusOr<int> ReadFileMode(const TomlNode& node, const std::string& expects) {
  constexpr int kAllBits = 0777;
  if (const int64_t* integer = As<int64_t>(node)) {
    // Decimal 660 would be mode 1224: only 0o660 can be meant.
    if (!node.written_octal) return WrongValue(expects, node);
    if (*integer > kAllBits) return OutOfRange(expects, node);
    return static_cast<int>(*integer);
  }
  const std::string* text = As<std::string>(node);
  if (text == nullptr || text->empty() || text->size() > 4) return WrongValue(expects, node);
  int mode = 0;
  for (const char c : *text) {
    if (c < '0' || c > '7') return WrongValue(expects, node);
    mode = mode * 8 + (c - '0');
  }
  if (mode > kAllBits) return OutOfRange(expects, node);
  return mode;
}

absl::StatusOr<ListenAddress> ReadListenAddress(const TomlNode& node, const std::string& expects) {
  const std::string* text = As<std::string>(node);
  if (text == nullptr) return WrongValue(expects, node);
  absl::StatusOr<ListenAddress> address = ParseListenAddress(*text);
  if (address.ok()) return address;
  return absl::InvalidArgumentError(
      absl::StrCat("must be ", expects, ": ", address.status().message()));
}

}  // namespace

absl::Status WrongValue(const std::string& expects, const TomlNode& node) {
  return absl::InvalidArgumentError(
      absl::StrCat("must be ", expects, ", not ", DescribeNode(node)));
}

absl::StatusOr<OptionValue> ReadOptionValue(const TomlNode& node) {
  if (node.kind == TomlNode::Kind::kScalar) return node.scalar;
  if (node.kind == TomlNode::Kind::kArray) {
    std::vector<std::string> texts;
    for (const TomlNode& element : node.array) {
      if (const std::string* text = As<std::string>(element)) texts.push_back(*text);
    }
    if (texts.size() == node.array.size()) return texts;
    return absl::InvalidArgumentError("may hold strings only, because it is an array");
  }
  return WrongValue("a string, a number, true, false or an array of strings", node);
}

Codec<bool> BooleanCodec() {
  const std::string expects = "true or false";
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<bool> {
            const bool* value = As<bool>(node);
            if (value == nullptr) return WrongValue(expects, node);
            return *value;
          },
          [](const bool& value) { return value ? "true" : "false"; }};
}

Codec<int> IntegerCodec(int min, int max) {
  const std::string expects = absl::StrCat("an integer from ", min, " to ", max);
  return {expects, [=](const TomlNode& node) { return ReadInteger(node, min, max, expects); },
          [](const int& value) { return absl::StrCat(value); }};
}

Codec<double> ShareCodec() {
  const std::string expects = "a number above 0 and up to 1";
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<double> {
            const int64_t* const integer = As<int64_t>(node);
            const double* const number = As<double>(node);
            if (integer == nullptr && number == nullptr) return WrongValue(expects, node);
            const double share = number != nullptr ? *number : static_cast<double>(*integer);
            if (!(share > 0 && share <= 1)) return OutOfRange(expects, node);
            return share;
          },
          [](const double& share) -> std::optional<std::string> {
            double read = 0;
            const std::string text = absl::StrCat(share);
            if (absl::SimpleAtod(text, &read) && read == share) return text;
            return absl::StrFormat("%.17g", share);
          }};
}

Codec<std::string> TextCodec() {
  const std::string expects = "a string that is not empty";
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<std::string> {
            const std::string* text = As<std::string>(node);
            if (text == nullptr || text->empty()) return WrongValue(expects, node);
            return *text;
          },
          [](const std::string& text) -> std::optional<std::string> {
            if (text.empty()) return std::nullopt;
            return TomlQuoted(text);
          }};
}

Codec<std::string> AbsolutePathCodec() {
  const Codec<std::string> text = TextCodec();
  const std::string expects = "an absolute path";
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<std::string> {
            const std::string* path = As<std::string>(node);
            // The kernel would take what is before a NUL for the whole.
            if (path == nullptr || !absl::StartsWith(*path, "/") ||
                path->find('\0') != std::string::npos) {
              return WrongValue(expects, node);
            }
            return *path;
          },
          text.write};
}

Codec<absl::Duration> DurationCodec(absl::Duration min, absl::Duration max) {
  const std::string expects = absl::StrCat("a duration with a unit (like \"30s\") from ",
                                           FormatDuration(min), " to ", FormatDuration(max));
  return {expects, [=](const TomlNode& node) { return ReadDuration(node, min, max, expects); },
          [](const absl::Duration& value) { return TomlQuoted(FormatDuration(value)); }};
}

Codec<uint64_t> SizeCodec(uint64_t min, uint64_t max) {
  const std::string expects =
      absl::StrCat("a size (like \"64KiB\") from ", FormatSize(min), " to ", FormatSize(max));
  return {expects, [=](const TomlNode& node) { return ReadSize(node, min, max, expects); },
          [](const uint64_t& value) { return TomlQuoted(FormatSize(value)); }};
}

Codec<ProcessCount> ProcessCountCodec(int min, int max) {
  const std::string expects = absl::StrCat("\"auto\" or an integer from ", min, " to ", max);
  return {expects,
          [=](const TomlNode& node) -> absl::StatusOr<ProcessCount> {
            const std::string* text = As<std::string>(node);
            if (text != nullptr && *text == "auto") return ProcessCount{};
            const absl::StatusOr<int> count = ReadInteger(node, min, max, expects);
            if (!count.ok()) return count.status();
            return ProcessCount{false, *count};
          },
          [](const ProcessCount& value) {
            return value.automatic ? TomlQuoted("auto") : absl::StrCat(value.count);
          }};
}

Codec<absl::Duration> DurationOrOffCodec(absl::Duration min, absl::Duration max) {
  const Codec<absl::Duration> limited = DurationCodec(min, max);
  const std::string expects = absl::StrCat(limited.expects, ", or \"off\"");
  return {expects,
          [limited, expects](const TomlNode& node) -> absl::StatusOr<absl::Duration> {
            const std::string* const text = std::get_if<std::string>(&node.scalar);
            if (node.kind != TomlNode::Kind::kScalar || text == nullptr) {
              return WrongValue(expects, node);
            }
            if (*text == "off") return absl::InfiniteDuration();
            return limited.read(node);
          },
          [limited](const absl::Duration& value) {
            return value == absl::InfiniteDuration() ? TomlQuoted("off") : limited.write(value);
          }};
}

Codec<SlowAfter> SlowAfterCodec(absl::Duration min, absl::Duration max) {
  const Codec<absl::Duration> plain = DurationOrOffCodec(min, max);
  const std::string expects =
      absl::StrCat("a share of the deadline (\"1%\" to \"100%\"), ", plain.expects);
  return {
      expects,
      [plain, expects](const TomlNode& node) -> absl::StatusOr<SlowAfter> {
        SlowAfter value;
        const std::string* const text = std::get_if<std::string>(&node.scalar);
        if (node.kind == TomlNode::Kind::kScalar && text != nullptr && absl::EndsWith(*text, "%")) {
          const absl::string_view number = absl::string_view(*text).substr(0, text->size() - 1);
          if (!absl::SimpleAtoi(number, &value.percent) || value.percent < 1 ||
              value.percent > 100) {
            return WrongValue(expects, node);
          }
          return value;
        }
        const absl::StatusOr<absl::Duration> duration = plain.read(node);
        if (!duration.ok()) return WrongValue(expects, node);
        value.is_percent = false;
        value.duration = *duration;
        return value;
      },
      [plain](const SlowAfter& value) {
        return value.is_percent ? TomlQuoted(absl::StrCat(value.percent, "%"))
                                : plain.write(value.duration);
      }};
}

Codec<MemoryAmount> MemoryAmountCodec() {
  const std::string expects =
      "a share (\"1%\" to \"100%\") or a size (like \"1GiB\", at least 1MiB)";
  return {expects, [expects](const TomlNode& node) { return ReadMemoryAmount(node, expects); },
          [](const MemoryAmount& value) {
            return TomlQuoted(value.is_percent ? absl::StrCat(value.value, "%")
                                               : FormatSize(value.value));
          }};
}

Codec<ListenAddress> ListenAddressCodec() {
  const std::string expects = "HOST:PORT, :PORT, unix:/PATH or systemd:NAME";
  return {expects, [expects](const TomlNode& node) { return ReadListenAddress(node, expects); },
          [](const ListenAddress& address) -> std::optional<std::string> {
            if (address.text.empty()) return std::nullopt;
            return TomlQuoted(address.text);
          }};
}

Codec<ListenAddress> ListenAddressOrNoneCodec() {
  const Codec<ListenAddress> some = ListenAddressCodec();
  const std::string expects = absl::StrCat(some.expects, ", or \"\" for none");
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<ListenAddress> {
            const std::string* const text = As<std::string>(node);
            if (text != nullptr && text->empty()) return ListenAddress{};
            return ReadListenAddress(node, expects);
          },
          [](const ListenAddress& address) { return TomlQuoted(address.text); }};
}

Codec<std::vector<std::string>> TextListCodec() {
  const std::string expects = "an array of strings that are not empty";
  return {expects,
          [expects](const TomlNode& node) -> absl::StatusOr<std::vector<std::string>> {
            std::vector<std::string> texts;
            if (node.kind != TomlNode::Kind::kArray) return WrongValue(expects, node);
            for (const TomlNode& element : node.array) {
              const std::string* const text = As<std::string>(element);
              if (text == nullptr || text->empty()) return WrongValue(expects, element);
              texts.push_back(*text);
            }
            return texts;
          },
          [](const std::vector<std::string>& texts) -> std::optional<std::string> {
            if (texts.empty()) return std::nullopt;
            return TomlValue(OptionValue(texts));
          }};
}

Codec<int> FileModeCodec() {
  const std::string expects = "permission bits in octal, like \"0660\"";
  return {expects, [expects](const TomlNode& node) { return ReadFileMode(node, expects); },
          [](const int& mode) -> std::optional<std::string> {
            if (mode < 0) return std::nullopt;
            return TomlQuoted(absl::StrFormat("%04o", static_cast<unsigned>(mode)));
          }};
}

}  // namespace windlass
