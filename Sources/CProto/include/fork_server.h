// The socket between a pool and its fork server, and the fork itself (docs/decisions/fork-server.md).
// Every function returns 0 or a count on success and a negated errno on failure.
#ifndef FUTURES_FORK_SERVER_H
#define FUTURES_FORK_SERVER_H

#include <stdint.h>
#include <sys/types.h>

/// Two connected sockets that keep messages apart, close-on-exec.
int futures_control_pair(int *ours, int *theirs);

/// What a worker gets: descriptors of the sender, which become those numbers in the worker.
struct futures_worker_descriptors {
    int error_write; // 2
    int wire_read;   // 3
    int wire_write;  // 4
    int journal;     // 5
};

/// Sends descriptors in one message.
int futures_control_send(int socket, const struct futures_worker_descriptors *descriptors);

/// Waits for a message with descriptors: 1 with them, 0 when the other side is gone, -EPROTO for any other message. They are
/// close-on-exec.
int futures_control_receive(int socket, struct futures_worker_descriptors *descriptors);

/// Sends a number.
int futures_control_send_number(int socket, int64_t number);

/// Waits for a number for so many milliseconds: 1 with it, 0 without one, -EPIPE when the other side is gone.
int futures_control_receive_number(int socket, int64_t *number, int milliseconds);

/// Forks, as a child of the parent: 0 in the child. -EBUSY in a process with several threads, -ENOTSUP where the kernel does
/// not tell what is needed.
pid_t futures_fork_sibling(void);

/// In a worker that was just forked: gives the descriptors their numbers. It stays in the server's group until the pool knows it.
int futures_become_worker(const struct futures_worker_descriptors *descriptors);

#endif
