#include "meter.h"

#include <stdbool.h>
#include <sanitizer/allocator_interface.h>
#include <time.h>

static __thread bool is_counting;
// Memory from before the start may be freed, so that what lives may be less than nothing.
static long long living;
static long long most;

static void took(const volatile void *memory, size_t size) {
    (void)memory;
    if (!is_counting) return;
    living += (long long)size;
    if (living > most) most = living;
}

static void freed(const volatile void *memory) {
    if (!is_counting || memory == NULL) return;
    living -= (long long)__sanitizer_get_allocated_size(memory);
}

__attribute__((constructor)) static void install(void) {
    (void)__sanitizer_install_malloc_and_free_hooks(took, freed);
}

void meter_start(void) {
    living = 0;
    most = 0;
    is_counting = true;
}

size_t meter_stop(void) {
    is_counting = false;
    return (size_t)most;
}

double meter_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
