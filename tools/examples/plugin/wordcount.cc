// A handler for Windlass: counts the lines, words and bytes of a text. Copy this folder and begin.

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "windlass/handler.h"

namespace {

// Option `min_length`: shorter words do not count. Option `stop_words`: the path of a file with
// words that do not count either.
class WordCount : public windlass::Handler {
 public:
  // Once for all processes. What is put into the arena exists once in memory; what is in members is
  // copied by a process when it changes it.
  absl::Status Preload(windlass::HandlerOptions& options, windlass::SharedArena& arena) override {
    min_length_ = static_cast<size_t>(options.Integer("min_length", 1, 1, 1000));
    const std::string path = options.String("stop_words", "");
    if (path.empty()) return absl::OkStatus();
    std::ifstream file(path);
    if (!file) return absl::NotFoundError(absl::StrCat("stop_words: cannot read ", path));
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    absl::AsciiStrToLower(&text);
    return LoadStopWords(text, arena);
  }

  // Once in every process, after it was made: the place for connections and threads.
  absl::Status Start() override {
    process_ = getpid();
    return absl::OkStatus();
  }

  // One job after the other.
  absl::StatusOr<windlass::Response> Handle(const windlass::Request& request,
                                            windlass::HandlerContext& context) override {
    // Scratch memory is kept between jobs, so this allocates nothing in the long run.
    const absl::Span<char> text = context.Scratch(request.content.size());
    std::transform(request.content.begin(), request.content.end(), text.begin(),
                   [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });

    uint64_t words = 0;
    uint64_t seen = 0;
    for (auto at = text.begin();;) {
      const auto begin = std::find_if_not(at, text.end(), IsSpace);
      if (begin == text.end()) break;
      at = std::find_if(begin, text.end(), IsSpace);
      if (Counts({&*begin, static_cast<size_t>(at - begin)})) ++words;
      // In long loops: nobody may be waiting any more.
      if (++seen % 4096 != 0) continue;
      if (context.cancelled()) return absl::CancelledError("client gone");
      if (context.time_left() <= absl::ZeroDuration())
        return absl::DeadlineExceededError(absl::StrCat("after ", seen, " words"));
    }

    windlass::Response response{"text/json", "utf-8"};
    response.pieces.push_back(windlass::ResponsePiece::Owned(
        absl::StrCat(R"({"lines": )", std::count(text.begin(), text.end(), '\n'), R"(, "words": )",
                     words, R"(, "bytes": )", text.size(), R"(, "process": )", process_, "}\n")));
    return response;
  }

 private:
  static bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

  bool Counts(absl::string_view word) const {
    return word.size() >= min_length_ &&
           !std::binary_search(stop_words_.begin(), stop_words_.end(), word);
  }

  // The words, and the sorted list of where they are, both in the arena.
  absl::Status LoadStopWords(absl::string_view text, windlass::SharedArena& arena) {
    const absl::StatusOr<absl::Span<char>> bytes = arena.Allocate(text.size());
    if (!bytes.ok()) return bytes.status();
    std::copy(text.begin(), text.end(), bytes->begin());

    std::vector<absl::string_view> words =
        absl::StrSplit(absl::string_view(bytes->data(), bytes->size()), absl::ByAnyChar(" \t\r\n"),
                       absl::SkipEmpty());
    std::sort(words.begin(), words.end());
    const absl::StatusOr<absl::Span<char>> list =
        arena.Allocate(words.size() * sizeof(absl::string_view), alignof(absl::string_view));
    if (!list.ok()) return list.status();
    auto* const first = reinterpret_cast<absl::string_view*>(list->data());
    std::uninitialized_copy(words.begin(), words.end(), first);
    stop_words_ = {first, words.size()};
    return absl::OkStatus();
  }

  size_t min_length_ = 1;
  absl::Span<const absl::string_view> stop_words_;
  pid_t process_ = 0;
};

WINDLASS_HANDLER("wordcount", WordCount);

}  // namespace
