// What this machine can do at best, measured in C: the limits that a process pool cannot pass.
//
//   limits [--workers N] [--seconds S] [--exec PROGRAM] ROW=COUNT...
//
// Prints one line `row,value,unit` for each measurement. COUNT is the size of one measurement; a row is measured until
// S seconds have passed, at least once. The rows are in `rows` at the end, with what COUNT means.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int workers = 1;
static double seconds = 0;
static const char *first_byte_program = NULL;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("limits: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void check(bool holds, const char *what) {
    if (!holds) fail("%s: %s", what, strerror(errno));
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void print(const char *row, double value, const char *unit) {
    printf("%s,%.6g,%s\n", row, value, unit);
    fflush(stdout);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, long count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void read_all(int descriptor, void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = read(descriptor, (char *)bytes + done, count - done);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) _exit(0); // the other side is gone
        check(got > 0, "read");
        done += (size_t)got;
    }
}

static void write_all(int descriptor, const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t put = write(descriptor, (const char *)bytes + done, count - done);
        if (put < 0 && errno == EINTR) continue;
        check(put > 0, "write");
        done += (size_t)put;
    }
}

// A forked child at the other ends of two pipes.
struct peer {
    pid_t pid;
    int input, output;
};

static struct peer start_peer(void (*serve)(int input, int output, void *context), void *context) {
    int there[2], back[2];
    check(pipe(there) == 0 && pipe(back) == 0, "pipe");
    // As much as an unprivileged process may have; fewer bytes only cost system calls.
    for (int side = 0; side < 2; side++) {
        fcntl(there[side], F_SETPIPE_SZ, 1 << 20);
        fcntl(back[side], F_SETPIPE_SZ, 1 << 20);
    }
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(there[1]);
        close(back[0]);
        serve(there[0], back[1], context);
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    return (struct peer){pid, back[0], there[1]};
}

static void stop_peer(struct peer peer) {
    close(peer.output);
    close(peer.input);
    int status;
    check(waitpid(peer.pid, &status, 0) == peer.pid, "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("a child ended with status %d", status);
}

// Round trips of 64 bytes, the size of a small call.

enum { message_size = 64 };

static void serve_messages(int input, int output, void *context) {
    (void)context;
    char message[message_size];
    while (true) {
        read_all(input, message, sizeof message);
        write_all(output, message, sizeof message);
    }
}

static void read_spinning(int descriptor, char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = read(descriptor, bytes + done, count - done);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got == 0) _exit(0);
        check(got > 0, "read");
        done += (size_t)got;
    }
}

static void serve_messages_spinning(int input, int output, void *context) {
    (void)context;
    char message[message_size];
    fcntl(input, F_SETFL, O_NONBLOCK);
    while (true) {
        read_spinning(input, message, sizeof message);
        write_all(output, message, sizeof message);
    }
}

static void round_trips(const char *row, long count, bool spinning) {
    struct peer peer = start_peer(spinning ? serve_messages_spinning : serve_messages, NULL);
    if (spinning) fcntl(peer.input, F_SETFL, O_NONBLOCK);
    double *times = malloc((size_t)count * sizeof *times), end = now() + seconds;
    char message[message_size], answer[message_size];
    memset(message, 0x5a, sizeof message);
    bool is_warm = false;
    do {
        for (long round = 0; round < count; round++) {
            double begin = now();
            write_all(peer.output, message, sizeof message);
            if (spinning) {
                read_spinning(peer.input, answer, sizeof answer);
            } else {
                read_all(peer.input, answer, sizeof answer);
            }
            times[round] = now() - begin;
        }
        if (memcmp(message, answer, sizeof message) != 0) fail("%s: the answer differs", row);
        if (is_warm) print(row, median(times, count) * 1e6, "us");
        if (!is_warm) end = now() + seconds;
    } while (!is_warm ? (is_warm = true) : now() < end);
    free(times);
    stop_peer(peer);
}

