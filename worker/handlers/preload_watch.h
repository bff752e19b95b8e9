#ifndef WINDLASS_WORKER_HANDLERS_PRELOAD_WATCH_H_
#define WINDLASS_WORKER_HANDLERS_PRELOAD_WATCH_H_

#include <map>
#include <string>
#include <vector>

namespace windlass {

// Role: sees what loading a handler left behind that does not work in processes that are copied
// from this one. The process that loads handlers. Blocking: a few milliseconds, when a thread that
// was joined has not quite ended.
class PreloadWatch {
 public:
  PreloadWatch();  // remembers what there is now
  // One sentence that says what there is now beyond that, and where it belongs; "": nothing.
  std::string LeftBehind() const;

 private:
  std::vector<int> threads_;
  std::map<int, std::string> sockets_;  // descriptor: which socket
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_PRELOAD_WATCH_H_
