/*
 * A learning bridge, or a hub (IEEE 802.1D-2004 7): a device of its own, with ports, a table of stations and
 * bounded output queues.
 *
 * A frame teaches where its source is, latest port wins, and goes to the one port that leads to its
 * destination, or to all others if that is a group or unknown; never back where it came from. Frames to
 * 01-80-C2-00-00-00 to -0F are for neighbours only and are not relayed. A station not heard for 300 s is
 * forgotten; that is seen when it is looked for, so that a bridge has no timers. Where the table is full the
 * station silent for longest makes room.
 *
 * A frame that goes to several ports is one packet with several references.
 */
#include <errno.h>

#include "base/counters.h"
#include "base/packet.h"
#include "base/random.h"
#include "base/table.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"

#define AGEING_NS (300 * STRATA_SECOND)
#define TABLE_ENTRIES 4096u
#define QUEUE_FRAMES 256u
#define PORTS_MAX 4096u
#define ENTRIES_MAX (1u << 20)

struct station {
    struct table_entry entry;
    struct list node; /* in bridge->stations, the one heard last in front */
    uint8_t mac[6];
    uint16_t port;
    strata_time heard;
};

/* A frame in an output queue, and what is still to be done to it. */
struct queued {
    struct packet *packet;
    struct strata_meta meta;
};

struct bridge_port {
    struct list ready_node; /* in bridge->ready while something is queued */
    struct queued *queue;   /* a ring of bridge->queue_frames */
    uint32_t first, count;
};

struct strata_bridge {
    struct memory memory;
    struct counters counters;
    struct siphash_key key;
    struct table table;
    struct list stations, ready;
    uint32_t station_count, station_limit, queue_frames;
    strata_time ageing_ns;
    bool hub;
    unsigned port_count;
    struct bridge_port *ports; /* [0] is port 1 */
};

static void count(struct strata_bridge *bridge, enum counter counter)
{
    bridge->counters.value[counter]++;
}

/* ---- Stations -------------------------------------------------------------------------------------------- */

static bool equal(const struct table_entry *entry, const void *mac)
{
    return memcmp(CONTAINER_OF(entry, const struct station, entry)->mac, mac, 6) == 0;
}

static void forget(struct strata_bridge *bridge, struct station *station)
{
    table_remove(&bridge->table, &bridge->memory, &station->entry);
    list_remove(&station->node);
    bridge->station_count--;
    memory_release(&bridge->memory, station, sizeof *station);
}

/* Where a station is; NULL: unknown, or not heard for too long (802.1D 7.9.2). */
static struct station *find(struct strata_bridge *bridge, const uint8_t mac[6], strata_time now)
{
    struct table_entry *entry =
        table_find(&bridge->table, (uint32_t)siphash(&bridge->key, mac, 6), equal, mac);
    if (!entry)
        return NULL;
    struct station *station = CONTAINER_OF(entry, struct station, entry);
    if (now - station->heard < bridge->ageing_ns)
        return station;
    forget(bridge, station);
    return NULL;
}

/* RFC 8021D-1, RFC 8021D-6: the source is behind the port its frame came from, wherever it was before. */
static void learn(struct strata_bridge *bridge, const uint8_t mac[6], unsigned port, strata_time now)
{
    struct station *station = find(bridge, mac, now);
    if (!station) {
        struct list *oldest = bridge->stations.previous;
        if (bridge->station_count >= bridge->station_limit)
            forget(bridge, CONTAINER_OF(oldest, struct station, node));
        station = memory_allocate(&bridge->memory, sizeof *station);
        if (!station)
            return; // its frames are flooded
        memcpy(station->mac, mac, 6);
        if (table_insert(&bridge->table, &bridge->memory, &station->entry,
                         (uint32_t)siphash(&bridge->key, mac, 6)) < 0) {
            memory_release(&bridge->memory, station, sizeof *station);
            return;
        }
        list_init(&station->node);
        bridge->station_count++;
    }
    station->port = (uint16_t)port;
    station->heard = now;
    list_remove(&station->node);
    list_push_front(&bridge->stations, &station->node);
}

int strata_bridge_station(const struct strata_bridge *bridge, unsigned index, strata_time now,
                          struct strata_bridge_station *station)
{
    if (station->size != sizeof *station)
        return -EINVAL;
    // Those in front were heard last: the first that is too old ends the list.
    for (const struct list *node = bridge->stations.next; node != &bridge->stations; node = node->next) {
        const struct station *known = CONTAINER_OF(node, const struct station, node);
        if (now - known->heard >= bridge->ageing_ns)
            break;
        if (index-- > 0)
            continue;
        memcpy(station->mac, known->mac, 6);
        station->port = known->port;
        station->heard = known->heard;
        return 0;
    }
    return -ENOENT;
}