static void pipe_blocking(const char *row, long count) { round_trips(row, count, false); }

static void pipe_spinning(const char *row, long count) {
    cpu_set_t usable;
    check(sched_getaffinity(0, sizeof usable, &usable) == 0, "sched_getaffinity");
    if (CPU_COUNT(&usable) < 2) {
        printf("%s,unsupported,it needs two processors\n", row);
        return;
    }
    round_trips(row, count, true);
}

// Messages of 32 bytes in batches, there and back: what bulk calls over pipes could reach if calls cost nothing.

enum { batched_size = 32, batch_size = 65536 };

static void serve_batches(int input, int output, void *context) {
    (void)context;
    static char batch[batch_size];
    while (true) {
        ssize_t got = read(input, batch, sizeof batch);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        write_all(output, batch, (size_t)got);
    }
}

static void pipe_messages(const char *row, long count) {
    struct peer peer = start_peer(serve_batches, NULL);
    static char batch[batch_size], answers[batch_size];
    memset(batch, 0x5a, sizeof batch);
    fcntl(peer.input, F_SETFL, O_NONBLOCK);
    fcntl(peer.output, F_SETFL, O_NONBLOCK);
    double end = now() + seconds;
    size_t total = (size_t)count * batched_size;
    do {
        size_t sent = 0, received = 0;
        double begin = now();
        while (received < total) {
            ssize_t put = 0, got;
            if (sent < total) {
                size_t size = total - sent < sizeof batch ? total - sent : sizeof batch;
                put = write(peer.output, batch, size);
                if (put > 0) sent += (size_t)put;
                check(put > 0 || errno == EAGAIN || errno == EINTR, "write");
            }
            got = read(peer.input, answers, sizeof answers);
            if (got > 0) received += (size_t)got;
            check(got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)), "read");
            if (put <= 0 && got <= 0) sched_yield();
        }
        print(row, (double)count / (now() - begin), "/s");
    } while (now() < end);
    stop_peer(peer);
}

// Large payloads: the convention is bytes there plus bytes back, divided by the time of both.

static void *map_bytes(size_t size, int flags) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    check(bytes != MAP_FAILED, "mmap");
    for (size_t at = 0; at < size; at += 8) *(uint64_t *)((char *)bytes + at) = at * 0x9e3779b97f4a7c15u + 1;
    return bytes;
}

static void copy(const char *row, long count) {
    size_t size = ((size_t)count + 7) / 8 * 8;
    char *from = map_bytes(size, MAP_PRIVATE), *to = map_bytes(size, MAP_PRIVATE);
    double end = now() + seconds;
    do {
        double begin = now();
        memcpy(to, from, size);
        // Without this the compiler may drop a copy that nobody reads.
        __asm__ volatile("" : : "r"(to) : "memory");
        print(row, (double)size / (now() - begin) / 1e9, "GB/s");
        from[0]++;
    } while (now() < end);
    if (to[size - 2] != from[size - 2]) fail("%s: the copy differs", row);
    // A later row forks, which takes longer the more memory there is.
    munmap(from, size);
    munmap(to, size);
}

struct payload {
    size_t size;
    char *shared;
};

static void serve_payload_pipes(int input, int output, void *context) {
    struct payload *payload = context;
    char *bytes = map_bytes(payload->size, MAP_PRIVATE);
    while (true) {
        read_all(input, bytes, payload->size);
        write_all(output, bytes, payload->size);
    }
}

// Both sides hold the value in memory of their own, as a function that takes bytes and returns bytes does: four copies.
static void serve_payload_shared(int input, int output, void *context) {
    struct payload *payload = context;
    char *bytes = map_bytes(payload->size, MAP_PRIVATE), turn;
    while (true) {
        read_all(input, &turn, 1);
        memcpy(bytes, payload->shared, payload->size);
        memcpy(payload->shared, bytes, payload->size);
        write_all(output, &turn, 1);
    }
}

