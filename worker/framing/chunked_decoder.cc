#include "worker/framing/chunked_decoder.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace windlass {
namespace {

namespace http = boost::beast::http;

// The parser knows whole messages only.
constexpr absl::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

class ChunkedDecoder::Parser final : public http::basic_parser<true> {
 public:
  using ErrorCode = boost::beast::error_code;

  Parser() {
    body_limit(boost::none);
    ErrorCode error;
    put(boost::asio::const_buffer(kHead.data(), kHead.size()), error);
    CHECK(!error && !is_done()) << error.message();
  }

  const DecodedSink* sink = nullptr;  // during a call of put
  uint64_t decoded = 0;
  uint64_t chunk_left = 0;
  uint64_t extension_bytes = 0;
  bool is_full = false;  // the sink took less than there was

 private:
  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view extensions,
                            ErrorCode& error) override {
    extension_bytes += extensions.size();
    if (extension_bytes > kMaxExtensionBytes) error = http::error::bad_chunk_extension;
    chunk_left = size;
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

ChunkedDecoder::ChunkedDecoder() : parser_(std::make_unique<Parser>()) {}
ChunkedDecoder::~ChunkedDecoder() = default;

uint64_t ChunkedDecoder::decoded() const { return parser_->decoded; }

ContentDecoder::Result ChunkedDecoder::Decode(absl::string_view coded, DecodedSink sink) {
  Result result;
  parser_->sink = &sink;
  parser_->is_full = false;
  while (result.used < coded.size() && !parser_->is_done()) {
    const absl::string_view rest = coded.substr(result.used);
    Parser::ErrorCode error;
    const size_t used = parser_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    result.used += used;
    if (parser_->is_full) return result;
    if (error == http::error::need_more) {
      // What waits for its end is a line, or trailers.
      if (coded.size() - result.used > kMaxLineBytes) result.outcome = Outcome::kBad;
      return result;
    }
    if (error) {
      result.outcome = Outcome::kBad;
      return result;
    }
    if (used == 0) break;
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
