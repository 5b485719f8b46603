/*
 * A bus in a world: a cable of many ends. Each station has an adapter on it, which holds the frames that the node
 * handed over and does what medium.c says; what arrives whole at an end goes into the node's port, whoever it is
 * for, as on any broadcast link: the host's own filter drops what is for other stations.
 *
 * The bus learns which station has which address from the frames it carries. That is for the acknowledgements of
 * those access methods that need one, and for the counters; it filters nothing.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/medium.h"

#define RATE_DEFAULT UINT64_C(10000000)
#define QUEUE_FRAMES_DEFAULT 1000u
#define ATTEMPTS_DEFAULT 16u
#define SLOT_BITS_DEFAULT 512u
#define TOKEN_BITS_DEFAULT 24u
#define PERSISTENCE_DEFAULT 100000u
/* IEEE 802.3 3.1.1, 4.4.2, in bits and bytes. */
#define PREAMBLE_BITS 64u
#define GAP_BITS 96u
#define JAM_BITS 32u
#define CHECKSUM_BYTES 4u
#define FRAME_LEAST_BYTES 64u

struct known_station {
    uint8_t address[6];
    unsigned end;
};

struct bus {
    struct strata_cable *cable;
    struct medium *medium;
    struct cable_end *ends;
    unsigned count;
    uint64_t rate_bps;
    bool bare;
    strata_time due; /**< The event in the world's queue that counts; STRATA_NEVER: none. */
    struct known_station *known;
    unsigned known_count, known_room;
    struct strata_cable_counts *total;
};

/* ---- Events ------------------------------------------------------------------------------------------------ */

static void emit(const struct bus *bus, const struct flight *flight, unsigned end, enum strata_lab_event_kind kind,
                 const char *text)
{
    struct strata_cable *cable = bus->cable;
    if (!world_listens(cable->world))
        return;
    struct strata_lab_event event = {
        .kind = kind,
        .node = bus->ends[end].node,
        .cable = cable,
        .end = end,
        .frame_number = flight->number,
        .frame = flight->bytes,
        .length = flight->length,
        .text = text,
    };
    world_emit(cable->world, &event);
}

/** Into the world's hash goes the end at which it happened. */
static void fold(struct flight *flight, unsigned end, enum strata_lab_event_kind kind)
{
    int sender = flight->direction;
    flight->direction = (int)end;
    fold_frame(flight, kind);
    flight->direction = sender;
}

static void lose(struct bus *bus, struct flight *flight, const char *why)
{
    emit(bus, flight, (unsigned)flight->direction, STRATA_LAB_LOST, why);
    flight_free(bus->cable->world, flight);
}

static void schedule(struct bus *bus)
{
    strata_time due = medium_deadline(bus->medium);
    if (due >= bus->due)
        return;
    bus->due = due;
    if (queue_push(&bus->cable->world->queue, due, EVENT_BUS, bus) != 0)
        bus->cable->world->error = -ENOMEM;
}

/* ---- What the medium tells ----------------------------------------------------------------------------------- */

static bool is_up(void *self, unsigned station)
{
    return !((struct bus *)self)->ends[station].node->down;
}

static void arrived(void *self, unsigned station, const struct medium_frame *frame)
{
    struct bus *bus = self;
    struct flight *flight = frame->what;
    const struct cable_end *end = &bus->ends[station];
    const struct strata_node *sender = bus->ends[flight->direction].node;
    if (end->node->down)
        return;
    if (end->node->side &&
        partition_stops(sender, end->node, bus->cable->link, flight->bytes, flight->length))
        return;
    bus->total->delivered++;
    bus->total->bytes_delivered += flight->length;
    fold(flight, station, STRATA_LAB_DELIVERED);
    emit(bus, flight, station, STRATA_LAB_DELIVERED, NULL);
    end->node->device.ops->input(end->node->device.self, end->port, flight->bytes, flight->length, NULL,
                                 bus->cable->world->now);
    node_settle(end->node);
}

