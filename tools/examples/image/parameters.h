#ifndef WINDLASS_TOOLS_EXAMPLES_IMAGE_PARAMETERS_H_
#define WINDLASS_TOOLS_EXAMPLES_IMAGE_PARAMETERS_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tools/examples/image/codec.h"
#include "tools/examples/image/operation.h"

namespace windlass::image {

// What a request asks for.
struct Parameters {
  Operation operation;
  bool fits = false;             // resize to fit into width x height, never larger: thumbnail
  std::optional<Format> format;  // as it came, where it is not asked for
  int quality = 0;               // of JPEG; 0: not said
};

// A key of the request: of its header in `message`, of its query in http.
using Lookup = absl::FunctionRef<std::optional<std::string>(absl::string_view key)>;

// Keys: op (grayscale, invert, blur, resize, thumbnail, rotate, flip; none: only the format
// changes), and what belongs to it: radius, width and height, size, degrees, direction (horizontal,
// vertical); format (png, jpeg, ppm, pgm), quality. InvalidArgument names the key.
absl::StatusOr<Parameters> ReadParameters(Lookup lookup);

// The value of `key` in an URL's query, decoded (WHATWG application/x-www-form-urlencoded).
std::optional<std::string> QueryValue(absl::string_view query, absl::string_view key);
// Keys that no operation has, or that stand twice, are InvalidArgument.
absl::Status CheckQuery(absl::string_view query);

// The operation for a picture of that shape: a thumbnail's size depends on it.
Operation OperationFor(const Parameters& parameters, const Shape& in);

}  // namespace windlass::image

#endif  // WINDLASS_TOOLS_EXAMPLES_IMAGE_PARAMETERS_H_
