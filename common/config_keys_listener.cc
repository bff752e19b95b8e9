// The keys of [[listener]].
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config_key_makers.h"
#include "common/peer_filter.h"

namespace windlass {
namespace {

const NamedValues<Protocol>& Protocols() {
  static const auto& protocols = *new NamedValues<Protocol>{{"message", Protocol::kMessage},
                                                            {"echo", Protocol::kEcho},
                                                            {"line", Protocol::kLine},
                                                            {"length", Protocol::kLength},
                                                            {"http", Protocol::kHttp}};
  return protocols;
}

Codec<std::vector<std::string>> AllowListCodec() {
  Codec<std::vector<std::string>> codec = TextListCodec();
  codec.expects = "an array of addresses (\"10.0.0.0/8\"), users (\"uid:1000\") or groups";
  codec.read = [read = codec.read](const TomlNode& node) {
    absl::StatusOr<std::vector<std::string>> entries = read(node);
    if (!entries.ok()) return entries;
    const absl::StatusOr<PeerFilter> filter = PeerFilter::Parse(*entries);
    if (!filter.ok())
      entries = absl::InvalidArgumentError(absl::StrCat("is wrong: ", filter.status().message()));
    return entries;
  };
  return codec;
}

// Which handlers they name is looked at when all of them are known (config_check.cc).
Key<ListenerConfig> RoutesKey() {
  const std::string expects = "a table of paths and names of handlers";
  return {
      "routes", expects,
      "http: handlers of paths other than /h/NAME, as in { \"/upload\" = \"images\", \"/files/*\" "
      "= \"files\" }.",
      [expects](const TomlNode& node, ListenerConfig* listener) {
        if (node.kind != TomlNode::Kind::kTable) return WrongValue(expects, node);
        std::map<std::string, std::string> routes;
        for (const TomlEntry& route : node.table) {
          if (!absl::StartsWith(route.key, "/")) {
            return absl::InvalidArgumentError(
                absl::StrCat("must have paths that begin with a slash, not '", route.key, "'"));
          }
          if (route.key.find('*') < route.key.size() - 1) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have a * only at the end of a path, unlike '", route.key, "'"));
          }
          if (route.key.find_first_of("?#") != std::string::npos) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have no ? and no # in a path, unlike '", route.key, "'"));
          }
          if (absl::StartsWith(route.key, "/h/") && absl::EndsWith(route.key, "*")) {
            return absl::InvalidArgumentError(
                absl::StrCat("can have no pattern below /h/, where paths name handlers, unlike '",
                             route.key, "'"));
          }
          absl::StatusOr<std::string> handler = TextCodec().read(route.value);
          if (!handler.ok()) {
            return absl::InvalidArgumentError(absl::StrCat("must name a handler for '", route.key,
                                                           "': it ", handler.status().message()));
          }
          routes[route.key] = *std::move(handler);
        }
        listener->routes = std::move(routes);
        return absl::OkStatus();
      },
      [](const ListenerConfig& listener) -> std::optional<std::string> {
        if (listener.routes.empty()) return std::nullopt;
        const auto one = [](std::string* out,
                            const std::pair<const std::string, std::string>& route) {
          absl::StrAppend(out, TomlKey(route.first), " = ", TomlValue(OptionValue(route.second)));
        };
        return absl::StrCat("{ ", absl::StrJoin(listener.routes, ", ", one), " }");
      }};
}