static void collided(void *self, unsigned station, const struct medium_frame *frame, unsigned attempt)
{
    (void)attempt;
    emit(self, frame->what, station, STRATA_LAB_FAULT, "collision");
}

static void release(void *self, const struct medium_frame *frame, enum medium_end end, bool got_through)
{
    struct bus *bus = self;
    static const char *const reasons[] = {
        [MEDIUM_SENT] = "a collision that nobody noticed",
        [MEDIUM_EXCESSIVE] = "too many collisions",
        [MEDIUM_LATE] = "late collision",
        [MEDIUM_DOWN] = "",
    };
    struct flight *flight = frame->what;
    if (end == MEDIUM_SENT && got_through) {
        flight_free(bus->cable->world, flight);
        return;
    }
    const char *why = reasons[end];
    if (end == MEDIUM_DOWN) {
        why = bus->cable->up ? "node is down" : "cable was cut";
        bus->total->lost_down++;
    } else {
        bus->total->lost++;
    }
    lose(bus, flight, why);
}

/* ---- Frames -------------------------------------------------------------------------------------------------- */

static void learn(struct bus *bus, const uint8_t *address, unsigned end)
{
    for (unsigned i = 0; i < bus->known_count; i++)
        if (memcmp(bus->known[i].address, address, 6) == 0) {
            bus->known[i].end = end;
            return;
        }
    if (array_grow(&bus->known, sizeof *bus->known, bus->known_count, &bus->known_room) != 0)
        return; // then its frames are taken for everybody's
    struct known_station *known = &bus->known[bus->known_count++];
    memcpy(known->address, address, 6);
    known->end = end;
}

static int addressee(const struct bus *bus, const uint8_t *address, unsigned sender)
{
    for (unsigned i = 0; i < bus->known_count; i++)
        if (memcmp(bus->known[i].address, address, 6) == 0 && bus->known[i].end != sender)
            return (int)bus->known[i].end;
    return MEDIUM_ALL;
}

/** Rounded up: no link is faster than its rate. */
static strata_time bits_ns(uint64_t bits, uint64_t rate_bps)
{
    uint64_t scaled = bits * UINT64_C(1000000000);
    return (strata_time)(scaled / rate_bps + (scaled % rate_bps != 0));
}

static strata_time air_ns(const struct bus *bus, uint32_t bytes)
{
    if (bus->bare)
        return bits_ns((uint64_t)bytes * 8, bus->rate_bps);
    uint64_t frame = bytes + CHECKSUM_BYTES;
    if (frame < FRAME_LEAST_BYTES)
        frame = FRAME_LEAST_BYTES;
    return bits_ns(PREAMBLE_BITS + frame * 8, bus->rate_bps);
}

void bus_send(struct bus *bus, unsigned end, struct flight *flight)
{
    struct strata_cable *cable = bus->cable;
    struct strata_world *world = cable->world;
    flight->cable = cable;
    flight->direction = (int)end;
    flight->number = ++world->frames;
    flight->state = FLIGHT_NEW;
    bus->total->sent++;
    bus->total->bytes_sent += flight->length;
    fold(flight, end, STRATA_LAB_SENT);
    emit(bus, flight, end, STRATA_LAB_SENT, NULL);
    if (!cable->up || flight->length > cable->mtu_bytes + 18 || flight->length < 14) {
        bus->total->lost_down++;
        lose(bus, flight, !cable->up ? "cable is cut" : "too long for the cable");
        return;
    }
    learn(bus, flight->bytes + 6, end);
    struct medium_frame frame = {
        .what = flight, .air_ns = air_ns(bus, flight->length), .to = addressee(bus, flight->bytes, end)};
    int error = medium_offer(bus->medium, end, &frame, world->now);
    if (error == -ENOBUFS) {
        bus->total->lost_queue++;
        lose(bus, flight, "queue full");
    } else if (error) {
        world->error = error;
    }
    uint32_t waiting = medium_waiting(bus->medium);
    if (waiting > bus->total->queue_most)
        bus->total->queue_most = waiting;
    schedule(bus);
}

