#ifndef WINDLASS_WORKER_FRAMING_CHUNKED_DECODER_H_
#define WINDLASS_WORKER_FRAMING_CHUNKED_DECODER_H_

#include <memory>
#include <string>

#include "worker/framing/framing.h"

namespace windlass {

// Role: takes a chunked content (RFC 9112 section 7.1) out of its coding, by Boost.Beast's parser.
// One for each such content. Trailer fields are dropped. Refuses what could be read in two ways: a
// size that is not hexadecimal digits alone, a line that does not end with CRLF or has other
// control characters in it, also between quotes, extensions of more than kMaxExtensionBytes in all.
class ChunkedDecoder final : public ContentDecoder {
 public:
  static constexpr size_t kMaxLineBytes = 8 << 10;  // of a chunk's size and extensions; of trailers
  static constexpr size_t kMaxExtensionBytes = 8 << 10;

  // `limit`: bytes that the content may have.
  explicit ChunkedDecoder(uint64_t limit);
  ~ChunkedDecoder() override;
  Result Decode(absl::string_view coded, DecodedSink sink) override;
  uint64_t decoded() const override;
  void AppendPrefix(std::string* coded) const override;

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_FRAMING_CHUNKED_DECODER_H_
