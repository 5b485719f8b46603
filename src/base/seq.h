/**
 * Sequence numbers: 32 bits that wrap. All comparisons are modulo 2^32 (RFC 9293 3.4, RFC 9293-10).
 */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t seq_t;

/** How far `a` lies ahead of `b`; negative: behind. */
static inline int32_t seq_diff(seq_t a, seq_t b)
{
    return (int32_t)(a - b);
}
static inline bool seq_lt(seq_t a, seq_t b)
{
    return seq_diff(a, b) < 0;
}
static inline bool seq_le(seq_t a, seq_t b)
{
    return seq_diff(a, b) <= 0;
}
static inline bool seq_gt(seq_t a, seq_t b)
{
    return seq_diff(a, b) > 0;
}
static inline bool seq_ge(seq_t a, seq_t b)
{
    return seq_diff(a, b) >= 0;
}
static inline seq_t seq_max(seq_t a, seq_t b)
{
    return seq_gt(a, b) ? a : b;
}
static inline seq_t seq_min(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? a : b;
}
/** Whether low <= x < low + length. */
static inline bool seq_within(seq_t x, seq_t low, uint32_t length)
{
    return x - low < length;
}

#endif
