// What an admin process may ask of the master: Operator::OnAsk.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "common/report/reply_reader.h"
#include "master/operator.h"
#include "tests/common/socket_pairs.h"

namespace windlass {
namespace {

class AskedByAdmin : public testing::Test {
 protected:
  AskedByAdmin() {
    std::string pattern = testing::TempDir() + "asked_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    SupervisorServices services;
    services.deaths = &deaths_;
    services.timers = &timers_;
    operator_ = std::make_unique<Operator>(nullptr, services, nullptr, nullptr);
    server_ =
        *ControlServer::Create(directory_ + "/c.sock", selector_.get(), &timers_, operator_.get());
    operator_->set_server(server_.get());
  }
  ~AskedByAdmin() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  // The end where the answer comes.
  OwnedFd Ask(int what) {
    Pair pair = SocketPair();
    proto::Report::Ask ask;
    ask.set_what(static_cast<proto::Report::Ask::What>(what));
    operator_->OnAsk(ask, std::move(pair.theirs));
    return std::move(pair.ours);
  }
  // Its answer; nothing when the socket was closed without.
  static std::optional<proto::CtlReply> AnswerIn(const OwnedFd& socket) {
    char bytes[4096];
    const ssize_t n = ::recv(socket.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    EXPECT_GE(n, 0) << "neither an answer nor the end";
    ReplyReader reader;
    reader.Append({bytes, static_cast<size_t>(std::max<ssize_t>(n, 0))});
    return *reader.Next();
  }

  std::string directory_;
  std::unique_ptr<Selector> selector_ = *Selector::Create(SelectorKind::kEpoll);
  TimerWheel timers_{MonotonicNow()};
  DeathLog deaths_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(AskedByAdmin, IsAnsweredAsWindlassctlIs) {
  EXPECT_EQ(AnswerIn(Ask(proto::Report::Ask::VERSION))->version().pid(), ::getpid());
  EXPECT_TRUE(AnswerIn(Ask(proto::Report::Ask::DEATHS))->has_deaths());
}

// Had any of them been carried out, it would have found no service.
TEST_F(AskedByAdmin, NothingElseIsAnswered) {
  for (int what = -1; what < 64; ++what) {
    if (what >= proto::Report::Ask::VERSION && what <= proto::Report::Ask::DEATHS) continue;
    EXPECT_FALSE(AnswerIn(Ask(what))) << what;
  }
}

TEST_F(AskedByAdmin, NeedsASocketThatTakesAnAnswer) {
  proto::Report::Ask ask;
  ask.set_what(proto::Report::Ask::VERSION);
  operator_->OnAsk(ask, *OpenReadOnly("/dev/null"));
  EXPECT_TRUE(AnswerIn(Ask(proto::Report::Ask::VERSION))) << "nobody else suffers";
}

}  // namespace
}  // namespace windlass
