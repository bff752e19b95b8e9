#include "common/program_path.h"

#include "common/posix.h"

namespace windlass {

std::string ProgramFolder() {
  // A file that was replaced is "PATH (deleted)": what is before its last slash is still right.
  const std::string program = ReadLink("/proc/self/exe").value_or("");
  const size_t slash = program.rfind('/');
  return slash == std::string::npos ? "." : program.substr(0, slash);
}

}  // namespace windlass
