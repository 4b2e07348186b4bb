#include "wire_arguments.h"
#include "wire_support.h"

// What protobuf-c 1.4.1 takes from its allocator, rounded up: 64 bytes for each field that it notes while it parses
// (slabs of 32-byte entries that double in size), and alignment.
enum { FIELD_MEMORY = 80, ALIGNMENT_MEMORY = 8 };

typedef struct {
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *end;
    // Bits of the singular messages that were there already; bit 63 is for members of a oneof.
    uint64_t seen;
} Level;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} Reader;

// At most `max_bytes` bytes; protobuf-c reads lengths and tags of up to five.
static FuturesScanStatus read_varint(Reader *reader, int max_bytes, uint64_t *value) {
    uint64_t result = 0;
    for (int i = 0; i < max_bytes; i++) {
        if (reader->at == reader->end) return FUTURES_SCAN_TRUNCATED;
        uint8_t byte = *reader->at++;
        result |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *value = result;
            return FUTURES_SCAN_OK;
        }
    }
    return FUTURES_SCAN_BAD_VARINT;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor, uint64_t number,
                                                  unsigned *index) {
    const ProtobufCFieldDescriptor *fields = descriptor->fields;
    if (number >= 1 && number <= descriptor->n_fields && fields[number - 1].id == number) {
        *index = (unsigned)number - 1;
        return &fields[number - 1];
    }
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (fields[i].id == number) {
            *index = i;
            return &fields[i];
        }
    }
    return NULL;
}

// Size of one packed element on the wire; 0 for varints.
static unsigned fixed_size(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

static unsigned wire_type_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        switch (fixed_size(type)) {
        case 4:
            return PROTOBUF_C_WIRE_TYPE_32BIT;
        case 8:
            return PROTOBUF_C_WIRE_TYPE_64BIT;
        default:
            return PROTOBUF_C_WIRE_TYPE_VARINT;
        }
    }
}

FuturesScanReport futures_scan(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t length,
                               FuturesScanLimits limits) {
    // Of the levels that the limits allow only those are touched that the bytes reach.
    Level levels[FUTURES_SCAN_MAX_DEPTH];
    uint32_t max_depth = limits.max_depth < FUTURES_SCAN_MAX_DEPTH ? limits.max_depth : FUTURES_SCAN_MAX_DEPTH;
    uint32_t depth = 0;
    uint64_t fields = 0;
    uint64_t count = 0;
    uint64_t memory = descriptor->sizeof_message + ALIGNMENT_MEMORY;
    Reader reader = {data, data + length};
    const uint8_t *start = data;
    FuturesScanStatus status = FUTURES_SCAN_OK;

    if (max_depth == 0) return (FuturesScanReport){FUTURES_SCAN_TOO_DEEP, 0, memory, 0};
    levels[0] = (Level){descriptor, reader.end, 0};
    for (;;) {
        Level *level = &levels[depth];
        if (reader.at == level->end) {
            if (depth == 0) break;
            depth--;
            continue;
        }
        start = reader.at;
        reader.end = level->end;
        if (++fields > limits.max_fields) {
            status = FUTURES_SCAN_TOO_MANY_FIELDS;
            break;
        }
        memory += FIELD_MEMORY;

        uint64_t tag;
        status = read_varint(&reader, 5, &tag);
        if (status != FUTURES_SCAN_OK) break;
        unsigned wire_type = tag & 7;
        if (tag > UINT32_MAX || tag >> 3 == 0) {
            status = FUTURES_SCAN_BAD_TAG;
            break;
        }

        size_t available = (size_t)(reader.end - reader.at);
        size_t size = 0;
        uint64_t value;
        switch (wire_type) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            status = read_varint(&reader, 10, &value);
            size = 10;
            break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
            size = 8;
            if (available < 8) status = FUTURES_SCAN_TRUNCATED;
            else reader.at += 8;
            break;
        case PROTOBUF_C_WIRE_TYPE_32BIT:
            size = 4;
            if (available < 4) status = FUTURES_SCAN_TRUNCATED;
            else reader.at += 4;
            break;
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
            status = read_varint(&reader, 5, &value);
            if (status != FUTURES_SCAN_OK) break;
            if (value > (uint64_t)(reader.end - reader.at) || value > INT32_MAX) status = FUTURES_SCAN_TRUNCATED;
            else size = (size_t)value;
            break;
        default:
            status = FUTURES_SCAN_BAD_WIRE_TYPE;
        }
        if (status != FUTURES_SCAN_OK) break;

        unsigned index = 0;
        const ProtobufCFieldDescriptor *field = find_field(level->descriptor, tag >> 3, &index);
        if (field == NULL) {
            // Kept by protobuf-c as an unknown field.
            memory += sizeof(ProtobufCMessageUnknownField) + size + 10 + ALIGNMENT_MEMORY;
            if (wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) reader.at += size;
        } else {
            if (depth == 0) count++;
            bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
            bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
            unsigned expected = wire_type_of(field->type);
            bool is_packed = is_repeated && expected != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
                             wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
            if (wire_type != expected && !is_packed) {
                status = FUTURES_SCAN_BAD_WIRE_TYPE;
                break;
            }
            // A second one would be merged into the first, which takes memory for both each time.
            bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
            if (is_oneof || (is_message && !is_repeated)) {
                uint64_t bit = 1ull << (is_oneof ? 63 : index % 63);
                if (level->seen & bit) {
                    status = FUTURES_SCAN_DUPLICATE;
                    break;
                }
                level->seen |= bit;
            }
            if (is_packed) {
                unsigned element = fixed_size(field->type);
                if (element != 0 && size % element != 0) {
                    status = FUTURES_SCAN_BAD_PACKED_LENGTH;
                    break;
                }
                memory += (element != 0 ? size : (uint64_t)size * 8) + ALIGNMENT_MEMORY;
                reader.at += size;
            } else if (is_message) {
                const ProtobufCMessageDescriptor *child = field->descriptor;
                memory += child->sizeof_message + sizeof(void *) + 2 * ALIGNMENT_MEMORY;
                if (depth + 1 >= max_depth) {
                    status = FUTURES_SCAN_TOO_DEEP;
                    break;
                }
                levels[++depth] = (Level){child, reader.at + size, 0};
            } else if (wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
                memory += size + 1 + sizeof(ProtobufCBinaryData) + 2 * ALIGNMENT_MEMORY;
                reader.at += size;
            } else {
                memory += 8 + ALIGNMENT_MEMORY;
            }
        }
        if (memory > limits.max_memory) {
            status = FUTURES_SCAN_TOO_MUCH_MEMORY;
            break;
        }
    }
    return (FuturesScanReport){status, (size_t)(start - data), memory, count};
}

