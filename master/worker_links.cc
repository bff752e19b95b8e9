#include "master/worker_links.h"

#include <algorithm>

#include "common/job_channel.h"
#include "common/log_limit.h"
#include "common/posix.h"

namespace windlass {
namespace {

constexpr size_t kMostLinks = 16;  // spreads clients well enough, and bounds pairs to 16 a worker

}  // namespace

bool LinkWorkers(Supervisor* giver_supervisor, Child* giver, Supervisor* taker_supervisor,
                 Child* taker, bool even_out) {
  absl::StatusOr<PacketPair> pair = SeqPacketPair(kChannelBufferBytes);
  if (!pair.ok()) {
    static LogLimit& limit = *new LogLimit;
    LOG_LIMITED(ERROR, limit, MonotonicNow())
        << "cannot join two workers: " << pair.status().ToString();
    return false;
  }
  proto::Command command;
  command.mutable_link()->set_incoming(true);
  command.mutable_link()->set_slot(giver->slot->value);
  int end = pair->receive_end.get();
  if (!taker_supervisor->Tell(*taker, command, absl::MakeConstSpan(&end, 1))) return false;
  command.mutable_link()->set_incoming(false);
  command.mutable_link()->set_slot(taker->slot->value);
  command.mutable_link()->set_even_out(even_out);
  end = pair->send_end.get();
  return giver_supervisor->Tell(*giver, command, absl::MakeConstSpan(&end, 1));
}

std::vector<Child*> LeastLoadedWorkers(const Supervisor& supervisor, const Scoreboard& board,
                                       const Child* except) {
  std::vector<std::pair<uint32_t, Child*>> workers;
  for (const auto& child : supervisor.children()) {
    if (!child->is_worker() || child->state != ChildState::kServing) continue;
    if (child.get() == except) continue;
    workers.emplace_back(board.slot(*child->slot).connections.load(), child.get());
  }
  std::sort(workers.begin(), workers.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  if (workers.size() > kMostLinks) workers.resize(kMostLinks);
  std::vector<Child*> picked;
  for (const auto& [clients, child] : workers) picked.push_back(child);
  return picked;
}

}  // namespace windlass
