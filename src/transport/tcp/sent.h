/**
 * The map of sent ranges: what lies between SND.UNA and SND.NXT, how it was sent, and what is known of it.
 *
 *     SND.UNA                                                       SND.NXT
 *        |  sent at 3 ms, once | sent at 9 ms, twice | lost | SACKed |  ...
 *
 * Each range knows when it was last sent, how often, and what had been delivered at that time; that is what
 * Karn's rule (RFC 6298 3), retransmission and loss detection (RFC 8985) ask. It is the scoreboard of RFC 6675
 * too: an octet is in flight, or was acknowledged selectively, or is believed to be lost. SYN and FIN take
 * their octet of sequence space here as everywhere. The ranges are contiguous and ascending: taken from the
 * front, added at the back, split where a part fares differently, merged where neighbours tell the same; so all
 * that was SACKed in a row is one range. One range needs no memory of its own, many cost O(log n) to find.
 */
#ifndef TRANSPORT_TCP_SENT_H
#define TRANSPORT_TCP_SENT_H

#include "base/memory.h"
#include "base/seq.h"

enum {
    SENT_LOST = 1,   /**< Believed to be gone: to be sent again, not counted as in flight. */
    SENT_RESENT = 2, /**< Sent more than once: no round-trip time can be told from it without timestamps. */
    SENT_SACKED = 4, /**< The peer has it (RFC 2018), unless it changes its mind; never lost at the same time. */
    SENT_PUSHED = 8, /**< A push of the program ends where this ends: what is sent again ends there with PSH, too. */
    SENT_BURST = 16, /**< A burst ends where this ends: what goes in several segments again ends there, too. */
};

struct sent_range {
    seq_t start, end; /**< start <= x < end. */
    strata_time last_sent;
    uint32_t delivered; /**< Bytes the peer had acknowledged when it was last sent (lower 32 bits). */
    uint16_t times;
    uint16_t flags;
};

struct sent_chunk; /**< Some ranges in a row. */

struct sent {
    union {
        struct sent_range single; /**< While there is at most one. */
        struct {
            struct sent_chunk *root, *first, *last;
        }; /**< With `listed`. */
    };
    uint32_t count;
    uint32_t lost_bytes;   /**< Of all ranges with SENT_LOST. */
    uint32_t sacked_bytes; /**< Of all ranges with SENT_SACKED. */
    uint32_t listed : 1;
    uint32_t steps : 31; /**< Ranges and chunks looked at or moved since the beginning, modulo 2^31: what it costs. */
};

/** What is lost. */
struct sent_lost {
    seq_t start, end;
    bool pushed;         /**< A push ends it. */
    bool last;           /**< What follows it is not lost, or was another burst. */
    strata_time follows; /**< When what is before it, of the same burst, was sent again; STRATA_NEVER: it was not. */
};

/** A place in the map. Any change of the map makes it void. */
struct sent_cursor {
    struct sent_chunk *chunk;
    uint32_t index;
};

/** What has arrived, from the first to the last of what an ACK tells, by SACK too; each octet once. */
struct sent_acked {
    strata_time first_sent;  /**< When the earliest of what was sent once had been sent; STRATA_NEVER: none was. */
    strata_time last_sent;   /**< When the latest of it was sent, with first_sent. */
    strata_time resent_at;   /**< When the first of what was sent more than once was sent last; STRATA_NEVER: none. */
    strata_time resent_last; /**< When the latest of it was sent last, with resent_at. */
    seq_t original;          /**< The lowest octet of what was sent once. */
    seq_t last_end;          /**< Where the latest of that ends. */
    seq_t resent_end;        /**< Where the latest of what was sent more than once ends. */
    uint32_t bytes;          /**< What the peer was not known to have. */
};
#define SENT_ACKED_NOTHING ((struct sent_acked){.first_sent = STRATA_NEVER, .resent_at = STRATA_NEVER})

void sent_init(struct sent *sent);
void sent_clear(struct sent *sent, struct memory *memory);
/** The range that holds x, or the first one behind it; NULL: there is none. */
struct sent_range *sent_find(struct sent *sent, seq_t x, struct sent_cursor *cursor);
/** The range that follows; NULL: none does. */
struct sent_range *sent_next(struct sent *sent, struct sent_cursor *cursor);
/** Adds what was sent for the first time; `start` is the end of the map, `ends` what ends with it, SENT_PUSHED and
 * SENT_BURST. Where memory is short it is told of less exactly, as part of the range before. */
void sent_push(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered,
               uint16_t ends);
/** Takes away what lies before `ack`, and adds to `acked` what that tells. */
void sent_acknowledge(struct sent *sent, struct memory *memory, seq_t ack, struct sent_acked *acked);
/** Marks [start, end) as SACKed, as far as it is in the map, and adds to `acked` what that tells. Ranges are split at
 * multiples of `unit` octets only, counted from where they begin; where they may not be, for want of memory or with
 * 0, only those that lie in it as a whole are SACKed. */
void sent_sack(struct sent *sent, struct memory *memory, seq_t start, seq_t end, uint32_t unit,
               struct sent_acked *acked);
/** Marks all of it as lost that was last sent before `before` and not SACKed, and the first range whenever it was. */
void sent_lose_all(struct sent *sent, strata_time before);
/** Marks [start, end) as lost, as far as it is in the map and not SACKed. */
void sent_lose(struct sent *sent, struct memory *memory, seq_t start, seq_t end);
/** Nothing is lost. */
void sent_lose_nothing(struct sent *sent);
/** Nothing is SACKed: the peer has thrown it away (RFC 2018 8). All of that counts as lost. */
void sent_forget_sacked(struct sent *sent);
/** Notes that [start, end) was sent again: no longer lost. */
void sent_resend(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now,
                 uint32_t delivered);
/** The first lost octets in a row, at most `most` of them. @return false: none is lost. */
bool sent_first_lost(struct sent *sent, uint32_t most, struct sent_lost *lost);
/** What must always hold, of a map that begins at `start`. */
void sent_verify(const struct sent *sent, seq_t start, seq_t end);

#endif
