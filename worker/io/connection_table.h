#ifndef WINDLASS_WORKER_IO_CONNECTION_TABLE_H_
#define WINDLASS_WORKER_IO_CONNECTION_TABLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "worker/io/connection.h"

namespace windlass {

// Role: owns a worker's connections and finds them by token: index (32 bits) and generation (24),
// so that an event for a connection that is gone finds nobody, even when its place has been taken.
// The upper 8 bits name the kind of owner.
class ConnectionTable {
 public:
  static constexpr uint64_t kTokenKind = 1;

  // The token that the next connection added will have.
  SelectorToken NextToken();
  Connection* Add(std::unique_ptr<Connection> connection);  // made with NextToken()
  Connection* Find(SelectorToken token);
  void Remove(Connection* connection);
  size_t size() const { return size_; }
  // The next one in some order that *cursor goes round; null when there is none.
  Connection* Next(uint32_t* cursor);
  // `visit` may close connections, but not remove them.
  void ForEach(absl::FunctionRef<void(Connection*)> visit);

 private:
  struct Place {
    std::unique_ptr<Connection> connection;
    uint32_t generation = 0;
  };
  std::vector<Place> places_;
  std::vector<uint32_t> vacant_;
  size_t size_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_CONNECTION_TABLE_H_
