#define _GNU_SOURCE
#include "fork_server.h"

#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = sizeof(struct futures_worker_descriptors) / sizeof(int) };

int futures_control_pair(int *ours, int *theirs) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    int result = both_beyond_standard(ends);
    if (result < 0) return result;
    *ours = ends[0];
    *theirs = ends[1];
    return 0;
}

// Room for the descriptors of one message.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(COUNT * sizeof(int))];
};

int futures_control_send(int socket, const struct futures_worker_descriptors *descriptors) {
    char byte = COUNT;
    struct iovec content = {&byte, 1};
    union control control = {0};
    struct msghdr message = {
        .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(COUNT * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, COUNT * sizeof(int));
    ssize_t count;
    do {
        count = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : 0;
}

int futures_control_receive(int socket, struct futures_worker_descriptors *descriptors) {
    char byte = 0;
    struct iovec content = {&byte, 1};
    union control control = {0};
    struct msghdr message = {
        .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count;
    do {
        count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return count < 0 ? -errno : 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (byte != COUNT || header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(COUNT * sizeof(int)))
        return -EPROTO;
    memcpy(descriptors, CMSG_DATA(header), COUNT * sizeof(int));
    return 1;
}

int futures_control_send_number(int socket, int64_t number) {
    ssize_t count;
    do {
        count = send(socket, &number, sizeof number, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : 0;
}

int futures_control_receive_number(int socket, int64_t *number, int milliseconds) {
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000L;
    // A signal that the program handles in this thread is no answer.
    for (;;) {
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        clock_gettime(CLOCK_MONOTONIC, &now);
        long long left = (end.tv_sec - now.tv_sec) * 1000LL + (end.tv_nsec - now.tv_nsec + 999999) / 1000000;
        int result = poll(&ready, 1, left > 0 ? (int)left : 0);
        if (result < 0 && errno == EINTR) continue;
        if (result <= 0) return result < 0 ? -errno : 0;
        ssize_t count = recv(socket, number, sizeof *number, MSG_DONTWAIT);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return -errno;
        return count == sizeof *number ? 1 : -EPIPE;
    }
}

// Threads of this process; 0 if that cannot be known.
static int thread_count(void) {
    char line[512];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) return 0;
    size_t count = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[count] = 0;
    // The name may have blanks and parentheses; behind it the number is the 18th field (proc_pid_stat(5), num_threads).
    char *rest = strrchr(line, ')');
    for (int field = 0; rest != NULL && field < 18; field++) rest = strchr(rest + 1, ' ');
    return rest == NULL ? 0 : atoi(rest);
}

pid_t futures_fork_sibling(void) {
    if (thread_count() != 1) return -EBUSY;
    int *thread_id = NULL;
    if (prctl(PR_GET_TID_ADDRESS, &thread_id, 0, 0, 0) != 0 || thread_id == NULL || *thread_id != getpid())
        return -ENOTSUP;
    // The kernel forgets it in a new process, and glibc's fork would tell it once more.
    void *robust_list = NULL;
    size_t robust_size = 0;
    syscall(SYS_get_robust_list, 0, &robust_list, &robust_size);
    // What is buffered would be written by both.
    fflush(NULL);
    unsigned long flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
#if defined(__x86_64__)
    long pid = syscall(SYS_clone, flags, 0, 0, thread_id, 0);
#else
    // clone(2): most other architectures have the last two the other way round.
    long pid = syscall(SYS_clone, flags, 0, 0, 0, thread_id);
#endif
    if (pid == 0 && robust_list != NULL) syscall(SYS_set_robust_list, robust_list, robust_size);
    return pid < 0 ? -errno : (pid_t)pid;
}

int futures_become_worker(const struct futures_worker_descriptors *descriptors) {
    // A source may have the number of a target; so all go above them first.
    const int *sources = (const int *)descriptors;
    int moved[COUNT];
    for (int index = 0; index < COUNT; index++) {
        moved[index] = fcntl(sources[index], F_DUPFD_CLOEXEC, 6);
        if (moved[index] < 0) return -errno;
        close(sources[index]);
    }
    for (int index = 0; index < COUNT; index++) {
        if (dup2(moved[index], 2 + index) < 0) return -errno;
        close(moved[index]);
    }
    return 0;
}
