#ifndef WINDLASS_TOOLS_CTL_STATUS_TEXT_H_
#define WINDLASS_TOOLS_CTL_STATUS_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/ctl.pb.h"
#include "tools/ctl/text_table.h"

namespace windlass {

// A report for a person: what is wrong first, then the server, then tables. `now` is what the last
// reload is told against. Pure.
std::string StatusText(const proto::StatusReport& report, absl::Time now, const TextStyle& style);

// Green: it serves. Yellow: it is on its way there or away. Red: it does not. For states of the
// server, of generations and of processes.
Colour ColourOfState(absl::string_view state);
// By the kind of a death. Red: nobody wanted it. Yellow: the master ended the process because of
// what it did. None: it was told to end.
Colour ColourOfDeath(absl::string_view kind, bool expected);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_STATUS_TEXT_H_
