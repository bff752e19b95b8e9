#ifndef WINDLASS_WORKER_HANDLERS_OPTION_READER_H_
#define WINDLASS_WORKER_HANDLERS_OPTION_READER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "windlass/handler.h"

namespace windlass {

// Role: gives a handler its options, and remembers which it asked for and what was wrong. Any
// process that loads handlers. Blocking: never.
class OptionReader : public HandlerOptions {
 public:
  explicit OptionReader(const HandlerConfig& config) : config_(config) {}  // which must outlive it

  bool Has(absl::string_view key) const override;
  std::string String(absl::string_view key, absl::string_view otherwise) override;
  std::string RequiredString(absl::string_view key) override;
  int64_t Integer(absl::string_view key, int64_t otherwise, int64_t min, int64_t max) override;
  double Number(absl::string_view key, double otherwise, double min, double max) override;
  bool Boolean(absl::string_view key, bool otherwise) override;
  absl::Duration Duration(absl::string_view key, absl::Duration otherwise) override;
  uint64_t Bytes(absl::string_view key, uint64_t otherwise) override;
  std::vector<std::string> Strings(absl::string_view key) override;

  // InvalidArgument: the first thing that was wrong with a value; else a key that was never asked
  // for. Names the handler and the option.
  absl::Status Verdict() const;
  bool has_wrong_value() const { return !first_.ok(); }

 private:
  const OptionValue* Find(absl::string_view key);  // and makes it known; null: not set
  template <typename T>
  const T* FindAs(absl::string_view key, absl::string_view expects);
  // Only the first one counts.
  void Complain(absl::string_view key, absl::string_view what);
  void ComplainOf(absl::string_view key, absl::string_view expects);  // and what is there instead

  const HandlerConfig& config_;
  std::vector<std::string> known_;
  absl::Status first_;
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_OPTION_READER_H_
