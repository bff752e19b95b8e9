#ifndef WINDLASS_TOOLS_CTL_OUTPUT_STYLE_H_
#define WINDLASS_TOOLS_CTL_OUTPUT_STYLE_H_

#include "tools/ctl/ctl_options.h"
#include "tools/ctl/text_table.h"

namespace windlass {

// Whether standard output gets colours. kAuto: it is a terminal, TERM names one that is not "dumb",
// and NO_COLOR (https://no-color.org) is not set or empty.
bool UseColours(ColourChoice choice);

// The same, and how wide standard output is if it is a terminal.
TextStyle StyleOfOutput(ColourChoice choice);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_OUTPUT_STYLE_H_
