// What one process may take, set from outside: on a child of ours that was not reaped, whose number is its own.
// Every function returns 0 or a count on success and a negated errno on failure.
#ifndef FUTURES_LIMIT_SHIMS_H
#define FUTURES_LIMIT_SHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The resources of setrlimit(2) that are used here.
enum futures_resource {
    FUTURES_ADDRESS_SPACE,
    FUTURES_PROCESSOR_TIME,
    FUTURES_OPEN_FILES,
    FUTURES_CORE_FILE,
};

/// Sets a soft and a hard limit of a process. -EPERM if that is above its hard limit and we may not lift that.
int futures_set_limit(pid_t pid, enum futures_resource resource, uint64_t soft, uint64_t hard);

/// The hard limit of this process; UINT64_MAX for none.
uint64_t futures_hard_limit(enum futures_resource resource);

/// Sets the nice value of a process that was started with a group of its own: of all its threads.
int futures_set_niceness(pid_t pid, int niceness);

/// This thread's nice value.
int futures_niceness(void);

/// The lowest nice value that this process may give itself or its children.
int futures_lowest_niceness(void);

/// Whether this process may lift its hard limits (CAP_SYS_RESOURCE).
int futures_may_lift_limits(void);

/// Processors have numbers below this: the most that Linux can be built for.
#define FUTURES_PROCESSOR_LIMIT 8192

/// Has a process run only on these processors, with all the threads that it has by now. -EINVAL if none of them can be
/// used, and also if only some can.
int futures_set_affinity(pid_t pid, const int *processors, size_t count);

#endif
