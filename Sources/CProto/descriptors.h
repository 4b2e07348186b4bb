// For the C files of this folder only.
#ifndef FUTURES_DESCRIPTORS_H
#define FUTURES_DESCRIPTORS_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// In a program that closed one of its standard descriptors, a new one gets that number; what the program, its libraries
// or the pool then write to standard error would go into it. Moves it away; takes it over, also when that fails.
static inline int beyond_standard(int fd) {
    if (fd > 2) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

// The same for both ends of something: 0, or a negated errno and neither end open.
static inline int both_beyond_standard(int ends[2]) {
    for (int index = 0; index < 2; index++) {
        ends[index] = beyond_standard(ends[index]);
        if (ends[index] < 0) {
            int error = errno;
            close(ends[1 - index]);
            return -error;
        }
    }
    return 0;
}

#endif
