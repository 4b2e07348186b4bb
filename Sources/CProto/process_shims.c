#define _GNU_SOURCE
#include "process_shims.h"

#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int futures_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    int result = both_beyond_standard(ends);
    if (result < 0) return result;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int futures_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    return 0;
}

int futures_set_pipe_size(int fd, int bytes) {
    int size = fcntl(fd, F_SETPIPE_SZ, bytes);
    return size < 0 ? -errno : size;
}

int futures_readable_bytes(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}

char *const *futures_environment(void) {
    static char *const none[] = {NULL};
    return environ ? environ : none;
}

int futures_open(const char *path, int flags, unsigned mode) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0) fd = beyond_standard(fd);
    return fd < 0 ? -errno : fd;
}

// dup2 onto a number closes what was there, so every source is first moved above all targets.
static int moved_up(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 6); }

// Whether a program started now finds the descriptor open.
static int is_inherited(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC);
}

// Without a source the number is taken all the same: what the program opens must not get it.
static int add_or_reserve(posix_spawn_file_actions_t *actions, int source, int target) {
    if (source >= 0) return posix_spawn_file_actions_adddup2(actions, source, target);
    return posix_spawn_file_actions_addopen(actions, target, "/dev/null", O_RDWR, 0);
}

int futures_pidfd_open(pid_t pid) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) pidfd = beyond_standard(pidfd);
    return pidfd < 0 ? -errno : pidfd;
}

int futures_spawn(const struct futures_spawn_request *request, pid_t *pid, int *pidfd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int high_read = -1, high_write = -1, high_error = -1, high_journal = -1;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return -result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -result;
    }
    high_read = moved_up(request->wire_read);
    if (request->wire_write >= 0) high_write = moved_up(request->wire_write);
    if (request->error_write >= 0) high_error = moved_up(request->error_write);
    if (request->journal >= 0) high_journal = moved_up(request->journal);
    if (high_read < 0 || (request->wire_write >= 0 && high_write < 0) ||
        (request->error_write >= 0 && high_error < 0) || (request->journal >= 0 && high_journal < 0)) {
        result = errno;
        goto out;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if ((result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) != 0 ||
        // With number 1 free, a file that a task opens would get it, and what tasks print.
        (!is_inherited(1) &&
         (result = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)) != 0) ||
        (high_error >= 0 && (result = posix_spawn_file_actions_adddup2(&actions, high_error, 2)) != 0) ||
        (high_error < 0 && !is_inherited(2) &&
         (result = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)) != 0) ||
        (result = posix_spawn_file_actions_adddup2(&actions, high_read, 3)) != 0 ||
        (result = add_or_reserve(&actions, high_write, 4)) != 0 ||
        (result = add_or_reserve(&actions, high_journal, 5)) != 0 ||
        (result = posix_spawn_file_actions_addclosefrom_np(&actions, 6)) != 0 ||
        (result = posix_spawnattr_setsigmask(&attributes, &none)) != 0 ||
        (result = posix_spawnattr_setsigdefault(&attributes, &all)) != 0 ||
        (result = posix_spawnattr_setpgroup(&attributes, 0)) != 0 ||
        (result = posix_spawnattr_setflags(
             &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)) != 0)
        goto out;
    result = posix_spawn(pid, request->path, &actions, &attributes, request->arguments, request->environment);
    if (result != 0) goto out;
    // Our own unreaped child: its pid cannot have been given to another process meanwhile. Unless the program ignores
    // SIGCHLD or waits for all children: then one that ended at once may be gone, which is ESRCH.
    *pidfd = futures_pidfd_open(*pid);
    if (*pidfd < 0) {
        result = -*pidfd;
        if (result != ESRCH) {
            kill(*pid, SIGKILL);
            while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {}
        }
    }
out:
    if (high_read >= 0) close(high_read);
    if (high_write >= 0) close(high_write);
    if (high_error >= 0) close(high_error);
    if (high_journal >= 0) close(high_journal);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -result;
}

int futures_adopt(pid_t pid, int *pidfd) {
    siginfo_t info;
    int result;
    do {
        result = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    (void)setpgid(pid, pid);
    *pidfd = futures_pidfd_open(pid);
    if (*pidfd >= 0) return 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    return *pidfd;
}

void futures_end_group(int leader_pidfd, pid_t group) {
    if (futures_pidfd_signal(leader_pidfd, 0) < 0) return;
    kill(-group, SIGKILL);
    siginfo_t info;
    while (waitid(P_PGID, (id_t)group, &info, WEXITED) == 0 || errno == EINTR) {}
}

// The system call itself, which also tells what the process has used.
static int wait_for_exit(int pidfd, siginfo_t *info, struct rusage *usage, int options) {
    memset(info, 0, sizeof *info);
    int result;
    do {
        result = (int)syscall(SYS_waitid, P_PIDFD, pidfd, info, WEXITED | options, usage);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    return info->si_pid != 0;
}

int futures_has_ended(int pidfd) {
    siginfo_t info;
    return wait_for_exit(pidfd, &info, NULL, WNOHANG | WNOWAIT);
}

int futures_reap(int pidfd, int blocks, struct futures_exit *exit) {
    siginfo_t info;
    struct rusage usage = {0};
    int result = wait_for_exit(pidfd, &info, &usage, blocks ? 0 : WNOHANG);
    if (result <= 0) return result;
    exit->is_signal = info.si_code != CLD_EXITED;
    exit->value = info.si_status;
    exit->dumped_core = info.si_code == CLD_DUMPED;
    exit->processor_microseconds = 1000000 * (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return 1;
}

int futures_pidfd_signal(int pidfd, int signal_number) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) < 0 ? -errno : 0;
}

ssize_t futures_memory_copy_from(pid_t pid, uint64_t address, void *target, size_t size) {
    struct iovec here = {target, size};
    struct iovec there = {(void *)(uintptr_t)address, size};
    ssize_t count = process_vm_readv(pid, &here, 1, &there, 1, 0);
    return count < 0 ? -errno : count;
}

ssize_t futures_memory_copy_to(pid_t pid, uint64_t address, const void *source, size_t size) {
    struct iovec here = {(void *)source, size};
    struct iovec there = {(void *)(uintptr_t)address, size};
    ssize_t count = process_vm_writev(pid, &here, 1, &there, 1, 0);
    return count < 0 ? -errno : count;
}

int futures_group_signal(pid_t group, int signal_number) { return kill(-group, signal_number) < 0 ? -errno : 0; }

int64_t futures_birth_time(int fd) {
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
    return (int64_t)((uint64_t)status.stx_btime.tv_sec * 1000000000u + status.stx_btime.tv_nsec);
}

// A file that would become larger than RLIMIT_FSIZE is to be an error, EFBIG. The kernel sends the thread SIGXFSZ, too, which
// ends a program that does not know of it: so that is held back, and taken away again. The limit is for files in memory as well.
struct size_signal {
    sigset_t before;
    bool was_pending;
};

static sigset_t only_size_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    return set;
}

