// The plug-in `image` in a server: what goes in at one listener comes out changed, split or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/client.h"
#include "tests/scenario/config_text.h"
#include "tests/scenario/status.h"

namespace windlass {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Handler `image` splits everything, `whole` nothing; both in the strictest sandbox.
std::string Config() {
  std::string handlers;
  for (const auto& [name, split] :
       {std::pair("image", "split_pixels = 1"), std::pair("whole", "split_pixels = 1000000000")}) {
    absl::StrAppend(&handlers, "[[handler]]\nname = \"", name,
                    "\"\nlibrary = \"image\"\nentry = \"image\"\noptions = { ", split, " }\n");
  }
  return ConfigText({.in_pool = "sandbox = \"strict\"\n",
                     .handlers = handlers,
                     .listeners = absl::StrCat(ListenerText("message"), ListenerText("http"))});
}

std::string Ppm(uint32_t width, uint32_t height) {
  std::string file = absl::StrCat("P6\n", width, " ", height, "\n255\n");
  uint32_t noise = width + height;
  for (uint32_t i = 0; i < width * height * 3; ++i) {
    noise = noise * 1'664'525 + 1'013'904'223;
    file.push_back(static_cast<char>(i / 5 + (noise >> 27)));
  }
  return file;
}

class ImageTest : public testing::Test {
 protected:
  ImageTest() : server_(Server::StartWithConfig(Config())) {}

  // `keys`: "op=blur radius=3".
  MessageAnswer Ask(absl::string_view handler, absl::string_view file, absl::string_view keys) {
    std::string more = absl::StrCat(R"(, "handler": ")", handler, "\"");
    for (const absl::string_view pair : absl::StrSplit(keys, ' ', absl::SkipEmpty())) {
      const std::vector<absl::string_view> parts = absl::StrSplit(pair, '=');
      absl::StrAppend(&more, ", \"", parts[0], "\": \"", parts[1], "\"");
    }
    Client client(server_->address("message"));
    client.Send(MessageRequest(file, "image/any", "binary", more));
    std::optional<MessageAnswer> answer = client.ReadAnswer();
    EXPECT_TRUE(answer) << keys;
    return answer.value_or(MessageAnswer());
  }

  const std::unique_ptr<Server> server_;
};

TEST_F(ImageTest, IsTheSameSplitOrNot) {
  const char* const kKeys[] = {"op=grayscale",
                               "op=invert",
                               "op=blur radius=5",
                               "op=resize width=33 height=900",
                               "op=thumbnail size=50",
                               "op=rotate degrees=90",
                               "op=flip direction=vertical",
                               "op=blur radius=3 format=pgm"};
  for (const std::string& ppm : {Ppm(1, 1), Ppm(3, 401), Ppm(417, 333)}) {
    for (const char* from : {"ppm", "png", "jpeg"}) {
      const std::string file = Ask("whole", ppm, absl::StrCat("format=", from)).content;
      for (const char* keys : kKeys) {
        const MessageAnswer whole = Ask("whole", file, keys);
        const MessageAnswer split = Ask("image", file, keys);
        EXPECT_EQ(split.status, "") << split.content;
        EXPECT_TRUE(split.content == whole.content) << from << " " << keys;
        EXPECT_EQ(split.header, whole.header);
        EXPECT_FALSE(split.content.empty());
      }
    }
  }
}

TEST_F(ImageTest, IsSplitWhereItIsLargeEnough) {
  const std::string ppm = Ppm(400, 400);
  const auto jobs = [&](const char* handler, absl::string_view file) {
    const uint64_t before = ServerStatus::Of(*server_).totals.at("jobs");
    EXPECT_EQ(Ask(handler, file, "op=blur radius=2").status, "");
    return ServerStatus::Of(*server_).totals.at("jobs") - before;
  };
  EXPECT_EQ(jobs("whole", ppm), 1u);
  EXPECT_EQ(jobs("image", ppm), 10u);  // to split it, four bands a process, to merge them
  EXPECT_EQ(jobs("image", Ppm(100, 10)), 1u) << "too low for two bands";
}

TEST(Image, IsDoneWholeWhereThereIsNoMemoryForParts) {
  const auto server = Server::StartWithConfig(
      ConfigText({.in_workers = "payload_memory = \"64MiB\"\n",
                  .handlers = "[[handler]]\nname = \"image\"\nlibrary = \"image\"\n"}));
  const std::string ppm = Ppm(4000, 2000);
  Client client(server->address("message"));
  client.Send(MessageRequest(ppm, "image/any", "binary",
                             R"(, "handler": "image", "op": "invert", "format": "jpeg")"));
  const std::optional<MessageAnswer> answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, "") << answer->content;
  EXPECT_EQ(answer->content.substr(0, 3), "\xff\xd8\xff");
  EXPECT_EQ(ServerStatus::Of(*server).totals.at("jobs"), 1u);
}

