/**
 * Packets: owned copies of frames that must wait.
 *
 *     [ struct packet | headroom ... | bytes from `offset`, `length` of them | tailroom ]
 *
 * Headroom lets a lower room write its header in front. A packet may be shared by several queues (floods,
 * multicast); whoever drops the last reference frees it. Shared bytes are never written.
 */
#ifndef BASE_PACKET_H
#define BASE_PACKET_H

#include "base/list.h"
#include "base/memory.h"

/** Headroom that fits every link header in front of an IP header. */
#define PACKET_HEADROOM 32u

struct packet {
    struct list node; /**< In one queue. A shared packet is queued through separate references, see packet_queue. */
    uint32_t references;
    uint32_t room;   /**< Bytes in `bytes`. */
    uint32_t offset; /**< Where the content begins. */
    uint32_t length;
    uint16_t ethertype; /**< Of the content, when it is a network datagram. */
    int16_t port;       /**< Arrival port, -1: our own. */
    uint16_t flags;
    uint8_t next_hop_mac[6];
    struct strata_address next_hop;
    strata_time when; /**< Arrival, or expiry, as the owner likes. */
    uint8_t bytes[];
};

/** @return a packet with `length` content bytes (undefined) after `headroom`, or NULL. */
struct packet *packet_new(struct memory *memory, size_t headroom, size_t length);
/** A packet with a copy of `data`. */
struct packet *packet_copy(struct memory *memory, size_t headroom, const void *data, size_t length);
/** One more reference. */
static inline struct packet *packet_ref(struct packet *packet)
{
    packet->references++;
    return packet;
}
/** Drops a reference; NULL is allowed. */
void packet_free(struct memory *memory, struct packet *packet);
static inline uint8_t *packet_data(struct packet *packet)
{
    return packet->bytes + packet->offset;
}
/** Makes room for `bytes` more in front. */
uint8_t *packet_push(struct packet *packet, size_t bytes);
/** Takes `bytes` away at the front. */
uint8_t *packet_pull(struct packet *packet, size_t bytes);

/** A bounded first-in first-out queue of packets (each in one queue only). */
struct packet_queue {
    struct list packets;
    uint32_t count, limit;
    size_t bytes;
};
void packet_queue_init(struct packet_queue *queue, uint32_t limit);
/** @return false when full: the packet stays the caller's. */
bool packet_queue_push(struct packet_queue *queue, struct packet *packet);
struct packet *packet_queue_pop(struct packet_queue *queue);
struct packet *packet_queue_first(struct packet_queue *queue);
void packet_queue_clear(struct packet_queue *queue, struct memory *memory);

#endif