/* ---- Frames ---------------------------------------------------------------------------------------------- */

/* One frame on its way through: it becomes a packet at the first queue that takes it. */
struct relay {
    const uint8_t *frame;
    size_t length;
    const struct strata_meta *meta;
    struct packet *packet;
};

static void enqueue(struct strata_bridge *bridge, unsigned number, struct relay *relay)
{
    struct bridge_port *port = &bridge->ports[number - 1];
    if (port->count < bridge->queue_frames && !relay->packet)
        relay->packet = packet_copy(&bridge->memory, 0, relay->frame, relay->length);
    if (port->count >= bridge->queue_frames || !relay->packet) {
        count(bridge, COUNTER_bridge_drop_queue_full);
        return;
    }
    struct queued *queued = &port->queue[(port->first + port->count++) % bridge->queue_frames];
    queued->packet = packet_ref(relay->packet);
    queued->meta = relay->meta ? *relay->meta : (struct strata_meta){0};
    if (!list_is_linked(&port->ready_node))
        list_push_back(&bridge->ready, &port->ready_node);
}

static void flood(struct strata_bridge *bridge, unsigned from, struct relay *relay)
{
    count(bridge, COUNTER_bridge_flooded);
    for (unsigned number = 1; number <= bridge->port_count; number++)
        if (number != from)
            enqueue(bridge, number, relay);
}

/* 01-80-C2-00-00-00 to 01-80-C2-00-00-0F. */
static bool is_reserved(const uint8_t mac[6])
{
    static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};
    return memcmp(mac, prefix, 5) == 0 && mac[5] <= 0x0f;
}

static void relay_frame(struct strata_bridge *bridge, unsigned from, const struct ethernet_header *header,
                        struct relay *relay, strata_time now)
{
    if (bridge->hub) {
        flood(bridge, from, relay);
        return;
    }
    learn(bridge, header->source, from, now);
    if (is_reserved(header->destination)) { // RFC 8021D-4
        count(bridge, COUNTER_bridge_drop_reserved);
        return;
    }
    struct station *station =
        ethernet_is_group(header->destination) ? NULL : find(bridge, header->destination, now);
    if (!station) {
        flood(bridge, from, relay);
    } else if (station->port == from) {
        count(bridge, COUNTER_bridge_filtered);
    } else {
        count(bridge, COUNTER_bridge_forwarded); // RFC 8021D-2
        enqueue(bridge, station->port, relay);
    }
}

static void bridge_input(void *self, int port, const void *frame, size_t length,
                         const struct strata_meta *meta, strata_time now)
{
    struct strata_bridge *bridge = self;
    struct ethernet_header header;
    if (port < 1 || (unsigned)port > bridge->port_count)
        return;
    if (ethernet_parse(&header, frame, length) < 0 || ethernet_is_group(header.source)) {
        count(bridge, COUNTER_bridge_drop_malformed);
        return;
    }
    struct relay relay = {.frame = frame, .length = length, .meta = meta};
    relay_frame(bridge, (unsigned)port, &header, &relay, now);
    packet_free(&bridge->memory, relay.packet);
}

static int bridge_ready(void *self)
{
    struct strata_bridge *bridge = self;
    struct list *node = list_first(&bridge->ready);
    return node ? (int)(CONTAINER_OF(node, struct bridge_port, ready_node) - bridge->ports) + 1 : -1;
}

/* A checksum that was left to be completed, for a driver that cannot do it. */
static void complete_checksum(uint8_t *bytes, size_t length, struct strata_meta *meta)
{
    size_t start = meta->checksum_start, at = start + meta->checksum_offset;
    if (at + 2 <= length)
        bytes_put16(bytes + at, checksum_finish(checksum_add(0, bytes + start, length - start)));
    meta->flags &= ~STRATA_META_PARTIAL;
}

static size_t bridge_output(void *self, int number, void *room, size_t size, struct strata_meta *meta,
                            strata_time now)
{
    struct strata_bridge *bridge = self;
    (void)now;
    if (number < 1 || (unsigned)number > bridge->port_count)
        return 0;
    struct bridge_port *port = &bridge->ports[number - 1];
    struct queued *queued = &port->queue[port->first];
    if (port->count == 0 || queued->packet->length > size)
        return 0;
    size_t length = queued->packet->length;
    uint32_t can = meta ? meta->flags : 0;
    memcpy(room, packet_data(queued->packet), length);
    if (queued->meta.flags & STRATA_META_PARTIAL && !(can & STRATA_META_PARTIAL))
        complete_checksum(room, length, &queued->meta);
    if (meta)
        *meta = queued->meta;
    packet_free(&bridge->memory, queued->packet);
    port->first = (port->first + 1) % bridge->queue_frames;
    port->count--;
    list_remove(&port->ready_node); // others take turns
    if (port->count > 0)
        list_push_back(&bridge->ready, &port->ready_node);
    return length;
}

