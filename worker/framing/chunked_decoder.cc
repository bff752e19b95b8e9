#include "worker/framing/chunked_decoder.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/log.h"

namespace windlass {
namespace {

namespace http = boost::beast::http;

// The parser knows whole messages only.
constexpr absl::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

struct HeadEnd {
  enum class Outcome : uint8_t { kNeedMore, kEnd, kBad } outcome = Outcome::kNeedMore;
  size_t bytes = 0;
};

bool IsLineText(absl::string_view text) {
  return absl::c_all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

bool SaysLastChunk(absl::string_view line) {
  const size_t digits = std::min(line.find_first_not_of('0'), line.size());
  return digits > 0 &&
         (digits == line.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(line[digits])));
}

// The end of the line that a chunk begins with, or, for the last chunk, of the trailers. The parser
// gets whole ones: it would look for the end of a quoted string beyond the line, and with bytes
// that other readers take for a line's end.
HeadEnd FindChunkHeadEnd(absl::string_view bytes, bool follows_chunk) {
  size_t line = 0;
  if (follows_chunk) {
    if (!absl::StartsWith("\r\n", bytes.substr(0, 2))) return {HeadEnd::Outcome::kBad, 0};
    if (bytes.size() < 2) return {};
    line = 2;
  }
  const size_t start = line;
  for (bool is_first = true;; is_first = false) {
    const size_t end = bytes.find('\n', line);
    const size_t known = std::min(end, bytes.size());
    if (known - start > ChunkedDecoder::kMaxLineBytes) return {HeadEnd::Outcome::kBad, 0};
    absl::string_view text = bytes.substr(line, known - line);
    const bool has_return = absl::ConsumeSuffix(&text, "\r");
    if (!IsLineText(text)) return {HeadEnd::Outcome::kBad, 0};
    if (end == absl::string_view::npos) return {};
    if (!has_return) return {HeadEnd::Outcome::kBad, 0};
    if (is_first ? !SaysLastChunk(text) : text.empty()) return {HeadEnd::Outcome::kEnd, end + 1};
    line = end + 1;
  }
}

}  // namespace

class ChunkedDecoder::Parser final : public http::basic_parser<true> {
 public:
  using ErrorCode = boost::beast::error_code;

  explicit Parser(uint64_t most) : limit(most) {
    body_limit(boost::none);
    ErrorCode error;
    put(boost::asio::const_buffer(kHead.data(), kHead.size()), error);
    CHECK(!error && !is_done()) << error.message();
  }

  const uint64_t limit;
  const DecodedSink* sink = nullptr;  // during a call of put
  uint64_t decoded = 0;
  uint64_t chunk_left = 0;
  uint64_t extension_bytes = 0;
  bool is_full = false;   // the sink took less than there was
  bool is_large = false;  // a chunk is over the limit
  bool has_chunk = false;

 private:
  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view extensions,
                            ErrorCode& error) override {
    extension_bytes += extensions.size();
    if (extension_bytes > kMaxExtensionBytes) error = http::error::bad_chunk_extension;
    is_large = size > limit - decoded;
    if (is_large) error = http::error::body_limit;
    chunk_left = size;
    has_chunk = true;
  }

  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body,
                                 ErrorCode& error) override {
    const size_t taken = (*sink)({body.data(), body.size()});
    decoded += taken;
    chunk_left -= taken;
    is_full = taken < body.size();
    if (is_full) error = http::error::need_buffer;
    return taken;
  }

  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int,
                       ErrorCode&) override {}
  void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
  void on_field_impl(http::field, boost::beast::string_view, boost::beast::string_view,
                     ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(boost::beast::string_view, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}
};

ChunkedDecoder::ChunkedDecoder(uint64_t limit) : parser_(std::make_unique<Parser>(limit)) {}
ChunkedDecoder::~ChunkedDecoder() = default;

uint64_t ChunkedDecoder::decoded() const { return parser_->decoded; }

ContentDecoder::Result ChunkedDecoder::Decode(absl::string_view coded, DecodedSink sink) {
  Result result;
  parser_->sink = &sink;
  parser_->is_full = false;
  while (result.used < coded.size() && !parser_->is_done()) {
    absl::string_view next = coded.substr(result.used);
    const bool is_in_chunk = parser_->chunk_left > 0;
    if (!is_in_chunk) {
      const HeadEnd head = FindChunkHeadEnd(next, parser_->has_chunk);
      if (head.outcome == HeadEnd::Outcome::kNeedMore) return result;
      if (head.outcome == HeadEnd::Outcome::kBad) return {Outcome::kBad, result.used};
      next = next.substr(0, head.bytes);
    }
    Parser::ErrorCode error;
    const size_t used = parser_->put(boost::asio::const_buffer(next.data(), next.size()), error);
    result.used += used;
    if (parser_->is_full) return result;
    if (parser_->is_large) return {Outcome::kTooLarge, result.used};
    // A whole head is taken whole.
    if (error || (!is_in_chunk && used < next.size())) return {Outcome::kBad, result.used};
  }
  if (parser_->is_done()) result.outcome = Outcome::kComplete;
  return result;
}

// The chunks so far as one, which what is still to come continues.
void ChunkedDecoder::AppendPrefix(std::string* coded) const {
  const uint64_t size = parser_->decoded + parser_->chunk_left;
  if (size > 0) absl::StrAppend(coded, absl::Hex(size), "\r\n");
}

}  // namespace windlass