KeyTable<ListenerConfig> MakeListenerKeys() {
  using L = ListenerConfig;
  const Codec<absl::Duration> timeout = DurationCodec(kShortest, kLongest);
  return {
      "listener",
      "An address, and the protocol that is spoken there.",
      {
          MakeKey("address", &L::address, ListenAddressCodec(),
                  "Where to listen: :PORT is every interface, port 0 picks one, a name is all its "
                  "addresses."),
          MakeKey("protocol", &L::protocol, OneOfCodec(Protocols()), "How requests are framed."),
          MakeKey("handler", &L::handler, TextCodec(), "The handler of requests that name none."),
          RoutesKey(),
          MakeKey("keepalive", &L::keepalive, BooleanCodec(),
                  "Whether a connection stays open after an answer (false by default for length)."),
          MakeKey("backlog", &L::backlog, IntegerCodec(1, 65535),
                  "Connections that may wait to be accepted."),
          MakeKey("mode", &L::mode, FileModeCodec(),
                  "Permission bits of a unix: address; by umask when not set."),
          MakeKey("owner", &L::owner, TextCodec(), "User that owns a unix: address."),
          MakeKey("group", &L::group, TextCodec(), "Group that owns a unix: address."),
          MakeKey("allow", &L::allow, AllowListCodec(),
                  "Who may connect: addresses and blocks of them; of a unix: address users and "
                  "groups. Everybody when not set."),
          MakeKey("proxy_protocol", &L::proxy_protocol, BooleanCodec(),
                  "Whether connections begin with a header of the PROXY protocol, version 1 or 2, "
                  "which says who the client is; needs allow, for the proxies."),
          MakeKey("max_connections_per_address", &L::max_connections_per_address,
                  OptionalCodec(IntegerCodec(1, 65535), 0),
                  "Connections that one address may have here, of IPv6 one /64 block; no limit "
                  "when not set."),
          MakeKey("max_header", &L::max_header, SizeCodec(1, 64 << 10),
                  "Longest header of a request."),
          MakeKey("max_content", &L::max_content, SizeCodec(1, uint64_t{1} << 40),
                  "Longest content of a request."),
          MakeKey("max_line", &L::max_line, SizeCodec(1, 1 << 30),
                  "Longest line of the line protocol."),
          MakeKey("max_in_flight", &L::max_in_flight, IntegerCodec(1, 65536),
                  "Requests of one connection that may be unanswered; then reading stops."),
          MakeKey("frame_timeout", &L::frame_timeout, timeout,
                  "How long a request may take to arrive whole."),
          MakeKey("idle_timeout", &L::idle_timeout, timeout,
                  "How long a connection may be silent between requests."),
          MakeKey("write_timeout", &L::write_timeout, timeout,
                  "How long a client may take nothing of its answer."),
          MakeKey("half_close", &L::half_close,
                  OneOfCodec<HalfClose>(
                      {{"answer", HalfClose::kAnswer}, {"cancel", HalfClose::kCancel}}),
                  "Whether a client that stopped sending still gets its answers (cancel by default "
                  "for http)."),
          MakeKey("access_log", &L::access_log, AbsolutePathCodec(),
                  "The file that gets a line for each request; none when not set."),
          MakeKey("access_log_sample", &L::access_log_sample, ShareCodec(),
                  "The share of requests that the access log has, picked at random."),
      }};
}

}  // namespace

const KeyTable<ListenerConfig>& ListenerKeys() {
  static const auto& keys = *new KeyTable<ListenerConfig>(MakeListenerKeys());
  return keys;
}

std::vector<std::string> ProtocolNames() {
  std::vector<std::string> names;
  for (const auto& [name, protocol] : Protocols()) names.push_back(name);
  return names;
}

std::optional<Protocol> FindProtocol(absl::string_view name) {
  for (const auto& [candidate, protocol] : Protocols()) {
    if (candidate == name) return protocol;
  }
  return std::nullopt;
}

absl::string_view ProtocolName(Protocol protocol) {
  for (const auto& [name, candidate] : Protocols()) {
    if (candidate == protocol) return name;
  }
  std::abort();  // not an enumerator: memory is corrupt
}

ListenerConfig AdminListener(const AdminConfig& admin) {
  ListenerConfig listener;
  listener.address = admin.address;
  listener.protocol = Protocol::kHttp;
  // One answer a connection: then a process that ends leaves no client in the middle of asking.
  listener.keepalive = false;
  listener.backlog = 128;
  listener.max_header = 16 << 10;
  listener.max_content = 16 << 10;  // nothing here takes any
  listener.max_in_flight = 8;
  // Places are few, and whoever asks here is near.
  listener.frame_timeout = listener.idle_timeout = absl::Seconds(2);
  return listener;
}

ListenerConfig DefaultListener(Protocol protocol) {
  ListenerConfig listener;
  listener.protocol = protocol;
  // The clients of the length recipe read to the end of the stream.
  listener.keepalive = protocol != Protocol::kLength;
  // Those of http either wait for their answer, or are gone.
  if (protocol == Protocol::kHttp) listener.half_close = HalfClose::kCancel;
  return listener;
}

}  // namespace windlass
