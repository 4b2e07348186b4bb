// Linux calls that Glibc's Swift module does not show: they are variadic, macros, or behind _GNU_SOURCE.
// Every function returns 0 or a count on success and a negated errno on failure. No descriptor that is made here gets one
// of the standard numbers 0 to 2.
#ifndef FUTURES_PROCESS_SHIMS_H
#define FUTURES_PROCESS_SHIMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// A pipe whose ends are close-on-exec from birth, so that a spawn on another thread cannot leak them.
int futures_pipe(int *read_end, int *write_end);

/// Sets O_NONBLOCK. It is a flag of the open pipe end, so use it only on an end that no other process holds.
int futures_set_nonblocking(int fd);

/// Asks for a larger pipe buffer; returns its size. May be refused (/proc/sys/fs/pipe-user-pages-soft).
int futures_set_pipe_size(int fd, int bytes);

/// How many bytes can be read from a pipe now.
int futures_readable_bytes(int fd);

/// The variables of this process, with a null behind them; none after clearenv(3).
char *const *futures_environment(void);

/// Opens a file, close-on-exec.
int futures_open(const char *path, int flags, unsigned mode);

struct futures_spawn_request {
    const char *path;
    char *const *arguments;
    char *const *environment;
    int wire_read;   // becomes descriptor 3
    int wire_write;  // becomes descriptor 4; -1 for none, which is /dev/null
    int error_write; // becomes descriptor 2; -1 leaves the parent's
    int journal;     // becomes descriptor 5; -1 for none, which is /dev/null
};

/// Starts a process with descriptors 0 (/dev/null), 1 (the parent's, or /dev/null where it has none), 2 to 5 and no other,
/// default signal actions, an empty signal mask and a process group of its own. Stores its pid and a pidfd. -ESRCH if it has
/// ended and somebody else has reaped it.
int futures_spawn(const struct futures_spawn_request *request, pid_t *pid, int *pidfd);

/// Opens a pidfd for a child that nobody has reaped. -ESRCH if somebody has.
int futures_pidfd_open(pid_t pid);

/// Makes a process that is said to be a child of this one the leader of a group of its own, and opens a pidfd for it. -ECHILD if
/// it is no child, or was reaped; for any other error it is ended and reaped.
int futures_adopt(pid_t pid, int *pidfd);

/// Kills a group, whose leader is a child that nobody has reaped, and reaps the children that are in it.
void futures_end_group(int leader_pidfd, pid_t group);

struct futures_exit {
    int is_signal; // 1: `value` is a signal number; 0: an exit code
    int value;
    int dumped_core;
    int64_t processor_microseconds; // that it has computed, with the children that it waited for
};

/// Whether the process behind a pidfd has ended; does not reap it. -ECHILD if somebody else has reaped it.
int futures_has_ended(int pidfd);

/// Reaps the process behind a pidfd: 1 and its end, 0 while it runs, unless it is to block until then. -ECHILD if somebody
/// else has reaped it.
int futures_reap(int pidfd, int blocks, struct futures_exit *exit);

/// Signals the process behind a pidfd: never another one that got its pid later.
int futures_pidfd_signal(int pidfd, int signal_number);

/// Copies from the memory of another process: how many bytes, which may be fewer than asked for, or a negative error number.
ssize_t futures_memory_copy_from(pid_t pid, uint64_t address, void *target, size_t size);

/// Copies into the memory of another process, likewise.
ssize_t futures_memory_copy_to(pid_t pid, uint64_t address, const void *source, size_t size);

/// Signals every process of a group; -ESRCH when none is left.
int futures_group_signal(pid_t group, int signal_number);

/// When a file was made, in nanoseconds since 1970; 0 where the file system does not know.
int64_t futures_birth_time(int fd);

/// Writes to a file; beyond RLIMIT_FSIZE that is -EFBIG, and not the end of the program by SIGXFSZ. Goes on after a signal.
ssize_t futures_write_file(int fd, const void *bytes, size_t size);

/// A file in memory, zeroed, whose size can never change: whoever has it can neither grow it nor make a reader trap by
/// cutting it. Close-on-exec.
int futures_memory_file(const char *name, int64_t size);

/// A file in memory with these bytes, one after the other, which nobody can change any more. Close-on-exec.
int futures_sealed_file(const char *name, const void *head, size_t head_size, const void *bytes, size_t size);
/// Whether it is a file in memory whose bytes and size cannot change: whoever maps it cannot be made to trap.
bool futures_is_sealed(int fd);

/// Whether other processes of the same user may look into this one (PR_GET_DUMPABLE).
bool futures_is_dumpable(void);

/// What this thread keeps for encoding; null unless it was set.
void *futures_encoding_context(void);
void futures_set_encoding_context(void *context);

int futures_epoll_create(void);
/// Watches `fd` for input (and output); `token` comes back with its events. `modify` changes an entry.
int futures_epoll_set(int epoll, int fd, int readable, int writable, int modify, uint64_t token);
/// Leaves `fd` in the set, but has nothing reported, except once when the other end is closed.
int futures_epoll_pause(int epoll, int fd, uint64_t token);
int futures_epoll_remove(int epoll, int fd);

struct futures_event {
    uint64_t token;
    int readable; // also set at end of file and on errors, so that a read finds out
    int writable;
};

/// Waits until something is ready or the time is over (-1: no limit); returns the number of events.
int futures_epoll_wait(int epoll, struct futures_event *events, int capacity, int timeout_milliseconds);

/// Sleeps until `first` or `second` has input or has ended, a signal, or `timeout_ns` nanoseconds have passed (negative: no
/// limit). Returns which are ready: 1 for the first, 2 for the second, or both together.
int futures_poll_pair(int first, int second, int64_t timeout_ns);

/// Looks again and again whether `fd` has input or has ended, for `time_ns` nanoseconds at most, letting other threads have the
/// processor in between. Returns whether so.
int futures_spin_until_readable(int fd, int64_t time_ns);

/// An eventfd: a counter that wakes a poll. Non-blocking, close-on-exec.
int futures_eventfd(void);
void futures_eventfd_signal(int fd);
void futures_eventfd_clear(int fd);

/// Ignores SIGPIPE unless the program installed its own handling: a write to a dead worker's pipe must give EPIPE.
void futures_ignore_sigpipe(void);

/// Nanoseconds of CLOCK_MONOTONIC.
int64_t futures_monotonic_nanoseconds(void);

#endif
