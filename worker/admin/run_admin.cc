#include "worker/admin/run_admin.h"

#include "common/config_keys.h"
#include "common/control_channel.h"
#include "common/log.h"
#include "proto/control.pb.h"
#include "worker/admin/metrics_text.h"
#include "worker/admin/pages.h"
#include "worker/io/connection.h"
#include "worker/io/io_loop.h"

namespace windlass {
namespace {

// Far more than watch and scrape; a flood of them costs this process little.
constexpr int kMaxConnections = 256;

class ConnectionSink : public PageSink {
 public:
  void Answer(Exchange* exchange, const PageAnswer& answer) override {
    exchange->connection->AnswerPage(exchange, answer);
  }
  void BeginStream(Exchange* exchange, absl::string_view content_type,
                   absl::string_view extra_headers) override {
    exchange->connection->BeginStream(exchange, content_type, extra_headers);
  }
  bool StreamChunk(Exchange* exchange, absl::string_view bytes) override {
    return exchange->connection->StreamChunk(exchange, bytes);
  }
  void EndStream(Exchange* exchange) override { exchange->connection->EndStream(exchange); }
};

// As the loop needs it: with no listener but ours, and no code of handlers.
Config ConfigFor(const Config& server) {
  Config config;
  config.source = server.source;
  config.admin = server.admin;
  config.listeners = {AdminListener(server.admin)};
  config.workers.max_connections = kMaxConnections;
  config.workers.selector = server.workers.selector;
  config.pools[0].quarantine_ttl = absl::ZeroDuration();  // no payload comes here
  config.log = server.log;
  return config;
}

}  // namespace

int RunAdmin(ProcessSetup setup) {
  ControlChannel control(std::move(setup.control));
  proto::Report report;
  const auto fail = [&](const absl::Status& why) {
    report.mutable_failed()->set_why(why.ToString());
    control.Send(report);
    return 1;
  };
  const Config config = ConfigFor(*setup.config);
  setup.config = &config;
  const Scoreboard* const board = setup.scoreboard;
  absl::StatusOr<std::unique_ptr<Selector>> selector = Selector::Create(config.workers.selector);
  if (!selector.ok()) return fail(selector.status());
  IoLoop loop(std::move(setup), &control, *std::move(selector));
  ConnectionSink sink;
  const auto metrics = [board](const proto::StatusReport& status, absl::string_view accept) {
    const MetricsFormat format = MetricsFormatFor(accept);
    PageAnswer answer;
    answer.content_type = MetricsContentType(format);
    AppendMetrics(*board, status, format, &answer.content);
    return answer;
  };
  Pages pages(config.admin, &control, loop.selector(), loop.timers(), &sink, metrics);
  loop.ServePages(&pages, [&pages](SelectorToken token) { pages.OnReady(token); });
  if (absl::Status started = loop.Start(); !started.ok()) return fail(started);
  report.mutable_ready();
  if (control.Send(report) != PacketOutcome::kDone) return 1;
  const int code = loop.Run();
  loop.ServePages(nullptr, nullptr);  // pages go first, and the loop closes what is left
  return code;
}

}  // namespace windlass
