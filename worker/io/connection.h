#ifndef WINDLASS_WORKER_IO_CONNECTION_H_
#define WINDLASS_WORKER_IO_CONNECTION_H_

#include <array>
#include <cstdint>
#include <memory>

#include "common/byte_buffer.h"
#include "common/timer_wheel.h"
#include "windlass/owned_fd.h"
#include "worker/framing/framing.h"
#include "worker/io/conn_state.h"
#include "worker/io/handover_message.h"
#include "worker/io/io_services.h"
#include "worker/io/output_queue.h"

namespace windlass {

// Why a connection was closed. The timeouts have counters in the worker's slot.
enum class CloseReason : uint8_t {
  kDone,
  kPeerGone,
  kIdleTimeout,
  kFrameTimeout,
  kWriteTimeout,
  kShutdown,
  kMoved  // another worker has it
};

// Role: one client, from accept, or from when another worker gave it up, to close. Worker
// processes. Owns the socket and the bytes in either direction; an idle connection owns no buffer.
//
//   bytes -> CutFrames -> Router -> inline answer, or Dispatcher -> OnAnswer -> OutputQueue ->
//   bytes
//
// Invariants:
//   1. There is one place where the state changes (Enter); what the selector watches follows from
//   it (conn_state.h).
//   2. Answers leave in request order, each exactly once.
//   3. When this worker leaves, or has too many clients, the connection moves to another worker in
//   whatever it is doing, and the client sees nothing of it (worker/io/mover.h).
//   4. Reading stops while there are max_in_flight requests or kMaxHeldBytes of answers that the
//   client has not taken.
// What the client sees: a refused frame gets an error answer; one whose end is unknown gets it and
// the connection closes after it (our side is shut first and the rest is drained, so that a reset
// does not destroy the answer). Timeouts close without an answer: a frame that does not arrive
// (frame_timeout), answers that are not taken (write_timeout), nothing at all (idle_timeout). A
// client is gone on a reset, on a hang-up in both directions, or when a write fails: its waiting
// jobs are dropped and its running ones marked cancelled. Blocking: never. Errors: never the
// process's: whatever a client does ends at most its own connection.
class Connection : public TimerOwner {
 public:
  static constexpr uint64_t kMaxHeldBytes = 1 << 20;

  Connection(OwnedFd socket, SelectorToken token, ListenerContext* listener, IoServices* io);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Watches the socket. An error means that it cannot be served (delete it).
  absl::Status Start();
  void OnReady(uint32_t events);
  void OnAnswer(Exchange* exchange, const Answer& answer);
  void OnTimer(Timer* timer, Instant now) override;
  // Sends what is ready; called at the end of a turn for every connection in to_flush.
  void Flush();
  // Takes the requests that have arrived, and waits a second for one that is under way (half here,
  // or of a client that has just connected); then no more, and closes when their answers are sent.
  void Drain();
  // Says what it still can, at once, and closes.
  void CloseNow();

  // Moving to another worker (connection_moving.cc; worker/io/mover.h decides when). The steps:
  // Quiesce, then, when CanMove, Pack; and at last LetGo or Stay.
  void Quiesce();
  bool CanMove() const;
  // Nothing is on its way in either direction: it costs nothing to move it.
  bool IsIdle() const {
    return state_ == ConnState::kReadingFrames && input_.empty() && output_.empty();
  }
  // Takes it out of the selector and says what the other worker must know. Views are valid until
  // LetGo or Stay. False: not now, nothing changed (too many files are waiting to be sent).
  bool Pack(OutgoingConnection* into);
  // The other worker has it: closes this copy without a word to the client.
  void LetGo();
  // It was not offered after all: as before Pack.
  bool Unpack();
  // It was not taken, and goes on here. `finish`: closes after its answers.
  void Stay(bool finish);
  // From Quiesce back to taking requests.
  void Resume();
  // Begins here, as another worker left it. An error means that it cannot be served (delete it).
  absl::Status StartMoved(IncomingConnection moved);

  // Pages (worker/io/page_source.h, connection_pages.cc). Once for each exchange that OnPage got:
  void AnswerPage(Exchange* exchange, const PageAnswer& answer);
  // or these. False: the client has not taken enough of what was before; nothing was added.
  void BeginStream(Exchange* exchange, absl::string_view content_type,
                   absl::string_view extra_headers);
  bool StreamChunk(Exchange* exchange, absl::string_view bytes);
  void EndStream(Exchange* exchange);

  SelectorToken token() const { return token_; }
  ConnState state() const { return state_; }
  const ListenerContext& listener() const { return *listener_; }
  int fd() const { return socket_.get(); }
  // "192.0.2.7:4711": the client, by what the proxy has said, if there is one.
  std::string PeerName() const;
  Instant accepted() const { return accepted_; }
  Instant last_active() const { return last_active_; }
  uint32_t in_flight() const { return output_.exchanges(); }
  BacklogLane** lane(uint32_t pool) { return &lanes_[pool]; }
  bool closed() const { return state_ == ConnState::kClosed; }

 private:
  void Enter(ConnState next);
  void UpdateInterest();
  void Close(CloseReason reason);
  void Abandon(Exchange* exchange);
  bool AtLimit() const;
  bool IsDraining() const { return finishes_ || io_->draining; }
  void FinishIfDraining();
  Instant PatienceEnd() const;
  void UnreceiveContent();

