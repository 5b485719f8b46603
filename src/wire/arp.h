/**
 * ARP for IPv4 over Ethernet (RFC 826).
 */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "wire/wire.h"

#define ARP_BYTES 28

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
    uint16_t operation;
    uint8_t sender_mac[6], target_mac[6];
    struct strata_address sender, target; /**< v4-mapped. */
};

/** Checks hardware type, protocol type and both lengths (RFC 826-1). */
int arp_parse(struct arp_packet *packet, const uint8_t *bytes, size_t size);
size_t arp_emit(uint8_t *room, const struct arp_packet *packet);

#endif
