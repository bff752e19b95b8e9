#ifndef WINDLASS_TESTS_WORKER_IO_WORKER_FIXTURE_H_
#define WINDLASS_TESTS_WORKER_IO_WORKER_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/fingerprint.h"
#include "common/job_channel.h"
#include "common/pools.h"
#include "proto/handover.pb.h"
#include "proto/job.pb.h"
#include "tests/common/socket_pairs.h"
#include "worker/framing/framing.h"
#include "worker/io/connection_table.h"
#include "worker/io/dispatcher_set.h"
#include "worker/io/mover.h"
#include "worker/io/taker.h"

// Workers without processes: all that IoLoop owns, turned by hand, on a clock that the test moves.
// What happens is the same in every run.

namespace windlass {

// The listeners of every worker here, by index. All but `message`, `work` and `http` echo.
enum TestListener : uint32_t { kLine, kWork, kLength, kEcho, kMessage, kHttp };

inline Config TestConfig() {
  Config config;
  const auto listen = [&config](Protocol protocol, std::string handler) {
    ListenerConfig& listener = config.listeners.emplace_back();
    listener.protocol = protocol;
    listener.handler = std::move(handler);
  };
  listen(Protocol::kLine, "");
  listen(Protocol::kLine, "work");
  listen(Protocol::kLength, "");
  listen(Protocol::kEcho, "");
  listen(Protocol::kMessage, "");
  listen(Protocol::kHttp, "");
  config.listeners.back().half_close = HalfClose::kCancel;
  config.listeners.back().max_content = 1 << 20;
  config.handlers.resize(3);
  config.handlers[0].name = config.handlers[0].builtin = "echo";
  config.handlers[1].name = "work";
  config.handlers[1].builtin = "binary";
  config.handlers[1].deadline = absl::Hours(1);
  config.handlers[2].name = "fixed";
  config.handlers[2].builtin = "static";
  config.handlers[2].options["body"] = std::string("fixed");
  return config;
}

// A client's end of its connection.
class TestClient {
 public:
  explicit TestClient(OwnedFd socket) : socket_(std::move(socket)) {}

  // Returns how much the server's socket took.
  size_t Send(absl::string_view bytes) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return n > 0 ? static_cast<size_t>(n) : 0;
  }
  // What is there by now.
  std::string Read(size_t most = SIZE_MAX) {
    std::string all;
    while (all.size() < most && !closed_) {
      char chunk[16384];
      const ssize_t n =
          ::recv(socket_.get(), chunk, std::min(sizeof(chunk), most - all.size()), MSG_DONTWAIT);
      if (n > 0) all.append(chunk, static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EAGAIN)) closed_ = true;
      if (n < 0) break;
    }
    return all;
  }
  // Whether the server has closed, or shut its side. REQUIRES: all before that has been read.
  bool IsClosed() {
    EXPECT_EQ(Read(), "");
    return closed_;
  }
  void ShutWrite() { ::shutdown(socket_.get(), SHUT_WR); }
  void Close() { socket_.Reset(); }

 private:
  OwnedFd socket_;
  bool closed_ = false;
};

// A job that a worker has sent to its pool.
struct TestJob {
  uint64_t id = 0;
  std::string content;
  uint32_t attempt = 0;
  uint64_t deadline_ns = 0;
  proto::Job envelope;
  std::vector<std::shared_ptr<OwnedFd>> fds;  // those that are attached
};

class TestWorker : private AnswerSink, private MovedConnectionSink {
 public:
  TestWorker(const Config& config, Scoreboard* board, uint32_t slot, Instant now)
      : jobs_(*SeqPacketPair(kChannelBufferBytes)),
        replies_(*SeqPacketPair(kChannelBufferBytes)),
        secret_(*CreateFingerprintSecret()),
        setup_(MakeSetup(config, board, slot, jobs_, replies_, secret_.get())),
        slot_(board->MutableSlot(setup_.slot)),
        selector_(*Selector::Create(SelectorKind::kEpoll)),
        timers_(now),
        router_(config),
        exchanges_(&dispatchers_),
        dispatchers_(setup_, &timers_, this),
        peers_(setup_),
        mover_(setup_, &io_, &connections_),
        taker_(selector_.get(), this) {
    for (uint32_t i = 0; i < config.listeners.size(); ++i) {
      const ListenerConfig& listener = config.listeners[i];
      listeners_.push_back(
          {i, &listener, absl::StrCat("127.0.0.1:", 7000 + i), MakeFraming(listener)});
      listeners_.back().meter = std::make_unique<RequestMeter>(
          board->names(), &board->MutableMetrics(setup_.slot), listeners_.back().address, config);
    }
    constexpr size_t kScratchBytes = 64 << 10;
    io_.config = &config;
    io_.slot = &slot_;
    io_.selector = selector_.get();
    io_.timers = &timers_;
    io_.dispatchers = &dispatchers_;
    io_.peers = &peers_;
    io_.exchanges = &exchanges_;
    io_.router = &router_;
    EXPECT_TRUE(statics_.Load(config).ok());
    io_.statics = &statics_;
    io_.input_scratch.resize(kScratchBytes + kInputPadding);
    io_.input_scratch_bytes = kScratchBytes;
    EXPECT_TRUE(selector_->Register(replies_.receive_end.get(), kReadable, kReplies).ok());
    slot_.state.store(ProcessState::kServing);
  }
  ~TestWorker() override {
    connections_.ForEach([](Connection* connection) { connection->CloseNow(); });
  }

