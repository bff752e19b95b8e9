#ifndef WINDLASS_TESTS_SCENARIO_HTTP_GET_H_
#define WINDLASS_TESTS_SCENARIO_HTTP_GET_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/scenario/server.h"

namespace windlass {

struct Page {
  int status = 0;
  std::string head, content;
};

// What a client gets that asks for one page and reads to the end of the stream. nullopt: it was
// refused, or had no whole answer within `limit`.
std::optional<Page> HttpGet(const std::string& address, absl::string_view path,
                            absl::string_view headers = "Host: 127.0.0.1\r\n",
                            absl::string_view method = "GET", absl::Duration limit = kSoon);
// "200 ok", or "no answer".
std::string Said(const std::string& address, absl::string_view path);

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_HTTP_GET_H_
