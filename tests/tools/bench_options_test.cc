#include "tools/bench/bench_options.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace windlass {
namespace {

absl::StatusOr<BenchOptions> Parse(std::vector<std::string> args) {
  return ParseBenchOptions(args);
}

void ExpectUsageError(std::vector<std::string> args, absl::string_view part) {
  const auto options = ParseBenchOptions(args);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(options.status().message(), part)) << options.status();
}

TEST(BenchOptions, ATargetAloneIsAClosedLoopOfTenSeconds) {
  const auto options = Parse({"--target=message://127.0.0.1:65432"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->protocol, Protocol::kMessage);
  EXPECT_EQ(options->address, "127.0.0.1:65432");
  EXPECT_EQ(options->duration, absl::Seconds(10));
  EXPECT_FALSE(options->requests.has_value());
  EXPECT_FALSE(options->open_loop());
}

TEST(BenchOptions, EveryProtocolAndKindOfAddressCanBeATarget) {
  EXPECT_EQ(Parse({"--target=echo://unix:/path"})->address, "unix:/path");
  EXPECT_EQ(Parse({"--target=echo://unix:/path"})->protocol, Protocol::kEcho);
  EXPECT_EQ(Parse({"--target=line://[::1]:1"})->protocol, Protocol::kLine);
  EXPECT_EQ(Parse({"--target=length://:1"})->protocol, Protocol::kLength);
  ExpectUsageError({"--target=http://127.0.0.1:80"}, "PROTOCOL://ADDRESS");
  ExpectUsageError({"--target=127.0.0.1:80"}, "PROTOCOL://ADDRESS");
  ExpectUsageError({"--target=echo://127.0.0.1"}, "needs a port");
  ExpectUsageError({"--json"}, "--target");
}

TEST(BenchOptions, ANumberOfRequestsNeedsNoDuration) {
  const auto options = Parse({"--target=echo://:1", "--requests=5"});
  EXPECT_EQ(options->requests, 5u);
  EXPECT_FALSE(options->duration.has_value());
  EXPECT_EQ(Parse({"--target=echo://:1", "--requests=5", "--duration=2s"})->duration,
            absl::Seconds(2));
}

TEST(BenchOptions, ARateIsWrittenWithOrWithoutItsUnit) {
  EXPECT_EQ(Parse({"--target=echo://:1", "--rate=5000/s"})->rate, 5000);
  EXPECT_EQ(Parse({"--target=echo://:1", "--rate=0.5"})->rate, 0.5);
  for (const char* bad :
       {"--rate=0", "--rate=-1", "--rate=nan", "--rate=inf", "--rate=x/s", "--rate="}) {
    ExpectUsageError({"--target=echo://:1", bad}, "--rate");
  }
}

TEST(BenchOptions, EveryRunHasAnEnd) {
  ExpectUsageError({"--target=echo://:1", "--duration=0"}, "--duration");
  ExpectUsageError({"--target=echo://:1", "--duration=25h"}, "--duration");
  ExpectUsageError({"--target=echo://:1", "--timeout=0"}, "--timeout");
  ExpectUsageError({"--target=echo://:1", "--requests=0"}, "--requests");
}

TEST(BenchOptions, APayloadHasRoomForItsNumber) {
  EXPECT_EQ(Parse({"--target=echo://:1", "--size=64KiB"})->size, 65536u);
  EXPECT_EQ(Parse({"--target=echo://:1", "--size=10"})->size, 10u);
  ExpectUsageError({"--target=echo://:1", "--size=9"}, "--size");
}

TEST(BenchOptions, WhatDoesNotGoTogetherIsRefused) {
  ExpectUsageError({"--target=line://:1", "--handler=echo"}, "--handler");
  ExpectUsageError({"--target=message://:1", "--burn-ms=5"}, "--handler=burn");
  ExpectUsageError({"--target=echo://:1", "--keepalive"}, "--keepalive");
  ExpectUsageError({"--target=length://:1", "--pipeline=2"}, "--pipeline");
  EXPECT_TRUE(Parse({"--target=length://:1", "--pipeline=2", "--keepalive"}).ok());
  EXPECT_TRUE(Parse({"--target=message://:1", "--handler=burn", "--burn-ms=5"}).ok());
}

}  // namespace
}  // namespace windlass
