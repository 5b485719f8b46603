/**
 * What the benchmarks share: clocks, medians, the message that is sent and verified, the form of a result,
 * the network namespace with a TAP in it, and the kernel's end of a benchmark against the kernel.
 *
 * The peers (peer_*.c) use the same functions, so that both sides run the same loop over the same message.
 */
#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** The unit of every bulk benchmark: written again and again, compared byte by byte at the other end. */
#define BENCH_MESSAGE_BYTES 65536u
/** What ctest and scripts/bench take for "left out". */
#define BENCH_SKIPPED 77

/** CLOCK_MONOTONIC in nanoseconds. */
int64_t bench_now_ns(void);
/** The processor time of this process in nanoseconds: what is measured where everything happens in one
 * thread, so that other programs on the machine disturb less. On a quiet machine it passes as bench_now_ns
 * does. */
int64_t bench_cpu_ns(void);
/** The time-stamp counter where there is one, otherwise nanoseconds. */
uint64_t bench_cycles(void);
/** The most memory that was resident in this process, in KiB. */
long bench_peak_kib(void);
/** The middle one; sorts `values`. */
double bench_median(double *values, int count);

/** The message, filled once with bytes that do not repeat within it. */
const uint8_t *bench_message(void);
/** Compares what arrived with the message from position `*at` on, and moves it. Ends the program on a
 * difference. */
void bench_verify(const void *data, size_t size, size_t *at);

/** One result, as scripts/bench reads it. `more` is further JSON, beginning with a comma, or "". */
void bench_result(const char *name, double value, const char *unit, bool higher_is_better, const char *more);
/** Says why, and ends the program with BENCH_SKIPPED. */
_Noreturn void bench_skip(const char *why, ...) __attribute__((format(printf, 1, 2)));
/** Says what went wrong, and ends the program with 1. */
_Noreturn void bench_fail(const char *what, ...) __attribute__((format(printf, 1, 2)));

/** What a peer program said. */
struct bench_peer {
    bool there;        /**< false: it was not built, or ended with BENCH_SKIPPED. */
    double value;      /**< The line "value: 1.5". */
    char name[64];     /**< The line "name: ...". */
    char options[256]; /**< The line "options: ...". */
};
/** Runs build/bench/<program> with two arguments, beside this program. */
struct bench_peer bench_run_peer(const char *program, const char *mode, double seconds);
/** The peer's part of a result, for bench_result; empty when the peer was not there. */
const char *bench_peer_json(const struct bench_peer *peer, double median);

/* ---- against the kernel ---- */

#define BENCH_KERNEL_ADDRESS "10.7.0.1"
#define BENCH_STACK_ADDRESS "10.7.0.2"
#define BENCH_TAP_NAME "benchtap0"
#define BENCH_PORT 5001

/** Moves this process into a network namespace of its own; skips when that is not permitted. */
void bench_enter_namespace(void);
/** Opens a TAP of that namespace, without header and without offloads. */
int bench_open_tap(void);
/** Gives the kernel's end BENCH_KERNEL_ADDRESS/24 and brings it up, once the TAP is open. */
void bench_configure_tap(void);

/** What the kernel's end does, in a process of its own. */
enum bench_kernel { BENCH_KERNEL_SENDS, BENCH_KERNEL_RECEIVES };
/** Connects to BENCH_STACK_ADDRESS and sends the message without end, or listens and verifies it. `port` is
 * the listening side's. The process dies with its parent. */
pid_t bench_start_kernel(enum bench_kernel what, uint16_t port);
/** Ends it. */
void bench_stop_kernel(pid_t pid);
/** The congestion control that bench_start_kernel asks for, or what the kernel gives instead. */
const char *bench_congestion(void);

#endif
