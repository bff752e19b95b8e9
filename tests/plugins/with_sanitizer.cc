// A plug-in built with -fsanitize=address: "read too far" reads behind the memory that it has.
#include "windlass/handler.h"

namespace {

class Checked : public windlass::Handler {
 public:
  absl::StatusOr<windlass::Response> Handle(const windlass::Request& request,
                                            windlass::HandlerContext&) override {
    const volatile char* const content = request.content.data();
    const size_t readable = request.content.size() + 64;
    char seen = content[readable - 1];
    if (request.content == "read too far") seen = content[readable];
    windlass::Response response{"text/plain", "utf-8"};
    response.pieces.push_back(windlass::ResponsePiece::Borrowed(seen == 0 ? "zero" : "other"));
    return response;
  }
};

}  // namespace

WINDLASS_HANDLER("checked", Checked);
