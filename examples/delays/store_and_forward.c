/*
 * The twin of three-packets.yaml in C: a world without hosts. A sender, relays and a counter are devices of thirty
 * lines each; cables tie them, and the clock is read when the last packet arrives. Printed beside the formula
 * (N + P - 1) L/R for a few N and P.
 *
 *     build/examples/delays_store_and_forward
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strata/lab.h>

#define RATE_BPS     1000000
#define PACKET_BYTES 1000

/** What comes in at port 1 goes out at port 2, once it is here as a whole: that is all that store and forward means. */
struct relay {
    unsigned waiting; /**< Packets that are to be sent on. */
    bool ends_here;   /**< The last of them: it only counts. */
    unsigned heard;
    strata_time last;
};

static void relay_input(void *self, int port, const void *frame, size_t length, const struct strata_meta *meta,
                        strata_time now)
{
    struct relay *relay = self;
    (void)port;
    (void)frame;
    (void)length;
    (void)meta;
    relay->waiting += !relay->ends_here;
    relay->heard++;
    relay->last = now;
}

/** A device says which port can speak, ... */
static int relay_ready(void *self)
{
    const struct relay *relay = self;
    return relay->waiting > 0 ? 2 : 0;
}

/** ... and is then asked for the frame. */
static size_t relay_output(void *self, int port, void *room, size_t size, struct strata_meta *meta, strata_time now)
{
    struct relay *relay = self;
    (void)meta;
    (void)now;
    if (port != 2 || relay->waiting == 0 || size < PACKET_BYTES)
        return 0;
    relay->waiting--;
    memset(room, 0, PACKET_BYTES);
    return PACKET_BYTES;
}

static void relay_advance(void *self, strata_time now)
{
    (void)self;
    (void)now;
}

static strata_time relay_deadline(void *self)
{
    (void)self;
    return STRATA_NEVER;
}

static const struct strata_device_ops relay_ops = {
    .input = relay_input,
    .ready = relay_ready,
    .output = relay_output,
    .advance = relay_advance,
    .deadline = relay_deadline,
    .free = free,
};

/** When the last of `packets` has crossed `links`. */
static strata_time measure(unsigned links, unsigned packets)
{
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config};
    if (strata_world_new(&world, &config) != 0)
        exit(1);
    struct relay *first = NULL, *last = NULL;
    struct strata_node *left = NULL;
    for (unsigned i = 0; i <= links; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        last = calloc(1, sizeof *last);
        if (!last)
            exit(1);
        last->ends_here = i == links;
        struct strata_node *node = strata_world_device(world, name, (struct strata_device){&relay_ops, last});
        struct strata_cable_config cable = {.size = sizeof cable, .port_a = 2, .port_b = 1};
        cable.forward.rate_bps = RATE_BPS;
        if (left && !strata_world_cable(world, left, node, &cable))
            exit(1);
        left = node;
        if (!first)
            first = last;
    }
    first->waiting = packets;
    strata_node_touch(strata_world_node(world, 0));
    strata_world_run(world, STRATA_NEVER);
    strata_time time = last->heard == packets ? last->last : -1;
    strata_world_free(world);
    return time;
}

int main(void)
{
    static const struct {
        unsigned links, packets;
    } rows[] = {{1, 1}, {3, 1}, {2, 3}, {5, 20}, {10, 100}};
    const strata_time transmission = (strata_time)PACKET_BYTES * 8 * STRATA_SECOND / RATE_BPS;
    bool equal = true;
    printf("links N  packets P   measured ms  (N + P - 1) L/R\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        strata_time measured = measure(rows[i].links, rows[i].packets);
        strata_time formula = (rows[i].links + rows[i].packets - 1) * transmission;
        printf("%7u  %9u  %12lld  %15lld\n", rows[i].links, rows[i].packets, (long long)(measured / STRATA_MILLISECOND),
               (long long)(formula / STRATA_MILLISECOND));
        equal = equal && measured == formula;
    }
    return equal ? 0 : 1;
}
