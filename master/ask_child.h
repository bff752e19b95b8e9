#ifndef WINDLASS_MASTER_ASK_CHILD_H_
#define WINDLASS_MASTER_ASK_CHILD_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace windlass {

// What `question` returns, asked in a forked child: for code that this process must not run,
// because it may hang, crash or leave something behind. The child is killed when `limit` has
// passed. Blocking: up to `limit`. Errors beyond those of the question: DeadlineExceeded; Internal,
// when the child died without an answer. REQUIRES: one thread.
absl::Status AskChild(absl::FunctionRef<absl::Status()> question, absl::Duration limit);

}  // namespace windlass

#endif  // WINDLASS_MASTER_ASK_CHILD_H_
