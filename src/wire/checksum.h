/**
 * The Internet checksum (RFC 1071), wide and fast: the sum of 16-bit words in one's complement.
 */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <strata/strata.h>

/**
 * Adds `size` bytes to a running sum. Sums are kept unfolded in 64 bits, in network order of the machine
 * (RFC 1071-3), and chain only at even offsets. Start with 0.
 */
uint64_t checksum_add(uint64_t sum, const void *data, size_t size);
/** Copies and adds in one pass. */
uint64_t checksum_copy(uint64_t sum, void *to, const void *from, size_t size);
/** The pseudo-header of IPv4 or IPv6 by the family of the addresses (RFC 9293 3.1, RFC 8200 8.1). */
uint64_t checksum_pseudo(const struct strata_address *source, const struct strata_address *destination,
                         uint8_t protocol, uint32_t length);
/** Folds to the 16 bits to be stored with bytes_put16 (host order value). */
uint16_t checksum_finish(uint64_t sum);
/** Folds without complement: what a STRATA_META_PARTIAL checksum field holds. */
uint16_t checksum_fold(uint64_t sum);
/** Whether a sum that includes its checksum field says intact (RFC 1071-2). */
static inline int checksum_valid(uint64_t sum)
{
    return checksum_finish(sum) == 0;
}
/** The checksum after a 16-bit word under it changed (RFC 1624 3, RFC 1071-4); host order values. */
uint16_t checksum_adjust(uint16_t checksum, uint16_t old_word, uint16_t new_word);

#endif
