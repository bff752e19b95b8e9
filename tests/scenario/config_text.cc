#include "tests/scenario/config_text.h"

#include "absl/strings/str_cat.h"

namespace windlass {

std::string ListenerAt(absl::string_view address, absl::string_view protocol,
                       absl::string_view more) {
  return absl::StrCat("[[listener]]\naddress = \"", address, "\"\nprotocol = \"", protocol, "\"\n",
                      more, "\n");
}

std::string ListenerText(absl::string_view protocol, absl::string_view more) {
  absl::string_view address = "127.0.0.1:0";
  if (protocol == "echo") address = "127.0.0.2:0";
  if (protocol == "line") address = "127.0.0.3:0";
  if (protocol == "length") address = "127.0.0.4:0";
  return ListenerAt(address, protocol, more);
}

std::string HandlerText(absl::string_view name, absl::string_view options) {
  return absl::StrCat("[[handler]]\nname = \"", name, "\"\nbuiltin = \"", name, "\"\noptions = { ",
                      options, " }\n");
}

std::string UsualListeners() {
  return absl::StrCat(ListenerText("message"), ListenerText("echo"), ListenerText("line"),
                      ListenerText("length", "keepalive = true"));
}

std::string ConfigText(const ConfigParts& parts) {
  return absl::StrCat("[master]\n", parts.in_master, "\n[workers]\ncount = ", parts.workers, "\n",
                      parts.in_workers, "\n[pool]\nprocesses = ", parts.pool, "\n", parts.in_pool,
                      "\n[log]\n", parts.in_log, "\n", parts.handlers,
                      parts.listeners.empty() ? UsualListeners() : parts.listeners);
}

}  // namespace windlass
