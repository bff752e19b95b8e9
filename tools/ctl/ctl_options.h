#ifndef WINDLASS_TOOLS_CTL_CTL_OPTIONS_H_
#define WINDLASS_TOOLS_CTL_CTL_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/ctl.pb.h"

namespace windlass {

enum class CtlTask : uint8_t {
  kHelp,
  kOwnVersion,  // --version, which asks nobody
  kAskServer,
  kTop,  // asks again and again
};

enum class ColourChoice : uint8_t { kAuto, kAlways, kNever };

// What `windlassctl` was asked to do. Beside `task`, all of it is for kAskServer and kTop.
struct CtlOptions {
  CtlTask task = CtlTask::kHelp;
  proto::CtlRequest request;
  bool json = false;
  absl::Duration timeout;                      // of the whole command; kTop: of each question
  absl::Duration interval = absl::Seconds(1);  // kTop
  ColourChoice colour = ColourChoice::kAuto;
  std::string control;  // the socket's path; "" = ClientControlPaths()
};

// Pure. `args` without the program's name. InvalidArgument: wrong usage, and says how.
absl::StatusOr<CtlOptions> ParseCtlOptions(absl::Span<const std::string> args);

absl::string_view CtlUsage();

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_CTL_OPTIONS_H_
