#include "tools/bench/load_shape.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "tools/client/client_options.h"
#include "tools/client/message_request.h"

namespace windlass {
namespace {

// What fills a payload after its number: letters, so that a line stays a line, of a period that
// divides no power of two, so that a part that was moved by a buffer's size does not match.
std::string Filler(uint64_t bytes) {
  constexpr absl::string_view kPeriod = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
  static_assert(kPeriod.size() % 2 == 1);
  std::string filler;
  filler.reserve(bytes);
  while (filler.size() < bytes) {
    filler.append(kPeriod.data(), std::min<size_t>(kPeriod.size(), bytes - filler.size()));
  }
  return filler;
}

absl::StatusOr<LoadShape> MessageShape(const BenchOptions& options) {
  MessageOptions message;
  message.handler = options.handler;
  const bool burn = options.handler == "burn";
  const std::string burn_content =
      absl::StrCat(R"({"action": "burn", "ms": )", options.burn_ms, "}");
  if (burn) {
    message.content_type = "text/json";
    message.content_encoding = "utf-8";
  }
  const absl::StatusOr<std::string> head =
      EncodeMessageHead(message, burn ? burn_content.size() : options.size);
  if (!head.ok()) return head.status();
  LoadShape shape;
  shape.check_content =
      options.handler.empty() || options.handler == "binary" || options.handler == "echo";
  const std::string filler = Filler(options.size - NumberedTemplate::kDigits);
  shape.request = burn ? NumberedTemplate::Fixed(absl::StrCat(*head, burn_content))
                       : NumberedTemplate::WithNumber(*head, filler);
  shape.answer = options.handler == "echo"
                     ? NumberedTemplate::WithNumber("", filler)
                     : NumberedTemplate::WithNumber("First 10 bytes of request: ", "");
  return shape;
}

}  // namespace

absl::StatusOr<LoadShape> MakeLoadShape(const BenchOptions& options) {
  LoadShape shape;
  if (options.protocol == Protocol::kMessage) return MessageShape(options);
  const std::string filler = Filler(options.size - NumberedTemplate::kDigits);
  const absl::string_view tail = options.protocol == Protocol::kLine ? "\n" : "";
  const std::string head =
      options.protocol == Protocol::kLength ? absl::StrCat(options.size, "\n") : "";
  shape.protocol = options.protocol;
  shape.request = NumberedTemplate::WithNumber(head, absl::StrCat(filler, tail));
  shape.answer = NumberedTemplate::WithNumber("", absl::StrCat(filler, tail));
  shape.one_per_connection = options.protocol == Protocol::kLength && !options.keepalive;
  return shape;
}

}  // namespace windlass
