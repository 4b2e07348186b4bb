#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wire_support.h"

// zlib counts in unsigned int: longer buffers are handed over in pieces.
static uInt piece(size_t length) { return length < UINT_MAX / 2 ? (uInt)length : UINT_MAX / 2; }

static bool grow(FuturesZlibResult *result, size_t *capacity, size_t most) {
    size_t larger = *capacity < most / 2 ? *capacity * 2 : most;
    uint8_t *bytes = realloc(result->bytes, larger);
    if (bytes == NULL) return false;
    result->bytes = bytes;
    *capacity = larger;
    return true;
}

static FuturesZlibResult failed(FuturesZlibResult result, FuturesZlibStatus status) {
    free(result.bytes);
    return (FuturesZlibResult){status, NULL, 0};
}

FuturesZlibResult futures_inflate(const uint8_t *data, size_t length, size_t claimed) {
    FuturesZlibResult result = {FUTURES_ZLIB_OK, NULL, 0};
    if (claimed == SIZE_MAX) return failed(result, FUTURES_ZLIB_NO_MEMORY);
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (inflateInit(&stream) != Z_OK) return failed(result, FUTURES_ZLIB_NO_MEMORY);

    // One byte more than claimed, so that a longer stream shows itself.
    size_t most = claimed + 1;
    size_t capacity = 64 * 1024;
    if (length < SIZE_MAX / 4 && capacity < length * 4) capacity = length * 4;
    if (capacity > most) capacity = most;
    result.bytes = malloc(capacity);
    FuturesZlibStatus status = result.bytes == NULL ? FUTURES_ZLIB_NO_MEMORY : FUTURES_ZLIB_OK;

    size_t used = 0;
    int code = Z_OK;
    while (status == FUTURES_ZLIB_OK && code != Z_STREAM_END) {
        if (result.length == capacity) {
            if (capacity == most) status = FUTURES_ZLIB_LONGER;
            else if (!grow(&result, &capacity, most)) status = FUTURES_ZLIB_NO_MEMORY;
            continue;
        }
        uInt in = piece(length - used);
        uInt out = piece(capacity - result.length);
        stream.next_in = (Bytef *)data + used;
        stream.avail_in = in;
        stream.next_out = result.bytes + result.length;
        stream.avail_out = out;
        code = inflate(&stream, Z_NO_FLUSH);
        used += in - stream.avail_in;
        result.length += out - stream.avail_out;
        bool is_stuck = stream.avail_in == in && stream.avail_out == out;
        if (code == Z_MEM_ERROR) status = FUTURES_ZLIB_NO_MEMORY;
        else if (code != Z_STREAM_END && (code != Z_OK || is_stuck)) status = FUTURES_ZLIB_CORRUPT;
    }
    inflateEnd(&stream);
    if (status == FUTURES_ZLIB_OK) {
        if (result.length > claimed) status = FUTURES_ZLIB_LONGER;
        else if (result.length < claimed) status = FUTURES_ZLIB_SHORTER;
        else if (used != length) status = FUTURES_ZLIB_TRAILING;
    }
    return status == FUTURES_ZLIB_OK ? result : failed(result, status);
}

FuturesZlibResult futures_deflate(const uint8_t *data, size_t length, int level, size_t room) {
    FuturesZlibResult result = {FUTURES_ZLIB_OK, NULL, 0};
    if (room == 0) return failed(result, FUTURES_ZLIB_NO_GAIN);
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit(&stream, level) != Z_OK) return failed(result, FUTURES_ZLIB_NO_MEMORY);

    size_t capacity = room < 64 * 1024 ? room : 64 * 1024;
    result.bytes = malloc(capacity);
    FuturesZlibStatus status = result.bytes == NULL ? FUTURES_ZLIB_NO_MEMORY : FUTURES_ZLIB_OK;
    size_t used = 0;
    int code = Z_OK;
    while (status == FUTURES_ZLIB_OK && code != Z_STREAM_END) {
        if (result.length == capacity) {
            if (capacity == room) status = FUTURES_ZLIB_NO_GAIN;
            else if (!grow(&result, &capacity, room)) status = FUTURES_ZLIB_NO_MEMORY;
            continue;
        }
        uInt in = piece(length - used);
        uInt out = piece(capacity - result.length);
        stream.next_in = (Bytef *)data + used;
        stream.avail_in = in;
        stream.next_out = result.bytes + result.length;
        stream.avail_out = out;
        code = deflate(&stream, used + in == length ? Z_FINISH : Z_NO_FLUSH);
        used += in - stream.avail_in;
        result.length += out - stream.avail_out;
        if (code == Z_STREAM_ERROR) status = FUTURES_ZLIB_NO_MEMORY;
    }
    deflateEnd(&stream);
    return status == FUTURES_ZLIB_OK ? result : failed(result, status);
}

uint32_t futures_crc32(uint32_t before, const void *data, size_t length) {
    return data == NULL ? before : (uint32_t)crc32_z(before, data, length);
}
