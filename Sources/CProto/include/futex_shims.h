// What futures and the thread pool need of the system beyond Swift's standard library: waiting on a word of memory,
// and threads with names. Linux; this pair of files is the place to port.
#ifndef FUTURES_FUTEX_SHIMS_H
#define FUTURES_FUTEX_SHIMS_H

#include <stdint.h>

/// Sleeps while the 32-bit word at `word` holds `expected`, until a wake, a signal, or `timeout_ns` nanoseconds have
/// passed on CLOCK_MONOTONIC (negative: no limit). May return early for no reason: look at the word again.
void futures_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns);

/// Wakes up to `count` sleepers of `word`. Compares addresses only: it never reads the word.
void futures_futex_wake(const void *word, int32_t count);

/// Starts a joinable thread that calls `body(context)`. Returns 0, or the error number of pthread_create(3).
int futures_thread_start(uintptr_t *thread, void (*body)(void *), void *context);

/// Waits until `thread` has ended and frees it.
void futures_thread_join(uintptr_t thread);

/// Lets `thread` free itself when it ends.
void futures_thread_detach(uintptr_t thread);

/// The calling thread, comparable with what futures_thread_start gave.
uintptr_t futures_thread_self(void);

/// Names the calling thread; Linux keeps the first 15 bytes.
void futures_thread_set_name(const char *name);

/// How many processors the calling thread may run on (sched_getaffinity(2)), at least 1.
int32_t futures_affinity_count(void);

#endif
