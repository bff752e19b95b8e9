// A plug-in whose Preload throws.
#include <stdexcept>

#include "windlass/handler.h"

namespace {

class Bad : public windlass::Handler {
 public:
  absl::Status Preload(windlass::HandlerOptions&, windlass::SharedArena&) override {
    throw std::runtime_error("the model is broken");
  }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("bad", Bad);
