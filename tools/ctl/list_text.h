#ifndef WINDLASS_TOOLS_CTL_LIST_TEXT_H_
#define WINDLASS_TOOLS_CTL_LIST_TEXT_H_

#include <string>

#include "proto/ctl.pb.h"
#include "tools/ctl/text_table.h"

// What there is many of, for a person. Pure.

namespace windlass {

// A list and what must be known about it. They go to different streams, so that the list can be
// cut and sorted.
struct ListText {
  std::string table;  // or one line that says that there is nothing; with its newline
  std::string notes;  // lines: who did not answer, how many are left out; "" = it is complete
};

ListText ConnectionsText(const proto::ConnectionsReport& report, const TextStyle& style);
ListText JobsText(const proto::JobsReport& report, const TextStyle& style);
ListText QuarantineText(const proto::QuarantineReport& report, const TextStyle& style);
ListText DeathsText(const proto::DeathsReport& report, const TextStyle& style);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_LIST_TEXT_H_
