/**
 * The packets of the traffic programs: a number, when it was sent, and how much is wanted back; filled up to the size
 * that was asked for.
 *
 * A size is that of the whole IP datagram, since that is what a textbook calls a packet and what a link of type `ip`
 * carries: headers of 28 bytes (IPv4) or 48 (IPv6) are part of it.
 */
#ifndef APP_TRAFFIC_PACKET_H
#define APP_TRAFFIC_PACKET_H

#include "base/address.h"
#include "base/bytes.h"

#include <strata/strata.h>

#define TRAFFIC_PORT        5001
#define TRAFFIC_PACKET_BYTES 16u
#define TRAFFIC_DATA_MAX    65507u

struct traffic_packet {
    uint32_t number;
    uint32_t wanted_bytes; /**< The size of the answer; 0: none. */
    int64_t sent_at;       /**< Nanoseconds since 1970. */
};

static inline void traffic_emit(uint8_t *bytes, const struct traffic_packet *packet)
{
    bytes_put32(bytes, packet->number);
    bytes_put32(bytes + 4, packet->wanted_bytes);
    bytes_put64(bytes + 8, (uint64_t)packet->sent_at);
}

/** @return false: too short. */
static inline bool traffic_parse(struct traffic_packet *packet, const uint8_t *bytes, size_t size)
{
    if (size < TRAFFIC_PACKET_BYTES)
        return false;
    packet->number = bytes_get32(bytes);
    packet->wanted_bytes = bytes_get32(bytes + 4);
    packet->sent_at = (int64_t)bytes_get64(bytes + 8);
    return true;
}

static inline size_t traffic_headers(const struct strata_address *address)
{
    return strata_address_is_ipv4(address) ? 28 : 48;
}
/** How much data makes a datagram of that size: at least the fields above. */
static inline size_t traffic_data_bytes(const struct strata_address *address, uint64_t size)
{
    size_t headers = traffic_headers(address);
    size_t data = size > headers + TRAFFIC_PACKET_BYTES ? (size_t)size - headers : TRAFFIC_PACKET_BYTES;
    return data < TRAFFIC_DATA_MAX ? data : TRAFFIC_DATA_MAX;
}

#endif
