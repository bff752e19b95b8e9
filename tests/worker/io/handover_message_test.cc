#include "worker/io/handover_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/job_channel.h"
#include "tests/common/socket_pairs.h"
#include "worker/framing/framing.h"

namespace windlass {
namespace {

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

FileIdentity Identity(int fd) { return IdentifyFile(fd).value_or(FileIdentity{}); }
bool IsSame(int a, int b) {
  return Identity(a).inode == Identity(b).inode && Identity(a).device == Identity(b).device;
}

OwnedFd FileWith(absl::string_view content) {
  OwnedFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_EQ(::write(file.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  return file;
}
OwnedFd Memfd(uint64_t bytes, int seals) {
  OwnedFd memfd(*MemfdCreate("test", bytes));
  if (seals != 0) {
    EXPECT_TRUE(AddSeals(memfd.get(), seals).ok());
  }
  return memfd;
}

std::string ReadFile(const IncomingConnection::Segment& segment) {
  std::string bytes(segment.file_bytes, '\0');
  EXPECT_EQ(PReadFd(segment.file.get(), bytes.data(), bytes.size(), segment.file_offset).value(),
            bytes.size());
  return bytes;
}

// One worker's end of a link and the other's; every test also counts its descriptors.
class HandOverMessageTest : public testing::Test {
 protected:
  HandOverMessageTest() : link_(*SeqPacketPair(kChannelBufferBytes)), client_(SocketPair()) {
    (void)IdentifyFile(0);
    outgoing_.socket = client_.ours.get();
    outgoing_.listener = "127.0.0.1:7000";
    outgoing_.protocol = "line";
    outgoing_.peer = "192.0.2.7:4711";
    open_before_ = OpenDescriptors();
  }
  void TearDown() override {
    received_.reset();
    receiver_ = std::make_unique<JobPacketReceiver>();  // it keeps the last packet's
    EXPECT_EQ(OpenDescriptors(), open_before_) << "descriptors were left open";
  }

  OutgoingConnection::Segment& Owe(std::vector<absl::string_view> memory) {
    outgoing_.output.emplace_back();
    outgoing_.output.back().memory = std::move(memory);
    return outgoing_.output.back();
  }
  void OweFile(std::vector<absl::string_view> memory, int file, uint64_t offset, uint64_t bytes) {
    OutgoingConnection::Segment& segment = Owe(std::move(memory));
    segment.file = file;
    segment.file_offset = offset;
    segment.file_bytes = bytes;
  }
  // Over the link and back out of it.
  void Send() { EXPECT_EQ(SendOffer(link_.send_end.get(), 17, outgoing_).value(), kDone); }
  absl::Status Receive() {
    EXPECT_EQ(receiver_->Receive(link_.receive_end.get(), &offer_),
              JobPacketReceiver::Outcome::kPacket);
    absl::StatusOr<IncomingConnection> read =
        ReadOffer(offer_, receiver_->payload(), receiver_->fds());
    if (!read.ok()) return read.status();
    received_ = *std::move(read);
    return absl::OkStatus();
  }
  const IncomingConnection& Pass() {
    Send();
    EXPECT_EQ(Receive(), absl::OkStatus());
    if (!received_) received_.emplace();
    return *received_;
  }
  // As a worker of any binary could write it.
  absl::Status ReceiveRaw(absl::string_view envelope, absl::string_view payload,
                          std::vector<int> fds) {
    const auto size = static_cast<uint32_t>(envelope.size());
    std::string encoded(reinterpret_cast<const char*>(&size), sizeof(size));
    encoded.append(envelope.data(), envelope.size());
    EXPECT_EQ(SendJobPacket(link_.send_end.get(), encoded, {payload}, fds), kDone);
    return Receive();
  }
  absl::Status ReceiveOffer(const proto::Offer& offer, absl::string_view payload,
                            std::vector<int> fds) {
    return ReceiveRaw(offer.SerializeAsString(), payload, std::move(fds));
  }
  static proto::Offer SmallOffer() {
    proto::Offer offer;
    offer.set_version(kHandOverVersion);
    offer.set_id(17);
    offer.set_listener("127.0.0.1:7000");
    offer.set_protocol("line");
    return offer;
  }
  absl::string_view Padding() const {
    return {received_->input.data() + received_->input.size(), kInputPadding};
  }

  static constexpr PacketOutcome kDone = PacketOutcome::kDone;
  size_t open_before_ = 0;
  PacketPair link_;
  Pair client_;
  OutgoingConnection outgoing_;
  std::unique_ptr<JobPacketReceiver> receiver_ = std::make_unique<JobPacketReceiver>();
  proto::Offer offer_;
  std::optional<IncomingConnection> received_;
};

TEST_F(HandOverMessageTest, CarriesTheClientsSocketAndWhereItCameIn) {
  const IncomingConnection& moved = Pass();
  EXPECT_EQ(offer_.id(), 17u);
  EXPECT_TRUE(IsSame(moved.socket.get(), client_.ours.get()));
  EXPECT_NE(::fcntl(moved.socket.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(moved.listener, "127.0.0.1:7000");
  EXPECT_EQ(moved.protocol, "line");
  EXPECT_EQ(moved.peer, "192.0.2.7:4711");
  EXPECT_EQ(moved.input, "");
  EXPECT_TRUE(moved.output.empty());
}

TEST_F(HandOverMessageTest, CarriesEveryFlagByItself) {
  struct Case {
    std::string name;
    MovedFlags flags;
  };
  const auto flags = [](auto set) {
    MovedFlags all;
    set(&all);
    return all;
  };
  const std::vector<Case> cases = {
      {"none", {}},
      {"skip_bytes", flags([](MovedFlags* all) { all->skip_bytes = UINT64_MAX; })},
      {"tail_bytes", flags([](MovedFlags* all) { all->tail_bytes = UINT32_MAX; })},
      {"peer_done", flags([](MovedFlags* all) { all->peer_done = true; })},
      {"finishing", flags([](MovedFlags* all) { all->finishing = true; })},
      {"awaits_proxy", flags([](MovedFlags* all) { all->awaits_proxy = true; })},
      {"accepted", flags([](MovedFlags* all) { all->accepted = Instant{INT64_MAX}; })},
      {"last_active", flags([](MovedFlags* all) { all->last_active = Instant{1}; })},
      {"frame_since", flags([](MovedFlags* all) { all->frame_since = Instant{2}; })},
      {"all", {1, 2, true, true, true, Instant{3}, Instant{4}, Instant{5}}}};
  for (const Case& sent : cases) {
    SCOPED_TRACE(sent.name);
    outgoing_.flags = sent.flags;
    const MovedFlags& read = Pass().flags;
    EXPECT_EQ(read.skip_bytes, sent.flags.skip_bytes);
    EXPECT_EQ(read.tail_bytes, sent.flags.tail_bytes);
    EXPECT_EQ(read.peer_done, sent.flags.peer_done);
    EXPECT_EQ(read.finishing, sent.flags.finishing);
    EXPECT_EQ(read.awaits_proxy, sent.flags.awaits_proxy);
    EXPECT_EQ(read.accepted, sent.flags.accepted);
    EXPECT_EQ(read.last_active, sent.flags.last_active);
    EXPECT_EQ(read.frame_since, sent.flags.frame_since);
  }
}

TEST_F(HandOverMessageTest, SmallBytesTravelInThePacketAndKeepTheirOrder) {
  outgoing_.input = "half a li";
  Owe({"one ", "two ", "", "three"});
  const IncomingConnection& moved = Pass();
  EXPECT_FALSE(offer_.in_memfd());
  EXPECT_EQ(moved.input, "half a li");
  ASSERT_EQ(moved.output.size(), 1u);
  EXPECT_EQ(moved.output[0].bytes, "one two three");
  EXPECT_FALSE(moved.output[0].file.valid());
}

TEST_F(HandOverMessageTest, BytesOfAnyKindArriveAsTheyAre) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  outgoing_.input = every;
  outgoing_.listener = absl::string_view("unix:/\xff\0path", 12);
  Owe({every});
  const IncomingConnection& moved = Pass();
  EXPECT_EQ(moved.input, every);
  EXPECT_EQ(moved.listener, outgoing_.listener);
  EXPECT_EQ(moved.output[0].bytes, every);
}

TEST_F(HandOverMessageTest, UpToTheInlineLimitNoMemfdIsNeededAndOneByteMoreTakesOne) {
  const std::string limit(kInlinePayloadMax, 'i');
  outgoing_.input = limit;
  EXPECT_EQ(Pass().input, limit);
  EXPECT_FALSE(offer_.in_memfd());
  Owe({"x"});
  const IncomingConnection& moved = Pass();
  EXPECT_TRUE(offer_.in_memfd());
  EXPECT_EQ(moved.input, limit);
  EXPECT_EQ(moved.output[0].bytes, "x");
}

TEST_F(HandOverMessageTest, ManySmallPartsTravelInAMemfd) {
  outgoing_.input = "in";
  std::vector<std::string> numbers;
  for (int i = 0; i < 100; ++i) numbers.push_back(absl::StrCat(i, " "));
  std::string all;
  for (size_t parts = 0; parts < numbers.size(); ++parts) {
    outgoing_.output.clear();
    Owe({numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(parts)});
    EXPECT_EQ(Pass().input, "in");
    EXPECT_EQ(received_->output[0].bytes, all);
    EXPECT_EQ(offer_.in_memfd(), parts + 1 > 16) << parts;
    all += numbers[parts];
  }
}

TEST_F(HandOverMessageTest, SegmentsOfSeveralMegabytesArriveWhole) {
  std::string input(3 << 20, 'i'), answer(5 << 20, 'a');
  for (size_t i = 0; i < input.size(); i += 1009) input[i] = static_cast<char>(i);
  for (size_t i = 0; i < answer.size(); i += 1013) answer[i] = static_cast<char>(i);
  outgoing_.input = input;
  Owe({answer, "tail"});
  const IncomingConnection& moved = Pass();
  EXPECT_TRUE(moved.input == input);
  EXPECT_TRUE(moved.output[0].bytes == answer + "tail");
}

TEST_F(HandOverMessageTest, ReadableBytesFollowTheInputWhereverItLies) {
  for (const size_t bytes : {0, 1, 100, 32 << 10, 64 << 10, (64 << 10) - 64}) {
    const std::string input(bytes, 'i');
    outgoing_.input = input;
    EXPECT_TRUE(Pass().input == input);
    size_t sum = 0;
    for (const char byte : Padding()) sum += static_cast<unsigned char>(byte);
    EXPECT_EQ(sum, 0u) << bytes << " bytes of input";
  }
}

TEST_F(HandOverMessageTest, TheInputOutlivesThePacketThatALargeOneCameIn) {
  const std::string input(100'000, 'i');
  outgoing_.input = input;
  Pass();
  IncomingConnection kept = *std::move(received_);
  outgoing_.input = "another";
  Pass();
  EXPECT_TRUE(kept.input == input);
}

TEST_F(HandOverMessageTest, FilesComeWithTheirOffsets) {
  const OwnedFd first = FileWith("0123456789");
  const OwnedFd second = FileWith("abcdefghij");
  OweFile({"head "}, first.get(), 2, 5);
  OweFile({}, second.get(), 0, 10);
  Owe({" tail"});
  const IncomingConnection& moved = Pass();
  ASSERT_EQ(moved.output.size(), 3u);
  EXPECT_EQ(moved.output[0].bytes, "head ");
  EXPECT_EQ(ReadFile(moved.output[0]), "23456");
  EXPECT_EQ(moved.output[1].bytes, "");
  EXPECT_EQ(ReadFile(moved.output[1]), "abcdefghij");
  EXPECT_EQ(moved.output[2].bytes, " tail");
  EXPECT_FALSE(moved.output[2].file.valid());
}

TEST_F(HandOverMessageTest, AsManyFilesAsMayMoveFitBesideTheMemfd) {
  const OwnedFd file = FileWith("0123456789abcdef");
  const std::string large(40'000, 'x');
  Owe({large});
  for (size_t i = 0; i < kMaxMovedFiles; ++i) OweFile({"-"}, file.get(), i, 1);
  const IncomingConnection& moved = Pass();
  EXPECT_TRUE(offer_.in_memfd());
  std::string read;
  for (size_t i = 0; i < kMaxMovedFiles; ++i) read += ReadFile(moved.output[i + 1]);
  EXPECT_EQ(read, "0123456789abcd");
}

TEST_F(HandOverMessageTest, AFullLinkSaysSoAndLosesNothing) {
  const std::string input(30'000, 'i');
  outgoing_.input = input;
  int sent = 0;
  absl::StatusOr<PacketOutcome> outcome = kDone;
  while ((outcome = SendOffer(link_.send_end.get(), 1, outgoing_)).value() == kDone) ++sent;
  EXPECT_EQ(*outcome, PacketOutcome::kFull);
  EXPECT_GT(sent, 0);
  for (; sent > 0; --sent) {
    EXPECT_EQ(Receive(), absl::OkStatus());
    EXPECT_TRUE(received_->input == input);
  }
  EXPECT_EQ(receiver_->Receive(link_.receive_end.get(), &offer_),
            JobPacketReceiver::Outcome::kEmpty);
}

TEST_F(HandOverMessageTest, AnOtherEndThatIsGoneIsAnOutcome) {
  link_.receive_end.Reset();
  --open_before_;
  EXPECT_EQ(SendOffer(link_.send_end.get(), 1, outgoing_).value(), PacketOutcome::kPeerGone);
}

// --- What is refused

TEST_F(HandOverMessageTest, AnUnknownVersionIsRefused) {
  for (const uint32_t version : {0u, kHandOverVersion + 1, UINT32_MAX}) {
    proto::Offer offer = SmallOffer();
    offer.set_version(version);
    EXPECT_EQ(ReceiveOffer(offer, "", {client_.ours.get()}).code(),
              absl::StatusCode::kInvalidArgument)
        << version;
  }
}

TEST_F(HandOverMessageTest, SizesThatDoNotAddUpToThePayloadAreRefused) {
  struct Case {
    std::string name;
    uint64_t input;
    std::vector<uint64_t> segments;
  };
  const std::vector<Case> cases = {{"too little input", 7, {}},
                                   {"too much input", 9, {}},
                                   {"nothing said about it", 0, {}},
                                   {"a segment beyond it", 8, {1}},
                                   {"segments that leave some", 1, {2, 3}},
                                   {"input beyond everything", UINT64_MAX, {}},
                                   {"a sum that overflows to it", UINT64_MAX, {9}},
                                   {"segments that overflow to it", 4, {UINT64_MAX, 5}},
                                   {"halves that overflow to it", 8, {1ull << 63, 1ull << 63}}};
  for (const Case& broken : cases) {
    proto::Offer offer = SmallOffer();
    offer.set_input_bytes(broken.input);
    for (const uint64_t bytes : broken.segments) offer.add_output()->set_bytes(bytes);
    EXPECT_EQ(ReceiveOffer(offer, "8 bytes.", {client_.ours.get()}).code(),
              absl::StatusCode::kInvalidArgument)
        << broken.name;
  }
}

TEST_F(HandOverMessageTest, MemoryThatIsNoneOrTooSmallOrCouldShrinkIsRefused) {
  constexpr uint64_t kBytes = 100'000;
  struct Case {
    std::string name;
    OwnedFd fd;
  };
  std::vector<Case> cases;
  cases.push_back({"one byte too small", Memfd(kBytes + kInputPadding - 1, F_SEAL_SHRINK)});
  cases.push_back({"no room for padding", Memfd(kBytes, F_SEAL_SHRINK)});
  cases.push_back({"smaller than padding", Memfd(kInputPadding - 1, F_SEAL_SHRINK)});
  cases.push_back({"empty", Memfd(0, F_SEAL_SHRINK)});
  cases.push_back({"not sealed", Memfd(kBytes + kInputPadding, 0)});
  cases.push_back({"sealed otherwise", Memfd(kBytes + kInputPadding, F_SEAL_GROW | F_SEAL_WRITE)});
  cases.push_back({"a file", FileWith(std::string(kBytes + kInputPadding, 'x'))});
  cases.push_back({"a socket", OwnedFd(::socket(AF_UNIX, SOCK_STREAM, 0))});
  cases.push_back({"a directory", OwnedFd(::open("/tmp", O_RDONLY))});
  cases.push_back({"/dev/zero", OwnedFd(::open("/dev/zero", O_RDWR))});
  proto::Offer offer = SmallOffer();
  offer.set_in_memfd(true);
  offer.set_input_bytes(kBytes);
  for (const Case& broken : cases) {
    EXPECT_FALSE(ReceiveOffer(offer, "", {client_.ours.get(), broken.fd.get()}).ok())
        << broken.name;
  }
  const OwnedFd good = Memfd(kBytes + kInputPadding, F_SEAL_SHRINK);
  EXPECT_EQ(ReceiveOffer(offer, "", {client_.ours.get(), good.get()}), absl::OkStatus());
}

TEST_F(HandOverMessageTest, MemoryThatIsSmallerThanAnOverflowingSumIsRefused) {
  const OwnedFd memory = Memfd(4096, F_SEAL_SHRINK);
  for (const uint64_t bytes : {uint64_t{4096}, UINT64_MAX - kInputPadding + 1, UINT64_MAX,
                               UINT64_MAX - kInputPadding, uint64_t{1} << 63}) {
    proto::Offer offer = SmallOffer();
    offer.set_in_memfd(true);
    offer.set_input_bytes(bytes);
    EXPECT_FALSE(ReceiveOffer(offer, "", {client_.ours.get(), memory.get()}).ok()) << bytes;
  }
}

TEST_F(HandOverMessageTest, DescriptorsThatAreMissingAreNoticed) {
  const OwnedFd memory = Memfd(4096, F_SEAL_SHRINK);
  const OwnedFd file = FileWith("content");
  proto::Offer offer = SmallOffer();
  EXPECT_FALSE(ReceiveOffer(offer, "", {}).ok()) << "not even the client";
  offer.set_in_memfd(true);
  EXPECT_FALSE(ReceiveOffer(offer, "", {client_.ours.get()}).ok()) << "no memory";
  for (int i = 0; i < 2; ++i) {
    proto::Offer::Segment* const segment = offer.add_output();
    segment->set_has_file(true);
    segment->set_file_bytes(7);
  }
  EXPECT_FALSE(ReceiveOffer(offer, "", {client_.ours.get(), memory.get()}).ok()) << "no file";
  EXPECT_FALSE(ReceiveOffer(offer, "", {client_.ours.get(), memory.get(), file.get()}).ok())
      << "one file of two";
  EXPECT_TRUE(
      ReceiveOffer(offer, "", {client_.ours.get(), memory.get(), file.get(), file.get()}).ok());
}

TEST_F(HandOverMessageTest, AFileThatIsNoRegularOneIsRefused) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const OwnedFd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  const OwnedFd directory(::open("/tmp", O_RDONLY));
  const OwnedFd device(::open("/dev/zero", O_RDONLY));
  proto::Offer offer = SmallOffer();
  offer.add_output()->set_has_file(true);
  for (const int fd : {client_.ours.get(), read_end.get(), directory.get(), device.get()}) {
    EXPECT_EQ(ReceiveOffer(offer, "", {client_.ours.get(), fd}).code(),
              absl::StatusCode::kInvalidArgument)
        << fd;
  }
}

TEST_F(HandOverMessageTest, DescriptorsThatNobodyAskedForAreClosed) {
  const OwnedFd file = FileWith("content");
  EXPECT_EQ(ReceiveOffer(SmallOffer(), "", {client_.ours.get(), file.get(), file.get()}),
            absl::OkStatus());
}

// --- Generated

// Whatever becomes of the bytes, reading them ends in a connection or an error, and never in views
// that lead out of the payload.
class BrokenOfferTest : public HandOverMessageTest {
 protected:
  BrokenOfferTest() : file_(FileWith("0123456789")) { ++open_before_; }

  // A valid one that uses every field.
  std::string Valid(bool in_memfd) {
    proto::Offer offer = SmallOffer();
    offer.set_input_bytes(3);
    proto::Offer::Segment* segment = offer.add_output();
    segment->set_bytes(2);
    segment->set_has_file(true);
    segment->set_file_offset(1);
    segment->set_file_bytes(4);
    offer.add_output()->set_bytes(1);
    offer.set_in_memfd(in_memfd);
    offer.set_skip_bytes(5);
    offer.set_tail_bytes(6);
    offer.set_peer_done(true);
    offer.set_finishing(true);
    offer.set_accepted_ns(7);
    offer.set_last_active_ns(8);
    offer.set_frame_since_ns(9);
    return offer.SerializeAsString();
  }
  // Without a link, so that every variant costs little.
  void Read(absl::string_view envelope, bool in_memfd) {
    proto::Offer offer;
    if (!offer.ParseFromArray(envelope.data(), static_cast<int>(envelope.size()))) return;
    std::vector<OwnedFd> fds;
    fds.push_back(Copy(client_.ours.get()));
    if (in_memfd) fds.push_back(Memfd(6 + kInputPadding, F_SEAL_SHRINK));
    fds.push_back(Copy(file_.get()));
    const std::string packet = "inoutt" + std::string(kInputPadding, 'p');
    const absl::string_view payload(packet.data(), in_memfd ? 0 : 6);
    const absl::StatusOr<IncomingConnection> read = ReadOffer(offer, payload, absl::MakeSpan(fds));
    if (!read.ok()) return;
    ++understood_;
    uint64_t bytes = read->input.size();
    for (const IncomingConnection::Segment& segment : read->output) bytes += segment.bytes.size();
    if (in_memfd) {
      EXPECT_LE(bytes, 6u) << "memory may be larger than what is in it, and not smaller";
    } else {
      EXPECT_EQ(bytes, 6u);
    }
    EXPECT_TRUE(read->socket.valid());
  }
  static OwnedFd Copy(int fd) { return *Duplicate(fd); }

  OwnedFd file_;
  int understood_ = 0;
};

TEST_F(BrokenOfferTest, CutAnywhereItIsAnErrorOrASmallerOffer) {
  for (const bool in_memfd : {false, true}) {
    const std::string valid = Valid(in_memfd);
    understood_ = 0;
    Read(valid, in_memfd);
    EXPECT_EQ(understood_, 1);
    for (size_t bytes = 0; bytes < valid.size(); ++bytes) {
      Read(absl::string_view(valid).substr(0, bytes), in_memfd);
    }
  }
}

TEST_F(BrokenOfferTest, EveryByteMayBeAnyOther) {
  for (const bool in_memfd : {false, true}) {
    const std::string valid = Valid(in_memfd);
    for (size_t at = 0; at < valid.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string changed = valid;
        changed[at] = static_cast<char>(value);
        Read(changed, in_memfd);
      }
    }
  }
  EXPECT_GT(understood_, 0) << "a changed listener, for instance, is an offer still";
}

TEST_F(BrokenOfferTest, BytesMayBeInsertedDroppedAndRepeated) {
  std::mt19937 random(5);
  const std::string valid = Valid(false);
  for (int i = 0; i < 5000; ++i) {
    std::string changed = valid;
    for (int changes = 0; changes < 3; ++changes) {
      const size_t at = random() % changed.size();
      switch (random() % 3) {
        case 0:
          changed.insert(at, 1, static_cast<char>(random()));
          break;
        case 1:
          changed.erase(at, 1 + random() % 4);
          break;
        case 2:
          changed.insert(at, valid.substr(random() % valid.size(), random() % 16));
          break;
      }
    }
    Read(changed, false);
  }
}

TEST_F(BrokenOfferTest, PacketsOfRandomBytesAreNoOffers) {
  std::mt19937 random(6);
  for (int i = 0; i < 2000; ++i) {
    std::string packet(1 + random() % 80, '\0');
    for (char& byte : packet) byte = static_cast<char>(random());
    if (random() % 2 == 0 && packet.size() > 4) packet.replace(0, 4, std::string("\x08\0\0\0", 4));
    const int fds[] = {client_.ours.get()};
    ASSERT_EQ(SendJobPacket(link_.send_end.get(), packet, {}, fds), PacketOutcome::kDone);
    if (receiver_->Receive(link_.receive_end.get(), &offer_) !=
        JobPacketReceiver::Outcome::kPacket) {
      continue;
    }
    (void)ReadOffer(offer_, receiver_->payload(), receiver_->fds());
  }
}

// --- Other binaries

// Protobuf's wire format by hand, so that a changed field number is noticed.
class WireBytes {
 public:
  WireBytes& Varint(int field, uint64_t value) {
    PutVarint(static_cast<uint64_t>(field) << 3);
    PutVarint(value);
    return *this;
  }
  WireBytes& Fixed64(int field, uint64_t value) {
    PutVarint(static_cast<uint64_t>(field) << 3 | 1);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  WireBytes& Bytes(int field, absl::string_view value) {
    PutVarint(static_cast<uint64_t>(field) << 3 | 2);
    PutVarint(value.size());
    bytes_.append(value.data(), value.size());
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void PutVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  std::string bytes_;
};

// Every field of version 1, as proto/handover.proto had them at first.
WireBytes VersionOne() {
  WireBytes segment, last;
  segment.Varint(1, 4).Varint(2, 1).Varint(3, 2).Varint(4, 3);
  last.Varint(1, 5);
  WireBytes offer;
  offer.Varint(1, 1).Fixed64(2, 0x1122334455667788).Bytes(3, "unix:/run/app.sock");
  offer.Bytes(4, "message").Varint(5, 6).Bytes(6, segment.bytes()).Bytes(6, last.bytes());
  offer.Varint(8, 1000).Varint(9, 1).Varint(10, 1).Varint(11, 1);
  return offer.Fixed64(12, 100).Fixed64(13, 200).Fixed64(14, 300);
}

TEST_F(HandOverMessageTest, TheBytesOfTheFirstBinaryAreUnderstood) {
  const OwnedFd file = FileWith("0123456789");
  ASSERT_EQ(ReceiveRaw(VersionOne().bytes(), "input.headtail.", {client_.ours.get(), file.get()}),
            absl::OkStatus());
  EXPECT_EQ(offer_.id(), 0x1122334455667788u);
  EXPECT_EQ(received_->listener, "unix:/run/app.sock");
  EXPECT_EQ(received_->protocol, "message");
  EXPECT_EQ(received_->input, "input.");
  ASSERT_EQ(received_->output.size(), 2u);
  EXPECT_EQ(received_->output[0].bytes, "head");
  EXPECT_EQ(ReadFile(received_->output[0]), "234");
  EXPECT_EQ(received_->output[1].bytes, "tail.");
  EXPECT_EQ(received_->flags.skip_bytes, 1000u);
  EXPECT_EQ(received_->flags.tail_bytes, 1u);
  EXPECT_TRUE(received_->flags.peer_done);
  EXPECT_TRUE(received_->flags.finishing);
  EXPECT_EQ(received_->flags.accepted.ns, 100);
  EXPECT_EQ(received_->flags.last_active.ns, 200);
  EXPECT_EQ(received_->flags.frame_since.ns, 300);
}

TEST_F(HandOverMessageTest, TheFirstBinarysMemoryIsUnderstood) {
  const OwnedFd memory = Memfd(15 + kInputPadding, F_SEAL_SHRINK);
  ASSERT_EQ(::pwrite(memory.get(), "input.headtail.", 15, 0), 15);
  const OwnedFd file = FileWith("0123456789");
  ASSERT_EQ(ReceiveRaw(VersionOne().Varint(7, 1).bytes(), "",
                       {client_.ours.get(), memory.get(), file.get()}),
            absl::OkStatus());
  EXPECT_EQ(received_->input, "input.");
  EXPECT_EQ(received_->output[1].bytes, "tail.");
}

TEST_F(HandOverMessageTest, FieldsThatALaterBinaryAddsAreIgnored) {
  WireBytes offer = VersionOne();
  offer.Varint(15, 7).Bytes(16, "a later thing").Fixed64(2000, 8);
  const OwnedFd file = FileWith("0123456789");
  ASSERT_EQ(ReceiveRaw(offer.bytes(), "input.headtail.", {client_.ours.get(), file.get()}),
            absl::OkStatus());
  EXPECT_EQ(received_->input, "input.");
  EXPECT_EQ(received_->flags.tail_bytes, 1u);
}

TEST_F(HandOverMessageTest, WhatAnIdleClientNeedsIsLittle) {
  WireBytes offer;
  offer.Varint(1, 1).Fixed64(2, 1).Bytes(3, "127.0.0.1:7000").Bytes(4, "line");
  ASSERT_EQ(ReceiveRaw(offer.bytes(), "", {client_.ours.get()}), absl::OkStatus());
  EXPECT_EQ(received_->input, "");
  EXPECT_FALSE(received_->flags.finishing);
}

TEST(HandOverVerdicts, AreTheNumbersThatTheFirstBinaryKnows) {
  EXPECT_EQ(proto::Verdicts::TAKEN, 0);
  EXPECT_EQ(proto::Verdicts::NO_LISTENER, 1);
  EXPECT_EQ(proto::Verdicts::FULL, 2);
  EXPECT_EQ(proto::Verdicts::NOT_UNDERSTOOD, 3);
  WireBytes verdict;
  verdict.Fixed64(1, 17).Varint(2, 2);
  proto::Verdicts verdicts;
  ASSERT_TRUE(verdicts.ParseFromString(WireBytes().Bytes(1, verdict.bytes()).bytes()));
  ASSERT_EQ(verdicts.verdicts_size(), 1);
  EXPECT_EQ(verdicts.verdicts(0).id(), 17u);
  EXPECT_EQ(verdicts.verdicts(0).outcome(), proto::Verdicts::FULL);
}

TEST(HandOverVerdicts, AnOutcomeOfALaterBinaryIsNoneOfOursAndNotTaken) {
  WireBytes verdict;
  verdict.Fixed64(1, 17).Varint(2, 9);
  proto::Verdicts verdicts;
  ASSERT_TRUE(verdicts.ParseFromString(WireBytes().Bytes(1, verdict.bytes()).bytes()));
  ASSERT_EQ(verdicts.verdicts_size(), 1);
  EXPECT_NE(verdicts.verdicts(0).outcome(), proto::Verdicts::TAKEN);
}

}  // namespace
}  // namespace windlass
