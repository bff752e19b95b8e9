#ifndef WINDLASS_WORKER_POOL_SYMBOLIZER_H_
#define WINDLASS_WORKER_POOL_SYMBOLIZER_H_

#include <cstdint>
#include <string>

namespace windlass {

// Names places in the code of this process, and of every other one with the same address layout: a
// zygote's clones. Reads the files of the program and its libraries, so it is nothing for a process
// that must not open files. Once, before SymbolizeAddress.
void InitSymbolizer();

// "Resize(Image const&) (image.so+0x1a2b)"; where there is no name, or no file, "0x7f0012345678"
// takes its place or stands alone. What is behind the plus is what addr2line(1) takes.
// `is_return_address`: the call before it is meant.
std::string SymbolizeAddress(uint64_t address, bool is_return_address);

}  // namespace windlass

#endif  // WINDLASS_WORKER_POOL_SYMBOLIZER_H_