void *futures_unpack(const ProtobufCMessageDescriptor *descriptor, FuturesArena *arena, const uint8_t *data,
                     size_t length, FuturesScanLimits limits, FuturesScanReport *report) {
    static const uint8_t nothing;
    if (data == NULL) data = &nothing;
    *report = futures_scan(descriptor, data, length, limits);
    if (report->status != FUTURES_SCAN_OK) return NULL;
    futures_arena_set_limit(arena, report->memory);
    return protobuf_c_message_unpack(descriptor, futures_arena_allocator(arena), length, data);
}

// Whether the bytes are one value that is a number, in the shortest form: what most small payloads are.
static bool is_one_number(const uint8_t *data, size_t length) {
    if (length < 4 || data[0] != (1 << 3 | FUTURES_WIRE_LENGTH) || data[1] != length - 2) return false;
    const uint8_t *number = data + 3;
    size_t size = length - 3;
    switch (data[2]) {
    case FUTURES__WIRE__V1__VALUE__KIND_NULL << 3 | FUTURES_WIRE_VARINT:
    case FUTURES__WIRE__V1__VALUE__KIND_INT << 3 | FUTURES_WIRE_VARINT:
    case FUTURES__WIRE__V1__VALUE__KIND_BOOL << 3 | FUTURES_WIRE_VARINT:
        for (size_t i = 0; i < size - 1; i++) {
            if (number[i] < 0x80) return false;
        }
        return size <= 10 && number[size - 1] < 0x80;
    case FUTURES__WIRE__V1__VALUE__KIND_UINT << 3 | FUTURES_WIRE_FIXED64:
    case FUTURES__WIRE__V1__VALUE__KIND_DOUBLE << 3 | FUTURES_WIRE_FIXED64:
        return size == 8;
    case FUTURES__WIRE__V1__VALUE__KIND_FLOAT << 3 | FUTURES_WIRE_FIXED32:
        return size == 4;
    default:
        return false;
    }
}

// Whether the bytes are one value that is text or bytes, in the shortest form; how many then.
static bool is_one_run(const uint8_t *data, size_t length, size_t *size) {
    FuturesSlice all = {data, length}, value, run;
    if (!futures_is_field(all, 1, &value)) return false;
    if (!futures_is_field(value, FUTURES__WIRE__V1__VALUE__KIND_TEXT, &run) &&
        !futures_is_field(value, FUTURES__WIRE__V1__VALUE__KIND_BYTES, &run)) {
        return false;
    }
    *size = run.length;
    return true;
}

FuturesScanReport futures_scan_arguments(const uint8_t *data, size_t length, FuturesScanLimits limits) {
    if (length == 0) return (FuturesScanReport){FUTURES_SCAN_OK, 0, 0, 0};
    // What the scan says of the memory for one number, or one run of no bytes.
    enum {
        SMALL_MEMORY = sizeof(Futures__Wire__V1__Arguments) + sizeof(Futures__Wire__V1__Value) + sizeof(void *) +
                       2 * FIELD_MEMORY + 5 * ALIGNMENT_MEMORY + 1 + sizeof(ProtobufCBinaryData)
    };
    size_t size = 0;
    if (limits.max_depth >= 2 && limits.max_fields >= 2 && length < INT32_MAX &&
        (is_one_number(data, length) || is_one_run(data, length, &size)) && limits.max_memory >= SMALL_MEMORY + size) {
        return (FuturesScanReport){FUTURES_SCAN_OK, length, SMALL_MEMORY + size, 1};
    }
    return futures_scan(&futures__wire__v1__arguments__descriptor, data, length, limits);
}

FuturesValue *futures_unpack_value(FuturesArena *arena, const uint8_t *data, size_t length, uint64_t memory) {
    futures_arena_allow(arena, memory);
    void *value = protobuf_c_message_unpack(&futures__wire__v1__value__descriptor, futures_arena_allocator(arena),
                                            length, data);
    futures_arena_set_limit(arena, SIZE_MAX);
    return value;
}
