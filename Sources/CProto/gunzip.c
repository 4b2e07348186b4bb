#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "wire_support.h"

struct FuturesGunzip {
    z_stream stream;
    enum { BEFORE_FIRST, IN_MEMBER, BEHIND_MEMBER, IN_PADDING } place;
};

FuturesGunzip *futures_gunzip_new(void) {
    FuturesGunzip *gunzip = calloc(1, sizeof *gunzip);
    if (gunzip == NULL) return NULL;
    // The largest window, and 16 for the form of gzip (zlib.h).
    if (inflateInit2(&gunzip->stream, MAX_WBITS + 16) == Z_OK) return gunzip;
    free(gunzip);
    return NULL;
}

void futures_gunzip_free(FuturesGunzip *gunzip) {
    if (gunzip == NULL) return;
    inflateEnd(&gunzip->stream);
    free(gunzip);
}

bool futures_gunzip_is_complete(const FuturesGunzip *gunzip) { return gunzip->place >= BEHIND_MEMBER; }

static size_t zeros(const uint8_t *data, size_t length) {
    size_t count = 0;
    while (count < length && data[count] == 0) count++;
    return count;
}

FuturesGunzipStatus futures_gunzip(
    FuturesGunzip *gunzip, const uint8_t *data, size_t length, size_t *used, uint8_t *out, size_t room, size_t *made) {
    z_stream *stream = &gunzip->stream;
    *used = *made = 0;
    while (true) {
        if (gunzip->place == BEHIND_MEMBER && *used < length) {
            if (data[*used] == 0) {
                gunzip->place = IN_PADDING;
            } else if (data[*used] != 0x1f) {
                return FUTURES_GUNZIP_TRAILING;
            } else {
                if (inflateReset(stream) != Z_OK) return FUTURES_GUNZIP_CORRUPT;
                gunzip->place = IN_MEMBER;
            }
        }
        if (gunzip->place == IN_PADDING) {
            *used += zeros(data + *used, length - *used);
            return *used == length ? FUTURES_GUNZIP_OK : FUTURES_GUNZIP_TRAILING;
        }
        if (gunzip->place == BEHIND_MEMBER || *made == room) return FUTURES_GUNZIP_OK;
        if (*used < length) gunzip->place = IN_MEMBER;
        // zlib counts in unsigned int.
        size_t left = length - *used, space = room - *made;
        stream->next_in = (Bytef *)data + *used;
        stream->avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
        stream->next_out = out + *made;
        stream->avail_out = space < UINT_MAX ? (uInt)space : UINT_MAX;
        uInt in = stream->avail_in, space_before = stream->avail_out;
        int code = inflate(stream, Z_NO_FLUSH);
        *used += in - stream->avail_in;
        *made += space_before - stream->avail_out;
        if (code == Z_MEM_ERROR) return FUTURES_GUNZIP_NO_MEMORY;
        if (code == Z_STREAM_END) gunzip->place = BEHIND_MEMBER;
        // No progress without more bytes, or more room.
        else if (code == Z_BUF_ERROR) return FUTURES_GUNZIP_OK;
        else if (code != Z_OK) return FUTURES_GUNZIP_CORRUPT;
    }
}
