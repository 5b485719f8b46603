/**
 * The map of sent ranges: what lies between SND.UNA and SND.NXT, and how it was sent.
 *
 *     SND.UNA                                              SND.NXT
 *        |  sent at 3 ms, once | sent at 9 ms, twice | lost |  ...
 *
 * Each range knows when it was last sent, how often, and what had been delivered at that time; that is what
 * Karn's rule (RFC 6298 3), retransmission and later loss detection ask. SYN and FIN take their octet of
 * sequence space here as everywhere. The ranges are contiguous and ascending: taken from the front, added at
 * the back, split where a part is sent again, merged where neighbours tell the same. One range needs no
 * memory of its own.
 */
#ifndef TRANSPORT_TCP_SENT_H
#define TRANSPORT_TCP_SENT_H

#include "base/memory.h"
#include "base/seq.h"

enum {
    SENT_LOST = 1,   /**< Believed to be gone: to be sent again, not counted as in flight. */
    SENT_RESENT = 2, /**< Sent more than once: no round-trip time can be told from it without timestamps. */
};

struct sent_range {
    seq_t start, end; /**< start <= x < end. */
    strata_time last_sent;
    uint32_t delivered; /**< Bytes the peer had acknowledged when it was last sent (lower 32 bits). */
    uint16_t times;
    uint16_t flags;
};

struct sent_list; /**< More than one range. */

struct sent {
    union {
        struct sent_range single; /**< While there is at most one. */
        struct sent_list *list;   /**< With `listed`. */
    };
    uint32_t count;
    uint32_t lost_bytes; /**< Of all ranges with SENT_LOST. */
    seq_t lost_from;     /**< No lost range begins before this. */
    bool listed;
};

/** What an acknowledgement took from the map. */
struct sent_acked {
    strata_time first_sent; /**< When the earliest of what was sent once had been sent; STRATA_NEVER: none was. */
    strata_time resent_at;  /**< When the first of what was sent more than once was sent last; STRATA_NEVER: none. */
};

void sent_init(struct sent *sent);
void sent_clear(struct sent *sent, struct memory *memory);
/** The index-th range from the front, which must exist. */
struct sent_range *sent_at(struct sent *sent, uint32_t index);
/** Adds what was sent for the first time; `start` is the end of the map. Where memory is short it is told of
 * less exactly, as part of the range before. */
void sent_push(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered);
/** Takes away what lies before `ack`. */
struct sent_acked sent_acknowledge(struct sent *sent, struct memory *memory, seq_t ack);
/** Marks all of it as lost. */
void sent_lose_all(struct sent *sent);
/** Marks [start, end) as lost, as far as it is in the map. */
void sent_lose(struct sent *sent, struct memory *memory, seq_t start, seq_t end);
/** Notes that [start, end) was sent again: no longer lost. */
void sent_resend(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now,
                 uint32_t delivered);
/** The first lost octets in a row, at most `most` of them. @return false: none is lost. */
bool sent_first_lost(struct sent *sent, uint32_t most, seq_t *start, seq_t *end);

#endif
