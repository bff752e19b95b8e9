#ifndef WINDLASS_TOOLS_CTL_TOP_LINES_H_
#define WINDLASS_TOOLS_CTL_TOP_LINES_H_

#include <string>
#include <vector>

#include "tools/ctl/top_view.h"

// The parts of what top_view.h puts together. Pure.

namespace windlass {

// The server and its figures: what is wrong first, then what is asked for most, so that a small
// window can leave out the end.
std::vector<TopLine> TopHeader(const TopPicture& picture, const TopControls& controls,
                               size_t columns);

// The processes, the names of the columns first. Columns are left out, the least important first,
// until the rest fits.
std::vector<TopLine> TopProcessTable(const std::vector<TopProcess>& processes,
                                     const TopOrder& order, size_t columns);
// "PROCESSES  4 of 6, by CPU%, largest first, pool only"
TopLine TopTableTitle(size_t shown, size_t all, const TopOrder& order);

// One line for each job, and the names of the columns before them.
std::vector<TopLine> TopJobTable(const std::vector<TopProcess>& running);

// Deaths and slow jobs with their call stacks, the latest first.
std::vector<TopLine> TopStacks(const TopPicture& picture);

std::vector<TopLine> TopHelp();

// Short forms: "7", "9999", "74.8k", "1.2M"; with a decimal where that matters, "7.5", "0"; "812",
// "12.3M" (powers of 1024).
std::string ShortCount(uint64_t count);
std::string ShortRate(double rate);
std::string ShortSize(uint64_t bytes);

}  // namespace windlass

#endif  // WINDLASS_TOOLS_CTL_TOP_LINES_H_
