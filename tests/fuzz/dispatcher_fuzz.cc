// What a broken pool process may send to a worker, at any moment of the lives of its jobs.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "common/config.h"
#include "common/fingerprint.h"
#include "common/pools.h"
#include "tests/fuzz/fuzz_input.h"
#include "worker/io/dispatcher.h"

namespace windlass {
namespace {

constexpr size_t kMostExchanges = 24;
constexpr size_t kMostSteps = 64;

Config MakeConfig() {
  Config config;
  config.listeners.resize(1);
  config.handlers.resize(2);
  config.handlers[0].name = "once";
  config.handlers[1].name = "again";
  config.handlers[1].idempotent = true;
  config.pools[0].queue = 8;
  return config;
}

// What a reply may have attached.
struct Files {
  Files() {
    sealed = *MemfdCreate("sealed", 8192);
    CHECK(AddSeals(sealed.get(), F_SEAL_SHRINK).ok());
    unsealed = *MemfdCreate("unsealed", 8192);
    shared = *MemfdCreate("shared", 8192);
    CHECK(AddSeals(shared.get(), F_SEAL_SHRINK | F_SEAL_GROW).ok());
    tiny = *MemfdCreate("tiny", 1);
    CHECK(AddSeals(tiny.get(), F_SEAL_SHRINK).ok());
    file = OwnedFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    null = OwnedFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  int Pick(size_t n) const {
    return std::array{sealed.get(), unsealed.get(), tiny.get(),
                      file.get(),   null.get(),     shared.get()}[n % 6];
  }
  OwnedFd sealed, unsealed, shared, tiny, file, null;
};

class Worker : private AnswerSink {
 public:
  explicit Worker(FuzzedDataProvider* input)
      : input_(*input),
        board_(*Scoreboard::Create(2, 2)),
        jobs_(*SeqPacketPair(kChannelBufferBytes)),
        replies_(*SeqPacketPair(kChannelBufferBytes)) {
    GenerationBay& bay = board_.MutableHeader().bays[0];
    bay.generation = 1;
    bay.workers = 2;
    bay.pool_keys[0] = PoolKey(kDefaultPool);
    bay.pool_ready[0] = input_.ConsumeIntegralInRange<uint32_t>(0, 2);
    setup_.slot = SlotIndex{0};
    setup_.incarnation = setup_.generation = 1;
    setup_.config = &config_;
    setup_.scoreboard = &board_;
    setup_.pools = {{jobs_.send_end.get(), replies_.receive_end.get()}};
    setup_.payload_budget_bytes = 64 << 20;
    setup_.fingerprint_secret = secret_.get();
    payloads_.emplace(board_, &board_.MutableSlot(setup_.slot).load[0].payload_bytes,
                      PoolKey(kDefaultPool), setup_.payload_budget_bytes, &timers_);
    AnswerSink* const sink = this;
    dispatcher_.emplace(setup_, 0, &timers_, &*payloads_, sink, nullptr);
  }

  void Live() {
    for (size_t i = 0; i < kMostSteps && input_.remaining_bytes() > 0; ++i) Step();
    dispatcher_->AnswerAll(ErrorCode::kUnavailable, "the end");
    for (const auto& one : exchanges_) CHECK(one->answers == (one->is_abandoned ? 0 : 1));
    for (const auto& one : exchanges_) dispatcher_->results().Release(&one->pieces);
    dispatcher_->results().Trim();
    CHECK(!dispatcher_->results().holds_memory());
  }

 private:
  struct Client {
    explicit Client(TimerOwner* owner) : exchange(owner) {}
    Exchange exchange;
    BacklogLane* lane = nullptr;
    int answers = 0;
    bool is_abandoned = false;
    std::vector<AnswerPiece> pieces;
  };

