/*
 * Ports: their life, their addresses and groups, and who speaks next.
 *
 * A port that has something to say is in links->ready, so that finding one costs the same however many are
 * silent. Speakers take turns by bytes: each may say a quantum (a full frame, or the largest it has said) and
 * then goes to the end of the line; what it says beyond is owed in the next round (deficit round robin,
 * Shreedhar and Varghese 1995, paid afterwards). Queues of control and forwarded frames take turns with the
 * speakers by the table `order`.
 */
#include <errno.h>

#include "base/address.h"
#include "link/neighbours.h"
#include "wire/ethernet.h"

#define PORTS_MAX 32767u
#define LOOPBACK_MTU_BYTES 65535u
#define FORWARD_PACKETS 256u

bool port_is_ready(const struct port *port)
{
    return port->up &&
           (port->control.count > 0 || port->forward.count > 0 || !list_is_empty(&port->speakers));
}

/* The loopback is pumped from within and never asked from outside. */
static void port_wake(struct port *port)
{
    if (port->index != STRATA_PORT_LOOPBACK && port->up && !list_is_linked(&port->ready_node))
        list_push_back(&port->links->ready, &port->ready_node);
}

int links_ready(struct links *links)
{
    struct list *node;
    while ((node = list_first(&links->ready))) {
        struct port *port = CONTAINER_OF(node, struct port, ready_node);
        if (port_is_ready(port))
            return port->index;
        list_remove(node); // its speakers have fallen silent since
    }
    return -1;
}

void port_mark(struct port *port, struct speaker *speaker)
{
    if (list_is_linked(&speaker->node)) {
        if (speaker->port == port->index)
            return;
        list_remove(&speaker->node);
    }
    speaker->port = (int16_t)port->index;
    speaker->credit_bytes = port->quantum_bytes;
    list_push_back(&port->speakers, &speaker->node);
    port_wake(port);
}

void speaker_silence(struct speaker *speaker)
{
    list_remove(&speaker->node);
    speaker->port = -1;
}

void port_queue(struct port *port, struct packet *packet, enum port_class class)
{
    struct core *core = port->links->core;
    enum counter reason = COUNTER_port_drop_down;
    if (port->up) {
        if (!port->full && packet_queue_push(class == PORT_CONTROL ? &port->control : &port->forward, packet)) {
            port_wake(port);
            return;
        }
        reason = COUNTER_port_drop_queue_full;
    }
    core_drop(core, reason, port->index, packet_data(packet), packet->length);
    packet_free(&core->memory, packet);
}

void port_queue_to(struct port *port, struct packet *packet, const uint8_t mac[6])
{
    if (port->link == STRATA_LINK_ETHERNET)
        port_emit_header(port, packet_push(packet, ETHERNET_HEADER_BYTES), mac, packet->ethertype);
    port_queue(port, packet, (enum port_class)packet->flags);
}

void port_send(struct port *port, struct packet *packet, const struct strata_address *next_hop,
               bool broadcast, enum port_class class)
{
    struct links *links = port->links;
    uint8_t mac[6] = {0};
    packet->flags = (uint16_t) class;
    packet->next_hop = *next_hop;
    switch (port->up ? neighbour_resolve(port, next_hop, broadcast, mac) : NEIGHBOUR_RESOLVED) {
    case NEIGHBOUR_RESOLVED:
        port_queue_to(port, packet, mac);
        return;
    case NEIGHBOUR_PENDING:
        neighbour_wait(port, next_hop, packet);
        return;
    default:
        core_drop(links->core, COUNTER_arp_drop_unresolved, port->index, packet_data(packet), packet->length);
        if (links->upper.unresolved)
            links->upper.unresolved(links->upper.context, packet);
        packet_free(&links->core->memory, packet);
    }
}

static long output_queue(struct port *port, struct packet_queue *queue, struct room *room)
{
    struct packet *packet = packet_queue_first(queue);
    if (!packet)
        return 0;
    if (packet->length > room->size)
        return -EMSGSIZE;
    long length = (long)packet->length;
    memcpy(room->bytes, packet_data(packet), packet->length);
    *room->meta = (struct strata_meta){0};
    packet_free(&port->links->core->memory, packet_queue_pop(queue));
    return length;
}

/* A speaker has said `length` bytes: it goes on in this round, or waits for the next. */
static void charge(struct port *port, struct speaker *speaker, long length)
{
    if (length > port->quantum_bytes)
        port->quantum_bytes = (int32_t)length;
    speaker->credit_bytes -= (int32_t)length;
    if (speaker->credit_bytes <= 0) {
        speaker->credit_bytes += port->quantum_bytes;
        list_remove(&speaker->node);
        list_push_back(&port->speakers, &speaker->node);
    }
}

