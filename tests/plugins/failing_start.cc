// A plug-in that cannot start.
#include "windlass/handler.h"

namespace {

class Bad : public windlass::Handler {
 public:
  absl::Status Start() override { return absl::UnavailableError("the database is away"); }

  absl::StatusOr<windlass::Response> Handle(const windlass::Request&,
                                            windlass::HandlerContext&) override {
    return windlass::Response{};
  }
};

}  // namespace

WINDLASS_HANDLER("bad", Bad);
