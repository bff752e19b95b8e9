#ifndef WINDLASS_TESTS_SCENARIO_CONFIG_TEXT_H_
#define WINDLASS_TESTS_SCENARIO_CONFIG_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace windlass {

// A listener on loopback, at a port that the kernel picks. One protocol, one address: those of
// different protocols differ in the text, so that one can go while the others stay.
std::string ListenerText(absl::string_view protocol, absl::string_view more = "");
std::string ListenerAt(absl::string_view address, absl::string_view protocol,
                       absl::string_view more = "");
// `options`: the inside of { }.
std::string HandlerText(absl::string_view name, absl::string_view options);

// A configuration file: two workers, two pool processes and a listener of each protocol (length
// with keepalive) unless it is said otherwise. The texts are lines of TOML.
struct ConfigParts {
  int workers = 2, pool = 2;
  std::string in_master = "", in_workers = "", in_pool = "", in_log = "";
  std::string handlers = "";
  std::string listeners = "";  // "" = the usual ones
};
std::string UsualListeners();
std::string ConfigText(const ConfigParts& parts = {});

}  // namespace windlass

#endif  // WINDLASS_TESTS_SCENARIO_CONFIG_TEXT_H_
