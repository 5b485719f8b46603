/*
 * Stations and relays.
 */
#include "tests/lab/station.h"

#include <stdlib.h>
#include <string.h>

struct said {
    struct said *next;
    int port;
    size_t length;
    uint8_t bytes[];
};

static void say(struct station *station, int port, const void *bytes, size_t length)
{
    struct said *said = malloc(sizeof *said + length);
    if (!said)
        abort();
    said->next = NULL;
    said->port = port;
    said->length = length;
    memcpy(said->bytes, bytes, length);
    *station->last = said;
    station->last = &said->next;
}

static void station_input(void *self, int port, const void *frame, size_t length,
                          const struct strata_meta *meta, strata_time now)
{
    struct station *station = self;
    (void)meta;
    if (station->relays) {
        say(station, 3 - port, frame, length);
        return;
    }
    if (station->heard_count == station->heard_room) {
        station->heard_room = station->heard_room ? station->heard_room * 2 : 64;
        station->heard = realloc(station->heard, station->heard_room * sizeof *station->heard);
        if (!station->heard)
            abort();
    }
    struct heard *heard = &station->heard[station->heard_count++];
    *heard = (struct heard){.time = now, .length = length};
    const uint8_t *bytes = frame;
    memcpy(heard->begin, bytes, length < sizeof heard->begin ? length : sizeof heard->begin);
    for (size_t i = 0; i < 4 && i < length; i++)
        heard->number = heard->number << 8 | bytes[i];
    for (size_t i = 0; i < length; i++)
        heard->sum += (uint64_t)__builtin_popcount(bytes[i]);
}

static int station_ready(void *self)
{
    struct station *station = self;
    return station->first ? station->first->port : -1;
}

static size_t station_output(void *self, int port, void *room, size_t size, struct strata_meta *meta,
                             strata_time now)
{
    struct station *station = self;
    struct said *said = station->first;
    (void)meta;
    (void)now;
    if (!said || said->port != port || said->length > size)
        return 0;
    size_t length = said->length;
    memcpy(room, said->bytes, length);
    station->first = said->next;
    if (!station->first)
        station->last = &station->first;
    free(said);
    return length;
}

static void station_advance(void *self, strata_time now)
{
    struct station *station = self;
    station->advanced++;
    station->due = station->wants_after < 0 ? STRATA_NEVER : now + station->wants_after;
}

static strata_time station_deadline(void *self)
{
    return ((struct station *)self)->due;
}

static void station_free(void *self)
{
    struct station *station = self;
    while (station->first) {
        struct said *said = station->first;
        station->first = said->next;
        free(said);
    }
    free(station->heard);
    free(station);
}

struct station *station_new(struct strata_world *world, const char *name)
{
    static const struct strata_device_ops ops = {
        .input = station_input,
        .ready = station_ready,
        .output = station_output,
        .advance = station_advance,
        .deadline = station_deadline,
        .free = station_free,
    };
    struct station *station = calloc(1, sizeof *station);
    if (!station)
        abort();
    station->last = &station->first;
    station->due = STRATA_NEVER;
    station->wants_after = -1;
    station->node = strata_world_device(world, name, (struct strata_device){&ops, station});
    if (!station->node)
        abort();
    return station;
}

struct station *relay_new(struct strata_world *world, const char *name)
{
    struct station *station = station_new(world, name);
    station->relays = true;
    return station;
}

void station_say(struct station *station, int port, size_t length, uint32_t number)
{
    uint8_t bytes[65536];
    for (size_t i = 0; i < length; i++)
        bytes[i] = i < 4 ? (uint8_t)(number >> (8 * (3 - i))) : (uint8_t)(number + i * 7);
    say(station, port, bytes, length);
    strata_node_touch(station->node);
}

void station_say_bytes(struct station *station, int port, const void *bytes, size_t length)
{
    say(station, port, bytes, length);
    strata_node_touch(station->node);
}

struct later {
    struct station *station;
    int port;
    size_t length;
    uint32_t number;
};

static void say_now(struct strata_world *world, void *context)
{
    struct later later = *(struct later *)context;
    (void)world;
    free(context);
    station_say(later.station, later.port, later.length, later.number);
}

void station_say_at(struct strata_world *world, strata_time time, struct station *station, int port,
                    size_t length, uint32_t number)
{
    struct later *later = malloc(sizeof *later);
    if (!later)
        abort();
    *later = (struct later){station, port, length, number};
    if (strata_world_at(world, time, say_now, later) != 0)
        abort();
}
