// Preloaded into a process: makes the n-th call that changes the file system fail, and counts them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;   // since arm()
static long failing = -1;   // which of them; -1: none
static int failing_errno;

void arm(long number, int error) {
  failing_errno = error;
  failing = number;
  calls = 0;
}

long disarm(void) {
  failing = -1;
  return calls;
}

static int fails(void) {
  if (failing < 0 || ++calls != failing) return 0;
  errno = failing_errno;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// A file that is only read is none of our business.
#define OPEN(name)                                          \
  int name(const char* path, int flags, ...) {              \
    va_list list;                                           \
    va_start(list, flags);                                  \
    const mode_t mode = va_arg(list, mode_t);               \
    va_end(list);                                           \
    if ((flags & (O_CREAT | O_DIRECTORY)) && fails()) return -1; \
    return ((int (*)(const char*, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define ONE(result, name, parameters, arguments)   \
  result name parameters {                         \
    return fails() ? -1 : NEXT(name) arguments;    \
  }
ONE(ssize_t, write, (int file, const void* from, size_t size), (file, from, size))
ONE(ssize_t, pwrite, (int file, const void* from, size_t size, off_t at), (file, from, size, at))
ONE(ssize_t, pwrite64, (int file, const void* from, size_t size, off64_t at), (file, from, size, at))
ONE(int, fsync, (int file), (file))
ONE(int, rename, (const char* from, const char* to), (from, to))
ONE(int, link, (const char* from, const char* to), (from, to))
ONE(int, linkat, (int a, const char* from, int b, const char* to, int flags), (a, from, b, to, flags))
ONE(int, unlink, (const char* path), (path))
ONE(int, mkdir, (const char* path, mode_t mode), (path, mode))
ONE(int, flock, (int file, int how), (file, how))
