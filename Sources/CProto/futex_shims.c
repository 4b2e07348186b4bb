#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "futex_shims.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void futures_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns) {
    struct timespec limit;
    struct timespec *limit_or_null = NULL;
    if (timeout_ns >= 0) {
        limit.tv_sec = timeout_ns / 1000000000;
        limit.tv_nsec = timeout_ns % 1000000000;
        limit_or_null = &limit;
    }
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit_or_null, NULL, 0);
}

void futures_futex_wake(const void *word, int32_t count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

struct start {
    void (*body)(void *);
    void *context;
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    start.body(start.context);
    return NULL;
}

int futures_thread_start(uintptr_t *thread, void (*body)(void *), void *context) {
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return ENOMEM;
    start->body = body;
    start->context = context;
    pthread_t id;
    int error = pthread_create(&id, NULL, run, start);
    if (error != 0) {
        free(start);
        return error;
    }
    *thread = (uintptr_t)id;
    return 0;
}

void futures_thread_join(uintptr_t thread) {
    pthread_join((pthread_t)thread, NULL);
}

void futures_thread_detach(uintptr_t thread) {
    pthread_detach((pthread_t)thread);
}

uintptr_t futures_thread_self(void) {
    return (uintptr_t)pthread_self();
}

void futures_thread_set_name(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = '\0';
    pthread_setname_np(pthread_self(), kept);
}

int32_t futures_affinity_count(void) {
    // The kernel refuses a set smaller than its own with EINVAL: grow until it fits.
    for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
        cpu_set_t *set = CPU_ALLOC(processors);
        if (set == NULL)
            return 1;
        size_t size = CPU_ALLOC_SIZE(processors);
        int failed = sched_getaffinity(0, size, set);
        int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (!failed)
            return count > 0 ? count : 1;
        if (errno != EINVAL)
            return 1;
    }
    return 1;
}
