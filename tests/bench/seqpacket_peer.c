// A yardstick for the hop between an I/O worker and the pool: the least that a parent and its
// children can do to move requests of 128 bytes over one SOCK_SEQPACKET pair that all children
// receive from, and answers of 37 bytes back over another. No framing, no deadlines, no
// bookkeeping. Prints one line of JSON.
//
//   seqpacket_peer [OUTSTANDING=8] [CHILDREN=2] [SECONDS=3]
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kRequestBytes = 128, kAnswerBytes = 37, kMaxChildren = 64, kMaxOutstanding = 128 };

static void Die(const char* what) {
  fprintf(stderr, "seqpacket_peer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// The job: the first 10 bytes, behind a text, as the built-in handler does it.
static void Serve(int jobs, int answers) {
  char request[kRequestBytes], answer[kAnswerBytes] = "First 10 bytes of request: ";
  for (;;) {
    const ssize_t n = recv(jobs, request, sizeof(request), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n != kRequestBytes) _exit(0);
    memcpy(answer + 27, request, 10);
    if (send(answers, answer, sizeof(answer), MSG_NOSIGNAL) != kAnswerBytes) _exit(0);
  }
}

static void SendJob(int jobs) {
  static char request[kRequestBytes];
  while (send(jobs, request, sizeof(request), MSG_NOSIGNAL) != kRequestBytes) {
    if (errno != EINTR) Die("send");
  }
}

static void TakeAnswer(int answers) {
  char answer[kAnswerBytes];
  for (;;) {
    const ssize_t n = recv(answers, answer, sizeof(answer), 0);
    if (n == kAnswerBytes) return;
    if (n < 0 && errno == EINTR) continue;
    Die("recv");
  }
}

static int Argument(int argc, char** argv, int at, int fallback, int most) {
  if (argc <= at) return fallback;
  const int value = atoi(argv[at]);
  if (value >= 1 && value <= most) return value;
  fprintf(stderr, "usage: seqpacket_peer [OUTSTANDING] [CHILDREN] [SECONDS]\n");
  exit(2);
}

int main(int argc, char** argv) {
  const int outstanding = Argument(argc, argv, 1, 8, kMaxOutstanding);
  const int children = Argument(argc, argv, 2, 2, kMaxChildren);
  const int seconds = Argument(argc, argv, 3, 3, 60);
  int jobs[2], answers[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, jobs) != 0) Die("socketpair");
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answers) != 0) Die("socketpair");
  const pid_t parent = getpid();
  pid_t pids[kMaxChildren];
  for (int i = 0; i < children; ++i) {
    pids[i] = fork();
    if (pids[i] < 0) Die("fork");
    if (pids[i] != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    close(jobs[0]);
    close(answers[0]);
    Serve(jobs[1], answers[1]);
  }
  close(jobs[1]);
  close(answers[1]);

  for (int i = 0; i < outstanding; ++i) SendJob(jobs[0]);
  uint64_t count = 0;
  const double start = Now();
  double end = start;
  while (end - start < seconds) {
    for (int i = 0; i < 256; ++i, ++count) {  // the clock is read now and then only
      TakeAnswer(answers[0]);
      SendJob(jobs[0]);
    }
    end = Now();
  }
  close(jobs[0]);  // the children finish what is queued, then see the end
  close(answers[0]);
  for (int i = 0; i < children; ++i) waitpid(pids[i], NULL, 0);
  printf(
      "{\"rps\": %.0f, \"outstanding\": %d, \"children\": %d, \"requests\": %llu, \"seconds\": "
      "%.3f}\n",
      (double)count / (end - start), outstanding, children, (unsigned long long)count, end - start);
  return 0;
}
