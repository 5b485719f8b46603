/*
 * Ethernet II headers (RFC 894), with or without one 802.1Q tag.
 *
 *     destination 6 | source 6 | [8100 | priority 3, drop eligible 1, vlan 12] | ethertype 2
 */
#include "wire/ethernet.h"

int ethernet_parse(struct ethernet_header *header, const uint8_t *bytes, size_t size)
{
    if (size < ETHERNET_HEADER_BYTES)
        return WIRE_BAD(ethernet_drop_short);
    *header = (struct ethernet_header){.ethertype = bytes_get16(bytes + 12)};
    memcpy(header->destination, bytes, 6);
    memcpy(header->source, bytes + 6, 6);
    if (header->ethertype != ETHERTYPE_VLAN)
        return ETHERNET_HEADER_BYTES;
    if (size < ETHERNET_HEADER_BYTES + ETHERNET_TAG_BYTES)
        return WIRE_BAD(ethernet_drop_short);
    uint16_t control = bytes_get16(bytes + 14);
    header->tagged = true;
    header->priority = (uint8_t)(control >> 13);
    header->drop_eligible = control >> 12 & 1;
    header->vlan = control & 0xfff;
    header->ethertype = bytes_get16(bytes + 16);
    return ETHERNET_HEADER_BYTES + ETHERNET_TAG_BYTES;
}

size_t ethernet_emit(uint8_t *room, const struct ethernet_header *header)
{
    memcpy(room, header->destination, 6);
    memcpy(room + 6, header->source, 6);
    if (!header->tagged) {
        bytes_put16(room + 12, header->ethertype);
        return ETHERNET_HEADER_BYTES;
    }
    bytes_put16(room + 12, ETHERTYPE_VLAN);
    bytes_put16(room + 14,
                (uint16_t)(header->priority << 13 | header->drop_eligible << 12 | (header->vlan & 0xfff)));
    bytes_put16(room + 16, header->ethertype);
    return ETHERNET_HEADER_BYTES + ETHERNET_TAG_BYTES;
}

void ethernet_multicast(uint8_t mac[6], const struct strata_address *group)
{
    if (strata_address_is_ipv4(group)) {
        // The lower 23 bits (RFC 1112 6.4).
        static const uint8_t prefix[3] = {0x01, 0x00, 0x5e};
        memcpy(mac, prefix, 3);
        memcpy(mac + 3, group->bytes + 13, 3);
        mac[3] &= 0x7f;
        return;
    }
    // The lower 32 bits (RFC 2464 7).
    mac[0] = mac[1] = 0x33;
    memcpy(mac + 2, group->bytes + 12, 4);
}
