/**
 * Ethernet II headers and the 802.1Q tag.
 */
#ifndef WIRE_ETHERNET_H
#define WIRE_ETHERNET_H

#include "wire/wire.h"

#define ETHERNET_HEADER_BYTES 14
#define ETHERNET_TAG_BYTES 4

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IPV6 = 0x86dd };

struct ethernet_header {
    uint8_t destination[6], source[6];
    uint16_t ethertype; /**< Of the content, behind the tag if there is one. */
    bool tagged;
    uint16_t vlan;      /**< 12 bits. */
    uint8_t priority;   /**< 3 bits. */
    bool drop_eligible;
};

int ethernet_parse(struct ethernet_header *header, const uint8_t *bytes, size_t size);
size_t ethernet_emit(uint8_t *room, const struct ethernet_header *header);
static inline bool ethernet_is_group(const uint8_t mac[6])
{
    return mac[0] & 1;
}
static inline bool ethernet_is_broadcast(const uint8_t mac[6])
{
    return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}
/** The group address of an IPv4 or IPv6 multicast address (RFC 1112 6.4, RFC 2464 7). */
void ethernet_multicast(uint8_t mac[6], const struct strata_address *group);

#endif
