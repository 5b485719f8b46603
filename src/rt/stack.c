/*
 * Stacks of fibers: anonymous memory with a guard page below, which the system commits page by page as a
 * stack is used. Some that were given back are kept, since a server makes and ends fibers all day.
 */
#include "rt/context.h"

#include "rt/watch.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/** How many stacks wait for reuse at most. */
#define STACK_POOL_MAX 256
/** No fiber can live with less: printing alone takes some kilobytes. */
#define STACK_MIN_BYTES ((size_t)16 * 1024)

/** What lies at the top of a stack that waits for reuse. */
struct stack_free {
    struct stack stack;
    struct stack_free *next;
};

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t stack_round(size_t bytes)
{
    size_t page = page_bytes();
    if (bytes < STACK_MIN_BYTES)
        bytes = STACK_MIN_BYTES;
    return (bytes + page - 1) / page * page;
}

static void stack_unmap(struct stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
    munmap(stack->base - page_bytes(), stack->bytes + page_bytes());
}

int stack_take(struct stack_pool *pool, size_t bytes, struct stack *stack)
{
    if (pool->free && bytes == pool->bytes) {
        struct stack_free *first = pool->free;
        pool->free = first->next;
        pool->count--;
        *stack = first->stack;
        return 0;
    }
    size_t guard = page_bytes();
    uint8_t *memory =
        mmap(NULL, guard + bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(memory + guard, bytes, PROT_READ | PROT_WRITE) < 0) {
        munmap(memory, guard + bytes);
        return -ENOMEM;
    }
    stack->base = memory + guard;
    stack->bytes = bytes;
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->base, stack->base + bytes);
    return 0;
}

void stack_give(struct stack_pool *pool, struct stack *stack)
{
    if (!stack->base)
        return;
    if (WATCHED_BY_ASAN) /* it keeps its marks of frames that were left without returning */
        __asan_unpoison_memory_region(stack->base, stack->bytes);
    if (stack->bytes == pool->bytes && pool->count < STACK_POOL_MAX) {
        struct stack_free *first = (struct stack_free *)(void *)(stack->base + stack->bytes - sizeof *first);
        *first = (struct stack_free){.stack = *stack, .next = pool->free};
        pool->free = first;
        pool->count++;
    } else {
        stack_unmap(stack);
    }
    stack->base = NULL;
}

void stack_pool_free(struct stack_pool *pool)
{
    while (pool->free) {
        struct stack stack = pool->free->stack;
        pool->free = pool->free->next;
        stack_unmap(&stack);
    }
    pool->count = 0;
}
