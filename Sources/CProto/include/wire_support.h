// What the Wire layer needs in C: memory for protobuf-c, a check of bytes before they are unpacked, zlib in one call.
#ifndef FUTURES_WIRE_SUPPORT_H
#define FUTURES_WIRE_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.pb-c.h"
#include "wire_numbers.h"

// ---- Arena: memory that is taken piece by piece and given back all at once.

typedef struct FuturesArena FuturesArena;

/// An empty arena: one that this thread has kept from before, or a new one. Never NULL. A thread keeps one arena with at
/// most 1 MiB of memory, and frees it when it ends.
FuturesArena *futures_arena_acquire(void);

/// Gives the arena and all memory taken from it back. Any thread may do this, once nothing uses the memory any more.
void futures_arena_release(FuturesArena *arena);

/// Refuses allocations once more than `limit` bytes have been taken since `futures_arena_acquire`.
void futures_arena_set_limit(FuturesArena *arena, size_t limit);

/// Refuses allocations once more than `size` further bytes have been taken.
void futures_arena_allow(FuturesArena *arena, uint64_t size);

/// Memory aligned to 8 bytes; NULL beyond the limit, or when the system has none.
void *futures_arena_take(FuturesArena *arena, size_t size);

/// The arena as protobuf-c's allocator. Its `free` does nothing.
ProtobufCAllocator *futures_arena_allocator(FuturesArena *arena);

typedef Futures__Wire__V1__Value FuturesValue;

// ---- Scan: a look at serialised bytes that takes no memory and does not recurse.

typedef enum {
    FUTURES_SCAN_OK = 0,
    FUTURES_SCAN_TRUNCATED,
    FUTURES_SCAN_BAD_VARINT,
    FUTURES_SCAN_BAD_TAG,
    FUTURES_SCAN_BAD_WIRE_TYPE,
    FUTURES_SCAN_BAD_PACKED_LENGTH,
    FUTURES_SCAN_DUPLICATE,
    FUTURES_SCAN_TOO_DEEP,
    FUTURES_SCAN_TOO_MANY_FIELDS,
    FUTURES_SCAN_TOO_MUCH_MEMORY,
} FuturesScanStatus;

typedef struct {
    /// Most messages within each other; at most FUTURES_SCAN_MAX_DEPTH counts.
    uint32_t max_depth;
    /// Most fields in all messages together.
    uint64_t max_fields;
    /// Most bytes that protobuf-c may take to unpack the message.
    uint64_t max_memory;
} FuturesScanLimits;

typedef struct {
    FuturesScanStatus status;
    /// Where, in bytes from the start, the trouble was found.
    size_t offset;
    /// Upper bound of what unpacking takes, in bytes.
    uint64_t memory;
    /// Fields of the outermost message that are known.
    uint64_t count;
} FuturesScanReport;

#define FUTURES_SCAN_MAX_DEPTH 520

/// Checks `length` bytes as a message of the type of `descriptor`: lengths, nesting, counts, and what unpacking would
/// take. What passes, protobuf-c unpacks without deep recursion and within `memory` bytes. protobuf-c 1.4.1 has no such
/// limits of its own.
FuturesScanReport futures_scan(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t length,
                               FuturesScanLimits limits);

/// Scans, limits the arena to what the scan allows, unpacks. NULL with the reason in `report` if the scan refuses; NULL
/// with FUTURES_SCAN_OK if protobuf-c refuses what the scan let pass.
void *futures_unpack(const ProtobufCMessageDescriptor *descriptor, FuturesArena *arena, const uint8_t *data,
                     size_t length, FuturesScanLimits limits, FuturesScanReport *report);

/// Unpacks one serialised Value of bytes that the scan has let pass, in at most `memory` bytes. NULL if protobuf-c refuses it.
FuturesValue *futures_unpack_value(FuturesArena *arena, const uint8_t *data, size_t length, uint64_t memory);

/// Scans serialised Arguments, and takes no memory.
FuturesScanReport futures_scan_arguments(const uint8_t *data, size_t length, FuturesScanLimits limits);

// ---- Building values. Memory comes from the arena; out of memory ends the process, as it does in Swift.

/// A value without a kind, which a new value is until it gets one.
FuturesValue *futures_value_new(FuturesArena *arena);
void *futures_arena_need(FuturesArena *arena, size_t size);

/// Makes `value` a list of `count` elements without a kind yet, and returns the first of them; they lie side by side.
FuturesValue *futures_value_make_list(FuturesArena *arena, FuturesValue *value, size_t count);

/// Makes `value` a record without fields.
void futures_value_make_record(FuturesArena *arena, FuturesValue *value);

/// Adds an element, without a kind yet, to a value that was made a list of no elements.
FuturesValue *futures_list_add(FuturesArena *arena, FuturesValue *value);

/// Adds a field, without a kind yet, to a value that is a record. The key is copied.
FuturesValue *futures_record_add(FuturesArena *arena, FuturesValue *value, const uint8_t *key, size_t key_length);

/// Bytes copied into the arena.
ProtobufCBinaryData futures_bytes_copy(FuturesArena *arena, const uint8_t *bytes, size_t length);

/// Makes `value` an array of numbers: `count` elements of the kind that `kind` names, copied from `elements`.
void futures_value_make_numbers(FuturesArena *arena, FuturesValue *value, uint32_t kind, const void *elements,
                                size_t count, size_t element_size);

