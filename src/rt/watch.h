/**
 * Those who watch memory and must be told of stacks: the address sanitizer, the thread sanitizer, valgrind.
 */
#ifndef RT_WATCH_H
#define RT_WATCH_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED_BY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED_BY_ASAN 1
#else
#define WATCHED_BY_ASAN 0
#endif
#else
#define WATCHED_BY_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define WATCHED_BY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WATCHED_BY_TSAN 1
#else
#define WATCHED_BY_TSAN 0
#endif
#else
#define WATCHED_BY_TSAN 0
#endif

/* Of the compilers' run-time libraries; called only where they are linked, behind `if (WATCHED_BY_...)`. */
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber(void);

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

#endif
