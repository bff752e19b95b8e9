#ifndef WINDLASS_MASTER_WORKER_LINKS_H_
#define WINDLASS_MASTER_WORKER_LINKS_H_

#include <vector>

#include "master/supervisor.h"

namespace windlass {

// The hand-over of connections goes over a socket pair of its own for each two workers that need
// one: its end tells either that the other is dead, and nobody else can write into it.

// Makes a pair and gives each worker its end. `even_out`: idle connections until the load is even;
// else all. False: it could not be made, or one of them cannot be told; the giver keeps its
// clients.
bool LinkWorkers(Supervisor* giver_supervisor, Child* giver, Supervisor* taker_supervisor,
                 Child* taker, bool even_out);

// The serving workers with the fewest clients, without `except`; at most as many as one worker is
// linked to.
std::vector<Child*> LeastLoadedWorkers(const Supervisor& supervisor, const Scoreboard& board,
                                       const Child* except);

}  // namespace windlass

#endif  // WINDLASS_MASTER_WORKER_LINKS_H_