static void echo_payload(const char *row, long count, bool through_pipes) {
    struct payload payload = {((size_t)count + 7) / 8 * 8, NULL};
    char *bytes = map_bytes(payload.size, MAP_PRIVATE), *answer = map_bytes(payload.size, MAP_PRIVATE), turn = 0;
    payload.shared = through_pipes ? NULL : map_bytes(payload.size, MAP_SHARED);
    struct peer peer = start_peer(through_pipes ? serve_payload_pipes : serve_payload_shared, &payload);
    double end = now() + seconds;
    bool is_warm = false;
    do {
        memset(answer, 0, payload.size);
        double begin = now();
        if (through_pipes) {
            write_all(peer.output, bytes, payload.size);
            read_all(peer.input, answer, payload.size);
        } else {
            memcpy(payload.shared, bytes, payload.size);
            write_all(peer.output, &turn, 1);
            read_all(peer.input, &turn, 1);
            memcpy(answer, payload.shared, payload.size);
        }
        double took = now() - begin;
        if (memcmp(bytes, answer, payload.size) != 0) fail("%s: the answer differs", row);
        if (is_warm) print(row, 2 * (double)payload.size / took / 1e9, "GB/s");
        if (!is_warm) end = now() + seconds;
    } while (!is_warm ? (is_warm = true) : now() < end);
    stop_peer(peer);
    munmap(bytes, payload.size);
    munmap(answer, payload.size);
    if (payload.shared) munmap(payload.shared, payload.size);
}

static void echo_pipes(const char *row, long count) { echo_payload(row, count, true); }
static void echo_shared(const char *row, long count) { echo_payload(row, count, false); }

// Processes: as many at the same time as the pool has workers.

static pid_t spawn(const char *program, const char *argument, posix_spawn_file_actions_t *actions) {
    pid_t pid;
    char *arguments[] = {(char *)program, (char *)argument, NULL};
    int error = posix_spawn(&pid, program, actions, NULL, arguments, environ);
    if (error) fail("posix_spawn %s: %s", program, strerror(error));
    return pid;
}

static pid_t start_spawned(void) { return spawn("/proc/self/exe", "--exit", NULL); }

static pid_t start_forked(void) {
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) _exit(0);
    return pid;
}

static void processes(const char *row, long count, pid_t (*start)(void)) {
    double end = now() + seconds;
    do {
        double begin = now();
        long started = 0, ended = 0;
        while (ended < count) {
            while (started < count && started - ended < workers) {
                start();
                started++;
            }
            int status;
            check(wait(&status) > 0, "wait");
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("%s: a child ended with status %d", row, status);
            ended++;
        }
        print(row, (double)count / (now() - begin), "/s");
    } while (now() < end);
}

static void spawn_exit_wait(const char *row, long count) { processes(row, count, start_spawned); }
static void fork_exit_wait(const char *row, long count) { processes(row, count, start_forked); }

