#include "common/job_channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "proto/job.pb.h"

namespace windlass {
namespace {

class JobChannelTest : public testing::Test {
 protected:
  JobChannelTest() : pair_(*SeqPacketPair(kChannelBufferBytes)) {}
  PacketOutcome Send(const proto::Job& job, absl::string_view payload,
                     absl::Span<const int> fds = {}) {
    EncodeEnvelope(job, &encoded_);
    return SendJobPacket(pair_.send_end.get(), encoded_, {payload}, fds);
  }
  void SendRaw(absl::string_view bytes) {
    ASSERT_EQ(::send(pair_.send_end.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  PacketPair pair_;
  std::string encoded_;
  proto::Job received_;
  JobPacketReceiver receiver_;
};

TEST_F(JobChannelTest, CarriesEnvelopePayloadAndDescriptorsAsTheyWere) {
  proto::Job job;
  job.set_id(42);
  job.set_content_type("\xff not UTF-8");
  const std::string payload(kInlinePayloadMax, 'p');
  const OwnedFd memfd = *MemfdCreate("test", 100);
  const int fd = memfd.get();
  ASSERT_EQ(Send(job, payload, absl::MakeConstSpan(&fd, 1)), PacketOutcome::kDone);
  ASSERT_EQ(receiver_.Receive(pair_.receive_end.get(), &received_),
            JobPacketReceiver::Outcome::kPacket);
  EXPECT_EQ(received_.id(), 42u);
  EXPECT_EQ(received_.content_type(), job.content_type());
  EXPECT_TRUE(receiver_.payload() == payload);
  ASSERT_EQ(receiver_.fds().size(), 1u);
  EXPECT_EQ(IdentifyFile(receiver_.fds()[0].get())->inode, IdentifyFile(fd)->inode);
}

TEST_F(JobChannelTest, AnEmptyChannelAndAGoneSenderAreOutcomes) {
  EXPECT_EQ(receiver_.Receive(pair_.receive_end.get(), &received_),
            JobPacketReceiver::Outcome::kEmpty);
  pair_.send_end.Reset();
  EXPECT_EQ(receiver_.Receive(pair_.receive_end.get(), &received_),
            JobPacketReceiver::Outcome::kPeerGone);
}

TEST_F(JobChannelTest, AFullChannelIsAnOutcomeAndNothingBlocks) {
  const std::string payload(kInlinePayloadMax, 'p');
  int sent = 0;
  while (Send(proto::Job(), payload) == PacketOutcome::kDone) ASSERT_LT(++sent, 10'000);
  EXPECT_GE(sent, 2);
}

TEST_F(JobChannelTest, GarbageIsMalformedAndTheNextPacketIsRead) {
  for (const std::string& garbage :
       {std::string("x"), std::string("\xff\xff\xff\xff", 4), std::string("\x05\0\0\0ab", 6),
        std::string("\x02\0\0\0\xff\xff", 6)}) {
    SendRaw(garbage);
    EXPECT_EQ(receiver_.Receive(pair_.receive_end.get(), &received_),
              JobPacketReceiver::Outcome::kMalformed);
  }
  proto::Job job;
  job.set_id(7);
  ASSERT_EQ(Send(job, "payload"), PacketOutcome::kDone);
  EXPECT_EQ(receiver_.Receive(pair_.receive_end.get(), &received_),
            JobPacketReceiver::Outcome::kPacket);
  EXPECT_EQ(received_.id(), 7u);
}

}  // namespace
}  // namespace windlass
