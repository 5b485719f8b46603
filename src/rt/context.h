/**
 * Contexts and stacks: where a fiber's registers and its stack lie while another one runs.
 */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

/** A stack that grows down to a guard page. */
struct stack {
    uint8_t *base; /**< Lowest usable byte. NULL: none. */
    size_t bytes;
    unsigned valgrind_id;
};

/** Stacks of one size that were given back, for the next fiber. */
struct stack_pool {
    size_t bytes; /**< Of those that are kept; others are returned to the system at once. */
    struct stack_free *free;
    unsigned count;
};

/** Rounds up to whole pages and to a size that a fiber can live with. */
size_t stack_round(size_t bytes);
/** @return 0, -ENOMEM. `bytes` comes from stack_round. */
int stack_take(struct stack_pool *pool, size_t bytes, struct stack *stack);
void stack_give(struct stack_pool *pool, struct stack *stack);
void stack_pool_free(struct stack_pool *pool);

/** A context that does not run. What the sanitizers want to know of it is kept in every build: it is little.
 */
struct context {
#if defined(__x86_64__) || defined(__aarch64__)
    void *stack_pointer;
#else
    ucontext_t registers;
#endif
    void (*entry)(void *argument);
    void *argument;
    struct context *previous; /**< Who switched here last. */
    const void *bottom;       /**< Of its stack; learnt, for the context of a thread. */
    size_t bytes;
    void *fake_stack, *thread; /**< Of the address and of the thread sanitizer. */
};

/** For the thread's own context, before the first switch away from it. */
void context_init(struct context *context);
/** Prepares `entry(argument)` on a stack; it must leave by a switch with `last` set and never return. */
void context_make(struct context *context, const struct stack *stack, void (*entry)(void *argument),
                  void *argument);
/** Goes on in `to`; returns when somebody switches back to `from`. `last`: nobody will. */
void context_switch(struct context *from, struct context *to, bool last);
/** Gives back what a sanitizer held for a context that was made and will not run again. */
void context_free(struct context *context);

#endif