static void first_bytes(const char *row, long count, const char *program) {
    double *times = malloc((size_t)count * sizeof *times), end = now() + seconds;
    do {
        for (long index = 0; index < count; index++) {
            int ends[2];
            char byte;
            check(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
            posix_spawn_file_actions_t actions;
            posix_spawn_file_actions_init(&actions);
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
            double begin = now();
            pid_t pid = spawn(program, "--first-byte", &actions);
            close(ends[1]);
            ssize_t got = read(ends[0], &byte, 1);
            times[index] = now() - begin;
            if (got != 1) fail("%s: %s --first-byte wrote nothing", row, program);
            posix_spawn_file_actions_destroy(&actions);
            close(ends[0]);
            int status;
            check(waitpid(pid, &status, 0) == pid, "waitpid");
        }
        print(row, median(times, count) * 1e3, "ms");
    } while (now() < end);
    free(times);
}

static void exec_c(const char *row, long count) { first_bytes(row, count, "/proc/self/exe"); }

static void exec_other(const char *row, long count) {
    if (!first_byte_program) fail("%s needs --exec PROGRAM", row);
    first_bytes(row, count, first_byte_program);
}

// What other programs leave of the processors: a process for each worker computes its share of COUNT tasks, without a
// pool. 100 % on an idle machine.

static void spin(const char *row, long count, double task) {
    double end = now() + seconds;
    do {
        double begin = now();
        for (int worker = 0; worker < workers; worker++) {
            pid_t pid = fork();
            check(pid >= 0, "fork");
            if (pid > 0) continue;
            for (long index = worker; index < count; index += workers) {
                for (double until = now() + task; now() < until;) {}
            }
            _exit(0);
        }
        for (int worker = 0; worker < workers; worker++) {
            int status;
            check(wait(&status) > 0, "wait");
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("%s: a child ended with status %d", row, status);
        }
        print(row, 100 * (double)count * task / workers / (now() - begin), "%");
    } while (now() < end);
}

static void spin_10us(const char *row, long count) { spin(row, count, 10e-6); }
static void spin_100us(const char *row, long count) { spin(row, count, 100e-6); }
static void spin_1000us(const char *row, long count) { spin(row, count, 1000e-6); }

static const struct {
    const char *name;
    void (*measure)(const char *row, long count);
} rows[] = {
    {"pipe_blocking", pipe_blocking},      // COUNT round trips; their median
    {"pipe_spinning", pipe_spinning},      // the same, both sides reading in a loop without blocking
    {"pipe_messages", pipe_messages},      // COUNT messages of 32 bytes there and back, in batches
    {"memcpy", copy},                      // COUNT bytes
    {"echo_pipes", echo_pipes},            // COUNT bytes there and back
    {"echo_shared", echo_shared},          // COUNT bytes there and back
    {"spin_10us", spin_10us},              // COUNT tasks that compute for 10 µs, in one process for each worker
    {"spin_100us", spin_100us},            // for 100 µs
    {"spin_1000us", spin_1000us},          // for 1000 µs
    {"spawn_exit_wait", spawn_exit_wait},  // COUNT processes: posix_spawn of this program, which exits at once
    {"fork_exit_wait", fork_exit_wait},    // COUNT processes: fork of this small, single-threaded one
    {"exec_c", exec_c},                    // COUNT starts of this program to the first byte that it writes; their median
    {"exec_swift", exec_other},            // the same with the PROGRAM of --exec
};

static void measure(const char *argument) {
    const char *equals = strchr(argument, '=');
    char *rest;
    long count = equals ? strtol(equals + 1, &rest, 10) : 0;
    if (!equals || *rest || count < 1) fail("'%s' is not ROW=COUNT with a COUNT of at least 1", argument);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        if (strlen(rows[row].name) == (size_t)(equals - argument) && !strncmp(rows[row].name, argument, (size_t)(equals - argument))) {
            rows[row].measure(rows[row].name, count);
            return;
        }
    }
    fail("there is no row '%.*s'", (int)(equals - argument), argument);
}

int main(int count, char **arguments) {
    if (count == 2 && !strcmp(arguments[1], "--exit")) return 0;
    if (count == 2 && !strcmp(arguments[1], "--first-byte")) return write(STDOUT_FILENO, "!", 1) != 1;
    signal(SIGPIPE, SIG_IGN);
    int index = 1;
    for (; index + 1 < count && !strncmp(arguments[index], "--", 2); index += 2) {
        if (!strcmp(arguments[index], "--workers")) {
            workers = atoi(arguments[index + 1]);
        } else if (!strcmp(arguments[index], "--seconds")) {
            seconds = atof(arguments[index + 1]);
        } else if (!strcmp(arguments[index], "--exec")) {
            first_byte_program = arguments[index + 1];
        } else {
            fail("unknown option '%s'", arguments[index]);
        }
    }
    if (workers < 1 || !isfinite(seconds) || seconds < 0) fail("--workers and --seconds take positive numbers");
    for (; index < count; index++) measure(arguments[index]);
    return 0;
}
