// Serialised Arguments read and written in place, without protobuf-c's structures, where a value is a single number or one
// run of bytes: what most payloads are. A reader here knows the shortest form only and says no to everything else, which
// then goes through protobuf-c. In a header, so that Swift inlines it.
#ifndef FUTURES_WIRE_ARGUMENTS_H
#define FUTURES_WIRE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *bytes;
    size_t length;
} FuturesSlice;

enum {
    FUTURES_WIRE_VARINT = 0,
    FUTURES_WIRE_FIXED64 = 1,
    FUTURES_WIRE_LENGTH = 2,
    FUTURES_WIRE_FIXED32 = 5,
};

/// Takes a varint from the beginning of the slice; false if it does not end there.
static inline bool futures_take_varint(FuturesSlice *slice, uint64_t *value) {
    uint64_t result = 0;
    for (unsigned i = 0; i < 10 && i < slice->length; i++) {
        uint8_t byte = slice->bytes[i];
        result |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            slice->bytes += i + 1;
            slice->length -= i + 1;
            *value = result;
            return true;
        }
    }
    return false;
}

/// Takes the next element of a message whose only field is a repeated one with number 1 and a length, skipping fields that
/// the reader does not know. False at the end.
static inline bool futures_take_element(FuturesSlice *slice, FuturesSlice *element) {
    uint64_t tag, size;
    while (slice->length > 0) {
        if (!futures_take_varint(slice, &tag)) return false;
        switch (tag & 7) {
        case FUTURES_WIRE_VARINT:
            if (!futures_take_varint(slice, &size)) return false;
            size = 0;
            break;
        case FUTURES_WIRE_FIXED64:
            size = 8;
            break;
        case FUTURES_WIRE_FIXED32:
            size = 4;
            break;
        case FUTURES_WIRE_LENGTH:
            if (!futures_take_varint(slice, &size)) return false;
            break;
        default:
            return false;
        }
        if (size > slice->length) return false;
        *element = (FuturesSlice){slice->bytes, (size_t)size};
        slice->bytes += size;
        slice->length -= (size_t)size;
        if (tag == (1 << 3 | FUTURES_WIRE_LENGTH)) return true;
    }
    return false;
}

/// Whether a serialised Value is the field `kind` alone, with a varint.
static inline bool futures_value_is_varint(FuturesSlice value, uint32_t kind, uint64_t *number) {
    uint64_t tag;
    return futures_take_varint(&value, &tag) && tag == ((uint64_t)kind << 3 | FUTURES_WIRE_VARINT) &&
           futures_take_varint(&value, number) && value.length == 0;
}

/// Whether a serialised Value is the field `kind` alone, with 8 bytes.
static inline bool futures_value_is_fixed64(FuturesSlice value, uint32_t kind, uint64_t *bits) {
    uint64_t tag;
    if (!futures_take_varint(&value, &tag) || tag != ((uint64_t)kind << 3 | FUTURES_WIRE_FIXED64)) return false;
    if (value.length != 8) return false;
    memcpy(bits, value.bytes, 8);
    return true;
}

/// Whether a serialised Value is the field `kind` alone, with 4 bytes.
static inline bool futures_value_is_fixed32(FuturesSlice value, uint32_t kind, uint32_t *bits) {
    uint64_t tag;
    if (!futures_take_varint(&value, &tag) || tag != ((uint64_t)kind << 3 | FUTURES_WIRE_FIXED32)) return false;
    if (value.length != 4) return false;
    memcpy(bits, value.bytes, 4);
    return true;
}

/// Whether a serialised message is the field `number` alone, with a length; its content then.
static inline bool futures_is_field(FuturesSlice message, uint32_t number, FuturesSlice *content) {
    uint64_t tag, size;
    if (!futures_take_varint(&message, &tag) || tag != ((uint64_t)number << 3 | FUTURES_WIRE_LENGTH)) return false;
    if (!futures_take_varint(&message, &size) || size != message.length) return false;
    *content = message;
    return true;
}

/// Whether a serialised Value is an array of numbers in one piece; its elements then, which may lie at any address.
static inline bool futures_value_is_numbers(FuturesSlice value, uint32_t kind, FuturesSlice *elements) {
    FuturesSlice array;
    if (!futures_is_field(value, kind, &array)) return false;
    if (array.length == 0) {
        *elements = array;
        return true;
    }
    return futures_is_field(array, 1, elements);
}

/// Bytes that one number takes at the most, as Arguments of its own.
#define FUTURES_NUMBER_ARGUMENT_MAX 13

/// Writes Arguments of one value whose field `kind`, below 16, is a varint.
static inline size_t futures_put_varint_argument(uint8_t *out, uint32_t kind, uint64_t number) {
    size_t count = 2;
    out[0] = 1 << 3 | FUTURES_WIRE_LENGTH;
    out[count++] = (uint8_t)(kind << 3 | FUTURES_WIRE_VARINT);
    while (number >= 0x80) {
        out[count++] = (uint8_t)number | 0x80;
        number >>= 7;
    }
    out[count++] = (uint8_t)number;
    out[1] = (uint8_t)(count - 2);
    return count;
}

/// Writes Arguments of one value whose field `kind`, below 16, has 8 bytes.
static inline size_t futures_put_fixed64_argument(uint8_t *out, uint32_t kind, uint64_t bits) {
    out[0] = 1 << 3 | FUTURES_WIRE_LENGTH;
    out[1] = 9;
    out[2] = (uint8_t)(kind << 3 | FUTURES_WIRE_FIXED64);
    memcpy(out + 3, &bits, 8);
    return 11;
}

/// Writes Arguments of one value whose field `kind`, below 16, has 4 bytes.
static inline size_t futures_put_fixed32_argument(uint8_t *out, uint32_t kind, uint32_t bits) {
    out[0] = 1 << 3 | FUTURES_WIRE_LENGTH;
    out[1] = 5;
    out[2] = (uint8_t)(kind << 3 | FUTURES_WIRE_FIXED32);
    memcpy(out + 3, &bits, 4);
    return 7;
}

#endif
