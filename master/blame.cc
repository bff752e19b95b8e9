#include "master/blame.h"

#include <signal.h>

namespace windlass {
namespace {

bool IsCrash(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSYS:
    case SIGTRAP:
      return true;
    default:
      return false;
  }
}

}  // namespace

Blame BlameFor(const JobsEnd& end) {
  if (end.killed_by_master || end.out_of_memory) return {};
  const bool by_itself = end.status.exited || IsCrash(end.status.code);
  return {/*may_retry=*/true, /*counts=*/by_itself && end.handler_had_begun};
}

}  // namespace windlass
