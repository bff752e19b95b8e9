#include "worker/io/request_meter.h"

namespace windlass {

RequestMeter::RequestMeter(const MetricsNames& names, MetricsSlot* slot, absl::string_view listener,
                           const Config& config)
    : slot_(slot), listener_(names.FindListener(listener)) {
  for (const HandlerConfig& handler : config.handlers) {
    handlers_.push_back(names.FindHandler(handler.name));
  }
  handlers_.push_back(MetricsNames::kNoHandler);
  rows_.resize(handlers_.size());
}

// Rows are taken when they are needed: most pairs of listener and handler never meet.
MetricsRow& RequestMeter::FindRow(size_t at) {
  rows_[at] = &slot_->RowFor({listener_, handlers_[at]});
  return *rows_[at];
}

}  // namespace windlass
