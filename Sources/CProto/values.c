#include <stdlib.h>
#include <string.h>

#include "wire_support.h"

FuturesValue *futures_value_new(FuturesArena *arena) {
    FuturesValue *value = futures_arena_need(arena, sizeof *value);
    futures__wire__v1__value__init(value);
    return value;
}

ProtobufCBinaryData futures_bytes_copy(FuturesArena *arena, const uint8_t *bytes, size_t length) {
    ProtobufCBinaryData data = {length, NULL};
    if (length > 0) {
        data.data = futures_arena_need(arena, length);
        memcpy(data.data, bytes, length);
    }
    return data;
}

// Arrays that may grow have room for 4, 8, 16 ... elements, so that their count tells when they are full.
static size_t room_for(size_t count) {
    size_t room = 4;
    while (room < count) room *= 2;
    return room;
}

FuturesValue *futures_value_make_list(FuturesArena *arena, FuturesValue *value, size_t count) {
    Futures__Wire__V1__List *list = futures_arena_need(arena, sizeof *list);
    futures__wire__v1__list__init(list);
    value->kind_case = FUTURES__WIRE__V1__VALUE__KIND_LIST;
    value->list = list;
    if (count == 0) return NULL;
    if (count > SIZE_MAX / 2 / sizeof(FuturesValue)) abort();
    FuturesValue *elements = futures_arena_need(arena, count * sizeof(FuturesValue));
    list->values = futures_arena_need(arena, room_for(count) * sizeof(FuturesValue *));
    list->n_values = count;
    for (size_t i = 0; i < count; i++) {
        futures__wire__v1__value__init(&elements[i]);
        list->values[i] = &elements[i];
    }
    return elements;
}

void futures_value_make_record(FuturesArena *arena, FuturesValue *value) {
    Futures__Wire__V1__Record *record = futures_arena_need(arena, sizeof *record);
    futures__wire__v1__record__init(record);
    value->kind_case = FUTURES__WIRE__V1__VALUE__KIND_RECORD;
    value->record = record;
}

// The array with room for one more element behind its `count`; see room_for.
static void *grown(FuturesArena *arena, void *array, size_t count, size_t element_size) {
    bool is_full = count == 0 ? array == NULL : count >= 4 && (count & (count - 1)) == 0;
    if (!is_full) return array;
    void *larger = futures_arena_need(arena, room_for(count + 1) * element_size);
    if (count > 0) memcpy(larger, array, count * element_size);
    return larger;
}

FuturesValue *futures_list_add(FuturesArena *arena, FuturesValue *value) {
    Futures__Wire__V1__List *list = value->list;
    list->values = grown(arena, list->values, list->n_values, sizeof(FuturesValue *));
    FuturesValue *element = futures_value_new(arena);
    list->values[list->n_values++] = element;
    return element;
}

FuturesValue *futures_record_add(FuturesArena *arena, FuturesValue *value, const uint8_t *key, size_t key_length) {
    Futures__Wire__V1__Record *record = value->record;
    record->keys = grown(arena, record->keys, record->n_keys, sizeof(ProtobufCBinaryData));
    record->values = grown(arena, record->values, record->n_values, sizeof(FuturesValue *));
    record->keys[record->n_keys++] = futures_bytes_copy(arena, key, key_length);
    FuturesValue *field = futures_value_new(arena);
    record->values[record->n_values++] = field;
    return field;
}

// One case for each array of numbers: its kind, its message type and the name of its member.
#define NUMBER_ARRAYS(CASE)                            \
    CASE(INT64S, Int64Array, int64_array, int64s)      \
    CASE(UINT64S, UInt64Array, uint64_array, uint64s)  \
    CASE(INT32S, Int32Array, int32_array, int32s)      \
    CASE(UINT32S, UInt32Array, uint32_array, uint32s)  \
    CASE(FLOATS, FloatArray, float_array, floats)      \
    CASE(DOUBLES, DoubleArray, double_array, doubles)

