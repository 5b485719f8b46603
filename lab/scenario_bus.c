/*
 * The words of a link with `kind: bus`: a shared medium with many stations.
 */
#include "lab/scenario_yaml.h"

#include <string.h>

/** The bus of a link that is being read; remembers the word, in case the link is none. */
static struct scenario_bus *said(const yaml_node_t *value, void *into, const char *word)
{
    struct scenario_bus *bus = bus_being_read(into);
    if (!bus->word) {
        bus->word = word;
        bus->place = place_of(value);
    }
    return bus;
}

static const char *const kind_words[] = {"cable", "bus", NULL};

static void read_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, kind_words);
    bus_being_read(into)->is_bus = word == 1;
}

static const char *const access_words[] = {"csma-cd",
                                           "aloha",
                                           "slotted-aloha",
                                           "csma",
                                           "csma-non-persistent",
                                           "csma-p-persistent",
                                           "token",
                                           NULL}; // as in enum strata_access

static void read_access(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_bus *bus = said(value, into, "access");
    int word = read_word(reader, value, access_words);
    if (word >= 0)
        bus->config.access = (enum strata_access)word;
}

static void read_position(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario_bus *bus = into;
    *(strata_time *)LIST_APPEND(reader->scenario, bus->positions) = read_duration(reader, item);
}

static void read_positions(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_bus *bus = said(value, into, "positions");
    bus->positions_place = place_of(value);
    read_items(reader, value, "positions", false, read_position, bus);
}

static void read_star(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    said(value, into, "star")->config.star = read_bool(reader, value);
}

static void read_bare(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    said(value, into, "bare")->config.bare = read_bool(reader, value);
}

static void read_slot(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    said(value, into, "slot")->config.slot_bits = (uint32_t)read_integer(reader, value, 1, 1000000);
}

static void read_attempts(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    said(value, into, "attempts")->config.attempts = (uint32_t)read_integer(reader, value, 1, 1000);
}

static void read_persistence(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_bus *bus = said(value, into, "persistence");
    bus->config.persistence_ppm = read_share(reader, value);
    if (bus->config.persistence_ppm == 0)
        complain(reader->complaints, place_of(value), "persistence is more than 0");
}

static void read_token(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    said(value, into, "token")->config.token_bits = (uint32_t)read_integer(reader, value, 1, 1000000);
}

static const struct shape shape_kind = {.kind = SHAPE_WORD, .words = kind_words},
                          shape_access = {.kind = SHAPE_WORD, .words = access_words},
                          shape_positions = {.kind = SHAPE_LIST, .item = &shape_time},
                          shape_bits = {.kind = SHAPE_INTEGER, .least = 1, .most = 1000000},
                          shape_attempts = {.kind = SHAPE_INTEGER, .least = 1, .most = 1000};
static const struct key bus_keys[] = {
    {"kind", read_kind, false, &shape_kind, "cable unless given; bus: one medium shared by all endpoints"},
    {"access", read_access, false, &shape_access, "bus: how stations take turns; csma-cd unless given"},
    {"positions", read_positions, false, &shape_positions,
     "bus: where each endpoint is, as propagation from the first end; at equal distances unless given"},
    {"star", read_star, false, &shape_boolean, "bus: any two endpoints are `delay` apart"},
    {"bare", read_bare, false, &shape_boolean, "bus: preamble, padding, checksum, gap and jam take no time"},
    {"slot", read_slot, false, &shape_bits, "bus: bit times; 512 unless given, for csma-cd"},
    {"attempts", read_attempts, false, &shape_attempts, "bus: a frame is given up after so many; 16 unless given"},
    {"persistence", read_persistence, false, &shape_share, "bus: p of csma-p-persistent; 10% unless given"},
    {"token", read_token, false, &shape_bits, "bus: bit times that it takes to send the token; 24 unless given"},
    KEYS_OF(shape_impairment),
};
const struct shape shape_bus = {.kind = SHAPE_MAPPING, .what = "a link", .keys = bus_keys};

void bus_finish(struct reader_state *reader, struct scenario_link *link)
{
    struct scenario_bus *bus = link->bus;
    bus->config.size = sizeof bus->config;
    const struct {
        const char *word, *belongs;
        bool wrong;
    } rules[] = {
        {"persistence", "access: csma-p-persistent",
         bus->config.persistence_ppm && bus->config.access != STRATA_ACCESS_CSMA_P_PERSISTENT},
        {"token", "access: token", bus->config.token_bits && bus->config.access != STRATA_ACCESS_TOKEN},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            complain(reader->complaints, link->place, "%s goes with %s", rules[i].word, rules[i].belongs);
    // Longer than any wire on earth, and short enough that no sum of times overflows.
    if (bus->config.delay_ns > 10 * STRATA_SECOND)
        complain(reader->complaints, link->place, "the delay of a bus is at most 10s");
    if (bus->config.rate_bps > 0 && bus->config.rate_bps < 1000)
        complain(reader->complaints, link->place, "the rate of a bus is at least 1kbit");
    if (!bus->positions_place.line)
        return;
    if (bus->config.star)
        complain(reader->complaints, bus->positions_place, "a star has no positions");
    if (bus->positions.count != link->ends) {
        complain(reader->complaints, bus->positions_place, "%u positions for %u endpoints", bus->positions.count,
                 link->ends);
        return;
    }
    for (unsigned i = 0; i < bus->positions.count; i++)
        if (bus->positions.items[i] > bus->config.delay_ns) {
            complain(reader->complaints, bus->positions_place,
                     "position %u is beyond the end of the bus, which the delay says", i + 1);
            break;
        }
    bus->config.positions = bus->positions.items;
}

/* ---- What is counted ----------------------------------------------------------------------------------------- */

static const char *const bus_counts[] = {BUS_COUNTS};

bool is_bus_count(const char *word)
{
    for (size_t i = 0; i < sizeof bus_counts / sizeof *bus_counts; i++)
        if (strcmp(bus_counts[i], word) == 0)
            return true;
    return false;
}

int64_t bus_count(const struct strata_cable *cable, const char *word)
{
    struct strata_bus_counts counts = {.size = sizeof counts};
    if (strata_bus_counts(cable, &counts) != 0)
        return 0;
    const uint64_t values[] = {counts.collisions, counts.collided, counts.attempts,
                               counts.excessive,  counts.late,     counts.unnoticed,
                               counts.deferred,   counts.tokens,   strata_bus_efficiency_ppm(&counts)};
    for (size_t i = 0; i < sizeof bus_counts / sizeof *bus_counts; i++)
        if (strcmp(bus_counts[i], word) == 0)
            return (int64_t)values[i];
    return 0;
}
