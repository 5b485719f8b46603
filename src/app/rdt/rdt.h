/**
 * Reliable data transfer, step by step: the protocols of the textbook, each a pair of engines.
 *
 *     1.0   nothing can go wrong below
 *     2.0   bits may flip: checksum, ACK and NAK
 *     2.1   ACKs may be damaged, too: packets are numbered 0 and 1
 *     2.2   the same without NAK: an ACK tells which packet it is for
 *     3.0   packets may be lost: a timer (the alternating bit)
 *     gbn   Go-Back-N: several packets are on their way, one timer, the ACK is for all up to a number
 *     sr    Selective Repeat: several packets, a timer and an ACK for each, the receiver keeps what came early
 *
 * An engine is pure: it does nothing by itself, it is told what happens (rdt_send, rdt_receive ..., rdt_timeout: the
 * events of the textbook's machines) and says what is to be done through a table of calls (their actions). It never
 * asks for the time; who has a clock starts and stops the timers.
 *
 * Packets are counted from 0 inside; on the wire goes the count modulo `numbers`. A machine's states are not spelled
 * out where counts say the same: "wait for ACK 1" is that packet 1 was sent and is not acknowledged.
 */
#ifndef APP_RDT_RDT_H
#define APP_RDT_RDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDT_DATA_MAX   1464u /* with all headers a datagram of 1500 bytes */
#define RDT_WINDOW_MAX 1024u

enum rdt_kind { RDT_DATA, RDT_ACK, RDT_NAK };
struct rdt_packet {
    enum rdt_kind kind;
    uint32_t number;
    bool corrupt; /**< Its checksum is wrong: nothing else in it is to be trusted. */
    const uint8_t *data;
    size_t size;
};

/** What an engine wants done. */
struct rdt_calls {
    /** Hand a packet to the channel below, which may do anything to it. */
    void (*udt_send)(void *self, const struct rdt_packet *packet);
    /** Receiver: these data, which came with that number, are for the layer above. */
    void (*deliver_data)(void *self, uint32_t number, const uint8_t *data, size_t size);
    /** Sender: call rdt_timeout with this count when the time has passed; a timer that runs starts anew. */
    void (*start_timer)(void *self, uint64_t count);
    void (*stop_timer)(void *self, uint64_t count);
};

/** What became of a packet that arrived, for whoever tells the story. */
enum rdt_verdict {
    RDT_DELIVERED,    /**< Receiver: with all that had waited for it. */
    RDT_BUFFERED,     /**< Receiver: it came early. */
    RDT_DISCARDED,    /**< Receiver: not the one that is expected. */
    RDT_DAMAGED,      /**< Either: its checksum is wrong. */
    RDT_ACKNOWLEDGED, /**< Sender: something new was acknowledged. */
    RDT_NOTHING_NEW,  /**< Sender: an ACK that says nothing new. */
    RDT_REFUSED,      /**< Sender: a NAK. */
};

struct rdt_copy {
    size_t size;
    bool acknowledged; /**< Sender of sr. */
    bool there;        /**< Receiver of sr. */
    uint8_t data[RDT_DATA_MAX];
};

struct rdt_version;
struct rdt_sender {
    const struct rdt_version *version;
    const struct rdt_calls *calls;
    void *self;
    uint32_t window, numbers;
    bool resend_garbled;     /**< Version 2.0: what to do about feedback that nobody can read. */
    uint64_t base, next;     /**< The oldest packet that is not acknowledged; the next to be sent. */
    struct rdt_copy *copies; /**< Ring of `window`: from base to next - 1. */
};
struct rdt_receiver {
    const struct rdt_version *version;
    const struct rdt_calls *calls;
    void *self;
    uint32_t window, numbers;
    uint64_t expected;       /**< The next packet for the layer above. */
    struct rdt_copy *copies; /**< sr: ring of `window`, from expected on. */
};

/** A protocol. */
struct rdt_version {
    const char *name, *help;
    uint32_t numbers;  /**< Unless told otherwise. */
    bool pipelined;    /**< It has a window, and takes other numbers. */
    bool acknowledges; /**< There is feedback. */
    enum rdt_verdict (*receive_feedback)(struct rdt_sender *sender, const struct rdt_packet *packet);
    void (*timeout)(struct rdt_sender *sender, uint64_t count);
    void (*sent)(struct rdt_sender *sender, uint64_t count); /**< After it was sent for the first time. */
    enum rdt_verdict (*receive)(struct rdt_receiver *receiver, const struct rdt_packet *packet);
};
/** By its name, or NULL. */
const struct rdt_version *rdt_find(const char *name);
/** The index-th, or NULL. */
const struct rdt_version *rdt_version(unsigned index);

/** `window` and `numbers` 0: 1 and the version's own; versions that are not pipelined take nothing else. A window may
 * be larger than is good for the protocol, but not than the numbers. @return 0, -EINVAL, -ENOMEM. */
int rdt_sender_init(struct rdt_sender *sender, const struct rdt_version *version, uint32_t window, uint32_t numbers,
                    const struct rdt_calls *calls, void *self);
void rdt_sender_free(struct rdt_sender *sender);
int rdt_receiver_init(struct rdt_receiver *receiver, const struct rdt_version *version, uint32_t window,
                      uint32_t numbers, const struct rdt_calls *calls, void *self);
void rdt_receiver_free(struct rdt_receiver *receiver);

/** Whether the sender would take data now. */
bool rdt_may_send(const struct rdt_sender *sender);
/** Data from above. @return false: it has to wait, since the window is full; or it is too long. */
bool rdt_send(struct rdt_sender *sender, const void *data, size_t size);
/** Feedback from below. */
enum rdt_verdict rdt_receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet);
void rdt_timeout(struct rdt_sender *sender, uint64_t count);
/** Whether everything that was sent is acknowledged, or never will be since there is no feedback. */
bool rdt_is_done(const struct rdt_sender *sender);
/** A packet from below. */
enum rdt_verdict rdt_receive(struct rdt_receiver *receiver, const struct rdt_packet *packet);

/* ---- For the versions ---------------------------------------------------------------------------- */

static inline uint32_t rdt_number(uint64_t count, uint32_t numbers)
{
    return (uint32_t)(count % numbers);
}
/** How far a number is ahead of a count, modulo `numbers`. */
static inline uint32_t rdt_ahead(uint32_t number, uint64_t count, uint32_t numbers)
{
    return (number % numbers + numbers - rdt_number(count, numbers)) % numbers;
}
/** make_pkt and udt_send: a packet that was kept goes, for the first time or again. */
void rdt_transmit(struct rdt_sender *sender, uint64_t count);
/** Feedback goes back. */
void rdt_answer(struct rdt_receiver *receiver, enum rdt_kind kind, uint32_t number);
/** Data that are expected go up. */
void rdt_deliver(struct rdt_receiver *receiver, const uint8_t *data, size_t size);

extern const struct rdt_version rdt_1_0, rdt_2_0, rdt_2_1, rdt_2_2, rdt_3_0, rdt_go_back_n, rdt_selective_repeat;
/** The receivers of 2.2 and 3.0 are one. */
enum rdt_verdict rdt_2_2_receive(struct rdt_receiver *receiver, const struct rdt_packet *packet);

#endif