void bus_fire(struct bus *bus)
{
    struct strata_world *world = bus->cable->world;
    if (bus->due != world->now)
        return; // an earlier event has taken its place
    bus->due = STRATA_NEVER;
    int error = medium_advance(bus->medium, world->now);
    if (error)
        world->error = error;
    schedule(bus);
}

void bus_set_up(struct bus *bus, bool up)
{
    if (!up) {
        medium_silence(bus->medium, bus->cable->world->now);
        bus->due = STRATA_NEVER;
    }
    for (unsigned i = 0; i < bus->count; i++)
        node_carrier(bus->ends[i].node, bus->ends[i].port, up);
}

uint32_t bus_waiting(const struct bus *bus)
{
    return medium_waiting(bus->medium);
}

/* ---- Making -------------------------------------------------------------------------------------------------- */

static int make_medium(struct bus *bus, const struct strata_bus_config *config)
{
    static const struct medium_calls calls = {
        .is_up = is_up, .arrived = arrived, .collided = collided, .release = release};
    bool detects = config->access == STRATA_ACCESS_CSMA_CD;
    strata_time longest_ns = air_ns(bus, bus->cable->mtu_bytes + 18) + config->delay_ns;
    struct medium_config medium = {
        .access = config->access,
        .stations = bus->count,
        .span_ns = config->delay_ns,
        .positions = config->positions,
        .star = config->star,
        .slot_ns = longest_ns,
        .unit_ns = longest_ns,
        .persistence_ppm = config->persistence_ppm ? config->persistence_ppm : PERSISTENCE_DEFAULT,
        .attempts = config->attempts ? config->attempts : ATTEMPTS_DEFAULT,
        .queue_frames = config->queue_frames ? config->queue_frames : QUEUE_FRAMES_DEFAULT,
        .token_ns = bits_ns(config->token_bits ? config->token_bits : TOKEN_BITS_DEFAULT, bus->rate_bps),
    };
    if (config->slot_bits > 0 || detects)
        medium.slot_ns = bits_ns(config->slot_bits ? config->slot_bits : SLOT_BITS_DEFAULT, bus->rate_bps);
    if (!config->bare) {
        medium.gap_ns = bits_ns(GAP_BITS, bus->rate_bps);
        medium.preamble_ns = bits_ns(PREAMBLE_BITS, bus->rate_bps);
        medium.jam_ns = bits_ns(JAM_BITS, bus->rate_bps);
    }
    world_derive(bus->cable->world, "bus", bus->cable->name, 0, medium.seed);
    return medium_new(&bus->medium, &medium, &calls, bus);
}

/** Plugs the first `count` ends; takes all of them back where that fails. */
static int plug(struct bus *bus, const struct strata_bus_end *ends, unsigned count)
{
    struct strata_cable *cable = bus->cable;
    for (unsigned i = 0; i < count; i++) {
        int port = node_make_port(ends[i].node, ends[i].port, STRATA_LINK_ETHERNET, cable->mtu_bytes);
        if (port < 0) {
            while (i-- > 0)
                bus->ends[i].node->ports[bus->ends[i].port].cable = NULL;
            return port;
        }
        bus->ends[i] = (struct cable_end){.node = ends[i].node, .port = port};
        ends[i].node->ports[port].cable = cable;
        ends[i].node->ports[port].end = (int)i;
    }
    return 0;
}

int bus_new(struct bus **made, struct strata_cable *cable, const struct strata_bus_end *ends, unsigned count,
            const struct strata_bus_config *config)
{
    struct bus *bus = calloc(1, sizeof *bus);
    struct cable_end *own = calloc(count ? count : 1, sizeof *own);
    int error = bus && own ? 0 : -ENOMEM;
    if (error)
        goto failed;
    bus->cable = cable;
    bus->ends = own;
    bus->count = count;
    bus->rate_bps = config->rate_bps ? config->rate_bps : RATE_DEFAULT;
    bus->bare = config->bare;
    bus->due = STRATA_NEVER;
    bus->total = &cable->direction[0].counts;
    // No bit takes longer than a second, and no time that follows from the rate overflows.
    error = bus->rate_bps < 8 || config->slot_bits > 1000000 || config->token_bits > 1000000 ? -EINVAL : 0;
    if (!error)
        error = make_medium(bus, config);
    if (!error)
        error = plug(bus, ends, count);
    if (error) {
        medium_free(bus->medium);
        goto failed;
    }
    *made = bus;
    return 0;
failed:
    free(own);
    free(bus);
    return error;
}