static long output_speakers(struct port *port, struct room *room)
{
    struct list *node;
    while ((node = list_first(&port->speakers))) {
        struct speaker *speaker = CONTAINER_OF(node, struct speaker, node);
        /* What it does while it speaks may take it off this list or free it. A marker behind it tells
         * afterwards, without looking at it, whether it still stands where it stood. */
        struct list marker;
        list_insert_before(node->next, &marker);
        long length = speaker->ops->speak(speaker, room);
        bool listed = marker.previous == node;
        list_remove(&marker);
        if (length < 0)
            return length;
        if (length > 0) {
            if (listed)
                charge(port, speaker, length);
            return length;
        }
        if (listed)
            speaker_silence(speaker);
    }
    return 0;
}

enum { CONTROL, FORWARD, SPEAKERS, CLASSES };

/* Who is asked first, second and last, by turn: control is quick, and nobody starves. */
static const uint8_t order[4][CLASSES] = {{CONTROL, FORWARD, SPEAKERS},
                                          {FORWARD, CONTROL, SPEAKERS},
                                          {CONTROL, SPEAKERS, FORWARD},
                                          {SPEAKERS, FORWARD, CONTROL}};

static long output_class(struct port *port, uint8_t class, struct room *room)
{
    switch (class) {
    case CONTROL:
        return output_queue(port, &port->control, room);
    case FORWARD:
        return output_queue(port, &port->forward, room);
    default:
        return output_speakers(port, room);
    }
}

size_t port_output(struct port *port, struct room *room)
{
    if (!port->up)
        return 0;
    long length = 0;
    room->port = port->index;
    if (port->control.count == 0 && port->forward.count == 0)
        length = output_speakers(port, room);
    else
        for (int i = 0; i < CLASSES && length <= 0; i++)
            length = output_class(port, order[port->turn & 3][i], room);
    // A speaker that had to ask for its neighbour first has left a request behind, perhaps after control's
    // turn.
    if (length == 0)
        length = output_queue(port, &port->control, room);
    // Others, where there are any, get their turn; a port that has nothing more leaves the list in
    // links_ready.
    struct list *ready = &port->links->ready;
    if (ready->next != ready->previous && list_is_linked(&port->ready_node)) {
        list_remove(&port->ready_node);
        if (port_is_ready(port))
            port_wake(port);
    }
    if (length <= 0)
        return 0;
    port->turn++;
    port->frames_out++;
    port->bytes_out += (uint64_t)length;
    struct core *core = port->links->core;
    if (core_traces(core)) {
        struct strata_trace_record record = {.kind = STRATA_TRACE_FRAME_OUT,
                                             .port = (int16_t)port->index,
                                             .length = (uint32_t)length,
                                             .frame = room->bytes};
        core_trace(core, &record);
    }
    return (size_t)length;
}

/* ---- Addresses and groups --------------------------------------------------------------------------------
 */

const struct port_address *port_find_address(const struct port *port, const struct strata_address *address)
{
    for (uint32_t i = 0; i < port->address_count; i++)
        if (address_equal(&port->addresses[i].address, address))
            return &port->addresses[i];
    return NULL;
}

const struct port_address *port_first_address(const struct port *port, const struct strata_address *like)
{
    bool ipv4 = address_is_ipv4(like);
    for (uint32_t i = 0; i < port->address_count; i++)
        if (address_is_ipv4(&port->addresses[i].address) == ipv4)
            return &port->addresses[i];
    return NULL;
}

/* Room for one more element in a small array. */
static void *grow(struct core *core, void *array, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return array;
    uint32_t more = *room ? *room * 2 : 2;
    void *moved = memory_resize(&core->memory, array, *room * size, more * size);
    if (moved)
        *room = more;
    return moved;
}

/* The host bits that all IPv4 subnets have: an address in which these differ is no broadcast address of any.
 */
static void update_broadcast_bits(struct port *port)
{
    port->broadcast_bits = UINT32_MAX;
    for (uint32_t i = 0; i < port->address_count; i++) {
        const struct port_address *own = &port->addresses[i];
        if (address_is_ipv4(&own->address) && own->prefix_bits >= 96 && own->prefix_bits <= 126)
            port->broadcast_bits &= (uint32_t)((UINT64_C(1) << (128 - own->prefix_bits)) - 1);
    }
}

int port_add_address(struct port *port, const struct strata_address *address, unsigned prefix_bits)
{
    if (prefix_bits > 128)
        return -EINVAL;
    if (port_find_address(port, address))
        return -EEXIST;
    struct port_address *list =
        grow(port->links->core, port->addresses, port->address_count, &port->address_room, sizeof *list);
    if (!list)
        return -ENOMEM;
    port->addresses = list;
    list[port->address_count++] = (struct port_address){*address, (uint8_t)prefix_bits};
    update_broadcast_bits(port);
    arp_announce(port, address);
    return 0;
}