  // One turn, as IoLoop's, but without waiting. False: there was nothing to do.
  bool Turn(Instant now) {
    bool busy = !io_.to_flush.empty() || !io_.to_move.empty();
    timers_.Advance(now);
    const absl::Span<const Ready> ready = *selector_->Select(0);
    for (const Ready& event : ready) OnReady(event);
    busy = busy || !ready.empty();
    FlushAll();
    RemoveClosed();
    mover_.EndTurn();
    FlushAll();
    RemoveClosed();
    slot_.connections.store(static_cast<uint32_t>(connections_.size()));
    return busy;
  }
  TestClient Accept(TestListener listener, int send_buffer_bytes = 0) {
    Pair pair = SocketPair();
    if (send_buffer_bytes > 0) {
      EXPECT_EQ(::setsockopt(pair.ours.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes,
                             sizeof(send_buffer_bytes)),
                0);
    }
    auto made = std::make_unique<Connection>(std::move(pair.ours), connections_.NextToken(),
                                             &listeners_[listener], &io_);
    EXPECT_TRUE(made->Start().ok());
    Connection* const connection = connections_.Add(std::move(made));
    if (io_.leaving) connection->Quiesce();
    return TestClient(std::move(pair.theirs));
  }

  void BeginLeaving() { mover_.BeginLeaving(); }
  // As a new process in its place: it has no connection left, and takes some again.
  void StartAnew() {
    EXPECT_EQ(connections_.size(), 0u);
    io_.leaving = false;
  }
  void Drain() {
    io_.draining = true;
    connections_.ForEach([](Connection* connection) { connection->Drain(); });
  }
  void AddGivingLink(OwnedFd link, uint32_t to, bool even_out) {
    mover_.AddLink(std::move(link), SlotIndex{to}, even_out);
  }
  void AddTakingLink(OwnedFd link) { taker_.AddLink(std::move(link)); }
  // What it says of offers from now on; nullopt: the truth.
  void Say(std::optional<proto::Verdicts::Outcome> verdict) { says_ = verdict; }

  std::optional<TestJob> TakeJob() {
    proto::Job job;
    if (pool_.Receive(jobs_.receive_end.get(), &job) != JobPacketReceiver::Outcome::kPacket) {
      return std::nullopt;
    }
    TestJob taken{job.id(), std::string(pool_.payload()), job.attempt(), job.deadline_ns(), job,
                  {}};
    if (job.file_bytes() > 0) {
      taken.content.resize(job.file_bytes());
      EXPECT_EQ(
          PReadFd(pool_.fds()[0].get(), taken.content.data(), taken.content.size(), 0).value(),
          job.file_bytes());
    }
    for (OwnedFd& fd : pool_.fds()) taken.fds.push_back(std::make_shared<OwnedFd>(std::move(fd)));
    return taken;
  }
  void Reply(uint64_t job, absl::string_view content) {
    proto::Reply reply;
    reply.set_id(job);
    Transmit(reply, content, {});
  }
  void ReplyWithFiles(uint64_t job, const std::vector<int>& files, uint64_t bytes_of_each) {
    proto::Reply reply;
    reply.set_id(job);
    for (size_t i = 0; i < files.size(); ++i) {
      proto::Piece* const piece = reply.add_pieces();
      piece->set_source(proto::Piece::FILE);
      piece->set_bytes(bytes_of_each);
    }
    Transmit(reply, "", files);
  }
  void Reply(const proto::Reply& reply, absl::string_view content, const std::vector<int>& fds) {
    Transmit(reply, content, fds);
  }
  void ReplyError(uint64_t job, ErrorCode code = ErrorCode::kHandlerFailed) {
    proto::Reply reply;
    reply.set_id(job);
    reply.set_is_error(true);
    reply.set_message("of the handler");
    reply.set_status(static_cast<uint32_t>(code));
    Transmit(reply, "", {});
  }