static struct size_signal hold_size_signal(void) {
    struct size_signal held;
    sigset_t set = only_size_signal(), pending;
    sigemptyset(&pending);
    sigpending(&pending);
    held.was_pending = sigismember(&pending, SIGXFSZ) == 1;
    pthread_sigmask(SIG_BLOCK, &set, &held.before);
    return held;
}

// Leaves errno as it is.
static void release_size_signal(const struct size_signal *held) {
    int error = errno;
    sigset_t set = only_size_signal();
    struct timespec none = {0, 0};
    if (!held->was_pending) {
        while (sigtimedwait(&set, NULL, &none) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &held->before, NULL);
    errno = error;
}

ssize_t futures_write_file(int fd, const void *bytes, size_t size) {
    struct size_signal held = hold_size_signal();
    ssize_t count;
    do {
        count = write(fd, bytes, size);
    } while (count < 0 && errno == EINTR);
    release_size_signal(&held);
    return count < 0 ? -errno : count;
}

static int set_size(int fd, int64_t size) {
    struct size_signal held = hold_size_signal();
    int result = ftruncate(fd, size);
    release_size_signal(&held);
    return result;
}

int futures_memory_file(const char *name, int64_t size) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0) fd = beyond_standard(fd);
    if (fd < 0) return -errno;
    if (set_size(fd, size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = futures_write_file(fd, bytes, size);
        if (count < 0) {
            errno = (int)-count;
            return -1;
        }
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

int futures_sealed_file(const char *name, const void *head, size_t head_size, const void *bytes, size_t size) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0) fd = beyond_standard(fd);
    if (fd < 0) return -errno;
    if (write_all(fd, head, head_size) != 0 || write_all(fd, bytes, size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

bool futures_is_sealed(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) && (seals & F_SEAL_WRITE);
}

bool futures_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1; }

static __thread void *encoding_context;

void *futures_encoding_context(void) { return encoding_context; }

void futures_set_encoding_context(void *context) { encoding_context = context; }

int futures_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0) fd = beyond_standard(fd);
    return fd < 0 ? -errno : fd;
}

int futures_epoll_set(int epoll, int fd, int readable, int writable, int modify, uint64_t token) {
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0), .data.u64 = token};
    return epoll_ctl(epoll, modify ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int futures_epoll_pause(int epoll, int fd, uint64_t token) {
    // That the other end is closed is always reported; as an edge, once.
    struct epoll_event event = {.events = EPOLLET, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

int futures_epoll_remove(int epoll, int fd) {
    struct epoll_event event = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event) < 0 ? -errno : 0;
}

int futures_epoll_wait(int epoll, struct futures_event *events, int capacity, int timeout_milliseconds) {
    struct epoll_event ready[64];
    int count = epoll_wait(epoll, ready, capacity < 64 ? capacity : 64, timeout_milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        events[index].token = ready[index].data.u64;
        events[index].readable = (ready[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
        events[index].writable = (ready[index].events & (EPOLLOUT | EPOLLERR)) != 0;
    }
    return count;
}

int futures_poll_pair(int first, int second, int64_t timeout_ns) {
    struct pollfd ready[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    if (ppoll(ready, 2, timeout_ns < 0 ? NULL : &limit, NULL) <= 0) return 0;
    return (ready[0].revents != 0 ? 1 : 0) | (ready[1].revents != 0 ? 2 : 0);
}

int futures_spin_until_readable(int fd, int64_t time_ns) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int64_t end = futures_monotonic_nanoseconds() + time_ns;
    do {
        if (poll(&ready, 1, 0) > 0) return 1;
        sched_yield();
    } while (futures_monotonic_nanoseconds() < end);
    return 0;
}

int futures_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd >= 0) fd = beyond_standard(fd);
    return fd < 0 ? -errno : fd;
}

void futures_eventfd_signal(int fd) {
    uint64_t one = 1;
    // It can only fail when the counter is full, and then the reader is woken already.
    ssize_t written = write(fd, &one, sizeof one);
    (void)written;
}

void futures_eventfd_clear(int fd) {
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

void futures_ignore_sigpipe(void) {
    struct sigaction current;
    if (sigaction(SIGPIPE, NULL, &current) == 0 && !(current.sa_flags & SA_SIGINFO) &&
        current.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int64_t futures_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
