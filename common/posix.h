#ifndef WINDLASS_COMMON_POSIX_H_
#define WINDLASS_COMMON_POSIX_H_

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "windlass/owned_fd.h"

// One wrapper per system call: the only place that reads errno or retries EINTR. Ordinary outcomes
// (would block, peer gone) are values; a Status is a failure of the environment. Blocking: never,
// except Poll and EpollWait, which wait as long as they are told to.

namespace windlass {

// --- Streams
// -----------------------------------------------------------------------------------------------------

enum class IoOutcome : uint8_t {
  kProgress,    // bytes > 0 moved
  kWouldBlock,  // nothing moved; try again when ready
  kEnd,         // the peer will send no more (reads only)
  kPeerGone,    // reset, broken pipe, timed out: the connection is dead
};
struct IoResult {
  IoOutcome outcome;
  size_t bytes = 0;
};

IoResult RecvSome(int fd, char* into, size_t capacity);  // REQUIRES: capacity > 0
IoResult SendSome(int fd, absl::Span<const iovec> pieces, bool more_follows = false);
// From a file at *offset, which moves on. kEnd: the file is shorter than expected.
IoResult SendFileSome(int socket, int file, uint64_t* offset, size_t count);
absl::StatusOr<OwnedFd> OpenReadOnly(const std::string& path);
absl::StatusOr<OwnedFd> OpenDirectory(const std::string& path);
// A file below `directory`, for reading: neither "..", absolute names nor links lead out of it.
// Where openat2(2) is not to be had (systemd's RestrictSUIDSGID= forbids it), links and ".." do not
// work at all. Never blocks on a FIFO.
absl::StatusOr<OwnedFd> OpenBeneath(int directory, const std::string& name);
// The same without openat2, for tests.
absl::StatusOr<OwnedFd> OpenBeneathStepByStep(int directory, const std::string& name);
// For files, pipes and eventfd-like descriptors; whole-buffer semantics are the caller's.
absl::StatusOr<size_t> ReadFd(int fd, char* into, size_t capacity);
absl::StatusOr<size_t> PReadFd(int fd, char* into, size_t capacity, uint64_t offset);
absl::Status PWriteAll(int fd, absl::string_view bytes);  // to a file, from its start
absl::StatusOr<std::string> ReadLink(const std::string& path);
// The entries of a directory that are numbers, sorted; of /proc, mostly.
absl::StatusOr<std::vector<int>> ListNumbers(const std::string& directory);

// --- Sockets
// -----------------------------------------------------------------------------------------------------

enum class AcceptOutcome : uint8_t {
  kAccepted,
  kWouldBlock,
  kAborted,    // that connection died in the queue: try the next
  kExhausted,  // out of descriptors or memory: shed, then try again later
};
// `accepted` is non-blocking and close-on-exec.
AcceptOutcome AcceptSome(int listener, OwnedFd* accepted);

absl::StatusOr<OwnedFd> Duplicate(int fd);  // close-on-exec
void SetCloseOnExec(int fd, bool close);    // REQUIRES: an open descriptor
absl::Status SetNonBlocking(int fd);
void AppendOnly(int fd);                           // O_APPEND, for all who share the description
absl::StatusOr<OwnedFd> StreamSocket(int family);  // non-blocking, close-on-exec
absl::Status SetIntOption(int fd, int level, int option, int value, absl::string_view what);
absl::StatusOr<int> GetIntOption(int fd, int level, int option, absl::string_view what);
absl::Status BindSocket(int fd, const sockaddr* address, socklen_t length, absl::string_view what);
absl::Status StartListening(int fd, int backlog, absl::string_view what);
// kInProgress: wait until it is writable, then ask TakeSocketError.
enum class ConnectOutcome : uint8_t { kConnected, kInProgress };
absl::StatusOr<ConnectOutcome> ConnectSocket(int fd, const sockaddr* address, socklen_t length,
                                             absl::string_view what);
// Whether anybody listens there, by connecting: false when refused or when there is nothing. A full
// queue means that somebody does.
absl::StatusOr<bool> SomebodyListens(int fd, const sockaddr* address, socklen_t length);
absl::Status TakeSocketError(int fd, absl::string_view what);  // SO_ERROR
absl::StatusOr<sockaddr_storage> LocalAddress(int fd, socklen_t* length);
struct PeerCredentials {
  uid_t user = 0;
  gid_t group = 0;
  pid_t process = 0;  // 0: not in our namespace
};
absl::StatusOr<PeerCredentials> PeerOf(int fd);  // unix sockets: who connected (SO_PEERCRED)
absl::StatusOr<sockaddr_storage> PeerAddress(int fd, socklen_t* length);
// Bytes that the kernel holds for a stream socket: received and not read (SIOCINQ), sent and not
// acknowledged (SIOCOUTQ).
struct SocketQueues {
  uint32_t received = 0, sent = 0;
};
SocketQueues QueuesOf(int fd);
void ShutdownWrite(int fd);  // best effort: the peer may be gone already
struct StreamPair {
  OwnedFd ours, theirs;  // which is which is convention
};
absl::StatusOr<StreamPair> UnixStreamPair();  // non-blocking, close-on-exec

// --- Packets (SOCK_SEQPACKET pairs between our own processes)
// --------------------------------------------------------

struct PacketPair {
  OwnedFd send_end, receive_end;  // which is which is convention; both directions work
};
// Non-blocking, close-on-exec; send buffers of `buffer_bytes`, as far as the system allows.
absl::StatusOr<PacketPair> SeqPacketPair(int buffer_bytes);

enum class PacketOutcome : uint8_t {
  kDone,
  kFull,      // sending: the channel is full. Receiving: it is empty
  kPeerGone,  // every process that held the other end is gone
};
// Sends one datagram made of `pieces`, with at most kMaxPacketFds descriptors. Other failures
// (EMSGSIZE and kin) are our own fault and end the process.
constexpr size_t kMaxPacketFds = 16;
PacketOutcome SendPacket(int fd, absl::Span<const iovec> pieces, absl::Span<const int> fds = {});

struct ReceivedPacket {
  PacketOutcome outcome = PacketOutcome::kFull;
  size_t bytes = 0;
  bool truncated = false;      // the datagram was longer than the room for it
  bool fds_truncated = false;  // descriptors were lost: this process is at its limit
  size_t fd_count = 0;
};
// Receives one datagram. Descriptors arrive close-on-exec in fds[0..fd_count), owned by the caller.
// `room_for_fds` may be empty: descriptors are then closed by the kernel and fds_truncated is set.
ReceivedPacket ReceivePacket(int fd, absl::Span<const iovec> into,
                             absl::Span<OwnedFd> room_for_fds);
// Bytes in the send queue of a socket, as the kernel accounts them (SIOCOUTQ).
int UnsentQueueBytes(int fd);
int SendBufferBytes(int fd);  // SO_SNDBUF as the kernel accounts it

// One datagram to a unix socket, "/path" or "@abstract". False: it cannot be told now (its queue is
// full) or not at all.
bool SendToUnix(const std::string& path, absl::string_view bytes);

// --- Waiting
// -----------------------------------------------------------------------------------------------------

absl::StatusOr<OwnedFd> EpollCreate();
absl::Status EpollControl(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data);
// Number of ready entries; 0 on timeout or EINTR. timeout_ms < 0: no limit.
absl::StatusOr<int> EpollWait(int epoll_fd, absl::Span<epoll_event> into, int timeout_ms);
absl::StatusOr<int> Poll(absl::Span<pollfd> entries, int timeout_ms);

// --- Processes and signals
// -------------------------------------------------------------------------------------------

absl::StatusOr<pid_t> Fork();
// Like Fork, but the new process is a child of this one's parent. REQUIRES: one thread: handlers of
// pthread_atfork(3) do not run.
struct Sibling {
  pid_t pid = 0;  // 0: this is the new process
  OwnedFd pidfd;
};
absl::StatusOr<Sibling> CloneSibling();
absl::StatusOr<OwnedFd> PidfdOpen(pid_t pid);
// The process that it stands for, if that is a child of this one, alive or not reaped; else 0.
pid_t ChildOfPidfd(int pidfd);
// NotFound: the process is gone (not an error for most callers).
absl::Status PidfdSignal(int pidfd, int signal);
struct ExitStatus {
  bool exited = false;  // else killed by `code` = signal number
  int code = 0;         // exit code or signal
  uint64_t peak_resident_bytes = 0;
};
// nullopt: still running. Reaps the process.
std::optional<ExitStatus> ReapPidfd(int pidfd);
// A child that has ended and is not reaped yet, 0 when there is none; and reaping one that nobody
// holds a pidfd for (as PID 1 we inherit strangers).
pid_t PeekExitedChild();
void ReapStranger(pid_t pid);
uint64_t ResidentBytes(pid_t pid);  // by /proc; 0 when it is gone
// Whether its main thread has blocked `signal`; nullopt when it is gone.
std::optional<bool> HasBlocked(pid_t pid, int signal);
// Whether others of the same user may look into this process (/proc/PID/mem, /proc/PID/fd) and it
// may leave a core dump: prctl(2), PR_SET_DUMPABLE. Clones inherit it; execve(2) sets it.
void SetDumpable(bool dumpable);
void SetParentDeathSignal(int signal);
// What ps and top show; the kernel keeps 15 characters.
void NameProcess(const std::string& name);
void BlockSignals(const sigset_t& signals);
absl::StatusOr<OwnedFd> SignalFd(const sigset_t& signals);
// Every signal that is waiting; false when there is none left.
struct SignalInfo {
  int signal = 0, code = 0;  // si_signo, si_code
  uid_t user = 0;            // of who sent it, unless that is the kernel
  pid_t sender = 0;
};
bool TakeSignal(int signal_fd, SignalInfo* signal);
// Raises the soft limit of open descriptors to the hard one; returns what it is then.
uint64_t RaiseDescriptorLimit();
// Closes every descriptor of this process >= 3 that is not in `keep` (sorted or not).
void CloseAllFdsExcept(absl::Span<const int> keep);

// --- Memory files
// ------------------------------------------------------------------------------------------------

absl::StatusOr<OwnedFd> MemfdCreate(const char* name, uint64_t size);
// From the kernel's generator. REQUIRES: at most 256 bytes, which come whole.
absl::Status FillRandom(absl::Span<char> into);
absl::Status AddSeals(int fd, int seals);
int GetSeals(int fd);  // 0 when it is no memfd
struct FileIdentity {
  uint64_t device = 0, inode = 0, size = 0;
  bool is_regular = false;
};
absl::StatusOr<FileIdentity> IdentifyFile(int fd);

// A mapping of (part of) a file, unmapped once. Move-only.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { Unmap(); }

  // REQUIRES: offset is a multiple of the page size.
  static absl::StatusOr<Mapping> Shared(int fd, size_t size, uint64_t offset, bool writable);
  // Puts a read-only mapping of `fd`, which must be the same file from its start, in its place.
  // Once the file has F_SEAL_FUTURE_WRITE, nothing can make that writable again. Failed: as it was.
  absl::Status ReplaceByReadOnly(int fd);
  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void Unmap();
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace windlass

#endif  // WINDLASS_COMMON_POSIX_H_
