#include "common/config_check.h"

#include <sys/un.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/address.h"
#include "common/builtin_handlers.h"
#include "common/config_keys.h"
#include "common/nearest_name.h"
#include "common/pools.h"

namespace windlass {
namespace {

void CheckHandlers(const LocatedConfig& located, ConfigErrors* errors) {
  std::map<std::string, std::string> by_name, by_type;  // where each was first seen
  for (size_t i = 0; i < located.config.handlers.size(); ++i) {
    const HandlerConfig& handler = located.config.handlers[i];
    const KeyOrigins& origins = located.handlers[i];
    const auto once = [&](const std::string& value, const std::string& key,
                          std::map<std::string, std::string>* seen) {
      if (value.empty()) return;
      const Origin& origin = origins.At(key);
      const auto [first, is_new] = seen->emplace(value, FormatOrigin(origin));
      if (!is_new) {
        errors->Add(origin, absl::StrCat("handler.", key, " '", value, "' is there already, at ",
                                         first->second));
      }
    };
    once(handler.name, "name", &by_name);
    once(handler.content_type, "content_type", &by_type);
  }
}

void CheckListenerHandler(const ListenerConfig& listener, const KeyOrigins& origins,
                          const std::vector<std::string>& handlers, ConfigErrors* errors) {
  if (listener.handler.empty()) return;
  const Origin& origin = origins.At("handler");
  if (listener.protocol == Protocol::kEcho) {
    errors->Add(origin, "listener.handler: protocol echo has no requests that a handler could get");
  } else if (std::find(handlers.begin(), handlers.end(), listener.handler) == handlers.end()) {
    errors->Add(origin, absl::StrCat("listener.handler: no handler is named '", listener.handler,
                                     "'", DidYouMean(listener.handler, handlers)));
  }
}

void CheckRoutes(const ListenerConfig& listener, const KeyOrigins& origins,
                 const std::vector<std::string>& handlers, ConfigErrors* errors) {
  if (listener.routes.empty()) return;
  const Origin& origin = origins.At("routes");
  if (listener.protocol != Protocol::kHttp) {
    return errors->Add(origin, "listener.routes is for protocol http only");
  }
  for (const auto& [path, handler] : listener.routes) {
    if (std::find(handlers.begin(), handlers.end(), handler) != handlers.end()) continue;
    errors->Add(origin, absl::StrCat("listener.routes: no handler is named '", handler, "'",
                                     DidYouMean(handler, handlers)));
  }
}

void CheckUnixOnlyKeys(const ListenerConfig& listener, const KeyOrigins& origins,
                       ConfigErrors* errors) {
  if (listener.address.text.empty() || listener.address.kind == ListenAddress::Kind::kUnix) return;
  for (const char* key : {"mode", "owner", "group"}) {
    if (origins.keys.count(key) == 0) continue;
    errors->Add(origins.At(key), absl::StrCat("listener.", key, " is for unix: addresses only"));
  }
}

// By what a client of a unix: address could be counted.
void CheckPerAddress(const ListenerConfig& listener, const KeyOrigins& origins,
                     ConfigErrors* errors) {
  if (listener.max_connections_per_address == 0 || listener.proxy_protocol) return;
  if (listener.address.text.empty() || listener.address.kind != ListenAddress::Kind::kUnix) return;
  errors->Add(origins.At("max_connections_per_address"),
              "listener.max_connections_per_address is for clients of the network: a unix: address "
              "needs listener.proxy_protocol beside it");
}

// Entries that could never match.
void CheckAllow(const ListenerConfig& listener, const KeyOrigins& origins, ConfigErrors* errors) {
  if (listener.proxy_protocol && listener.allow.empty()) {
    errors->Add(origins.At("proxy_protocol"),
                "listener.proxy_protocol needs listener.allow: whoever may connect can say that "
                "it is anybody");
  }
  if (listener.address.text.empty() || listener.address.kind == ListenAddress::Kind::kSystemd) {
    return;
  }
  const bool is_unix = listener.address.kind == ListenAddress::Kind::kUnix;
  for (const std::string& entry : listener.allow) {
    const bool is_account = absl::StartsWith(entry, "uid:") || absl::StartsWith(entry, "gid:");
    if (is_account == is_unix) continue;
    errors->Add(origins.At("allow"),
                absl::StrCat("listener.allow: \"", entry, "\" is for ",
                             is_unix ? "addresses of the network" : "unix: addresses", " only"));
  }
}

void CheckAddressIsFree(const LocatedConfig& located, size_t index, ConfigErrors* errors) {
  const ListenAddress& address = located.config.listeners[index].address;
  for (size_t i = 0; i < index; ++i) {
    const ListenAddress& other = located.config.listeners[i].address;
    if (address.text.empty() || other.text.empty() || !AddressesClash(address, other)) continue;
    errors->Add(located.listeners[index].At("address"),
                absl::StrCat("listener.address '", address.text, "' is taken by '", other.text,
                             "' at ", FormatOrigin(located.listeners[i].At("address"))));
    return;
  }
}

void CheckListeners(const LocatedConfig& located, ConfigErrors* errors) {
  std::vector<std::string> handlers;
  for (const HandlerConfig& handler : WithDefaultHandlers(located.config.handlers))
    handlers.push_back(handler.name);
  for (size_t i = 0; i < located.config.listeners.size(); ++i) {
    const ListenerConfig& listener = located.config.listeners[i];
    CheckListenerHandler(listener, located.listeners[i], handlers, errors);
    CheckRoutes(listener, located.listeners[i], handlers, errors);
    CheckUnixOnlyKeys(listener, located.listeners[i], errors);
    CheckAllow(listener, located.listeners[i], errors);
    CheckPerAddress(listener, located.listeners[i], errors);
    CheckAddressIsFree(located, i, errors);
  }
}

void CheckIdentity(const LocatedConfig& located, ConfigErrors* errors) {
  const MasterConfig& master = located.config.master;
  if (master.group.empty() || !master.user.empty()) return;
  errors->Add(located.keys.At("master.group"), "master.group needs master.user beside it");
}

void CheckControl(const LocatedConfig& located, ConfigErrors* errors) {
  constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;  // one byte for the NUL
  const size_t size = located.config.master.control.size();
  if (size <= kMaxPath) return;
  errors->Add(located.keys.At("master.control"),
              absl::StrCat("master.control is ", size,
                           " bytes long, and a unix socket can have at most ", kMaxPath));
}

// A default address that is taken is no error; Service says so when it starts.
void CheckAdmin(const LocatedConfig& located, ConfigErrors* errors) {
  const AdminConfig& admin = located.config.admin;
  if (!admin.address_is_written || admin.address.text.empty()) return;
  for (size_t i = 0; i < located.config.listeners.size(); ++i) {
    const ListenAddress& other = located.config.listeners[i].address;
    if (other.text.empty() || !AddressesClash(admin.address, other)) continue;
    errors->Add(located.keys.At("admin.address"),
                absl::StrCat("admin.address '", admin.address.text, "' is taken by '", other.text,
                             "' at ", FormatOrigin(located.listeners[i].At("address"))));
    return;
  }
}

// The place to blame: the first of `keys` that was written.
Origin FirstWritten(const KeyOrigins& origins, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (origins.keys.count(key) != 0) return origins.At(key);
  }
  return origins.table;
}

// How many at least: "auto" is not known before the machine is.
int AtLeast(const ProcessCount& count) { return count.automatic ? 1 : count.count; }

// "pool." or "pool.NAME.": where its keys are.
std::string PrefixOf(const PoolConfig& pool) {
  return pool.name == kDefaultPool ? "pool." : absl::StrCat("pool.", pool.name, ".");
}

// Of the number that follows the load.
void CheckScaling(const LocatedConfig& located, const PoolConfig& pool, ConfigErrors* errors) {
  const std::string prefix = PrefixOf(pool);
  const auto at = [&](std::initializer_list<const char*> keys) {
    std::vector<std::string> full;
    for (const char* key : keys) full.push_back(prefix + key);
    return FirstWritten(located.keys, full);
  };
  if (pool.max == 0) {
    if (pool.min == 0) return;
    return errors->Add(at({"min"}), absl::StrCat(prefix, "min needs ", prefix, "max beside it"));
  }
  const int least = std::max(1, pool.min);
  if (least > pool.max) {
    return errors->Add(at({"max", "min"}), absl::StrCat(prefix, "min (", least, ") is more than ",
                                                        prefix, "max (", pool.max, ")"));
  }
  if (pool.processes.automatic) return;
  if (pool.processes.count < least || pool.processes.count > pool.max) {
    errors->Add(at({"processes"}),
                absl::StrCat(prefix, "processes (", pool.processes.count, ") is not from ", prefix,
                             "min (", least, ") to ", prefix, "max (", pool.max, ")"));
  }
}

void CheckPools(const LocatedConfig& located, ConfigErrors* errors) {
  const Config& config = located.config;
  std::vector<std::string> names;
  for (const PoolConfig& pool : config.pools) {
    CheckScaling(located, pool, errors);
    names.push_back(pool.name);
  }
  for (size_t i = 0; i < config.handlers.size(); ++i) {
    const HandlerConfig& handler = config.handlers[i];
    if (handler.pool.empty()) continue;
    const Origin& origin = located.handlers[i].At("pool");
    if (PoolNamed(config, handler.pool) == UINT32_MAX) {
      errors->Add(origin,
                  absl::StrCat("handler.pool: there is no [pool.", absl::CEscape(handler.pool), "]",
                               DidYouMean(handler.pool, names)));
    } else if (handler.builtin == "static") {
      errors->Add(origin, "handler.pool: workers answer for a static handler, no pool does");
    }
  }
}

void CheckCounts(const LocatedConfig& located, ConfigErrors* errors) {
  const Config& config = located.config;
  const int workers = AtLeast(config.workers.count);
  int pool = 0;
  for (const PoolConfig& one : config.pools) pool += std::max(AtLeast(one.processes), one.max);
  if (workers > config.workers.max) {
    errors->Add(FirstWritten(located.keys, {"workers.count", "workers.max"}),
                absl::StrCat("workers.count (", workers, ") is more than workers.max (",
                             config.workers.max, ")"));
  }
  if (workers + pool > config.master.max_processes) {
    errors->Add(FirstWritten(located.keys, {"pool.processes", "pool.max", "workers.count",
                                            "master.max_processes"}),
                absl::StrCat("workers.count (", workers, ") and ",
                             config.pools.size() > 1   ? "the processes of all pools"
                             : config.pools[0].max > 0 ? "pool.max"
                                                       : "pool.processes",
                             " (", pool, ") together are more than master.max_processes (",
                             config.master.max_processes, ")"));
  }
}

}  // namespace

