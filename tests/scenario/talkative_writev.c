// A library for LD_PRELOAD that gives the built-in handler `append`, which writes each job's
// content with one writev, the habits of somebody else's code. Contents that begin with
//   say TEXT    are printed in every way that there is
//   flood       print without end
//   die TEXT    are printed, and the process aborts
//   late PATH   the same, when there is a file of that name
//   hang TEXT   are printed, and nothing more happens
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int begins(const struct iovec* piece, const char* word, int* size) {
  const size_t length = strlen(word);
  if (piece->iov_len < length || memcmp(piece->iov_base, word, length) != 0) return 0;
  *size = (int)(piece->iov_len - length);
  return 1;
}

ssize_t writev(int fd, const struct iovec* pieces, int count) {
  static ssize_t (*next)(int, const struct iovec*, int);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "writev");
  if (count != 2) return next(fd, pieces, count);
  const char* const content = pieces[0].iov_base;
  int size;
  if (begins(&pieces[0], "say ", &size)) {
    printf("stdout %.*s", size, content + 4);  // no newline: it stays in stdio's buffer
    fflush(stderr);
    fprintf(stderr, "stderr %.*s\n", size, content + 4);
    if (write(1, "plain ", 6) != 6) abort();
    if (write(2, content + 4, (size_t)size) != size) abort();
    if (write(2, "\n", 1) != 1) abort();
  } else if (begins(&pieces[0], "flood", &size)) {
    for (int i = 0; i < 100000; ++i) printf("flood %d\n", i);
  } else if (begins(&pieces[0], "die ", &size) || begins(&pieces[0], "late ", &size)) {
    char path[256];
    snprintf(path, sizeof(path), "%.*s", size, content + 5);
    for (int i = 0; content[0] == 'l' && i < 6000 && access(path, F_OK) != 0; ++i) usleep(10000);
    fprintf(stderr, "%.*s\n", (int)pieces[0].iov_len, content);
    abort();
  } else if (begins(&pieces[0], "hang ", &size)) {
    fprintf(stderr, "%.*s\n", (int)pieces[0].iov_len, content);
    for (;;) pause();
  }
  return next(fd, pieces, count);
}
