#include "tools/ctl/list_text.h"

#include <gtest/gtest.h>

#include "tests/common/report/sample_reports.h"

namespace windlass {
namespace {

TEST(ConnectionsText, IsALineForEachAndNotesForWhatIsMissing) {
  const ListText text = ConnectionsText(SampleConnections(), {});
  EXPECT_EQ(
      text.table,
      R"(PEER             LISTENER          PROTOCOL  STATE      AGE  IDLE  IN-FLIGHT  RECV-Q  SEND-Q  WORKER    GEN
127.0.0.1:40000  127.0.0.1:65432   message   reading  3m12s    1s          2   65536       0  worker-1    1
unix:@�[2J�      unix:/run/w.sock  line      writing     0s    0s          0       0      10  worker-0    2
)");
  EXPECT_EQ(text.notes, "worker-3 did not answer\n7 more connections are not listed\n");
}

TEST(JobsText, SaysWhichProcessHasAJobAndHowLongItMay) {
  const ListText text = JobsText(SampleJobs(), {});
  EXPECT_EQ(text.table, R"(              JOB  STATE    HANDLER    AGE  DEADLINE       PROCESS    PID
18014398509481985  running  burn       31s  passed 1s ago  pool-8    4244
18014398509481986  waiting  search   250ms  in 29s         worker-0  4243
)");
  EXPECT_EQ(text.notes, "");
}

TEST(DeathsText, SaysWhatEndedAndWhy) {
  const ListText text = DeathsText(SampleDeaths(), {});
  EXPECT_EQ(text.table,
            R"(TIME                  PROCESS   PID  GEN    AGE                JOB  HANDLER  CAUSE
2026-01-31T12:00:00Z  pool-8   4200    1  2h05m  18014398509481985  search   was killed by SIGSEGV (Segmentation fault)

the last with a job, pool-8 (pid 4200), was killed by SIGSEGV (Segmentation fault); 123 bytes, attempt 2, ran 20ms, peak memory 64.0 MiB, fault address 0x10
  #0 Spin() (fault.so+0x12)
  #1 0x7f0000000010

slow jobs: 3, the last at 2026-01-31T12:00:00Z: image, job 18014398509481985 in pool-1 after 15s
  #0 Blur() (image.so+0x99)
)");
  EXPECT_EQ(text.notes,
            "4 earlier deaths are not listed\n"
            "1 processes ended as they were told (--json lists them)\n");
}

TEST(QuarantineText, SaysWhatIsRefusedAndForHowLong) {
  EXPECT_EQ(QuarantineText(SampleQuarantine(), {}).table,
            R"(ID                HANDLER  BYTES  CRASHES  LAST-CRASH            EXPIRES-IN
9f86d081884c7d65  search     123        2  2026-01-31T12:00:00Z       9m58s
)");
  EXPECT_EQ(QuarantineText({}, {}).table, "no payload is in quarantine\n");
}

TEST(ListText, SaysThatThereIsNothing) {
  EXPECT_EQ(ConnectionsText({}, {}).table, "no connections\n");
  EXPECT_EQ(JobsText({}, {}).table, "no jobs\n");
  EXPECT_EQ(DeathsText({}, {}).table, "no deaths\n");
  EXPECT_EQ(DeathsText({}, {}).notes, "");
}

}  // namespace
}  // namespace windlass
