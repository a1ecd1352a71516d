/* Stands between a process and the disk (LD_PRELOAD): writes down what is done to the files of one folder, and breaks
 * what it is told to break. Only what SQLite and Python use on Linux: pwrite64, ftruncate64, fsync, fdatasync, open64,
 * unlink, pread64. A file whose name ends in "-shm" is memory shared by processes and not looked at.
 *
 * DISK_FOLDER  the folder, with symbolic links resolved; nothing happens without it
 * DISK_FULL    while this file exists no file of the folder grows: ENOSPC
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, SYNC, TRUNCATE, READ, ANY, KINDS };

/* One thing done; the name and then the data follow. op: W(rite) T(runcate) S(ync) C(reate) U(nlink) A(cknowledged) */
struct line {
    char op;
    int32_t error;
    int64_t offset;
    uint32_t name, data;
} __attribute__((packed));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static long count[KINDS];
static struct { int kind, error, forever; long nth; } fault = {-1, 0, 0, 0};

#define REAL(result, name, ...) static result (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, #name)

static int is_ours(const char *path) {
    const char *folder = getenv("DISK_FOLDER");
    size_t length = strlen(path);
    return folder && !strncmp(path, folder, strlen(folder)) && !(length > 4 && !strcmp(path + length - 4, "-shm"));
}

static int name_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static void note(char op, int error, int64_t offset, const char *name, const void *data, size_t length) {
    if (log_file < 0) return;
    struct line line = {op, error, offset, strlen(name), length};
    struct iovec parts[] = {{&line, sizeof line}, {(void *)name, line.name}, {(void *)data, length}};
    if (writev(log_file, parts, 3) != (ssize_t)(sizeof line + line.name + length)) abort();
}

/* The error this is to end in; 0 for none. A fault of error 0 ends the process before it, as kill -9 does. */
static int strike(int kind) {
    count[kind]++;
    count[ANY] += kind != READ;
    if (fault.kind != kind && !(fault.kind == ANY && kind != READ)) return 0;
    if (fault.nth > 1) { fault.nth--; return 0; }
    if (fault.error == 0) _exit(9);
    if (!fault.forever) fault.kind = -1;
    return fault.error;
}

/* How many bytes there is room for from here on. */
static int64_t room(int fd, int64_t offset) {
    const char *flag = getenv("DISK_FULL");
    struct stat now;
    if (!flag || access(flag, F_OK) || fstat(fd, &now)) return INT64_MAX;
    return now.st_size > offset ? now.st_size - offset : 0;
}

/* What a test tells. */

void disk_log(const char *path) {
    if (log_file >= 0) close(log_file);
    log_file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
}
void disk_acknowledge(const char *words) {
    pthread_mutex_lock(&lock);
    note('A', 0, 0, "", words, strlen(words));
    pthread_mutex_unlock(&lock);
}
void disk_break(int kind, long nth, int error, int forever) {
    pthread_mutex_lock(&lock);
    memset(count, 0, sizeof count);
    fault.kind = kind, fault.nth = nth, fault.error = error, fault.forever = forever;
    pthread_mutex_unlock(&lock);
}
long disk_count(int kind) { return count[kind]; }

/* What a process does. */

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    char path[4096];
    if (!name_of(fd, path)) return real(fd, data, length, offset);
    pthread_mutex_lock(&lock);
    int error = strike(WRITE);
    ssize_t done = -1;
    if (error == ENOSPC && length >= 1024) { /* a disk that fills takes the beginning, and refuses the rest */
        length /= 2, error = 0;
        if (fault.kind < 0) fault.kind = WRITE, fault.nth = 1;
    }
    int64_t left = room(fd, offset);
    if (!error && !left) error = ENOSPC;
    if ((int64_t)length > left) length = left;
    if (!error) {
        done = real(fd, data, length, offset);
        error = errno;
    }
    if (done >= 0) note('W', 0, offset, path, data, done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t pread64(int fd, void *data, size_t length, off64_t offset) {
    REAL(ssize_t, pread64, int, void *, size_t, off64_t);
    char path[4096];
    if (!name_of(fd, path)) return real(fd, data, length, offset);
    pthread_mutex_lock(&lock);
    int error = strike(READ);
    pthread_mutex_unlock(&lock);
    if (!error) return real(fd, data, length, offset);
    errno = error;
    return -1;
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    char path[4096];
    if (!name_of(fd, path)) return real(fd, length);
    pthread_mutex_lock(&lock);
    int error = strike(TRUNCATE);
    if (!error && length && !room(fd, length - 1)) error = ENOSPC;
    int done = error ? -1 : real(fd, length);
    if (done == 0) note('T', 0, length, path, "", 0);
    pthread_mutex_unlock(&lock);
    if (error) errno = error;
    return done;
}

static int sync_file(int fd, int (*real)(int)) {
    char path[4096];
    if (!name_of(fd, path)) return real(fd);
    pthread_mutex_lock(&lock);
    int error = strike(SYNC), dies = error < 0;
    error = abs(error);
    int done = error ? -1 : 0; /* no power is cut in earnest: what a sync means is for the reader of the log to say */
    note('S', error, 0, path, "", 0);
    if (dies) _exit(9); /* below 0: it fails, and the process dies of it */
    pthread_mutex_unlock(&lock);
    if (error) errno = error;
    return done;
}
int fsync(int fd) {
    REAL(int, fsync, int);
    return sync_file(fd, real);
}
int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    return sync_file(fd, real);
}

int open64(const char *path, int flags, ...) {
    REAL(int, open64, const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!(flags & O_CREAT) || !is_ours(path) || !access(path, F_OK)) return real(path, flags, mode);
    pthread_mutex_lock(&lock);
    int fd = real(path, flags, mode);
    if (fd >= 0) note('C', 0, 0, path, "", 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    if (!is_ours(path)) return real(path);
    pthread_mutex_lock(&lock);
    strike(TRUNCATE);
    int done = real(path);
    if (done == 0) note('U', 0, 0, path, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}
