#ifndef WINDLASS_COMMON_PROGRAM_PATH_H_
#define WINDLASS_COMMON_PROGRAM_PATH_H_

#include <string>

namespace windlass {

// The directory of the program that this process runs, without a slash at its end; "." when it
// cannot be told. Also right after an upgrade has replaced the program's file. Blocking: never.
std::string ProgramFolder();

}  // namespace windlass

#endif  // WINDLASS_COMMON_PROGRAM_PATH_H_
