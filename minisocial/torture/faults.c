/* Preloaded into the tortured process: disks that fail, are full or are slow.
 *
 * While there is such a disk, the file named by $MINISOCIAL_FAULTS holds a word of five characters ("eio  ", "full ",
 * "slow ") and the beginning of paths: calls on these files then fail with EIO, writes fail with ENOSPC, or syncs
 * take 20 ms longer. Without that file everything is as it was.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define SLOW_MICROSECONDS 20000
#define REAL(name, result, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__)) dlsym(RTLD_NEXT, #name)

/* What is wrong with the disk this file lies on: 0, 'e', 'f' or 's'. */
static char trouble(int fd) {
    static const char *flag;
    char text[1024], link[64], path[1024];
    static int (*real_open)(const char *, int, ...);
    static ssize_t (*real_read)(int, void *, size_t);
    if (!flag) flag = getenv("MINISOCIAL_FAULTS");
    if (!flag || access(flag, F_OK)) return 0;
    if (!real_open) real_open = (int (*)(const char *, int, ...)) dlsym(RTLD_NEXT, "open");
    if (!real_read) real_read = (ssize_t (*)(int, void *, size_t)) dlsym(RTLD_NEXT, "read");
    int file = real_open(flag, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = real_read(file, text, sizeof text - 1);
    close(file);
    if (length < 6) return 0;
    text[length] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, text + 5, length - 5) ? 0 : text[0];
}

static int failing(int fd, int is_write) {
    int before = errno;
    char kind = trouble(fd);
    errno = before;
    if (kind == 'e') errno = EIO;
    else if (kind == 'f' && is_write) errno = ENOSPC;
    else return 0;
    return 1;
}

static void wait_if_slow(int fd) {
    int before = errno;
    if (trouble(fd) == 's') usleep(SLOW_MICROSECONDS);
    errno = before;
}

ssize_t write(int fd, const void *from, size_t n) {
    REAL(write, ssize_t, int, const void *, size_t);
    return failing(fd, 1) ? -1 : real(fd, from, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    REAL(pwrite, ssize_t, int, const void *, size_t, off_t);
    return failing(fd, 1) ? -1 : real(fd, from, n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
    REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);
    return failing(fd, 1) ? -1 : real(fd, from, n, at);
}

ssize_t pread(int fd, void *into, size_t n, off_t at) {
    REAL(pread, ssize_t, int, void *, size_t, off_t);
    return failing(fd, 0) ? -1 : real(fd, into, n, at);
}

ssize_t pread64(int fd, void *into, size_t n, off64_t at) {
    REAL(pread64, ssize_t, int, void *, size_t, off64_t);
    return failing(fd, 0) ? -1 : real(fd, into, n, at);
}

int fsync(int fd) {
    REAL(fsync, int, int);
    wait_if_slow(fd);
    return failing(fd, 0) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync, int, int);
    wait_if_slow(fd);
    return failing(fd, 0) ? -1 : real(fd);
}