  // What the master says.
  void LoseJob(const LostJob& lost) { dispatchers_.at(0).OnJobLost(lost); }
  void AskForFence(absl::string_view cause) { dispatchers_.at(0).OnFenceRequested(cause); }
  void SetQuarantine(const proto::Command::Quarantine& list) { dispatchers_.OnQuarantine(list); }
  // What it has told the master.
  const std::vector<CrashedPayload>& crashes() const { return crashes_; }

  size_t connections() const { return connections_.size(); }
  Connection* only() {
    Connection* found = nullptr;
    connections_.ForEach([&found](Connection* connection) { found = connection; });
    EXPECT_EQ(connections_.size(), 1u);
    return found;
  }
  const ProcessSlot& slot() const { return slot_; }
  IoServices& io() { return io_; }

 private:
  static constexpr SelectorToken kReplies = {uint64_t{3} << 56};

  static ProcessSetup MakeSetup(const Config& config, Scoreboard* board, uint32_t slot,
                                const PacketPair& jobs, const PacketPair& replies, int secret) {
    ProcessSetup setup;
    setup.slot = SlotIndex{slot};
    setup.incarnation = 1;
    setup.generation = 1;
    setup.config = &config;
    setup.scoreboard = board;
    setup.pools = {{jobs.send_end.get(), replies.receive_end.get()}};
    setup.payload_budget_bytes = 256 << 20;
    setup.fingerprint_secret = secret;
    return setup;
  }
  void OnReady(const Ready& ready) {
    switch (ready.token.value >> 56) {
      case ConnectionTable::kTokenKind: {
        Connection* const connection = connections_.Find(ready.token);
        if (connection != nullptr && !connection->closed()) connection->OnReady(ready.events);
        break;
      }
      case Mover::kTokenKind:
        mover_.OnReady(ready.token);
        break;
      case Taker::kTokenKind:
        taker_.OnReady(ready.token);
        break;
      default:
        dispatchers_.at(0).OnRepliesReady();
    }
  }
  void FlushAll() {
    for (size_t i = 0; i < io_.to_flush.size(); ++i) io_.to_flush[i]->Flush();
    io_.to_flush.clear();
  }
  void RemoveClosed() {
    for (Connection* connection : io_.closed) connections_.Remove(connection);
    io_.closed.clear();
  }
  ListenerContext* FindListener(const IncomingConnection& moved) {
    for (ListenerContext& listener : listeners_) {
      if (listener.address == moved.listener) return &listener;
    }
    return nullptr;
  }
  void Transmit(const proto::Reply& reply, absl::string_view content, const std::vector<int>& fds) {
    std::string envelope;
    EncodeEnvelope(reply, &envelope);
    EXPECT_EQ(SendJobPacket(replies_.send_end.get(), envelope, {content}, fds),
              PacketOutcome::kDone);
  }

  void OnAnswer(Exchange* exchange, const Answer& answer) override {
    exchange->connection->OnAnswer(exchange, answer);
  }
  BacklogLane** LaneOf(Exchange* exchange) override {
    return exchange->connection->lane(exchange->pool);
  }
  void OnCrash(const CrashedPayload& crash) override { crashes_.push_back(crash); }
  proto::Verdicts::Outcome Examine(const IncomingConnection& moved) override {
    if (says_) return *says_;
    if (io_.leaving) return proto::Verdicts::FULL;
    return FindListener(moved) != nullptr ? proto::Verdicts::TAKEN : proto::Verdicts::NO_LISTENER;
  }
  void Take(IncomingConnection moved) override {
    auto made = std::make_unique<Connection>(std::move(moved.socket), connections_.NextToken(),
                                             FindListener(moved), &io_);
    Connection* const connection = connections_.Add(std::move(made));
    Bump(slot_.moved_in);
    EXPECT_TRUE(connection->StartMoved(std::move(moved)).ok());
  }

