/*
 * Frames in: Ethernet II (RFC 894) with or without a priority tag (802.1Q), or bare datagrams; and the link
 * header out.
 *
 * A frame is ours if it is to our station address, to all stations, or to a group somebody here has joined. A
 * tag with VLAN 0 only carries a priority; any other VLAN is not ours.
 */
#include "link/neighbours.h"
#include "wire/ethernet.h"

void port_emit_header(const struct port *port, uint8_t *room, const uint8_t mac[6], uint16_t ethertype)
{
    if (port->link != STRATA_LINK_ETHERNET)
        return;
    struct ethernet_header header = {.ethertype = ethertype};
    memcpy(header.destination, mac, 6);
    memcpy(header.source, port->mac, 6);
    ethernet_emit(room, &header);
}

/* Whether a group of stations holds us; groups share station addresses, so the room above looks again. */
static bool in_group(const struct port *port, const uint8_t mac[6])
{
    for (uint32_t i = 0; i < port->group_count; i++) {
        uint8_t member[6];
        ethernet_multicast(member, &port->groups[i].group);
        if (memcmp(member, mac, 6) == 0)
            return true;
    }
    return false;
}

static void ethernet_input(struct port *port, const uint8_t *frame, size_t length, struct link_input *input)
{
    struct core *core = port->links->core;
    struct ethernet_header header;
    int parsed = ethernet_parse(&header, frame, length);
    enum counter reason = COUNTER_NONE;
    if (parsed < 0) {
        reason = (enum counter)(-parsed);
    } else if (ethernet_is_group(header.destination)) {
        input->link_broadcast = true;
        if (!ethernet_is_broadcast(header.destination) && !in_group(port, header.destination))
            reason = COUNTER_ethernet_drop_destination;
    } else if (memcmp(header.destination, port->mac, 6) != 0) {
        reason = COUNTER_ethernet_drop_destination;
    }
    if (reason == COUNTER_NONE) {
        if (ethernet_is_group(header.source))
            reason = COUNTER_ethernet_drop_source;
        else if (header.tagged && header.vlan != 0)
            reason = COUNTER_ethernet_drop_vlan;
        else if (length - (size_t)parsed > port->mtu_bytes && input->meta->segment_size_bytes == 0)
            reason = COUNTER_port_drop_length;
        else if (header.ethertype != ETHERTYPE_IPV4 && header.ethertype != ETHERTYPE_IPV6 &&
                 header.ethertype != ETHERTYPE_ARP)
            reason = COUNTER_ethernet_drop_type;
    }
    if (reason != COUNTER_NONE) {
        core_drop(core, reason, port->index, frame, length);
        return;
    }
    input->bytes = frame + parsed;
    input->length = length - (size_t)parsed;
    if (header.ethertype == ETHERTYPE_ARP) {
        arp_input(port, input->bytes, input->length);
        return;
    }
    input->ethertype = header.ethertype;
    port->links->upper.input(port->links->upper.context, input);
}

/* A bare datagram says by its first four bits what it is. */
static void datagram_input(struct port *port, const uint8_t *bytes, size_t length, struct link_input *input)
{
    struct core *core = port->links->core;
    unsigned version = length > 0 ? bytes[0] >> 4 : 0;
    if (length > port->mtu_bytes && input->meta->segment_size_bytes == 0) {
        core_drop(core, COUNTER_port_drop_length, port->index, bytes, length);
        return;
    }
    if (version != 4 && version != 6) {
        core_drop(core, COUNTER_ipv4_drop_version, port->index, bytes, length);
        return;
    }
    input->ethertype = version == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    input->bytes = bytes;
    input->length = length;
    port->links->upper.input(port->links->upper.context, input);
}

void port_input(struct port *port, const void *frame, size_t length, const struct strata_meta *meta)
{
    static const struct strata_meta none;
    struct core *core = port->links->core;
    if (!port->up) {
        core_drop(core, COUNTER_port_drop_down, port->index, frame, length);
        return;
    }
    port->frames_in++;
    port->bytes_in += length;
    if (core_traces(core)) {
        struct strata_trace_record record = {.kind = STRATA_TRACE_FRAME_IN,
                                             .port = (int16_t)port->index,
                                             .length = (uint32_t)length,
                                             .frame = frame};
        core_trace(core, &record);
    }
    struct link_input input = {
        .port = port->index, .meta = meta ? meta : &none, .loopback = port->index == STRATA_PORT_LOOPBACK};
    if (port->link == STRATA_LINK_ETHERNET)
        ethernet_input(port, frame, length, &input);
    else
        datagram_input(port, frame, length, &input);
}