void bus_free(struct bus *bus)
{
    medium_free(bus->medium);
    free(bus->known);
    free(bus->ends);
    free(bus);
}

static struct strata_cable *cable_new(struct strata_world *world, const struct strata_bus_config *config)
{
    char name[32] = "bus";
    for (unsigned i = 2; !config->name && names_find(&world->cable_names, name); i++)
        snprintf(name, sizeof name, "bus-%u", i);
    struct strata_cable *cable = calloc(1, sizeof *cable);
    if (!cable)
        return NULL;
    cable->name = strdup(config->name ? config->name : name);
    if (!cable->name) {
        free(cable);
        return NULL;
    }
    cable->world = world;
    cable->up = true;
    cable->id = hash_bytes(cable->name, strlen(cable->name));
    cable->mtu_bytes = config->mtu_bytes ? config->mtu_bytes : 1500;
    for (int i = 0; i < 2; i++) {
        struct direction *direction = &cable->direction[i];
        direction->cable = cable;
        direction->queue_due = STRATA_NEVER;
        direction->counts.size = sizeof direction->counts;
    }
    return cable;
}

struct strata_cable *strata_world_bus(struct strata_world *world, const struct strata_bus_end *ends, unsigned count,
                                      const struct strata_bus_config *config)
{
    static const struct strata_bus_config plain = {.size = sizeof plain};
    if (!config)
        config = &plain;
    if (config->size != sizeof *config || (config->name && names_find(&world->cable_names, config->name)) ||
        array_grow(&world->cables, sizeof *world->cables, world->cable_count, &world->cable_room) != 0)
        return NULL;
    struct strata_cable *cable = cable_new(world, config);
    if (!cable)
        return NULL;
    if (bus_new(&cable->bus, cable, ends, count, config) != 0)
        goto failed;
    for (int i = 0; i < 2; i++) {
        cable->node[i] = cable->bus->ends[i].node;
        cable->port[i] = cable->bus->ends[i].port;
    }
    if (names_add(&world->cable_names, cable->name, cable) != 0) {
        for (unsigned i = 0; i < count; i++)
            ends[i].node->ports[cable->bus->ends[i].port].cable = NULL;
        bus_free(cable->bus);
        goto failed;
    }
    world->cables[world->cable_count++] = cable;
    bus_set_up(cable->bus, true);
    return cable;
failed:
    free(cable->name);
    free(cable);
    return NULL;
}

/* ---- Asking -------------------------------------------------------------------------------------------------- */

const struct cable_end *bus_end(const struct bus *bus, unsigned end)
{
    return end < bus->count ? &bus->ends[end] : NULL;
}

unsigned strata_cable_ends(const struct strata_cable *cable)
{
    return cable->bus ? cable->bus->count : 2;
}

int strata_bus_counts(const struct strata_cable *cable, struct strata_bus_counts *counts)
{
    if (!cable->bus || counts->size != sizeof *counts)
        return -EINVAL;
    medium_counts(cable->bus->medium, counts);
    return 0;
}

uint32_t strata_bus_efficiency_ppm(const struct strata_bus_counts *counts)
{
    strata_time whole = counts->first_ns < 0 ? 0 : counts->last_ns - counts->first_ns;
    if (whole <= 0)
        return 0;
    // Both below 2^43 before they are multiplied: times beyond two hours are divided first.
    strata_time carried = counts->carried_ns;
    while (whole >= INT64_C(1) << 43) {
        whole >>= 1;
        carried >>= 1;
    }
    return (uint32_t)(carried * 1000000 / whole);
}
