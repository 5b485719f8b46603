/*
 * ARP packets for IPv4 over Ethernet (RFC 826).
 *
 *     hardware 0001 | protocol 0800 | 6 | 4 | operation 2 | sender 6 + 4 | target 6 + 4
 */
#include "wire/arp.h"
#include "wire/ethernet.h"

#define HARDWARE_ETHERNET 1

int arp_parse(struct arp_packet *packet, const uint8_t *bytes, size_t size)
{
    // RFC 826-1: types and lengths first, then the rest means something.
    if (size < ARP_BYTES || bytes_get16(bytes) != HARDWARE_ETHERNET ||
        bytes_get16(bytes + 2) != ETHERTYPE_IPV4 || bytes[4] != 6 || bytes[5] != 4)
        return WIRE_BAD(arp_drop_malformed);
    packet->operation = bytes_get16(bytes + 6);
    if (packet->operation != ARP_REQUEST && packet->operation != ARP_REPLY)
        return WIRE_BAD(arp_drop_malformed);
    memcpy(packet->sender_mac, bytes + 8, 6);
    packet->sender = address_from_v4(bytes_get32(bytes + 14));
    memcpy(packet->target_mac, bytes + 18, 6);
    packet->target = address_from_v4(bytes_get32(bytes + 24));
    return ARP_BYTES;
}

size_t arp_emit(uint8_t *room, const struct arp_packet *packet)
{
    bytes_put16(room, HARDWARE_ETHERNET);
    bytes_put16(room + 2, ETHERTYPE_IPV4);
    room[4] = 6;
    room[5] = 4;
    bytes_put16(room + 6, packet->operation);
    memcpy(room + 8, packet->sender_mac, 6);
    bytes_put32(room + 14, address_v4(&packet->sender));
    memcpy(room + 18, packet->target_mac, 6);
    bytes_put32(room + 24, address_v4(&packet->target));
    return ARP_BYTES;
}
