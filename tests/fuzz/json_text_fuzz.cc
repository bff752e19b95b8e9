// What we write as JSON is JSON, whatever bytes are in it.
#include <limits.h>
#include <spdlog/details/log_msg.h>

#include "common/json_text.h"
#include "common/log_format.h"
#include "common/report/json_writer.h"
#include "tests/fuzz/fuzz_input.h"

namespace windlass {
namespace {

std::string Read(absl::string_view json) {
  const fuzz::PaddedBytes bytes(json);
  static auto& parser = *new simdjson::dom::parser;
  std::string_view text;
  CHECK(parser.parse(bytes.view().data(), json.size(), false).get(text) == simdjson::SUCCESS)
      << json;
  return std::string(text);
}

void CheckLogLine(absl::string_view message) {
  static auto& formatter = *MakeLogFormatter(LogFormat::kJson, false).release();
  const spdlog::details::log_msg line({message.data(), std::min<size_t>(message.size(), 300)},
                                      spdlog::level::info, {message.data(), message.size()});
  spdlog::memory_buf_t out;
  formatter.format(line, out);
  const absl::string_view text(out.data(), out.size());
  CHECK(text.size() <= PIPE_BUF && text.find('\n') == text.size() - 1);
  CHECK(fuzz::IsJson(text)) << text;
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  FuzzedDataProvider input(data, size);
  const size_t most = 8 + input.ConsumeIntegral<uint16_t>() % 5000;
  const std::string text = input.ConsumeRemainingBytesAsString();
  const bool is_utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::string out = "before";
  AppendJsonTextUpTo(text, most, &out);
  CHECK(out.size() - 6 <= most);
  const std::string read = Read(absl::string_view(out).substr(6));
  const bool is_whole = 6 * text.size() + 2 <= most;
  if (is_utf8 && is_whole) CHECK(read == text);
  if (is_utf8) {
    out.clear();
    AppendJsonString(text, &out);
    CHECK(Read(out) == text);
  }
  JsonWriter json;
  json.Text("a", text);
  json.OpenList("b");
  json.Text("", text);
  json.Close();
  const std::string object = std::move(json).Take();
  CHECK(fuzz::IsJson(object)) << object;
  CheckLogLine(text);
  return 0;
}