int port_remove_address(struct port *port, const struct strata_address *address)
{
    for (uint32_t i = 0; i < port->address_count; i++) {
        if (!address_equal(&port->addresses[i].address, address))
            continue;
        port->address_count--;
        memmove(&port->addresses[i], &port->addresses[i + 1],
                (port->address_count - i) * sizeof *port->addresses);
        update_broadcast_bits(port);
        return 0;
    }
    return -EADDRNOTAVAIL;
}

static struct port_group *find_group(const struct port *port, const struct strata_address *group)
{
    for (uint32_t i = 0; i < port->group_count; i++)
        if (address_equal(&port->groups[i].group, group))
            return &port->groups[i];
    return NULL;
}

bool port_is_member(const struct port *port, const struct strata_address *group)
{
    return find_group(port, group) != NULL;
}

int port_join(struct port *port, const struct strata_address *group)
{
    struct port_group *known = find_group(port, group);
    if (known) {
        known->members++;
        return 0;
    }
    struct port_group *list =
        grow(port->links->core, port->groups, port->group_count, &port->group_room, sizeof *list);
    if (!list)
        return -ENOMEM;
    port->groups = list;
    list[port->group_count++] = (struct port_group){*group, 1};
    return 0;
}

int port_leave(struct port *port, const struct strata_address *group)
{
    struct port_group *known = find_group(port, group);
    if (!known)
        return -EADDRNOTAVAIL;
    if (--known->members == 0)
        *known = port->groups[--port->group_count];
    return 0;
}

/* ---- Birth and death -------------------------------------------------------------------------------------
 */

static void trace_port(struct port *port)
{
    struct core *core = port->links->core;
    if (core_traces(core)) {
        struct strata_trace_record record = {.kind = STRATA_TRACE_PORT, .port = (int16_t)port->index};
        record.value[0] = port->up;
        core_trace(core, &record);
    }
}

int links_init(struct links *links, struct core *core, const struct link_upper *upper)
{
    memset(links, 0, sizeof *links);
    links->core = core;
    links->upper = *upper;
    list_init(&links->ready);
    int error = neighbours_init(links);
    if (error < 0)
        return error;
    struct strata_port_config loopback = {
        .size = sizeof loopback, .name = "lo", .link = STRATA_LINK_IP, .mtu_bytes = LOOPBACK_MTU_BYTES};
    int port = links_add_port(links, &loopback);
    if (port < 0)
        links_free(links);
    return port < 0 ? port : 0;
}

/* An index that no port had before, with a place in the table: sockets, groups and scopes that name a port
 * that went must not mean another one. Only when all are used up the lowest free one comes again. */
static int free_index(struct links *links)
{
    uint32_t index = links->port_count;
    if (index >= PORTS_MAX)
        for (index = 0; index < links->port_count && links->ports[index];)
            index++;
    if (index >= PORTS_MAX)
        return -ENOSPC;
    if (index < links->port_count)
        return (int)index;
    uint32_t count = links->port_count;
    uint32_t room = count ? (count + 3) & ~3u : 0;
    if (count == room) {
        struct port **ports = memory_resize(&links->core->memory, links->ports, room * sizeof *ports,
                                            (room + 4) * sizeof *ports);
        if (!ports)
            return -ENOMEM;
        links->ports = ports;
    }
    links->port_count++;
    return (int)index;
}

static void name_port(struct port *port, const char *name)
{
    if (name) {
        strncpy(port->name, name, sizeof port->name - 1);
        return;
    }
    char digits[8];
    int count = 0;
    for (int rest = port->index; rest > 0 || count == 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    memcpy(port->name, "port", 4);
    for (int i = 0; i < count; i++)
        port->name[4 + i] = digits[count - 1 - i];
}

static void draw_mac(struct core *core, uint8_t mac[6])
{
    random_fill(&core->random, mac, 6);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02); // one station's, locally administered
}

static void port_free(struct port *port)
{
    struct memory *memory = &port->links->core->memory;
    memory_release(memory, port->addresses, port->address_room * sizeof *port->addresses);
    memory_release(memory, port->groups, port->group_room * sizeof *port->groups);
    memory_release(memory, port, sizeof *port);
}