/// The elements of a value that is an array of numbers; 0 and NULL for other values.
typedef struct {
    const void *elements;
    size_t count;
} FuturesNumbers;
FuturesNumbers futures_value_numbers(const FuturesValue *value);

/// Makes `value` an array of `count` texts, to be filled in by the caller.
ProtobufCBinaryData *futures_value_make_texts(FuturesArena *arena, FuturesValue *value, size_t count);

// ---- Arguments with one value, which is what a payload is a sequence of.

/// Packed size of the value as Arguments of its own. 0 if it is 2 GiB or more, which protobuf cannot hold.
size_t futures_argument_size(const FuturesValue *value);
size_t futures_argument_pack(const FuturesValue *value, uint8_t *out);

/// Writes what goes before `length` bytes that are the whole content of field `kind` of a value: at most
/// FUTURES_ARGUMENT_PREFIX_MAX bytes. With `is_array` the bytes are the packed elements of the array message of that kind.
/// 0 if the value would be 2 GiB or more.
#define FUTURES_ARGUMENT_PREFIX_MAX 40
size_t futures_argument_prefix(uint32_t kind, bool is_array, size_t length, uint8_t *out);

// ---- zlib (RFC 1950)

typedef enum {
    FUTURES_ZLIB_OK = 0,
    /// The stream is not what zlib makes, or is cut off.
    FUTURES_ZLIB_CORRUPT,
    /// It holds more bytes than were claimed, or fewer, or there are bytes after it.
    FUTURES_ZLIB_LONGER,
    FUTURES_ZLIB_SHORTER,
    FUTURES_ZLIB_TRAILING,
    /// Compressed it would not fit in the room given.
    FUTURES_ZLIB_NO_GAIN,
    FUTURES_ZLIB_NO_MEMORY,
} FuturesZlibStatus;

typedef struct {
    FuturesZlibStatus status;
    /// From malloc; the caller frees it with futures_free. NULL unless the status is FUTURES_ZLIB_OK.
    uint8_t *bytes;
    size_t length;
} FuturesZlibResult;

/// Inflates to exactly `claimed` bytes. Memory grows with the bytes that really come out.
FuturesZlibResult futures_inflate(const uint8_t *data, size_t length, size_t claimed);

/// Deflates into at most `room` bytes.
FuturesZlibResult futures_deflate(const uint8_t *data, size_t length, int level, size_t room);
/// The CRC-32 of RFC 1952, going on from that of the bytes before; 0 to begin with.
uint32_t futures_crc32(uint32_t before, const void *data, size_t length);

// ---- gzip (RFC 1952), as it comes

/// The members of a gzip file, one behind the other.
typedef struct FuturesGunzip FuturesGunzip;

typedef enum {
    FUTURES_GUNZIP_OK = 0,
    /// A member is not what gzip makes, or its checksum or length is wrong.
    FUTURES_GUNZIP_CORRUPT,
    /// There is something else behind a member. Zeros at the end are nothing: tapes have them.
    FUTURES_GUNZIP_TRAILING,
    FUTURES_GUNZIP_NO_MEMORY,
} FuturesGunzipStatus;

/// NULL without memory.
FuturesGunzip *futures_gunzip_new(void);
void futures_gunzip_free(FuturesGunzip *gunzip);

/// Goes on with the bytes that follow. Says how many of them it has used and how many it has made of them. There may be more to
/// make without further bytes if all the room was used.
FuturesGunzipStatus futures_gunzip(
    FuturesGunzip *gunzip, const uint8_t *data, size_t length, size_t *used, uint8_t *out, size_t room, size_t *made);

/// Whether the file may end here.
bool futures_gunzip_is_complete(const FuturesGunzip *gunzip);

// ---- Plain memory, so that Wire needs no C library module.

enum { FUTURES_CACHE_LINE = 64 };

/// Memory that bytes are read into and written from: at the beginning of a cache line, and in large pages where it is large.
void *futures_allocate(size_t size);

/// memcpy, also where two places lie so that memcpy is slow: docs/decisions/copies.md.
void futures_copy(void *target, const void *source, size_t size);

/// Asks for new memory from malloc in large pages, if it is large: to touch new memory costs a fault for each page, which
/// takes longer than to copy what comes there.
void futures_advise_large_pages(void *memory, size_t size);

/// Whether there would be that much memory now. Takes none.
int futures_can_allocate(size_t size);
void futures_free(void *memory);

// ---- Descriptors, as functions: Swift sees a C constant as a copy.

#define FUTURES_DESCRIPTOR(NAME)                                                          \
    static inline const ProtobufCMessageDescriptor *futures_##NAME##_descriptor(void) { \
        return &futures__wire__v1__##NAME##__descriptor;                                  \
    }
FUTURES_DESCRIPTOR(hello)
FUTURES_DESCRIPTOR(welcome)
FUTURES_DESCRIPTOR(task)
FUTURES_DESCRIPTOR(chunk)
FUTURES_DESCRIPTOR(result)
FUTURES_DESCRIPTOR(chunk_result)
FUTURES_DESCRIPTOR(failure)
FUTURES_DESCRIPTOR(cancel)
FUTURES_DESCRIPTOR(cancel_reply)
FUTURES_DESCRIPTOR(ping)
FUTURES_DESCRIPTOR(drain)
FUTURES_DESCRIPTOR(goodbye)
FUTURES_DESCRIPTOR(room)
FUTURES_DESCRIPTOR(taken)
#undef FUTURES_DESCRIPTOR

#endif
