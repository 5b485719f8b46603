/*
 * ARP: who has this address (RFC 826), and the beginnings of address conflict detection (RFC 5227).
 *
 * Reception is RFC 826's algorithm with its merge flag: a sender whom we know already is updated whatever the
 * packet says, a new one is added only when the packet is for us, and a request for an address of ours is
 * answered to the sender's station. A claim to one of our own addresses is counted and answered by an
 * announcement, at most once in ten seconds (RFC 5227 2.4, way c: we keep the address).
 */
#include "link/neighbours.h"
#include "wire/arp.h"
#include "wire/ethernet.h"

#define DEFEND_INTERVAL_NS (10 * STRATA_SECOND)

static const uint8_t all_stations[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void send(struct port *port, const uint8_t destination[6], const struct arp_packet *arp)
{
    struct memory *memory = &port->links->core->memory;
    struct packet *packet = packet_new(memory, 0, ETHERNET_HEADER_BYTES + ARP_BYTES);
    if (!packet) {
        core_drop(port->links->core, COUNTER_net_drop_memory, port->index, NULL, 0);
        return;
    }
    port_emit_header(port, packet_data(packet), destination, ETHERTYPE_ARP);
    arp_emit(packet_data(packet) + ETHERNET_HEADER_BYTES, arp);
    core_count(port->links->core,
               arp->operation == ARP_REQUEST ? COUNTER_arp_requests_sent : COUNTER_arp_replies_sent);
    port_queue(port, packet, PORT_CONTROL);
}

static void send_request(struct port *port, const uint8_t destination[6], const struct strata_address *sender,
                         const struct strata_address *target)
{
    struct arp_packet arp = {.operation = ARP_REQUEST, .sender = *sender, .target = *target};
    memcpy(arp.sender_mac, port->mac, 6);
    send(port, destination, &arp);
}

/* The address we ask with: one of the target's own subnet if there is any. */
static const struct port_address *sender_for(const struct port *port, const struct strata_address *target)
{
    for (uint32_t i = 0; i < port->address_count; i++) {
        const struct port_address *own = &port->addresses[i];
        if (address_is_ipv4(&own->address) && address_matches(&own->address, target, own->prefix_bits))
            return own;
    }
    return port_first_address(port, target);
}

bool arp_ask(struct port *port, const struct strata_address *target, const uint8_t *mac)
{
    const struct port_address *own = sender_for(port, target);
    if (!own)
        return false;
    send_request(port, mac ? mac : all_stations, &own->address, target);
    return true;
}

void arp_announce(struct port *port, const struct strata_address *address)
{
    if (port->link == STRATA_LINK_ETHERNET && port->up && address_is_ipv4(address))
        send_request(port, all_stations, address, address);
}

void arp_probe(struct port *port, const struct strata_address *address)
{
    struct strata_address nobody = strata_ipv4(0, 0, 0, 0);
    if (!address_equal(&port->probed, address)) {
        port->probed = *address;
        port->probe_answered = false;
    }
    // RFC 5227-2: sender 0, so that nobody's table learns from a mere question.
    if (port->link == STRATA_LINK_ETHERNET && port->up)
        send_request(port, all_stations, &nobody, address);
}

bool arp_probe_answered(const struct port *port, const struct strata_address *address)
{
    return port->probe_answered && address_equal(&port->probed, address);
}

/* RFC 5227-3: somebody uses the address we ask about, or asks about it too. */
static void watch_probe(struct port *port, const struct arp_packet *arp)
{
    bool from_candidate = address_equal(&arp->sender, &port->probed);
    bool probe = address_is_unspecified(&arp->sender) && address_equal(&arp->target, &port->probed) &&
                 arp->operation == ARP_REQUEST;
    if ((from_candidate || probe) && memcmp(arp->sender_mac, port->mac, 6) != 0)
        port->probe_answered = true;
}

static void conflict(struct port *port, const struct strata_address *address)
{
    struct core *core = port->links->core;
    core_count(core, COUNTER_arp_conflicts);
    if (port->defended != 0 && core->now - port->defended < DEFEND_INTERVAL_NS)
        return;
    port->defended = core->now != 0 ? core->now : 1;
    arp_announce(port, address);
}

static bool plausible(const struct arp_packet *arp)
{
    // RFC 826-8: a group of stations is nobody's address.
    if (ethernet_is_group(arp->sender_mac))
        return false;
    return !address_is_multicast(&arp->sender) && !address_is_limited_broadcast(&arp->sender) &&
           !address_is_loopback(&arp->sender) && !address_is_reserved(&arp->sender);
}

static void answer(struct port *port, const struct arp_packet *request)
{
    // RFC 826-4: the fields swapped, to the station that asked.
    struct arp_packet reply = {.operation = ARP_REPLY, .sender = request->target, .target = request->sender};
    memcpy(reply.sender_mac, port->mac, 6);
    memcpy(reply.target_mac, request->sender_mac, 6);
    send(port, request->sender_mac, &reply);
}

void arp_input(struct port *port, const uint8_t *bytes, size_t length)
{
    struct core *core = port->links->core;
    struct arp_packet arp;
    int parsed = arp_parse(&arp, bytes, length);
    if (parsed < 0) {
        core_drop(core, (enum counter)(-parsed), port->index, bytes, length);
        return;
    }
    if (!plausible(&arp)) {
        core_drop(core, COUNTER_arp_drop_address, port->index, bytes, length);
        return;
    }
    watch_probe(port, &arp);
    bool probe = address_is_unspecified(&arp.sender);
    if (!probe && port_find_address(port, &arp.sender)) {
        if (memcmp(arp.sender_mac, port->mac, 6) != 0)
            conflict(port, &arp.sender);
        return;
    }
    bool for_us = port_find_address(port, &arp.target) != NULL;
    if (!probe) {
        // RFC 826-2: merge first, whatever the operation is; RFC 826-3: add only what speaks to us.
        struct neighbour *neighbour = neighbour_find(port, &arp.sender);
        if (!neighbour && for_us)
            neighbour = neighbour_obtain(port, &arp.sender);
        if (neighbour)
            neighbour_learn(neighbour, arp.sender_mac);
    }
    if (for_us && arp.operation == ARP_REQUEST)
        answer(port, &arp);
}