static void bridge_advance(void *self, strata_time now)
{
    (void)self;
    (void)now;
}

static strata_time bridge_deadline(void *self)
{
    (void)self;
    return STRATA_NEVER;
}

/* ---- Birth and death ------------------------------------------------------------------------------------- */

static void bridge_free(void *self)
{
    struct strata_bridge *bridge = self;
    struct list *node;
    while ((node = list_first(&bridge->stations)))
        forget(bridge, CONTAINER_OF(node, struct station, node));
    table_free(&bridge->table, &bridge->memory);
    for (unsigned i = 0; bridge->ports && i < bridge->port_count; i++) {
        struct bridge_port *port = &bridge->ports[i];
        for (; port->count > 0; port->count--, port->first = (port->first + 1) % bridge->queue_frames)
            packet_free(&bridge->memory, port->queue[port->first].packet);
        memory_release(&bridge->memory, port->queue, bridge->queue_frames * sizeof *port->queue);
    }
    memory_release(&bridge->memory, bridge->ports, bridge->port_count * sizeof *bridge->ports);
    memory_free_pool(&bridge->memory);
    struct strata_allocator allocator = bridge->memory.allocator;
    allocator.release(allocator.context, bridge, sizeof *bridge);
}

static int make_ports(struct strata_bridge *bridge)
{
    bridge->ports = memory_allocate(&bridge->memory, bridge->port_count * sizeof *bridge->ports);
    for (unsigned i = 0; bridge->ports && i < bridge->port_count; i++) {
        struct bridge_port *port = &bridge->ports[i];
        list_init(&port->ready_node);
        port->queue = memory_allocate(&bridge->memory, bridge->queue_frames * sizeof *port->queue);
        if (!port->queue)
            return -ENOMEM;
    }
    return bridge->ports ? 0 : -ENOMEM;
}

int strata_bridge_new(struct strata_bridge **result, const struct strata_bridge_config *config)
{
    struct strata_bridge_config given = {0};
    if (!config || config->size < offsetof(struct strata_bridge_config, hub))
        return -EINVAL;
    memcpy(&given, config, config->size < sizeof given ? config->size : sizeof given);
    const struct strata_allocator *allocator = given.allocator ? given.allocator : allocator_default();
    if (given.ports < 1 || given.ports > PORTS_MAX || given.ageing_ns < 0 ||
        given.table_entries > ENTRIES_MAX || given.queue_frames > ENTRIES_MAX || !allocator->allocate ||
        !allocator->release)
        return -EINVAL;
    struct strata_bridge *bridge = allocator->allocate(allocator->context, sizeof *bridge);
    if (!bridge)
        return -ENOMEM;
    memset(bridge, 0, sizeof *bridge);
    // Its bounds are the queues and the table; the allocator's are its own.
    memory_init(&bridge->memory, allocator, SIZE_MAX / 2);
    struct random random;
    random_init(&random, given.seed);
    random_key(&random, &bridge->key);
    list_init(&bridge->stations);
    list_init(&bridge->ready);
    bridge->hub = given.hub;
    bridge->port_count = given.ports;
    bridge->ageing_ns = given.ageing_ns ? given.ageing_ns : AGEING_NS; // RFC 8021D-3
    bridge->station_limit = given.table_entries ? given.table_entries : TABLE_ENTRIES;
    bridge->queue_frames = given.queue_frames ? given.queue_frames : QUEUE_FRAMES;
    if (make_ports(bridge) < 0) {
        bridge_free(bridge);
        return -ENOMEM;
    }
    *result = bridge;
    return 0;
}

struct strata_device strata_bridge_device(struct strata_bridge *bridge)
{
    static const struct strata_device_ops ops = {
        .input = bridge_input,
        .ready = bridge_ready,
        .output = bridge_output,
        .advance = bridge_advance,
        .deadline = bridge_deadline,
        .free = bridge_free,
    };
    return (struct strata_device){.ops = &ops, .self = bridge};
}

uint64_t strata_bridge_counter(const struct strata_bridge *bridge, unsigned counter)
{
    return counter < COUNTER_COUNT ? bridge->counters.value[counter] : 0;
}
