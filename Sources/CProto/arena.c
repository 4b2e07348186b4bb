#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "wire_support.h"

// Blocks from malloc, linked. `home` is the block that survives a reset; the others are freed then.
typedef struct Block {
    struct Block *next;
    size_t size;
} Block;

struct FuturesArena {
    ProtobufCAllocator allocator;
    uint8_t *cursor;
    uint8_t *end;
    size_t taken;
    size_t limit;
    Block *home;
    Block *others;
};

enum { FIRST_BLOCK = 16 * 1024, KEPT_BLOCK = 1024 * 1024 };

static void *allocator_alloc(void *data, size_t size) { return futures_arena_take(data, size); }
static void allocator_free(void *data, void *memory) {
    (void)data;
    (void)memory;
}

static Block *block_new(size_t size) {
    if (size > SIZE_MAX - sizeof(Block)) return NULL;
    Block *block = malloc(sizeof(Block) + size);
    if (block == NULL) return NULL;
    block->next = NULL;
    block->size = size;
    return block;
}

static void arena_rewind(FuturesArena *arena) {
    arena->cursor = (uint8_t *)(arena->home + 1);
    arena->end = arena->cursor + arena->home->size;
    arena->taken = 0;
    arena->limit = SIZE_MAX;
}

static FuturesArena *arena_new(void) {
    FuturesArena *arena = malloc(sizeof *arena);
    Block *home = block_new(FIRST_BLOCK);
    if (arena == NULL || home == NULL) abort();
    arena->allocator = (ProtobufCAllocator){allocator_alloc, allocator_free, arena};
    arena->home = home;
    arena->others = NULL;
    arena_rewind(arena);
    return arena;
}

static void arena_free_others(FuturesArena *arena) {
    while (arena->others != NULL) {
        Block *block = arena->others;
        arena->others = block->next;
        free(block);
    }
}

static void arena_delete(void *pointer) {
    FuturesArena *arena = pointer;
    arena_free_others(arena);
    free(arena->home);
    free(arena);
}

// The arena that a thread keeps. The key exists for its destructor, which runs when a thread ends.
static __thread FuturesArena *kept;
static __thread bool kept_is_registered;
static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void thread_ends(void *unused) {
    (void)unused;
    FuturesArena *arena = kept;
    kept = NULL;
    // Another destructor may still use Wire on this thread: then the key is set anew and this runs once more.
    kept_is_registered = false;
    if (arena != NULL) arena_delete(arena);
}

static void make_key(void) {
    if (pthread_key_create(&kept_key, thread_ends) != 0) abort();
}

FuturesArena *futures_arena_acquire(void) {
    FuturesArena *arena = kept;
    if (arena != NULL) {
        kept = NULL;
        return arena;
    }
    return arena_new();
}

void futures_arena_release(FuturesArena *arena) {
    if (kept != NULL) {
        arena_delete(arena);
        return;
    }
    if (arena->others != NULL) {
        arena_free_others(arena);
        // Next time all of it fits into one block, within reason.
        size_t wanted = arena->home->size;
        while (wanted < arena->taken && wanted < KEPT_BLOCK) wanted *= 2;
        if (wanted > arena->home->size) {
            Block *larger = block_new(wanted);
            if (larger != NULL) {
                free(arena->home);
                arena->home = larger;
            }
        }
    }
    arena_rewind(arena);
    if (!kept_is_registered) {
        pthread_once(&kept_once, make_key);
        if (pthread_setspecific(kept_key, &kept_key) != 0) {
            arena_delete(arena);
            return;
        }
        kept_is_registered = true;
    }
    kept = arena;
}

void futures_arena_set_limit(FuturesArena *arena, size_t limit) { arena->limit = limit; }

void futures_arena_allow(FuturesArena *arena, uint64_t size) {
    arena->limit = size < SIZE_MAX - arena->taken ? arena->taken + (size_t)size : SIZE_MAX;
}

static void *arena_take_from_new_block(FuturesArena *arena, size_t size) {
    // Large pieces get a block of their own, so that the rest of the current one is not lost.
    size_t block_size = size;
    bool is_shared = size <= KEPT_BLOCK / 4;
    if (is_shared) {
        block_size = FIRST_BLOCK;
        while (block_size < KEPT_BLOCK && block_size < arena->taken) block_size *= 2;
        if (block_size < size) block_size = KEPT_BLOCK / 4;
    }
    Block *block = block_new(block_size);
    if (block == NULL) return NULL;
    block->next = arena->others;
    arena->others = block;
    uint8_t *memory = (uint8_t *)(block + 1);
    if (is_shared) {
        arena->cursor = memory + size;
        arena->end = memory + block_size;
    }
    return memory;
}

void *futures_arena_take(FuturesArena *arena, size_t size) {
    if (size > arena->limit - arena->taken || size > SIZE_MAX / 2) return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > arena->limit - arena->taken) return NULL;
    arena->taken += size;
    if (size <= (size_t)(arena->end - arena->cursor)) {
        void *memory = arena->cursor;
        arena->cursor += size;
        return memory;
    }
    return arena_take_from_new_block(arena, size);
}

void *futures_arena_need(FuturesArena *arena, size_t size) {
    void *memory = futures_arena_take(arena, size);
    if (memory == NULL) abort();
    return memory;
}

ProtobufCAllocator *futures_arena_allocator(FuturesArena *arena) { return &arena->allocator; }

void *futures_allocate(size_t size) {
    // malloc's own large blocks begin 16 bytes behind the beginning of a page, where a pipe has its bytes: the slowest place to
    // read them into. See docs/decisions/copies.md.
    void *memory = NULL;
    if (posix_memalign(&memory, FUTURES_CACHE_LINE, size) != 0) abort();
    futures_advise_large_pages(memory, size);
    return memory;
}

void futures_copy(void *target, const void *source, size_t size) {
    // Where the target lies 1 to 31 bytes behind the source within a page, `rep movsb` of Zen processors is ten times slower, and
    // glibc before 2.40 takes it from 4 to 512 KiB. Less than that it copies in a loop.
    enum { PAGE = 4096, REACH = 32, SLOWEST = 512 * 1024, PIECE = 2048 };
    size_t distance = ((uintptr_t)target - (uintptr_t)source) % PAGE;
    if (size < PAGE || size > SLOWEST || distance == 0 || distance >= REACH) {
        memcpy(target, source, size);
        return;
    }
    for (size_t done = 0; done < size; done += PIECE) {
        size_t left = size - done;
        memcpy((char *)target + done, (const char *)source + done, left < PIECE ? left : PIECE);
    }
}

void futures_advise_large_pages(void *memory, size_t size) {
    // Above 32 MiB malloc maps each block for itself, whatever was freed before (mallopt(3), M_MMAP_THRESHOLD), and unmaps
    // it when it is freed. A smaller block may lie in the heap, where the advice outlives it: the kernel may then back what was
    // freed with large pages again.
    enum { LARGE = 33 * 1024 * 1024, PAGE = 2 * 1024 * 1024 };
#ifdef MADV_HUGEPAGE
    // Only whole large pages within the block; that the system refuses does not matter.
    if (size >= LARGE) {
        uintptr_t start = ((uintptr_t)memory + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
        uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(PAGE - 1);
        if (end > start) (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
    }
#endif
}

int futures_can_allocate(size_t size) {
    if (size == 0) return 1;
    // What malloc does with a large piece; but a sanitizer's malloc ends the program where there is none.
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 0;
    munmap(memory, size);
    return 1;
}

void futures_free(void *memory) { free(memory); }