void futures_value_make_numbers(FuturesArena *arena, FuturesValue *value, uint32_t kind, const void *elements,
                                size_t count, size_t element_size) {
    void *copy = NULL;
    if (count > 0) {
        copy = futures_arena_need(arena, count * element_size);
        memcpy(copy, elements, count * element_size);
    }
    switch (kind) {
#define CASE(KIND, TYPE, INIT, MEMBER)                                            \
    case FUTURES__WIRE__V1__VALUE__KIND_##KIND: {                                 \
        Futures__Wire__V1__##TYPE *array = futures_arena_need(arena, sizeof *array); \
        futures__wire__v1__##INIT##__init(array);                                 \
        array->n_values = count;                                                  \
        array->values = copy;                                                     \
        value->MEMBER = array;                                                    \
        break;                                                                    \
    }
        NUMBER_ARRAYS(CASE)
#undef CASE
    default:
        abort();
    }
    value->kind_case = kind;
}

FuturesNumbers futures_value_numbers(const FuturesValue *value) {
    switch (value->kind_case) {
#define CASE(KIND, TYPE, INIT, MEMBER)          \
    case FUTURES__WIRE__V1__VALUE__KIND_##KIND: \
        return (FuturesNumbers){value->MEMBER->values, value->MEMBER->n_values};
        NUMBER_ARRAYS(CASE)
#undef CASE
    default:
        return (FuturesNumbers){NULL, 0};
    }
}

ProtobufCBinaryData *futures_value_make_texts(FuturesArena *arena, FuturesValue *value, size_t count) {
    Futures__Wire__V1__TextArray *texts = futures_arena_need(arena, sizeof *texts);
    futures__wire__v1__text_array__init(texts);
    texts->n_values = count;
    if (count > 0) texts->values = futures_arena_need(arena, count * sizeof(ProtobufCBinaryData));
    value->kind_case = FUTURES__WIRE__V1__VALUE__KIND_TEXTS;
    value->texts = texts;
    return texts->values;
}

size_t futures_argument_size(const FuturesValue *value) {
    Futures__Wire__V1__Arguments arguments = FUTURES__WIRE__V1__ARGUMENTS__INIT;
    FuturesValue *values[1] = {(FuturesValue *)value};
    arguments.n_values = 1;
    arguments.values = values;
    size_t size = futures__wire__v1__arguments__get_packed_size(&arguments);
    return size < INT32_MAX ? size : 0;
}

size_t futures_argument_pack(const FuturesValue *value, uint8_t *out) {
    Futures__Wire__V1__Arguments arguments = FUTURES__WIRE__V1__ARGUMENTS__INIT;
    FuturesValue *values[1] = {(FuturesValue *)value};
    arguments.n_values = 1;
    arguments.values = values;
    return futures__wire__v1__arguments__pack(&arguments, out);
}

static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t count = 0;
    while (value >= 0x80) {
        out[count++] = (uint8_t)value | 0x80;
        value >>= 7;
    }
    out[count++] = (uint8_t)value;
    return count;
}

// A field of length-prefixed bytes before what `behind` holds already, written backwards.
static uint8_t *put_before(uint8_t *behind, uint32_t field, uint64_t length) {
    uint8_t scratch[20];
    size_t count = put_varint(scratch, (uint64_t)field << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    count += put_varint(scratch + count, length);
    return memcpy(behind - count, scratch, count);
}

size_t futures_argument_prefix(uint32_t kind, bool is_array, size_t length, uint8_t *out) {
    if (length >= INT32_MAX - FUTURES_ARGUMENT_PREFIX_MAX) return 0;
    uint8_t scratch[FUTURES_ARGUMENT_PREFIX_MAX];
    uint8_t *end = scratch + sizeof scratch;
    uint8_t *at = end;
    // An empty packed field is left out.
    if (is_array && length > 0) at = put_before(at, 1, length);
    at = put_before(at, kind, length + (size_t)(end - at));
    at = put_before(at, 1, length + (size_t)(end - at));
    memcpy(out, at, (size_t)(end - at));
    return (size_t)(end - at);
}
