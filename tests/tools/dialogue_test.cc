#include <gtest/gtest.h>
#include <sys/socket.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/client/message_dialogue.h"
#include "tools/client/raw_dialogues.h"

// The conversations of `windlass`, without a connection.

namespace windlass {
namespace {

// Everything that a dialogue wants to send now, taken `step` bytes at a time.
std::string SendAll(Dialogue* dialogue, size_t step) {
  std::string sent;
  for (;;) {
    const auto bytes = dialogue->ToSend();
    EXPECT_TRUE(bytes.ok());
    if (!bytes.ok() || bytes->empty()) return sent;
    const absl::string_view some = bytes->substr(0, step);
    absl::StrAppend(&sent, some);
    dialogue->OnSent(some.size());
  }
}

TEST(EchoDialogue, IsCompleteWhenEverythingHasComeBack) {
  EchoDialogue dialogue("hello");
  EXPECT_EQ(SendAll(&dialogue, 2), "hello");
  EXPECT_FALSE(*dialogue.OnReceived("hel"));
  EXPECT_TRUE(*dialogue.OnReceived("lo"));
}

TEST(EchoDialogue, RefusesOtherBytesAndAnEarlyEnd) {
  EchoDialogue dialogue("hello");
  EXPECT_TRUE(absl::IsDataLoss(dialogue.OnReceived("help").status()));
  EXPECT_TRUE(absl::IsDataLoss(dialogue.OnReceived("hello, world").status()));
  EXPECT_TRUE(absl::IsUnavailable(dialogue.OnEnd()));
}

TEST(LengthDialogue, SendsTheLengthThenTheBodyAndReadsToTheEnd) {
  ContentSink sink(/*keep=*/true);
  LengthDialogue dialogue(Payload::FromBytes("hello"), /*half_close=*/true, &sink);
  EXPECT_EQ(SendAll(&dialogue, 1), "5\nhello");
  EXPECT_FALSE(*dialogue.OnReceived("he"));
  EXPECT_FALSE(*dialogue.OnReceived("llo"));
  EXPECT_TRUE(dialogue.OnEnd().ok());
  EXPECT_EQ(sink.kept(), "hello");
}

TEST(LengthDialogue, NoAnswerIsAnErrorUnlessNothingWasAsked) {
  ContentSink sink(/*keep=*/true);
  EXPECT_TRUE(absl::IsAborted(LengthDialogue(Payload::FromBytes("x"), true, &sink).OnEnd()));
  LengthDialogue empty(Payload::FromBytes(""), true, &sink);
  EXPECT_EQ(SendAll(&empty, 10), "0\n");
  EXPECT_TRUE(empty.OnEnd().ok());
}

class LineDialogueTest : public testing::Test {
 protected:
  LineDialogueTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    input_.Reset(ends[0]);
    typed_.Reset(ends[1]);
  }
  void Type(LineDialogue* dialogue, absl::string_view text) {
    EXPECT_EQ(::send(typed_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    EXPECT_TRUE(dialogue->OnInputReady().ok());
  }
  void EndInput(LineDialogue* dialogue) {
    typed_.Reset();
    EXPECT_TRUE(dialogue->OnInputReady().ok());
  }

  OwnedFd input_, typed_;
};

TEST_F(LineDialogueTest, ALastLineWithoutNewlineGetsOne) {
  LineDialogue dialogue(input_.get(), true, true);
  Type(&dialogue, "a\nb");
  EXPECT_EQ(SendAll(&dialogue, 100), "a\nb");
  EXPECT_FALSE(dialogue.WantsHalfClose());
  EndInput(&dialogue);
  EXPECT_EQ(SendAll(&dialogue, 100), "\n");
  EXPECT_TRUE(dialogue.WantsHalfClose());
  EXPECT_EQ(dialogue.InputFd(), -1);
}

TEST_F(LineDialogueTest, AwaitsAnAnswerOnlyWhileALineIsOpen) {
  LineDialogue dialogue(input_.get(), true, true);
  EXPECT_FALSE(dialogue.AwaitsAnswer());
  Type(&dialogue, "a\n");
  EXPECT_TRUE(dialogue.AwaitsAnswer());
  EXPECT_FALSE(*dialogue.OnReceived("a\n"));
  EXPECT_FALSE(dialogue.AwaitsAnswer());
}

TEST_F(LineDialogueTest, WithoutHalfCloseItCountsTheAnswers) {
  LineDialogue dialogue(input_.get(), false, true);
  Type(&dialogue, "a\nb\n");
  EndInput(&dialogue);
  EXPECT_EQ(SendAll(&dialogue, 100), "a\nb\n");
  EXPECT_FALSE(dialogue.WantsHalfClose());
  EXPECT_FALSE(*dialogue.OnReceived("a\nb"));
  EXPECT_TRUE(*dialogue.OnReceived("\n"));
}

TEST_F(LineDialogueTest, AnEndBeforeTheLastAnswerIsAnError) {
  LineDialogue dialogue(input_.get(), true, true);
  Type(&dialogue, "a\nb\n");
  SendAll(&dialogue, 100);
  EndInput(&dialogue);
  EXPECT_FALSE(*dialogue.OnReceived("a\n"));
  EXPECT_TRUE(absl::StrContains(dialogue.OnEnd().message(), "after 1 of 2 answers"));
  EXPECT_FALSE(*dialogue.OnReceived("b\n"));
  EXPECT_TRUE(dialogue.OnEnd().ok());
}

std::string MessageAnswer(absl::string_view keys, absl::string_view content) {
  const std::string header =
      absl::StrCat(R"({"byteorder": "big", "content-type": "a/b", "content-encoding": "c", )",
                   R"("content-length": )", content.size(), keys, "}");
  return absl::StrCat(std::string{'\0', static_cast<char>(header.size())}, header, content);
}

class MessageDialogueTest : public testing::Test {
 protected:
  absl::StatusOr<bool> Receive(std::optional<std::string> request_id, absl::string_view bytes) {
    MessageDialogue dialogue("head", Payload::FromBytes("body"), std::move(request_id), &sink_);
    return dialogue.OnReceived(bytes);
  }
  ContentSink sink_{/*keep=*/true};
};

TEST_F(MessageDialogueTest, SendsTheHeadAndTheContentOnce) {
  MessageDialogue dialogue("head", Payload::FromBytes("body"), std::nullopt, &sink_);
  EXPECT_EQ(SendAll(&dialogue, 3), "headbody");
  MessageDialogue empty("head", Payload::FromBytes(""), std::nullopt, &sink_);
  EXPECT_EQ(SendAll(&empty, 100), "head");
}

TEST_F(MessageDialogueTest, IsCompleteWithItsContent) {
  EXPECT_TRUE(*Receive(std::nullopt, MessageAnswer("", "content")));
  EXPECT_EQ(sink_.kept(), "content");
}

TEST_F(MessageDialogueTest, AnErrorAnswerIsCompleteToo) {
  EXPECT_TRUE(*Receive("id", MessageAnswer(R"(, "status": "too_large")", "why")));
  EXPECT_EQ(sink_.kept(), "why");
}

TEST_F(MessageDialogueTest, BytesBehindTheAnswerAreRefused) {
  EXPECT_TRUE(absl::IsDataLoss(Receive(std::nullopt, MessageAnswer("", "x") + "y").status()));
}

TEST_F(MessageDialogueTest, TheAnswerMustCarryTheRequestsId) {
  EXPECT_TRUE(*Receive("1", MessageAnswer(R"(, "request-id": "1")", "x")));
  EXPECT_TRUE(
      absl::IsDataLoss(Receive("1", MessageAnswer(R"(, "request-id": "2")", "x")).status()));
  EXPECT_TRUE(absl::IsDataLoss(Receive("1", MessageAnswer("", "x")).status()));
  EXPECT_TRUE(absl::IsDataLoss(
      Receive(std::nullopt, MessageAnswer(R"(, "request-id": "2")", "x")).status()));
}

TEST_F(MessageDialogueTest, AnEarlyEndSaysHowFarTheAnswerCame) {
  MessageDialogue dialogue("head", Payload::FromBytes(""), std::nullopt, &sink_);
  EXPECT_TRUE(absl::StrContains(dialogue.OnEnd().message(), "without an answer"));
  const std::string answer = MessageAnswer("", "0123456789");
  EXPECT_FALSE(*dialogue.OnReceived(answer.substr(0, 5)));
  EXPECT_TRUE(absl::StrContains(dialogue.OnEnd().message(), "middle of the answer's header"));
  EXPECT_FALSE(*dialogue.OnReceived(answer.substr(5, answer.size() - 7)));
  EXPECT_TRUE(absl::StrContains(dialogue.OnEnd().message(), "after 8 of 10 content bytes"));
  EXPECT_TRUE(absl::IsUnavailable(dialogue.OnEnd()));
}

}  // namespace
}  // namespace windlass