  PacketPair jobs_, replies_;
  OwnedFd secret_;
  ProcessSetup setup_;
  ProcessSlot& slot_;
  std::unique_ptr<Selector> selector_;
  std::vector<ListenerContext> listeners_;
  TimerWheel timers_;
  Router router_;
  StaticAnswers statics_;
  ExchangePool exchanges_;
  DispatcherSet dispatchers_;
  PeerLimit peers_;
  IoServices io_;
  ConnectionTable connections_;
  Mover mover_;
  Taker taker_;
  JobPacketReceiver pool_;
  std::optional<proto::Verdicts::Outcome> says_;
  std::vector<CrashedPayload> crashes_;
};

// Workers of one generation, their board and their clock.
class WorkersTest : public testing::Test {
 protected:
  static constexpr uint32_t kMostWorkers = 4;

  WorkersTest() : config_(TestConfig()), board_(*Scoreboard::Create(kMostWorkers, 1)) {
    GenerationBay& bay = board_.MutableHeader().bays[0];
    bay.generation = 1;
    bay.workers = kMostWorkers;
    bay.pool_ready[0] = 1000;
    bay.pool_keys[0] = PoolKey(kDefaultPool);
  }

  TestWorker& AddWorker() {
    workers_.push_back(std::make_unique<TestWorker>(config_, &board_,
                                                    static_cast<uint32_t>(workers_.size()), now_));
    return *workers_.back();
  }
  uint32_t SlotOf(const TestWorker& worker) const {
    uint32_t slot = 0;
    while (workers_[slot].get() != &worker) ++slot;
    return slot;
  }
  void Link(TestWorker& from, TestWorker& to, bool even_out = false) {
    PacketPair link = *SeqPacketPair(kChannelBufferBytes);
    from.AddGivingLink(std::move(link.send_end), SlotOf(to), even_out);
    to.AddTakingLink(std::move(link.receive_end));
  }
  // Turns until nothing is left to do at this time.
  void Settle() {
    for (int turns = 0; turns < 10'000; ++turns) {
      bool busy = false;
      for (const auto& worker : workers_) busy = worker->Turn(now_) || busy;
      if (!busy) return;
    }
    ADD_FAILURE() << "the workers spin";
  }
  // In small steps, so that every timer fires at about its time.
  void Advance(absl::Duration by) {
    const Instant end = now_ + by;
    const absl::Duration step = std::max(by / 50, absl::Milliseconds(20));
    while (now_ < end) {
      now_ = std::min(now_ + step, end);
      Settle();
    }
  }

  Config config_;
  Scoreboard board_;
  Instant now_{1'000'000'000'000};
  std::vector<std::unique_ptr<TestWorker>> workers_;
};

// The other end of a worker's giving link, when the test is the other worker.
class OtherWorker {
 public:
  // It says that it lives, as every taker does.
  explicit OtherWorker(OwnedFd link) : link_(std::move(link)) { Answer(0, proto::Verdicts::FULL); }

  // The next offer; nullopt: there is none.
  std::optional<IncomingConnection> TakeOffer() {
    if (receiver_.Receive(link_.get(), &offer_) != JobPacketReceiver::Outcome::kPacket) {
      return std::nullopt;
    }
    absl::StatusOr<IncomingConnection> read =
        ReadOffer(offer_, receiver_.payload(), receiver_.fds());
    EXPECT_EQ(read.status(), absl::OkStatus());
    if (!read.ok()) return std::nullopt;
    return *std::move(read);
  }
  void Answer(proto::Verdicts::Outcome outcome) { Answer(offer_.id(), outcome); }
  void Answer(uint64_t id, proto::Verdicts::Outcome outcome) {
    proto::Verdicts verdicts;
    verdicts.add_verdicts()->set_id(id);
    verdicts.mutable_verdicts(0)->set_outcome(outcome);
    SendBytes(verdicts.SerializeAsString());
  }
  void SendBytes(std::string bytes) {
    const iovec piece = {bytes.data(), bytes.size()};
    EXPECT_EQ(SendPacket(link_.get(), {&piece, 1}), PacketOutcome::kDone);
  }
  // Whether the giver has ended the link, and nothing is left in it.
  bool IsAtItsEnd() {
    return receiver_.Receive(link_.get(), &offer_) == JobPacketReceiver::Outcome::kPeerGone;
  }
  uint64_t offer_id() const { return offer_.id(); }
  void Die() { link_.Reset(); }

 private:
  OwnedFd link_;
  JobPacketReceiver receiver_;
  proto::Offer offer_;
};

}  // namespace windlass

#endif  // WINDLASS_TESTS_WORKER_IO_WORKER_FIXTURE_H_
