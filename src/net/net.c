/*
 * The network room's birth and death, and the table that leads up.
 */
#include <errno.h>

#include "base/assert.h"
#include "net/internal.h"
#include "wire/ethernet.h"

/* The loopback carries at least what every path carries (RFC 8200-14). */
#define PUMP_LEAST_BYTES 1280u

static void input(void *context, const struct link_input *input)
{
    if (input->ethertype == ETHERTYPE_IPV4)
        ipv4_input(context, input);
    else
        ipv6_input(context, input);
}

/* A packet's next hop did not answer: its gateway may be dead, and its source is told. */
static void unresolved(void *context, struct packet *packet)
{
    struct net *net = context;
    if (packet->ethertype == ETHERTYPE_IPV4) {
        // RFC 1122-16: an ARP failure is evidence enough against a gateway.
        struct net_path path;
        struct ipv4_header header;
        if (ipv4_parse_quoted(&header, packet_data(packet), packet->length) > 0 &&
            net_path_find(net, &path, &header.destination, 0, 0) == 0 &&
            address_equal(&path.next_hop, &packet->next_hop))
            net_doubt(net, &path);
    }
    icmp_error_local(net, packet);
}

int net_new(struct net **result, struct core *core)
{
    struct net *net = memory_allocate(&core->memory, sizeof *net);
    if (!net)
        return -ENOMEM;
    net->core = core;
    net->generation = 1;
    routes_init(&net->routes, core);
    destinations_init(net);
    reassembly_init(net);
    random_key(&core->random, &net->identification_key);
    net->error_credit = core->settings.icmp_errors_burst * STRATA_SECOND;
    net->error_filled = core->now;
    struct link_upper upper = {
        .context = net, .input = input, .unresolved = unresolved, .changed = net_port_changed};
    int error = links_init(&net->links, core, &upper);
    if (error < 0) {
        memory_release(&core->memory, net, sizeof *net);
        return error;
    }
    struct strata_address loopback4 = strata_ipv4(127, 0, 0, 1), loopback6 = {{[15] = 1}};
    error = net_address_add(net, STRATA_PORT_LOOPBACK, &loopback4, 8);
    if (error == 0)
        error = net_address_add(net, STRATA_PORT_LOOPBACK, &loopback6, 128);
    if (error < 0) {
        net_free(net);
        return error;
    }
    *result = net;
    return 0;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    reassembly_free(net);
    packet_free(&net->core->memory, net->pump_room);
    links_free(&net->links);
    destinations_free(net);
    routes_free(&net->routes);
    memory_release(&net->core->memory, net, sizeof *net);
}

struct links *net_links(struct net *net)
{
    return &net->links;
}

struct core *net_core(struct net *net)
{
    return net->core;
}

void net_set_upper(struct net *net, uint8_t protocol, const struct net_upper *upper)
{
    if (net->upper_of[protocol] == 0) {
        ASSERT(net->upper_count < NET_UPPERS);
        net->upper_of[protocol] = ++net->upper_count;
    }
    net->uppers[net->upper_of[protocol] - 1] = *upper;
}

void net_memory(const struct net *net, struct strata_memory *memory)
{
    memory->reassemblies = net->reassembly.count;
    memory->neighbours = neighbour_count(&net->links);
}

/* ---- The internal loopback ------------------------------------------------------------------------------- */

bool net_loopback_waiting(const struct net *net)
{
    return port_is_ready(links_port(&net->links, STRATA_PORT_LOOPBACK));
}

/* A packet that waits in the loopback comes in again. */
static void pump_packet(struct net *net, struct port *loopback, struct packet *packet)
{
    loopback->frames_out++;
    loopback->bytes_out += packet->length;
    if (packet->port <= STRATA_PORT_LOOPBACK) {
        port_input(loopback, packet_data(packet), packet->length, NULL);
        return;
    }
    // A copy of multicast that left by a port: its members there hear it.
    static const struct strata_meta none;
    struct link_input copy = {.port = packet->port,
                              .ethertype = packet->ethertype,
                              .loopback = true,
                              .bytes = packet_data(packet),
                              .length = packet->length,
                              .meta = &none};
    if (links_port(&net->links, packet->port))
        input(net, &copy);
}

/* Room for the next frame of a speaker. The first one is kept: once connections to ourselves have filled all
 * memory there would be none to empty it through. */
static struct packet *pump_room(struct net *net, const struct port *loopback)
{
    if (!net->pump_room)
        net->pump_room = packet_new(&net->core->memory, 0, loopback->mtu_bytes);
    if (net->pump_room)
        return packet_ref(net->pump_room);
    // Memory was short from the beginning: a small frame is better than none.
    struct packet *packet = NULL;
    for (size_t size = loopback->mtu_bytes; !packet && size >= PUMP_LEAST_BYTES; size /= 2)
        packet = packet_new(&net->core->memory, 0, size);
    return packet;
}

static bool pump_speaker(struct net *net, struct port *loopback)
{
    struct packet *packet = pump_room(net, loopback);
    if (!packet)
        return false;
    struct strata_meta meta = {0};
    struct room room = {
        .bytes = packet_data(packet), .size = packet->length, .meta = &meta, .now = net->core->now};
    size_t length = port_output(loopback, &room);
    if (length > 0)
        port_input(loopback, room.bytes, length, &meta);
    packet_free(&net->core->memory, packet);
    return length > 0;
}

bool net_pump_loopback(struct net *net)
{
    struct port *loopback = links_port(&net->links, STRATA_PORT_LOOPBACK);
    for (int64_t i = 0; i < net->core->settings.loopback_frames_per_advance && port_is_ready(loopback); i++) {
        struct packet *packet =
            i & 1 && !list_is_empty(&loopback->speakers) ? NULL : packet_queue_pop(&loopback->control);
        if (packet) {
            pump_packet(net, loopback, packet);
            packet_free(&net->core->memory, packet);
        } else if (!pump_speaker(net, loopback) && loopback->control.count == 0) {
            break;
        }
    }
    return port_is_ready(loopback);
}
