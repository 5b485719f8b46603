/*
 * How fast bytes are summed, and copied and summed in one pass, beside the C library's memcpy: in cache, for
 * the sizes that headers, segments and buffers have.
 */
#include "support.h"
#include "wire/checksum.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 7
#define ROUND_BYTES ((size_t)100 << 20)

enum what { SUM, COPY_AND_SUM, COPY, WHATS };

static uint8_t destination[BENCH_MESSAGE_BYTES];
static volatile uint64_t sink;

/** Keeps the compiler from leaving out what nobody looks at. */
static inline void touch(void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/** One round; @return GB/s. */
static double round_of(enum what what, size_t size)
{
    const uint8_t *source = bench_message();
    size_t times = ROUND_BYTES / size;
    uint64_t sum = 0;
    int64_t start = bench_now_ns();
    for (size_t i = 0; i < times; i++) {
        if (what == SUM)
            sum = checksum_add(sum, source, size);
        else if (what == COPY_AND_SUM)
            sum = checksum_copy(sum, destination, source, size);
        else
            memcpy(destination, source, size);
        touch(destination);
    }
    int64_t elapsed = bench_now_ns() - start;
    sink = sum;
    return (double)(times * size) / (double)(elapsed > 0 ? elapsed : 1);
}

static double median_of(enum what what, size_t size)
{
    double values[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        values[i] = round_of(what, size);
    return bench_median(values, ROUNDS);
}

int main(void)
{
    static const size_t sizes[] = {20, 64, 256, 576, 1448, 4096, 16384, 65536};
    double of_segment[WHATS] = {0};
    printf("%8s %10s %10s %10s   GB/s, median of %d\n", "bytes", "sum", "copy+sum", "memcpy", ROUNDS);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double values[WHATS];
        for (enum what what = SUM; what < WHATS; what++)
            values[what] = median_of(what, sizes[i]);
        printf("%8zu %10.1f %10.1f %10.1f\n", sizes[i], values[SUM], values[COPY_AND_SUM], values[COPY]);
        if (sizes[i] == 1448)
            memcpy(of_segment, values, sizeof values);
    }
    static const char *const names[] = {"checksum_sum", "checksum_copy"};
    for (enum what what = SUM; what < COPY; what++) {
        char more[120];
        snprintf(more, sizeof more,
                 ", \"peer\": \"memcpy\", \"peer_value\": %.6g, \"note\": \"1448 bytes in cache\"",
                 of_segment[COPY]);
        bench_result(names[what], of_segment[what], "GB/s", true, more);
    }
    return 0;
}
