// What a broken worker may put into the queue that all pool processes share.
#include <fcntl.h>
#include <unistd.h>

#include "common/fingerprint.h"
#include "common/job_id.h"
#include "proto/control.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "worker/pool/job_loop.h"

namespace windlass {
namespace {

Config MakeConfig() {
  Config config;
  config.listeners.resize(2);
  config.listeners[1].handler = "echo";
  config.handlers.resize(3);
  config.handlers[0].name = config.handlers[0].builtin = "echo";
  config.handlers[1].name = config.handlers[1].builtin = "search";
  config.handlers[2].name = config.handlers[2].builtin = "binary";
  return config;
}

class Pool {
 public:
  Pool()
      : jobs_(*SeqPacketPair(kChannelBufferBytes)),
        replies_(*SeqPacketPair(kChannelBufferBytes)),
        control_(*SeqPacketPair(kChannelBufferBytes)),
        ours_(std::move(control_.send_end)),
        master_(std::move(control_.receive_end)) {
    GenerationBay& bay = board_.MutableHeader().bays[0];
    bay.generation = 1;
    bay.workers = 1;
    setup_.slot = SlotIndex{1};
    setup_.incarnation = setup_.generation = 1;
    setup_.config = &config_;
    setup_.scoreboard = &board_;
    setup_.job_queue = jobs_.receive_end.get();
    setup_.reply_channels = {replies_.send_end.get()};
    setup_.payload_budget_bytes = 64 << 20;
  }

  void Send(absl::string_view packet, absl::Span<const int> fds) {
    const iovec piece = {const_cast<char*>(packet.data()), packet.size()};
    sent_ += SendPacket(jobs_.send_end.get(), absl::MakeConstSpan(&piece, 1), fds) ==
             PacketOutcome::kDone;
  }

  // Takes all that is in the queue, and ends.
  void Run() {
    ProcessSetup setup;
    setup.slot = setup_.slot;
    setup.incarnation = setup.generation = 1;
    setup.config = setup_.config;
    setup.scoreboard = setup_.scoreboard;
    setup.job_queue = setup_.job_queue;
    setup.reply_channels = setup_.reply_channels;
    setup.payload_budget_bytes = setup_.payload_budget_bytes;
    absl::StatusOr<HandlerSet> handlers = HandlerSet::Load(config_, 0);
    CHECK(handlers.ok() && handlers->Start().ok());
    auto loop = JobLoop::Create(std::move(setup), &ours_, *std::move(handlers), std::nullopt);
    CHECK(loop.ok());
    proto::Command command;
    command.mutable_drain();
    CHECK(master_.Send(command) == PacketOutcome::kDone);
    CHECK((*loop)->Run() == 0);
    CHECK(board_.slot(SlotIndex{1}).job.load() == kSlotIdle);
  }

  // Each job that could be read has one answer.
  size_t Answers() {
    JobPacketReceiver receiver;
    proto::Reply reply;
    size_t count = 0;
    while (receiver.Receive(replies_.receive_end.get(), &reply) ==
           JobPacketReceiver::Outcome::kPacket) {
      CHECK(reply.status() < kErrorCodeCount);
      ++count;
    }
    return count;
  }
  size_t sent() const { return sent_; }

 private:
  static inline const Config& config_ = *new Config(MakeConfig());
  Scoreboard board_ = *Scoreboard::Create(1, 1);
  PacketPair jobs_, replies_, control_;
  ControlChannel ours_, master_;
  ProcessSetup setup_;
  size_t sent_ = 0;
};

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static const int sealed = [] {
    SetLogLevel(LogLevel::FATAL);
    OwnedFd fd = *MemfdCreate("sealed", 8192);
    CHECK(AddSeals(fd.get(), F_SEAL_SHRINK).ok());
    return fd.Take();
  }();
  static const int unsealed = MemfdCreate("unsealed", 8192)->Take();
  FuzzedDataProvider input(data, size);
  Pool pool;
  size_t whole = 0;
  for (int i = 0; i < 8 && input.remaining_bytes() > 0; ++i) {
    std::string packet;
    if (input.ConsumeBool()) {
      packet = input.ConsumeRandomLengthString(256);
    } else {
      proto::Job job;
      job.set_id(JobId::Make(SlotIndex{input.ConsumeIntegralInRange<uint32_t>(0, 1)}, 1,
                             1 + static_cast<uint64_t>(i))
                     .word());
      job.set_kind(static_cast<proto::JobKind>(input.ConsumeIntegralInRange<int>(0, 3)));
      job.set_handler(input.ConsumeIntegralInRange<uint32_t>(0, 4));
      job.set_listener(input.ConsumeIntegralInRange<uint32_t>(0, 3));
      job.set_deadline_ns(input.ConsumeBool() ? INT64_MAX : input.ConsumeIntegral<uint64_t>());
      job.set_big_endian(input.ConsumeBool());
      job.set_attempt(input.ConsumeIntegral<uint32_t>());
      if (input.ConsumeBool())
        job.set_file_bytes(input.ConsumeBool() ? input.ConsumeIntegral<uint64_t>()
                                               : input.ConsumeIntegral<uint16_t>());
      job.set_content_type(input.ConsumeBool() ? "text/json" : input.ConsumeRandomLengthString(8));
      job.set_content_encoding(input.ConsumeBool() ? "utf-8" : input.ConsumeRandomLengthString(8));
      job.set_header(input.ConsumeRandomLengthString(16));
      EncodeEnvelope(job, &packet);
      packet += input.ConsumeRandomLengthString(64);
      whole += JobId::FromWord(job.id()).slot() == SlotIndex{0};
    }
    if (packet.empty()) continue;
    const int fds[] = {sealed, unsealed};
    const size_t which = input.ConsumeIntegralInRange<size_t>(0, 2);
    pool.Send(packet,
              absl::MakeConstSpan(fds).subspan(std::min<size_t>(which, 1), which == 2 ? 0 : 1));
  }
  pool.Run();
  const size_t answers = pool.Answers();
  CHECK(answers >= whole && answers <= pool.sent()) << answers << " for " << whole;
  return 0;
}
