#ifndef WINDLASS_COMMON_NEAREST_NAME_H_
#define WINDLASS_COMMON_NEAREST_NAME_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// "Did you mean ...?" for what people type. Blocking: never.

namespace windlass {

// Letters to insert, delete or replace to make `b` from `a`.
size_t EditDistance(absl::string_view a, absl::string_view b);

// Whether `name` may be a slip for `meant`: at most half of its letters differ.
bool IsNear(absl::string_view name, absl::string_view meant);

// The name nearest to `name`, the first of equals; "" when none is near.
std::string NearestName(absl::string_view name, const std::vector<std::string>& names);

// ", did you mean 'count'?", or "" when none is near.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& names);

}  // namespace windlass

#endif  // WINDLASS_COMMON_NEAREST_NAME_H_
