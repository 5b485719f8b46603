/*
 * ARP packets: whatever is parsed is emitted as the same bytes.
 */
#include "base/assert.h"
#include "wire/arp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arp_packet packet;
    if (arp_parse(&packet, data, size) < 0)
        return 0;
    ASSERT(strata_address_is_ipv4(&packet.sender) && strata_address_is_ipv4(&packet.target));
    uint8_t room[ARP_BYTES];
    ASSERT(arp_emit(room, &packet) == ARP_BYTES && size >= ARP_BYTES);
    ASSERT(memcmp(room, data, ARP_BYTES) == 0);
    return 0;
}
