#include "worker/framing/chunked_decoder.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

using Outcome = ContentDecoder::Outcome;

// Feeds a decoder as a connection does: what was not used is given again, with more behind it.
class Feed {
 public:
  Outcome Give(absl::string_view more) {
    waiting_.append(more.data(), more.size());
    const ContentDecoder::Result result =
        decoder_.Decode(waiting_, [this](absl::string_view bytes) {
          const size_t taken = std::min(bytes.size(), most_at_once);
          content.append(bytes.data(), taken);
          return taken;
        });
    waiting_.erase(0, result.used);
    EXPECT_EQ(decoder_.decoded(), content.size());
    return result.outcome;
  }
  // The same content for another decoder.
  std::string Rest() const {
    std::string coded;
    decoder_.AppendPrefix(&coded);
    return absl::StrCat(coded, content, waiting_);
  }
  const std::string& waiting() const { return waiting_; }

  std::string content;
  size_t most_at_once = SIZE_MAX;

 private:
  ChunkedDecoder decoder_{1 << 20};
  std::string waiting_;
};

struct Coded {
  std::string coded, content;
};

std::vector<Coded> GoodOnes() {
  return {
      {"0\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
      {"00a\r\n0123456789\r\n1\r\n\r\r\n000\r\n\r\n", "0123456789\r"},
      {"2;name=value;other=\"a b\"\r\n\r\n\r\n0\r\nTrailer: yes\r\nMore: of it\r\n\r\n", "\r\n"}};
}

TEST(ChunkedDecoder, TakesContentsOutOfTheirCoding) {
  for (const Coded& good : GoodOnes()) {
    Feed feed;
    EXPECT_EQ(feed.Give(absl::StrCat(good.coded, "next")), Outcome::kComplete) << good.coded;
    EXPECT_EQ(feed.content, good.content);
    EXPECT_EQ(feed.waiting(), "next") << "is another frame";
  }
}

TEST(ChunkedDecoder, GivesTheSameHoweverTheyArrive) {
  for (const Coded& good : GoodOnes()) {
    for (size_t cut = 0; cut <= good.coded.size(); ++cut) {
      Feed two;
      const Outcome first = two.Give(good.coded.substr(0, cut));
      EXPECT_EQ(first, cut < good.coded.size() ? Outcome::kGoing : Outcome::kComplete) << cut;
      if (first == Outcome::kGoing) {
        EXPECT_EQ(two.Give(good.coded.substr(cut)), Outcome::kComplete) << good.coded << " " << cut;
      }
      EXPECT_EQ(two.content, good.content);
    }
    Feed bytewise;
    for (size_t i = 0; i + 1 < good.coded.size(); ++i)
      ASSERT_EQ(bytewise.Give(good.coded.substr(i, 1)), Outcome::kGoing) << good.coded << " " << i;
    EXPECT_EQ(bytewise.Give(good.coded.substr(good.coded.size() - 1)), Outcome::kComplete);
    EXPECT_EQ(bytewise.content, good.content);
  }
}

TEST(ChunkedDecoder, IsContinuedByAnotherOneAnywhere) {
  for (const Coded& good : GoodOnes()) {
    for (size_t cut = 0; cut < good.coded.size(); ++cut) {
      Feed first;
      ASSERT_EQ(first.Give(good.coded.substr(0, cut)), Outcome::kGoing);
      Feed second;
      EXPECT_EQ(second.Give(absl::StrCat(first.Rest(), good.coded.substr(cut))), Outcome::kComplete)
          << absl::CEscape(good.coded) << " cut at " << cut << ": " << absl::CEscape(first.Rest());
      EXPECT_EQ(second.content, good.content);
    }
  }
}

TEST(ChunkedDecoder, RefusesWhatWillBeTooLargeWhenItIsAnnounced) {
  for (const absl::string_view large :
       {"100001\r\n", "5\r\nhello\r\nffffc\r\n", "ffffffffffffffff\r\n", "7fffffffffffffff\r\n"}) {
    EXPECT_EQ(Feed().Give(large), Outcome::kTooLarge) << large;
  }
  EXPECT_EQ(Feed().Give("5\r\nhello\r\nffffb\r\n"), Outcome::kGoing);
}

TEST(ChunkedDecoder, TakesALineUpToTheLimitHoweverItArrives) {
  const std::string longest(ChunkedDecoder::kMaxLineBytes - 4, 'x');
  for (const std::string& extension : {longest, longest + "x"}) {
    const std::string coded = absl::StrCat("1;y", extension, "\r\nz\r\n0\r\n\r\n");
    const Outcome wanted = extension == longest ? Outcome::kComplete : Outcome::kBad;
    EXPECT_EQ(Feed().Give(coded), wanted);
    for (const size_t cut : {coded.size() / 2, coded.size() - 10, coded.size() - 9}) {
      Feed two;
      Outcome outcome = two.Give(coded.substr(0, cut));
      if (outcome == Outcome::kGoing) outcome = two.Give(coded.substr(cut));
      EXPECT_EQ(outcome, wanted) << cut;
    }
  }
}

TEST(ChunkedDecoder, WaitsForASinkThatIsFull) {
  Feed feed;
  feed.most_at_once = 3;
  EXPECT_EQ(feed.Give("8\r\n01234567\r\n0\r\n\r\n"), Outcome::kGoing);
  EXPECT_EQ(feed.content, "012");
  feed.most_at_once = 0;
  EXPECT_EQ(feed.Give(""), Outcome::kGoing);
  EXPECT_EQ(feed.content, "012");
  feed.most_at_once = SIZE_MAX;
  EXPECT_EQ(feed.Give(""), Outcome::kComplete);
  EXPECT_EQ(feed.content, "01234567");
}

struct BadChunks {
  const char* name;
  std::string coded;

  friend std::ostream& operator<<(std::ostream& out, const BadChunks& row) {
    return out << row.name;
  }
};

std::vector<BadChunks> BadOnes() {
  std::string many_extensions;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&many_extensions, "1;abcdefgh\r\nx\r\n");
  return {{"no_size", "\r\n\r\n"},
          {"sign", "+5\r\nhello\r\n0\r\n\r\n"},
          {"negative", "-5\r\nhello\r\n0\r\n\r\n"},
          {"hexadecimal_prefix", "0x5\r\nhello\r\n0\r\n\r\n"},
          {"space_before", " 5\r\nhello\r\n0\r\n\r\n"},
          {"no_digit", "g\r\nhello\r\n0\r\n\r\n"},
          {"over_64_bits", "10000000000000000\r\n"},
          {"only_line_feed", "5\nhello\r\n0\r\n\r\n"},
          {"no_line_end_behind_the_chunk", "5\r\nhello0\r\n\r\n"},
          {"one_byte_too_many", "5\r\nhello!\r\n0\r\n\r\n"},
          {"only_line_feed_behind_the_chunk", "5\r\nhello\n0\r\n\r\n"},
          {"bare_carriage_return", "5\rx\nhello\r\n0\r\n\r\n"},
          {"bad_extension", "5;=x\r\nhello\r\n0\r\n\r\n"},
          {"line_feed_in_quotes", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"},
          {"carriage_return_in_quotes", "5;a=\"\r\"\r\nhello\r\n0\r\n\r\n"},
          {"nul_in_quotes", std::string("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n", 21)},
          {"quotes_that_do_not_end", "5;a=\"b\r\nhello\r\n0\r\n\r\n"},
          {"control_in_a_trailer", "0\r\na: \x01\r\n\r\n"},
          {"long_trailers", absl::StrCat("0\r\na: ", std::string(9000, 'b'), "\r\n\r\n")},
          {"many_zeros", absl::StrCat(std::string(9000, '0'), "5\r\nhello\r\n0\r\n\r\n")},
          {"long_extension", absl::StrCat("5;", std::string(9000, 'x'), "\r\nhello\r\n0\r\n\r\n")},
          {"endless_line", std::string(9000, '0')},
          {"many_extensions", many_extensions},
          {"trailer_without_colon", "0\r\nnothing\r\n\r\n"},
          {"trailer_with_space_before_colon", "0\r\na : b\r\n\r\n"},
          {"endless_trailers", absl::StrCat("0\r\na: ", std::string(9000, 'b'))}};
}

class BadChunk : public testing::TestWithParam<BadChunks> {};

TEST_P(BadChunk, LosesTheContent) {
  Feed whole;
  EXPECT_EQ(whole.Give(GetParam().coded), Outcome::kBad);
  Feed bytewise;
  Outcome outcome = Outcome::kGoing;
  for (size_t i = 0; i < GetParam().coded.size() && outcome == Outcome::kGoing; ++i)
    outcome = bytewise.Give(GetParam().coded.substr(i, 1));
  EXPECT_EQ(outcome, Outcome::kBad) << "byte by byte";
}

INSTANTIATE_TEST_SUITE_P(All, BadChunk, testing::ValuesIn(BadOnes()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace windlass