void CheckConfig(const LocatedConfig& located, ConfigErrors* errors) {
  CheckHandlers(located, errors);
  CheckListeners(located, errors);
  CheckPools(located, errors);
  CheckCounts(located, errors);
  CheckIdentity(located, errors);
  CheckControl(located, errors);
  CheckAdmin(located, errors);
  if (located.config.listeners.empty()) {
    errors->Add(located.keys.table,
                "nothing to listen on: write a [[listener]], or use --listen=PROTOCOL://ADDRESS");
  }
}

std::vector<std::string> DoubtfulSettings(const Config& config) {
  std::vector<std::string> doubts;
  for (size_t i = 1; i < config.pools.size(); ++i) {
    const std::string& name = config.pools[i].name;
    const bool has_handler =
        std::any_of(config.handlers.begin(), config.handlers.end(),
                    [&](const HandlerConfig& handler) { return handler.pool == name; });
    if (!has_handler) doubts.push_back(absl::StrCat("[pool.", name, "]: no handler runs there"));
  }
  for (const ListenerConfig& listener : config.listeners) {
    for (const auto& [path, handler] : listener.routes) {
      absl::string_view name = path;
      if (!absl::ConsumePrefix(&name, "/h/") || name == handler) continue;
      const bool is_there =
          std::any_of(config.handlers.begin(), config.handlers.end(),
                      [&](const HandlerConfig& other) { return other.name == name; });
      if (!is_there) continue;
      doubts.push_back(absl::StrCat("listener.routes: '", path, "' is handler '", handler, "' at ",
                                    listener.address.text, ", not handler '", name, "'"));
    }
  }
  return doubts;
}

std::vector<HandlerConfig> WithDefaultHandlers(const std::vector<HandlerConfig>& written) {
  std::vector<HandlerConfig> all = DefaultHandlers();
  for (const HandlerConfig& handler : written) {
    const auto same = std::find_if(all.begin(), all.end(), [&](const HandlerConfig& other) {
      return other.name == handler.name;
    });
    if (same != all.end()) {
      *same = handler;
    } else {
      all.push_back(handler);
    }
  }
  return all;
}

}  // namespace windlass
