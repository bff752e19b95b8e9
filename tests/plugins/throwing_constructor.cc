// A plug-in whose handler cannot be made.
#include <stdexcept>

#include "windlass/handler.h"

namespace {

class Bad : public windlass::Handler {
 public:
  Bad() { throw std::runtime_error("no licence"); }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("bad", Bad);
