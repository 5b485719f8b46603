/*
 * Datagrams of UDP by hand, sent at their times and read again where they arrive.
 */
#include "tests/lab/line.h"

#include <stdlib.h>

#include "tests/test.h"
#include "wire/ipv4.h"
#include "wire/wire.h"

struct line line_new(const struct strata_impairment *forward)
{
    struct line line;
    REQUIRE(strata_world_new(&line.world, NULL) == 0);
    line.a = station_new(line.world, "a");
    line.b = station_new(line.world, "b");
    struct strata_cable_config config = {.size = sizeof config, .link = STRATA_LINK_IP, .forward = *forward};
    line.cable = strata_world_cable(line.world, line.a->node, line.b->node, &config);
    REQUIRE(line.cable != NULL);
    return line;
}

void line_free(struct line *line)
{
    strata_world_free(line->world);
}

struct letter {
    struct station *station;
    size_t length;
    uint8_t bytes[];
};

static void post(struct strata_world *world, void *context)
{
    struct letter *letter = context;
    (void)world;
    station_say_bytes(letter->station, 1, letter->bytes, letter->length);
    free(letter);
}

void line_send(struct line *line, const struct parcel *parcel)
{
    struct letter *letter = calloc(1, sizeof *letter + parcel->length);
    REQUIRE(letter != NULL && parcel->length >= 32);
    letter->station = line->a;
    letter->length = parcel->length;
    struct ipv4_header header = {.header_bytes = IPV4_HEADER_BYTES,
                                 .tos = (uint8_t)(parcel->dscp << 2 | parcel->ecn),
                                 .total_bytes = parcel->length,
                                 .ttl = 64,
                                 .protocol = PROTOCOL_UDP,
                                 .source = strata_ipv4(10, 0, 0, parcel->host ? parcel->host : 1),
                                 .destination = strata_ipv4(10, 0, 0, 2)};
    ipv4_emit(letter->bytes, &header);
    uint8_t *udp = letter->bytes + IPV4_HEADER_BYTES;
    udp[0] = 1000 >> 8;
    udp[1] = 1000 & 0xff;
    udp[2] = (uint8_t)(parcel->port >> 8);
    udp[3] = (uint8_t)parcel->port;
    for (int i = 0; i < 4; i++)
        udp[8 + i] = (uint8_t)(parcel->number >> (24 - 8 * i));
    REQUIRE(strata_world_at(line->world, parcel->at, post, letter) == 0);
}

void line_burst(struct line *line, const struct parcel *parcel, unsigned count)
{
    struct parcel each = *parcel;
    for (unsigned i = 0; i < count; i++) {
        line_send(line, &each);
        each.number++;
    }
}

struct arrived line_arrived(const struct line *line, unsigned index)
{
    REQUIRE(index < line->b->heard_count);
    const struct heard *heard = &line->b->heard[index];
    const uint8_t *udp = heard->begin + IPV4_HEADER_BYTES;
    uint32_t number = (uint32_t)udp[8] << 24 | (uint32_t)udp[9] << 16 | (uint32_t)udp[10] << 8 | udp[11];
    return (struct arrived){.at = heard->time,
                            .port = (uint16_t)(udp[2] << 8 | udp[3]),
                            .length = (uint16_t)heard->length,
                            .number = number,
                            .tos = heard->begin[1]};
}

struct strata_cable_counts line_counts(const struct line *line)
{
    struct strata_cable_counts counts = {.size = sizeof counts};
    CHECK_EQ(strata_cable_counts(line->cable, 0, &counts), 0);
    return counts;
}

struct strata_queue_counts line_class(const struct line *line, const char *name)
{
    struct strata_queue_counts counts = {.size = sizeof counts};
    if (!CHECK_EQ(strata_cable_queue(line->cable, 0, name, &counts), 0))
        printf("        class %s\n", name);
    return counts;
}
