/*
 * Switching between contexts, announced to the sanitizers. The switch itself is assembly where there is one
 * (switch_x86_64.S, switch_aarch64.S) and swapcontext elsewhere.
 *
 * A sanitizer believes that the stack pointer stays within the thread's stack. So it is told where we go
 * before each switch and learns where we came from after it; a context that is entered for the first time
 * reports from its entry. The bounds of the thread's own stack are learnt by the first fiber that is entered
 * from it.
 */
#include "rt/context.h"

#include "base/assert.h"
#include "rt/watch.h"

#include <string.h>

static inline __attribute__((always_inline)) void announce_leave(struct context *from, struct context *to,
                                                                 bool last)
{
    to->previous = from;
    if (WATCHED_BY_ASAN)
        __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->bottom, to->bytes);
    if (WATCHED_BY_TSAN)
        __tsan_switch_to_fiber(to->thread, 0);
}

static inline __attribute__((always_inline)) void announce_arrive(struct context *self)
{
    if (WATCHED_BY_ASAN)
        __sanitizer_finish_switch_fiber(self->fake_stack, &self->previous->bottom, &self->previous->bytes);
}

void context_init(struct context *context)
{
    memset(context, 0, sizeof *context);
    if (WATCHED_BY_TSAN)
        context->thread = __tsan_get_current_fiber();
}

void context_free(struct context *context)
{
    if (WATCHED_BY_TSAN && context->thread)
        __tsan_destroy_fiber(context->thread);
    context->thread = NULL;
}

/** The first function on every new stack. */
static void context_enter(void *pointer)
{
    struct context *self = pointer;
    announce_arrive(self);
    self->entry(self->argument);
    ASSERT(!"a context has returned");
}

#if defined(__x86_64__) || defined(__aarch64__)

/** Saves the registers on the stack, its pointer in *save, and goes on with the stack at `load`. */
void fiber_switch(void **save, void *load);
/** Calls the function in one saved register with the argument in another; the return address of a fresh
 * stack. */
void fiber_trampoline(void);

#if defined(__x86_64__)
/* From the stack pointer up, as fiber_switch leaves it: control words, r15 r14 r13 r12 rbx rbp, return
 * address. */
enum { FRAME_WORDS = 8, FRAME_ARGUMENT = 3 /* r13 */, FRAME_ENTRY = 4 /* r12 */, FRAME_RETURN = 7 };
#else
/* x19 to x30 (the return address), then d8 to d15. */
enum { FRAME_WORDS = 20, FRAME_ENTRY = 0 /* x19 */, FRAME_ARGUMENT = 1 /* x20 */, FRAME_RETURN = 11 };
#endif

void context_make(struct context *context, const struct stack *stack, void (*entry)(void *), void *argument)
{
    context_init(context);
    context->entry = entry;
    context->argument = argument;
    context->bottom = stack->base;
    context->bytes = stack->bytes;
    /* 16 bytes above the frame stay zero: whoever walks the stack finds its end there. */
    uintptr_t *frame = (uintptr_t *)(void *)(stack->base + stack->bytes - 16) - FRAME_WORDS;
    memset(frame, 0, FRAME_WORDS * sizeof *frame + 16);
#if defined(__x86_64__)
    uint32_t mxcsr;
    uint16_t control;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(control));
    frame[0] = mxcsr | (uint64_t)control << 32;
#endif
    frame[FRAME_ENTRY] = (uintptr_t)context_enter;
    frame[FRAME_ARGUMENT] = (uintptr_t)context;
    frame[FRAME_RETURN] = (uintptr_t)fiber_trampoline;
    context->stack_pointer = frame;
    if (WATCHED_BY_TSAN)
        context->thread = __tsan_create_fiber(0);
}

void context_switch(struct context *from, struct context *to, bool last)
{
    announce_leave(from, to, last);
    fiber_switch(&from->stack_pointer, to->stack_pointer);
    announce_arrive(from);
}

#else

/** makecontext hands on nothing larger than an int: a pointer comes in two halves. */
static void context_enter_halves(unsigned high, unsigned low)
{
    context_enter((void *)(uintptr_t)((uint64_t)high << 32 | low));
}

void context_make(struct context *context, const struct stack *stack, void (*entry)(void *), void *argument)
{
    context_init(context);
    context->entry = entry;
    context->argument = argument;
    context->bottom = stack->base;
    context->bytes = stack->bytes;
    int failed = getcontext(&context->registers);
    ASSERT(!failed);
    context->registers.uc_stack.ss_sp = stack->base;
    context->registers.uc_stack.ss_size = stack->bytes;
    context->registers.uc_link = NULL;
    uint64_t pointer = (uintptr_t)context;
    makecontext(&context->registers, (void (*)(void))context_enter_halves, 2, (unsigned)(pointer >> 32),
                (unsigned)pointer);
    if (WATCHED_BY_TSAN)
        context->thread = __tsan_create_fiber(0);
}

void context_switch(struct context *from, struct context *to, bool last)
{
    announce_leave(from, to, last);
    int failed = swapcontext(&from->registers, &to->registers);
    ASSERT(!failed);
    announce_arrive(from);
}

#endif
