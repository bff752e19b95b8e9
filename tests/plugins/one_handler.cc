// A plug-in of one handler.
#include "windlass/handler.h"

namespace {

class Only : public windlass::Handler {
 public:
  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("only", Only);
