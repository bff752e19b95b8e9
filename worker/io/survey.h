#ifndef WINDLASS_WORKER_IO_SURVEY_H_
#define WINDLASS_WORKER_IO_SURVEY_H_

#include <string>

#include "common/control_channel.h"
#include "common/process_setup.h"
#include "proto/control.pb.h"
#include "worker/io/connection_table.h"
#include "worker/io/dispatcher_set.h"

namespace windlass {

// Tells the master what connections or jobs this worker has, in packets of a hundred, at most as
// many as the channel takes at once; the rest is counted as left out. Blocking: never.
void AnswerSurvey(const proto::Command::Survey& survey, const ProcessSetup& setup, Instant now,
                  ConnectionTable* connections, const DispatcherSet& dispatchers,
                  ControlChannel* control);

// The peer of a client's socket, as an address; "?" when it has gone.
std::string PeerName(int fd);

}  // namespace windlass

#endif  // WINDLASS_WORKER_IO_SURVEY_H_