int links_add_port(struct links *links, const struct strata_port_config *config)
{
    static const uint8_t none[6];
    struct core *core = links->core;
    uint32_t mtu = config->mtu_bytes ? config->mtu_bytes : 1500;
    if (config->size < sizeof *config || mtu < 68 || mtu > 65535 ||
        (config->link != STRATA_LINK_ETHERNET && config->link != STRATA_LINK_IP) ||
        ethernet_is_group(config->mac))
        return -EINVAL;
    struct port *port = memory_allocate(&core->memory, sizeof *port);
    if (!port)
        return -ENOMEM;
    int index = free_index(links);
    if (index < 0) {
        memory_release(&core->memory, port, sizeof *port);
        return index;
    }
    port->links = links;
    port->index = index;
    port->link = config->link;
    port->mtu_bytes = mtu;
    port->quantum_bytes = (int32_t)(mtu + ETHERNET_HEADER_BYTES);
    memcpy(port->mac, config->mac, 6);
    if (config->link == STRATA_LINK_ETHERNET && memcmp(port->mac, none, 6) == 0)
        draw_mac(core, port->mac);
    name_port(port, config->name);
    packet_queue_init(&port->control, (uint32_t)core->settings.control_packets);
    packet_queue_init(&port->forward, config->queue_packets ? config->queue_packets : FORWARD_PACKETS);
    list_init(&port->speakers);
    list_init(&port->ready_node);
    port->up = port->sends = true;
    links->ports[index] = port;
    // RFC 1122-28: all hosts hear 224.0.0.1, and all nodes ff02::1.
    static const struct strata_address all_nodes = {{0xff, 0x02, [15] = 1}};
    struct strata_address all_hosts = strata_ipv4(224, 0, 0, 1);
    if (port_join(port, &all_hosts) < 0 || port_join(port, &all_nodes) < 0) {
        links->ports[index] = NULL;
        port_free(port);
        return -ENOMEM;
    }
    trace_port(port);
    return index;
}

/* A port stops: what waits for it is dropped, who waits for it is told. */
static void port_stop(struct port *port)
{
    struct core *core = port->links->core;
    port->up = port->sends = false;
    list_remove(&port->ready_node);
    core->counters.value[COUNTER_port_drop_down] += port->control.count + port->forward.count;
    packet_queue_clear(&port->control, &core->memory);
    packet_queue_clear(&port->forward, &core->memory);
    struct list speakers, *node;
    list_init(&speakers);
    while ((node = list_first(&port->speakers))) {
        list_remove(node);
        list_push_back(&speakers, node);
    }
    trace_port(port);
    neighbours_flush(port, -ENETDOWN, false);
    if (port->links->upper.changed)
        port->links->upper.changed(port->links->upper.context, port->index);
    speakers_give_up(&speakers, -ENETDOWN);
}

int port_set_up(struct port *port, bool up)
{
    if (port->index == STRATA_PORT_LOOPBACK)
        return -EINVAL;
    if (port->up == up)
        return 0;
    if (!up) {
        port_stop(port);
        return 0;
    }
    port->up = true;
    port->sends = !port->full;
    trace_port(port);
    for (uint32_t i = 0; i < port->address_count; i++)
        arp_announce(port, &port->addresses[i].address);
    if (port_is_ready(port))
        port_wake(port);
    if (port->links->upper.changed)
        port->links->upper.changed(port->links->upper.context, port->index);
    return 0;
}

void port_set_full(struct port *port, bool full)
{
    struct core *core = port->links->core;
    port->full = full;
    port->sends = port->up && !full;
    if (!full)
        return;
    core->counters.value[COUNTER_port_drop_queue_full] += port->control.count + port->forward.count;
    packet_queue_clear(&port->control, &core->memory);
    packet_queue_clear(&port->forward, &core->memory);
}

int links_remove_port(struct links *links, int index)
{
    struct port *port = links_port(links, index);
    if (!port || index == STRATA_PORT_LOOPBACK)
        return -ENODEV;
    if (port->up)
        port_stop(port);
    neighbours_flush(port, -ENETDOWN, true);
    // Who marked itself meanwhile has not looked at the routes yet: it will find another port, or none.
    links->ports[index] = NULL;
    if (links->upper.changed)
        links->upper.changed(links->upper.context, index);
    struct list speakers, *node;
    list_init(&speakers);
    while ((node = list_first(&port->speakers))) {
        list_remove(node);
        list_push_back(&speakers, node);
    }
    port_free(port);
    speakers_give_up(&speakers, -ENETDOWN);
    return 0;
}

void links_free(struct links *links)
{
    struct memory *memory = &links->core->memory;
    links->upper = (struct link_upper){0};
    for (uint32_t i = 0; i < links->port_count; i++) {
        struct port *port = links->ports[i];
        if (!port)
            continue;
        neighbours_flush(port, -ENETDOWN, true);
        packet_queue_clear(&port->control, memory);
        packet_queue_clear(&port->forward, memory);
        struct list *node;
        while ((node = list_first(&port->speakers)))
            speaker_silence(CONTAINER_OF(node, struct speaker, node));
        port_free(port);
    }
    memory_release(memory, links->ports, ((links->port_count + 3) & ~3u) * sizeof *links->ports);
    links->ports = NULL;
    links->port_count = 0;
    neighbours_free(links);
}