TEST_F(ImageTest, GoesOverHttpWithItsParametersInTheQuery) {
  const std::string ppm = Ppm(300, 200);
  Client client(server_->address("http"));
  client.Send(absl::StrCat("POST /h/image?op=blur&radius=4&format=png HTTP/1.1\r\nHost: x\r\n",
                           "Content-Length: ", ppm.size(), "\r\nConnection: close\r\n\r\n", ppm));
  const std::string answer = client.ReadToEnd();
  EXPECT_THAT(answer.substr(0, 500), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(answer.substr(0, 500), HasSubstr("image/png"));
  const std::string png = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_TRUE(png == Ask("whole", ppm, "op=blur radius=4 format=png").content);
}

TEST_F(ImageTest, HostilePicturesAreRefusedAndCostNoProcess) {
  const std::string ppm = Ppm(100, 80);
  const std::string png = Ask("whole", ppm, "format=png").content;
  const std::string jpeg = Ask("whole", ppm, "format=jpeg").content;
  for (const char* handler : {"image", "whole"}) {
    EXPECT_EQ(Ask(handler, "no picture", "op=invert").status, "invalid_argument");
    EXPECT_EQ(Ask(handler, png.substr(0, png.size() / 2), "op=invert").status, "invalid_argument");
    EXPECT_EQ(Ask(handler, jpeg.substr(0, jpeg.size() / 2), "op=invert").status,
              "invalid_argument");
    EXPECT_EQ(Ask(handler, ppm.substr(0, 1000), "op=invert").status, "invalid_argument");
    EXPECT_EQ(Ask(handler, "P6 30000 30000 255\nx", "op=invert").status, "too_large");
    EXPECT_EQ(Ask(handler, ppm, "op=resize width=30000 height=30000").status, "too_large");
    EXPECT_EQ(Ask(handler, ppm, "op=blur").status, "invalid_argument");
    EXPECT_EQ(Ask(handler, ppm, "op=nothing").status, "invalid_argument");
  }
  EXPECT_EQ(ServerStatus::Of(*server_).totals.at("retries"), 0u);
  EXPECT_TRUE(Ask("image", ppm, "op=invert").status.empty());
}

class ImageClientTest : public ImageTest {
 protected:
  std::string Path(absl::string_view name) { return absl::StrCat(folder_.path(), "/", name); }
  static std::string ReadWhole(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  ProgramResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {absl::StrCat(WINDLASS_BUILD_DIR, "/windlass"), "image",
                                         server_->address("message")});
    return RunProgram(arguments);
  }

  const TemporaryFolder folder_;
};

TEST_F(ImageClientTest, WritesWhatTheEndingOfTheNameAsksFor) {
  std::ofstream(Path("in.ppm")) << Ppm(200, 150);
  for (const auto& [name, magic] :
       std::vector<std::pair<std::string, std::string>>{{"out.png", "\x89PNG"},
                                                        {"out.JPG", "\xff\xd8\xff"},
                                                        {"out.pgm", "P5\n200 150"},
                                                        {"out", "P6\n200 150"}}) {
    const ProgramResult done = Run({Path("in.ppm"), Path(name), "--op", "blur", "--radius", "10"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(ReadWhole(Path(name)), StartsWith(magic)) << name;
  }
  EXPECT_THAT(Run({Path("in.ppm"), "-", "--format=png"}).out, StartsWith("\x89PNG"));
  const ProgramResult unknown = Run({Path("in.ppm"), Path("out.gif"), "--op=invert"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("not 'gif' (or say --format)"));
  EXPECT_EQ(Run({Path("in.ppm"), Path("out.v2"), "--format=ppm"}).exit_code, 0);
  EXPECT_THAT(ReadWhole(Path("out.v2")), StartsWith("P6\n200 150"));
}

TEST_F(ImageClientTest, KeepsWhatOutIs) {
  std::ofstream(Path("in.ppm")) << Ppm(20, 15);
  EXPECT_EQ(Run({Path("in.ppm"), "/dev/null", "--op=invert"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  std::ofstream(Path("real.png")) << "before";
  std::filesystem::permissions(Path("real.png"), std::filesystem::perms::owner_all);
  std::filesystem::create_symlink(Path("real.png"), Path("link.png"));
  EXPECT_EQ(Run({Path("in.ppm"), Path("link.png"), "--op=invert"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link.png")));
  EXPECT_THAT(ReadWhole(Path("real.png")), StartsWith("\x89PNG"));
  EXPECT_EQ(std::filesystem::status(Path("real.png")).permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(ImageClientTest, ShowsHowFarALargePictureIsOnATerminal) {
  std::ofstream(Path("in.ppm")) << Ppm(2000, 1500);
  const std::string command =
      absl::StrCat(Program("windlass"), " image ", server_->address("message"), " ", Path("in.ppm"),
                   " ", Path("out.ppm"), " --op=invert");
  const ProgramResult seen = RunProgram({"/usr/bin/script", "-qec", command, "/dev/null"});
  EXPECT_EQ(seen.exit_code, 0) << seen.out;
  EXPECT_THAT(seen.out, HasSubstr("\rsent ["));
  EXPECT_THAT(seen.out, HasSubstr("\rreceived ["));
  EXPECT_THAT(seen.out, HasSubstr(" % of 8.6 MiB"));
  EXPECT_THAT(seen.out, testing::EndsWith("\r\x1b[K")) << "it is gone when it is complete";
  EXPECT_EQ(Run({Path("in.ppm"), Path("out.ppm"), "--op=invert"}).err, "") << "no terminal";
}

TEST_F(ImageClientTest, LeavesTheFileAloneWhenThereIsNoAnswer) {
  std::ofstream(Path("in.ppm")) << "P6 no picture";
  std::ofstream(Path("out.png")) << "what was there";
  const ProgramResult failed = Run({Path("in.ppm"), Path("out.png"), "--op=invert"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("invalid_argument: "));
  EXPECT_EQ(ReadWhole(Path("out.png")), "what was there");
  const auto files = std::filesystem::directory_iterator(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << "nothing else is left";
}

}  // namespace
}  // namespace windlass
