// What a broken child may tell the master on its control channel, and a stranger on the control
// socket.
#include <sys/socket.h>

#include "common/control_channel.h"
#include "common/report/list_json.h"
#include "master/control_dialogue.h"
#include "master/stack_names.h"
#include "master/survey_report.h"
#include "tests/fuzz/fuzz_input.h"

namespace windlass {
namespace {

constexpr Instant kNow{1'000'000'000'000};

void CheckSurveyed(const proto::Report::Surveyed& surveyed) {
  static const Config& config = *new Config([] {
    Config made;
    made.listeners.resize(1);
    made.handlers.resize(1);
    made.handlers[0].name = "only";
    return made;
  }());
  static const ListenSocket socket{-1, 0, "127.0.0.1:1"};
  const SurveyedWorker worker{config, {&socket, 1}, 1, 0, 1};
  proto::ConnectionsReport connections;
  AddConnections(worker, surveyed, kNow, &connections);
  CHECK(fuzz::IsJson(ConnectionsJson(connections)));
  proto::JobsReport jobs;
  AddJobs(worker, surveyed, kNow, &jobs);
  CHECK(fuzz::IsJson(JobsJson(jobs)));
}

void CheckSymbolized(ControlChannel* master, ControlChannel* zygote,
                     const proto::Report::Symbolized& answer) {
  TimerWheel timers(kNow);
  StackNames names(&timers);
  int told = 0;
  names.Ask(master, {1, UINT64_MAX}, [&told](std::vector<std::string> stack) {
    ++told;
    CHECK(stack.size() == 2);
    for (const std::string& line : stack) {
      for (const char c : line) CHECK(c >= ' ' && c < 0x7f);
    }
  });
  proto::Command command;
  CHECK(zygote->Receive(&command) == ControlChannel::Outcome::kMessage);
  names.OnNamed(answer);
  names.OnNamed(answer);
  names.TellAll();
  CHECK(told == 1);
}

void CheckChannel(absl::string_view packet) {
  if (packet.empty()) return;  // the end of the channel
  PacketPair to_master = *SeqPacketPair(64 << 10), to_child = *SeqPacketPair(64 << 10);
  const iovec piece = {const_cast<char*>(packet.data()), packet.size()};
  CHECK(SendPacket(to_master.send_end.get(), absl::MakeConstSpan(&piece, 1)) ==
        PacketOutcome::kDone);
  ControlChannel reports(std::move(to_master.receive_end));
  proto::Report report;
  if (reports.Receive(&report) != ControlChannel::Outcome::kMessage) return;
  CHECK(reports.fds().empty());
  if (report.has_surveyed()) CheckSurveyed(report.surveyed());
  if (report.has_symbolized()) {
    ControlChannel master(std::move(to_child.send_end)), zygote(std::move(to_child.receive_end));
    CheckSymbolized(&master, &zygote, report.symbolized());
  }
}

void CheckDialogue(absl::string_view bytes, size_t first) {
  int ends[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  const OwnedFd peer(ends[0]);
  ControlDialogue dialogue{OwnedFd(ends[1])};
  using State = ControlDialogue::State;
  first = std::min(first, bytes.size());
  for (const absl::string_view part : {bytes.substr(0, first), bytes.substr(first)}) {
    if (part.empty() || dialogue.state() != State::kReadingRequest) continue;
    CHECK(::send(peer.get(), part.data(), part.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(part.size()));
    const std::optional<proto::CtlRequest> request = dialogue.Read();
    CHECK(request.has_value() == (dialogue.state() == State::kAwaitingReply));
  }
  if (dialogue.state() == State::kAwaitingReply) dialogue.Refuse("no");
  while (dialogue.has_output() && dialogue.Write()) {
  }
  CHECK(dialogue.over() || dialogue.state() == State::kReadingRequest);
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  FuzzedDataProvider input(data, size);
  const auto how = input.ConsumeIntegral<uint8_t>();
  const std::string bytes = input.ConsumeRemainingBytesAsString();
  if (how < 128) {
    CheckChannel(bytes);
  } else {
    CheckDialogue(bytes, how - 128u);
  }
  return 0;
}
