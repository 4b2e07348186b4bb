// Messages whose fields are single varints, read and written in place: those of a call's way, of which there are millions.
// What is written is what protobuf-c writes; a reader here says no to anything out of the ordinary, which then goes through
// protobuf-c. In a header, so that Swift inlines it.
#ifndef FUTURES_WIRE_NUMBERS_H
#define FUTURES_WIRE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// The values of the fields 1 to FUTURES_FIELD_COUNT; 0 for those that are not there.
#define FUTURES_FIELD_COUNT 7
typedef struct {
    uint64_t field[FUTURES_FIELD_COUNT];
} FuturesFields;

/// Bytes that the fields take at most: a tag and ten bytes each.
#define FUTURES_FIELDS_MAX (11 * FUTURES_FIELD_COUNT)

/// Reads a message. False if it has any other field, one twice, or one that is cut off or too long.
static inline bool futures_read_fields(const uint8_t *data, size_t length, FuturesFields *fields) {
    const uint8_t *end = data + length;
    unsigned seen = 0;
    memset(fields, 0, sizeof *fields);
    while (data != end) {
        unsigned tag = *data++;
        unsigned number = tag >> 3;
        if ((tag & 7) != 0 || number - 1 >= FUTURES_FIELD_COUNT || (seen >> number & 1) != 0) return false;
        seen |= 1u << number;
        uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (data == end || shift > 63) return false;
            uint8_t byte = *data++;
            value |= (uint64_t)(byte & 0x7F) << shift;
            if (byte < 0x80) break;
        }
        fields->field[number - 1] = value;
    }
    return true;
}

/// Writes the fields that are not 0, and returns how many bytes that took.
static inline size_t futures_write_fields(const FuturesFields *fields, uint8_t *out) {
    uint8_t *at = out;
    for (unsigned number = 1; number <= FUTURES_FIELD_COUNT; number++) {
        uint64_t value = fields->field[number - 1];
        if (value == 0) continue;
        *at++ = (uint8_t)(number << 3);
        while (value >= 0x80) {
            *at++ = (uint8_t)value | 0x80;
            value >>= 7;
        }
        *at++ = (uint8_t)value;
    }
    return (size_t)(at - out);
}

#endif
