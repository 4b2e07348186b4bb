#define _GNU_SOURCE
#include "limit_shims.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number_of(enum futures_resource resource) {
    switch (resource) {
    case FUTURES_ADDRESS_SPACE: return RLIMIT_AS;
    case FUTURES_PROCESSOR_TIME: return RLIMIT_CPU;
    case FUTURES_OPEN_FILES: return RLIMIT_NOFILE;
    case FUTURES_CORE_FILE: return RLIMIT_CORE;
    }
    return -1;
}

int futures_set_limit(pid_t pid, enum futures_resource resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return prlimit(pid, number_of(resource), &limit, NULL) < 0 ? -errno : 0;
}

uint64_t futures_hard_limit(enum futures_resource resource) {
    struct rlimit limit;
    if (getrlimit(number_of(resource), &limit) < 0 || limit.rlim_max == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_max;
}

int futures_set_niceness(pid_t pid, int niceness) {
    if (setpriority(PRIO_PGRP, (id_t)pid, niceness) == 0) return 0;
    if (errno != ESRCH) return -errno;
    // It has left the group already, or ended.
    return setpriority(PRIO_PROCESS, (id_t)pid, niceness) < 0 ? -errno : 0;
}

int futures_niceness(void) { return getpriority(PRIO_PROCESS, 0); }

static int has_capability(int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) < 0) return 0;
    return (data[capability / 32].effective >> (capability % 32)) & 1;
}

int futures_lowest_niceness(void) {
    if (has_capability(CAP_SYS_NICE)) return -20;
    // RLIMIT_NICE counts the other way round: 20 stands for a nice value of 0, 40 for -20 (getrlimit(2)).
    struct rlimit limit;
    int allowed = 19;
    if (getrlimit(RLIMIT_NICE, &limit) == 0) allowed = limit.rlim_cur >= 40 ? -20 : 20 - (int)limit.rlim_cur;
    int current = futures_niceness();
    return current < allowed ? current : allowed;
}

int futures_may_lift_limits(void) { return has_capability(CAP_SYS_RESOURCE); }

struct processors {
    unsigned long words[FUTURES_PROCESSOR_LIMIT / (8 * sizeof(unsigned long))];
};

// The system calls themselves: glibc's cpu_set_t ends at 1024.
static int set_affinity(pid_t thread, const struct processors *wanted) {
    return syscall(SYS_sched_setaffinity, thread, sizeof *wanted, wanted) < 0 ? -errno : 0;
}

static int has_affinity(pid_t thread, const struct processors *wanted) {
    struct processors actual = {0};
    long size = syscall(SYS_sched_getaffinity, thread, sizeof actual, &actual);
    if (size < 0) return -errno;
    return memcmp(&actual, wanted, sizeof actual) == 0;
}

int futures_set_affinity(pid_t pid, const int *processors, size_t count) {
    struct processors wanted = {0};
    const size_t bits = 8 * sizeof(unsigned long);
    for (size_t index = 0; index < count; index++) {
        if (processors[index] < 0 || processors[index] >= FUTURES_PROCESSOR_LIMIT) return -EINVAL;
        wanted.words[(size_t)processors[index] / bits] |= 1UL << ((size_t)processors[index] % bits);
    }
    int result = set_affinity(pid, &wanted);
    if (result < 0) return result;
    // The kernel leaves out, silently, what the process's cpuset does not allow.
    result = has_affinity(pid, &wanted);
    if (result <= 0) return result < 0 ? result : -EINVAL;
    // Threads that it made meanwhile have the affinity of before; those that it makes now have the new one. Twice is
    // nearly always enough; bounded, since a processor that is switched off meanwhile cannot be had any more.
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    for (int round = 0, changed = 1; changed && round < 16; round++) {
        changed = 0;
        DIR *threads = opendir(path);
        if (threads == NULL) return 0; // it has ended, or there is no /proc
        for (struct dirent *entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
            pid_t thread = (pid_t)atoi(entry->d_name);
            if (thread <= 0 || has_affinity(thread, &wanted) != 0) continue;
            if (set_affinity(thread, &wanted) == 0) changed = 1;
        }
        closedir(threads);
    }
    return 0;
}