  // Input.
  // Behind the input that waits, or, where none does, into the worker's scratch: then `fresh` is
  // what came. False: nothing came, and what that means has been done.
  bool ReceiveInput(size_t at_least, absl::string_view* fresh);
  void ReadFrames();
  size_t CutProxyHeader(absl::string_view input);
  void ReadRaw();
  void ReturnRaw(absl::string_view bytes);
  void ReadContent();
  void ReadAndDrop();
  void OnEndOfInput();
  size_t CutFrames(absl::string_view input);
  void CutWaitingInput();
  void HandleRequest(const RequestHead& head, absl::string_view content);
  void HandleInline(const RequestHead& head, uint32_t handler, absl::string_view content);
  void HandleStatic(const RequestHead& head, uint32_t handler);
  void AnswerStatic(Exchange* exchange, uint32_t handler);
  void HandlePage(const RequestHead& head);
  void GivePage(const RequestHead& head, Exchange* exchange);
  void SendContinue();
  JobRequest JobFor(const RequestHead& head, const Route& route) const;
  RouteQuery QueryFor(const RequestHead& head) const;
  size_t BeginLargeContent(const RequestHead& head, absl::string_view head_bytes,
                           absl::string_view arrived);
  Exchange* TakeReceiving();
  size_t AbsorbContent(absl::string_view arrived);
  void OnContentComplete();
  void SubmitContent(Exchange* exchange);
  void RefuseLargeContent(ErrorCode code, absl::string_view message);
  bool GrowContent(uint64_t bytes);
  uint64_t ContentArrived() const;
  size_t BeginCodedContent(const RequestHead& head, absl::string_view head_bytes,
                           absl::string_view coded);
  size_t AbsorbCoded(absl::string_view coded);
  size_t TakeDecoded(absl::string_view bytes, FrameError* failed);
  void ReadCoded();
  void AbsorbWaitingCoded();
  void OnCodedComplete();
  void LoseCodedContent(ErrorCode code, absl::string_view message);
  void NoteRequest();
  Instant JobDeadline(const RequestHead& head, uint32_t handler) const;

  // Output.
  Exchange* NewExchange(const RequestHead& head);
  Exchange* NewRefused(const RequestHead& head);
  void AnswerError(Exchange* exchange, ErrorCode code, absl::string_view message);
  void AnswerError(Exchange* exchange, const FrameError& error);
  ResponseHead PageHead(const Exchange& exchange) const;
  void NoteAnswered(Exchange* exchange, ErrorCode code);
  void OnSent(Exchange* exchange);
  // Access log, where the listener has one. `code`: of the answer, or kClientGone.
  void BeginAccessLog();
  void LogAccess(const Exchange& exchange, absl::string_view code);
  void LogLost(const Exchange& exchange, CloseReason reason);
  void LogInline(const RequestHead& head, uint32_t handler, uint64_t bytes_out);
  // A request of this worker's is over: the kernel has the last byte of its answer. What there is
  // to tell of it is in the exchange; this turn's instant is when it went.
  void OnDelivered(const Exchange& exchange);
  // The same of one that never had an exchange: answered `ok` in the turn in which it came.
  // `handler`: index into Config::handlers, or Exchange::kUnknown.
  void OnAnsweredInline(uint32_t handler, uint64_t bytes_in, uint64_t bytes_out);
  void EncodeAnswer(Exchange* exchange, const Answer& answer);
  void ScheduleFlush();
  void AfterFlush(OutputQueue::Outcome outcome);
  void BeginLinger();
  bool AdmitPeer();
  void CountPeer();
  std::string CountedPeer() const;

  // Timeouts.
  Instant NextTimeout() const;
  CloseReason TimeoutReason() const;
  void ArmNoLaterThan(Instant deadline);
  bool AnswerTimeout();
  void OnMemoryRetry();

  // Fixed after construction.
  OwnedFd socket_;
  const SelectorToken token_;
  ListenerContext* const listener_;
  IoServices* const io_;
  // Working state.
  ConnState state_ = ConnState::kReadingFrames;
  ConnState before_move_ = ConnState::kReadingFrames;
  bool output_blocked_ = false;
  bool flush_scheduled_ = false;
  bool peer_done_ = false;  // the end of its stream has been read
  bool finishes_ = false;   // as when draining, but this one alone
  bool has_asked_ = false;  // for anything, ever
  bool awaits_proxy_;       // the proxy has not said yet who the client is
  Instant drained_;         // when Drain was called
  ByteBuffer input_;
  CutState cut_;
  OutputQueue output_;
  std::array<BacklogLane*, kMaxPools> lanes_ = {};  // by pool
  Exchange* receiving_ = nullptr;                   // large content is arriving for it
  std::unique_ptr<ContentDecoder> decoder_;         // that content is in a coding
  size_t tail_left_ = 0;                            // bytes to drop before the next frame
  uint64_t content_left_ = 0;                       // of it, or of content that is skipped
  Timer timer_;
  Instant accepted_;
  Instant since_;        // start of the current frame, of the memory wait or of lingering
  Instant last_active_;  // a request or a part of an answer went through
  Instant blocked_since_;
  std::string access_start_;  // what its lines in the access log begin with; "": it has none
  std::string peer_;          // who a proxy has said that the client is; "": nobody has
  PeerLimit::Lease lease_;    // it counts as one of its address
  Instant quiesced_;          // since when nobody reads, so that a frame cannot be late
};

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_CONNECTION_H_
