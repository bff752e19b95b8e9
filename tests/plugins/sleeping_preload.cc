// A plug-in whose Preload never ends.
#include <unistd.h>

#include "windlass/handler.h"

namespace {

class Bad : public windlass::Handler {
 public:
  absl::Status Preload(windlass::HandlerOptions&, windlass::SharedArena&) override {
    for (;;) ::pause();
  }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("bad", Bad);
