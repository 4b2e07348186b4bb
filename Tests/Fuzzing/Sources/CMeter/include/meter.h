// How much memory a piece of work takes at the most, counted by the hooks of the address sanitizer.
#ifndef FUZZING_METER_H
#define FUZZING_METER_H

#include <stddef.h>

/// Begins to count. Only one thread may count, and only one count runs at a time.
void meter_start(void);

/// Ends the count: the most bytes that lived at one time and had not been there at the start.
size_t meter_stop(void);

/// Processor time that this thread has used, in seconds.
double meter_seconds(void);

#endif
