/**
 * Two hosts back to back with a runtime on each: programs in virtual time without the lab.
 */
#ifndef TESTS_RT_HOSTS_H
#define TESTS_RT_HOSTS_H

#include "tests/host/pair.h"
#include "tests/rt/world.h"

struct hosts {
    struct pair pair;
    struct strata_host_net *net[2];
    struct strata_rt *rt[2];
};

/** `clock_self` of these is the struct pair. */
static strata_time hosts_now(void *self)
{
    return ((struct pair *)self)->now;
}

static int64_t hosts_wall(void *self)
{
    return ((struct pair *)self)->now;
}

static const struct strata_clock_ops hosts_clock = {.now = hosts_now, .wall = hosts_wall};

/** Host 0 is 10.0.0.1 and 2001:db8::1, host 1 is 10.0.0.2 and 2001:db8::2; frames take a millisecond. */
static inline void hosts_start(struct hosts *hosts)
{
    struct pair_config config = {.link = STRATA_LINK_IP, .delay_ns = STRATA_MILLISECOND};
    REQUIRE(pair_make(&hosts->pair, &config) == 0);
    for (int i = 0; i < 2; i++) {
        REQUIRE(strata_host_net_new(&hosts->net[i], hosts->pair.host[i], &hosts_clock, &hosts->pair) == 0);
        struct strata_rt_config birth = {.size = sizeof birth,
                                         .net = strata_host_net_ops(),
                                         .net_self = hosts->net[i],
                                         .clock = &hosts_clock,
                                         .clock_self = &hosts->pair,
                                         .random = &test_random_ops};
        REQUIRE(strata_rt_new(&hosts->rt[i], &birth) == 0);
    }
}

static inline void hosts_free(struct hosts *hosts)
{
    for (int i = 0; i < 2; i++) {
        strata_rt_free(hosts->rt[i]);
        strata_host_net_free(hosts->net[i]);
    }
    pair_free(&hosts->pair);
}

/** Lets everything happen that needs no time. */
static inline void hosts_settle(struct hosts *hosts)
{
    bool moved;
    do {
        moved = pair_step(&hosts->pair);
        for (int i = 0; i < 2; i++) {
            moved |= strata_host_net_events(hosts->net[i], hosts->rt[i]) > 0;
            moved |= strata_rt_deadline(hosts->rt[i]) <= hosts->pair.now;
            strata_rt_run(hosts->rt[i]);
            moved |= strata_host_ready(hosts->pair.host[i]) >= 0;
        }
    } while (moved);
}

/** Lets virtual time pass until nothing happens any more, at most `duration`. */
static inline void hosts_run(struct hosts *hosts, strata_time duration)
{
    strata_time end = hosts->pair.now + duration;
    for (;;) {
        hosts_settle(hosts);
        strata_time next = pair_deadline(&hosts->pair);
        for (int i = 0; i < 2; i++) {
            strata_time deadline = strata_rt_deadline(hosts->rt[i]);
            next = deadline < next ? deadline : next;
        }
        if (next > end)
            break;
        hosts->pair.now = next;
    }
    hosts->pair.now = end;
}

#endif