  void Step() {
    switch (input_.ConsumeIntegralInRange<int>(0, 10)) {
      case 0:
        return Submit(/*is_large=*/false);
      case 1:
        return Submit(/*is_large=*/true);
      case 2:
        return TakeJob();
      case 3:
        return SendRaw();
      case 4:
      case 5:
        return SendReply();
      case 6:
        return dispatcher_->OnJobLost({JobId::FromWord(PickId()), "died", input_.ConsumeBool(),
                                       input_.ConsumeBool(), input_.ConsumeBool(),
                                       input_.ConsumeIntegralInRange<uint32_t>(0, 4)});
      case 7:
        return dispatcher_->OnFenceRequested("died");
      case 8:
        now_.ns += input_.ConsumeIntegral<uint16_t>() * int64_t{100'000};
        return timers_.Advance(now_);
      case 9:
        return Leave();
      case 10:
        if (input_.ConsumeBool()) return Refuse();
        (void)dispatcher_->DropWaiting(JobId::FromWord(PickId()));
        return;
    }
  }

  void Submit(bool is_large) {
    if (exchanges_.size() == kMostExchanges) return;
    Client& client = *exchanges_.emplace_back(std::make_unique<Client>(&*dispatcher_));
    JobRequest request;
    request.kind = input_.ConsumeBool() ? proto::RUN : proto::RESOLVE;
    request.handler = input_.ConsumeIntegralInRange<uint32_t>(0, 1);
    request.deadline = now_ + absl::Milliseconds(input_.ConsumeIntegral<uint8_t>());
    request.asked_deadline_ms = input_.ConsumeIntegral<uint8_t>();
    if (!is_large) {
      return dispatcher_->Submit(&client.exchange, request,
                                 std::string(input_.ConsumeIntegral<uint8_t>(), 'x'));
    }
    client.exchange.request = payloads_->Take(40'000);
    CHECK(client.exchange.request != nullptr);
    CHECK(payloads_->Grow(client.exchange.request.get(), 40'000));
    client.exchange.request_bytes = 40'000;
    dispatcher_->Prepare(&client.exchange, request);
    dispatcher_->SubmitPrepared(&client.exchange);
  }

  // As a pool process does it.
  void TakeJob() {
    proto::Job job;
    if (pool_.Receive(jobs_.receive_end.get(), &job) != JobPacketReceiver::Outcome::kPacket) return;
    taken_.push_back(job.id());
    board_.MutableSlot(SlotIndex{2}).job = input_.ConsumeBool() ? job.id() : 0;
  }

  uint64_t PickId() {
    const auto which = input_.ConsumeIntegral<uint8_t>();
    if (!taken_.empty() && which < 200) return taken_[which % taken_.size()];
    if (!exchanges_.empty() && which < 250) {
      return exchanges_[which % exchanges_.size()]->exchange.id.word();
    }
    return input_.ConsumeIntegral<uint64_t>();
  }

  uint64_t PickNumber() {
    constexpr uint64_t kOdd[] = {
        0, 1, 5, 4095, 4096, 4097, 8191, 8192, 40000, INT64_MAX, uint64_t{1} << 63, UINT64_MAX};
    const auto which = input_.ConsumeIntegral<uint8_t>();
    return which < std::size(kOdd) ? kOdd[which] : which;
  }

  void SendRaw() {
    std::string bytes = input_.ConsumeRandomLengthString(64);
    if (bytes.empty()) return;  // the end of the channel
    if (input_.ConsumeBool()) {
      const uint32_t prefix = static_cast<uint32_t>(bytes.size());
      bytes.insert(0, reinterpret_cast<const char*>(&prefix), sizeof(prefix));
    }
    const iovec piece = {bytes.data(), bytes.size()};
    (void)SendPacket(replies_.send_end.get(), absl::MakeConstSpan(&piece, 1));
    dispatcher_->OnRepliesReady();
  }

  void SendReply() {
    proto::Reply reply;
    reply.set_id(PickId());
    const std::string message = input_.ConsumeRandomLengthString(8);
    if (input_.ConsumeBool()) {
      reply.set_status(input_.ConsumeBool() ? static_cast<uint32_t>(PickNumber())
                                            : input_.ConsumeIntegral<uint8_t>());
      reply.set_is_error(input_.ConsumeBool());
      reply.set_message(message);
    }
    if (input_.ConsumeBool()) {
      reply.set_content_type(message);
      reply.set_content_encoding(message);
      reply.set_run_ns(PickNumber());
      reply.set_started_ns(PickNumber());
      reply.set_slot(static_cast<uint32_t>(PickNumber()));
      reply.set_handler(static_cast<uint32_t>(PickNumber()));
    }
    const size_t pieces = input_.ConsumeIntegralInRange<size_t>(0, 4);
    for (size_t i = 0; i < pieces; ++i) {
      proto::Piece* const piece = reply.add_pieces();
      piece->set_source(
          static_cast<proto::Piece::Source>(input_.ConsumeIntegralInRange<int>(0, 5)));
      piece->set_bytes(PickNumber());
      piece->set_offset(PickNumber());
      if (piece->source() == proto::Piece::PART) {
        piece->set_part(input_.ConsumeIntegralInRange<uint32_t>(0, 3));
      }
    }
    std::vector<int> fds;
    if (input_.ConsumeBool()) AddParts(&reply, &fds);
    const size_t count = input_.ConsumeIntegralInRange<size_t>(0, 4);
    for (size_t i = 0; i < count; ++i)
      fds.push_back(files_.Pick(input_.ConsumeIntegral<uint8_t>()));
    std::string envelope;
    EncodeEnvelope(reply, &envelope);
    (void)SendJobPacket(replies_.send_end.get(), envelope, {absl::string_view(message)}, fds);
    if (input_.ConsumeBool()) dispatcher_->OnRepliesReady();
  }

  // As a handler does that splits its job; what was drawn before may have made it wrong already.
  void AddParts(proto::Reply* reply, std::vector<int>* fds) {
    const size_t parts = input_.ConsumeIntegralInRange<size_t>(1, 70);
    for (size_t i = 0; i < parts; ++i) reply->add_parts(i % 2 == 0 ? "left" : "right");
    reply->set_handler(input_.ConsumeIntegralInRange<uint32_t>(0, 3));
    if (input_.ConsumeBool()) reply->set_is_error(false);
    if (input_.ConsumeBool()) {
      reply->set_shared_bytes(8192);
      fds->push_back(files_.shared.get());
    }
  }

  void Leave() {
    if (exchanges_.empty()) return;
    Client& client = *exchanges_[input_.ConsumeIntegral<uint8_t>() % exchanges_.size()];
    if (client.answers > 0 || client.is_abandoned) return;
    client.is_abandoned = true;
    dispatcher_->Abandon(&client.exchange);
  }

  void Refuse() {
    proto::Command::Quarantine list;
    if (input_.ConsumeBool()) {
      auto* const entry = list.add_entries();
      entry->set_handler(input_.ConsumeIntegralInRange<uint32_t>(0, 3));
      entry->set_expires_ns(PickNumber());
      if (!crashes_.empty()) {
        entry->set_bytes(crashes_[0].bytes);
        entry->set_high(crashes_[0].fingerprint.high);
        entry->set_low(crashes_[0].fingerprint.low);
        entry->set_handler(crashes_[0].handler);
        entry->set_expires_ns(static_cast<uint64_t>((now_ + absl::Seconds(60)).ns));
      }
    }
    dispatcher_->OnQuarantine(list);
  }

  Client& Of(Exchange* exchange) {
    if (exchange->part_of != nullptr) exchange = exchange->part_of;
    for (const auto& one : exchanges_) {
      if (&one->exchange == exchange) return *one;
    }
    LOG(FATAL) << "no exchange of ours";
    std::abort();
  }

  void OnAnswer(Exchange* exchange, const Answer& answer) override {
    Client& client = Of(exchange);
    CHECK(!client.is_abandoned && client.answers == 0) << "answered twice, or after Abandon";
    ++client.answers;
    CHECK(static_cast<uint32_t>(answer.code) < kErrorCodeCount);
    // All of it can be read.
    uint64_t sum = answer.message.size() + answer.content_type.size();
    for (const char c : answer.content) sum += static_cast<unsigned char>(c);
    if (answer.pieces != nullptr) {
      for (const AnswerPiece& piece : *answer.pieces) {
        CHECK(piece.bytes > 0) << "would be sent for ever";
        if (piece.data != nullptr) {
          for (uint64_t i = 0; i < piece.bytes; ++i)
            sum += static_cast<unsigned char>(piece.data[i]);
        } else {
          CHECK(piece.file.valid());
        }
      }
      // As a connection does whose client is slow.
      if (exchange->attempts % 2 == 1) client.pieces = std::move(*answer.pieces);
      answer.pieces->resize(exchange->attempts % 2 == 1 ? 0 : answer.pieces->size());
      for (const AnswerPiece& piece : client.pieces) {
        if (piece.data != nullptr && piece.result == nullptr) client.pieces.clear();
        if (client.pieces.empty()) break;
      }
    }
    static volatile uint64_t all = 0;
    all = all + sum;
    CHECK(exchange->wait_ns >= -1 && exchange->run_ns >= -1);
    const int64_t life = now_.ns - exchange->submitted.ns;
    CHECK(exchange->run_ns <= life && exchange->wait_ns <= life);
    CHECK(exchange->route_handler == Exchange::kUnknown ||
          exchange->route_handler < config_.handlers.size());
    CHECK(exchange->pool_slot == Exchange::kUnknown || exchange->pool_slot < board_.slots());
  }
  BacklogLane** LaneOf(Exchange* exchange) override { return &Of(exchange).lane; }
  void OnCrash(const CrashedPayload& crash) override { crashes_.push_back(crash); }

  static inline const Config& config_ = *new Config(MakeConfig());
  static inline const Files& files_ = *new Files();
  static inline const OwnedFd& secret_ = *new OwnedFd(*CreateFingerprintSecret());
  FuzzedDataProvider& input_;
  Instant now_{1'000'000'000'000};
  TimerWheel timers_{now_};
  Scoreboard board_;
  PacketPair jobs_, replies_;
  ProcessSetup setup_;
  std::optional<PayloadPool> payloads_;
  std::optional<Dispatcher> dispatcher_;
  JobPacketReceiver pool_;
  std::vector<std::unique_ptr<Client>> exchanges_;
  std::vector<uint64_t> taken_;
  std::vector<CrashedPayload> crashes_;
};

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  static const bool is_quiet = [] {
    SetLogLevel(LogLevel::FATAL);
    return true;
  }();
  (void)is_quiet;
  FuzzedDataProvider input(data, size);
  Worker(&input).Live();
  return 0;
}
