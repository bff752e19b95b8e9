#include "worker/handlers/search_handler.h"

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace windlass {
namespace {

void SetResult(absl::string_view text, std::string* content) {
  *content = R"({"result": )";
  AppendJsonString(text, content);
  content->push_back('}');
}

std::string InvalidActionWords(absl::string_view action) {
  return absl::StrCat("Error: invalid action '", action, "'.");
}

}  // namespace

std::string InvalidActionContent(absl::string_view action) {
  std::string content;
  SetResult(InvalidActionWords(action), &content);
  return content;
}

SearchHandler::Table SearchHandler::DefaultTable() {
  return {{"morpheus", "Follow the white rabbit. \U0001f430"},
          {"ring", "In the caves beneath the Misty Mountains. \U0001f48d"},
          {"\U0001f436", "\U0001f43e Playing ball! \U0001f3d0"}};
}

absl::StatusOr<SearchHandler::Table> SearchHandler::LoadTable(const std::string& path) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const auto failure = parser.load(path).get(object);
  if (failure != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(
        absl::StrCat("search table ", path, ": ", simdjson::error_message(failure)));
  }
  Table table;
  for (const simdjson::dom::key_value_pair field : object) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat("search table ", path, ": the value of '",
                                                     std::string(field.key), "' is not a string"));
    }
    table.emplace(std::string(field.key), std::string(text));
  }
  return table;
}

absl::Status SearchHandler::Preload(HandlerOptions& options, SharedArena&) {
  const std::string path = options.String("table", "");
  absl::StatusOr<Table> table = path.empty() ? DefaultTable() : LoadTable(path);
  if (!table.ok()) return table.status();
  table_ = *std::move(table);
  return absl::OkStatus();
}

absl::StatusOr<Response> SearchHandler::Handle(const Request& request, HandlerContext& context) {
  absl::Status parsed =
      json_.Parse(request.content, request.content_encoding, request.byte_order == ByteOrder::kBig);
  if (!parsed.ok()) return parsed;
  Response response{"text/json", "utf-8", ErrorCode::kOk, {}};
  if (json_.String("action") != "search") {
    // The form of a result is for clients of `message`; http has its own for errors.
    if (context.header(":method").has_value()) {
      return absl::InvalidArgumentError(InvalidActionWords(json_.Text("action")));
    }
    answer_ = InvalidActionContent(json_.Text("action"));
    response.status = ErrorCode::kInvalidArgument;
  } else {
    const std::optional<absl::string_view> value = json_.String("value");
    const auto found = value ? table_.find(*value) : table_.end();
    SetResult(found != table_.end() ? found->second
                                    : absl::StrCat("No match for '", json_.Text("value"), "'."),
              &answer_);
  }
  response.pieces.push_back(ResponsePiece::Borrowed(answer_));
  return response;
}

}  // namespace windlass
