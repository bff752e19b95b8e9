// A plug-in that splits its jobs, and does in each part, in Split and in Merge what the request
// says: words, "parts=3 bytes=1000 ms=5 crash=1 id=17". Each part fills its range of the shared
// memory with a letter of its own; the answer is what the parts returned, and that memory.
//
//   parts=N      how many; 0: Handle does it whole; auto: as many as there are processes
//   bytes=N      shared, all parts together
//   content=N    of the letter, of each part, in memory for responses
//   copied=yes   in scratch memory instead
//   memory=split Split asks for response memory, too, and leaves it
//   order=2,0    whose content the answer has, in which order, in place of what was returned
//   ms=N         each part computes so long
//   crash=I, once=I, hang=I, fail=I, greedy=I, long=I   part I crashes always, crashes the first
//                time, never ends, returns an error, takes all memory, returns too much; I = split
//                and merge: these do it
//   stubborn=yes whoever hangs does not look whether anybody waits
//   what=N       parts are called by N bytes
#include <cstdlib>
#include <cstring>
#include <new>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "windlass/handler.h"

namespace {

using windlass::HandlerContext;
using windlass::Part;
using windlass::PartResult;
using windlass::Request;
using windlass::Response;
using windlass::ResponsePiece;

class Words {
 public:
  explicit Words(absl::string_view content) : content_(content) {}
  absl::string_view Text(absl::string_view key) const {
    for (const absl::string_view word : absl::StrSplit(content_, ' ')) {
      const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(word, '=');
      if (pair.first == key) return pair.second;
    }
    return "";
  }
  int Number(absl::string_view key) const {
    int number = 0;
    return absl::SimpleAtoi(Text(key), &number) ? number : 0;
  }

 private:
  const absl::string_view content_;
};

void Burn(absl::Duration time) {
  const absl::Time end = absl::Now() + time;
  while (absl::Now() < end) continue;
}

// What `who` shall suffer: "3", "split", "merge".
absl::Status Suffer(const Words& words, const std::string& who, HandlerContext& context) {
  if (words.Text("crash") == who) std::abort();
  if (words.Text("once") == who && context.attempt() == 1) std::abort();
  if (words.Text("fail") == who) return absl::InvalidArgumentError(absl::StrCat(who, " fails"));
  if (words.Text("greedy") == who) throw std::bad_alloc();
  if (words.Text("hang") == who) {
    while (!context.cancelled() || words.Text("stubborn") == "yes") Burn(absl::Milliseconds(1));
    return absl::CancelledError("nobody waits");
  }
  return absl::OkStatus();
}

class Parts : public windlass::Handler {
 public:
  absl::StatusOr<Response> Handle(const Request&, HandlerContext&) override {
    Response response{"text/plain", "utf-8"};
    response.pieces.push_back(ResponsePiece::Borrowed("whole"));
    return response;
  }

  absl::Status Split(const Request& request, windlass::JobParts& parts,
                     HandlerContext& context) override {
    const Words words(request.content);
    if (absl::Status status = Suffer(words, "split", context); !status.ok()) return status;
    if (words.Text("memory") == "split") {
      if (const auto taken = context.ResponseMemory(1000); !taken.ok()) return taken.status();
    }
    const int count = words.Text("parts") == "auto" ? context.processes() : words.Number("parts");
    for (int i = 0; i < count; ++i) {
      parts.Add(words.Text("what").empty() ? absl::StrCat("part ", i)
                                           : std::string(words.Number("what"), 'x'));
    }
    if (words.Number("bytes") == 0) return absl::OkStatus();
    return parts.Share(words.Number("bytes")).status();
  }

  absl::StatusOr<PartResult> HandlePart(const Request& request, const Part& part,
                                        HandlerContext& context) override {
    const Words words(request.content);
    Burn(absl::Milliseconds(words.Number("ms")));
    if (absl::Status status = Suffer(words, absl::StrCat(part.index), context); !status.ok()) {
      return status;
    }
    const size_t bytes = words.Number("bytes"), from = bytes * part.index / part.count;
    if (bytes > 0)
      std::memset(part.shared.data() + from, 'a' + part.index % 26,
                  bytes * (part.index + 1) / part.count - from);
    if (words.Number("long") == part.index && !words.Text("long").empty()) {
      return std::string(1000, 'x');
    }
    PartResult result = std::string(part.what);
    const size_t content = words.Number("content");
    if (content == 0) return result;
    absl::Span<char> memory;
    if (words.Text("copied") == "yes") {
      memory = context.Scratch(content);
    } else {
      const absl::StatusOr<absl::Span<char>> taken = context.ResponseMemory(content);
      if (!taken.ok()) return taken.status();
      memory = *taken;
    }
    std::memset(memory.data(), 'a' + part.index % 26, memory.size());
    result.content = {memory.data(), memory.size()};
    return result;
  }

  absl::StatusOr<Response> Merge(const Request& request, const windlass::PartResults& parts,
                                 HandlerContext& context) override {
    const Words words(request.content);
    if (absl::Status status = Suffer(words, "merge", context); !status.ok()) return status;
    Response response{"text/plain", "utf-8"};
    if (!words.Text("order").empty()) {
      for (const absl::string_view part : absl::StrSplit(words.Text("order"), ',')) {
        int index = 0;
        if (!absl::SimpleAtoi(part, &index)) return absl::InvalidArgumentError("order");
        response.pieces.push_back(ResponsePiece::OfPart(index));
      }
      return response;
    }
    response.pieces.push_back(ResponsePiece::Owned(absl::StrJoin(parts.results, ",")));
    for (size_t i = 0; i < parts.content_bytes.size(); ++i) {
      if (parts.content_bytes[i] > 0) {
        response.pieces.push_back(ResponsePiece::OfPart(static_cast<int>(i)));
      }
    }
    const size_t bytes = words.Number("bytes");
    if (bytes > 0) {
      response.pieces.push_back(ResponsePiece::Borrowed({parts.shared.data(), bytes}));
    }
    return response;
  }
};

}  // namespace

WINDLASS_HANDLER("parts", Parts);
