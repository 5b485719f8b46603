/*
 * What a seed draws, and how it is told.
 */
#include "tests/transport/soak.h"

#include "base/settings.h"

#include <errno.h>

uint64_t soak_one_of(uint64_t *random, const uint64_t *values, size_t count)
{
    return values[test_below(random, count)];
}

bool soak_chance(uint64_t *random, unsigned per_mille)
{
    return test_below(random, 1000) < per_mille;
}

void soak_draw(struct plan *plan, uint64_t seed)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
    *plan = (struct plan){.seed = seed};
    plan->ipv6 = test_below(&random, 2);
    plan->ethernet = !plan->ipv6 && test_below(&random, 4) == 0;
    plan->crossing = test_below(&random, 8) == 0;
    plan->mtu = plan->ipv6 ? (uint32_t)ONE_OF(&random, 1280, 1500, 9000, 65535)
                           : (uint32_t)ONE_OF(&random, 68, 100, 296, 576, 1500, 1500, 9000, 65535);
    plan->loss = (unsigned)ONE_OF(&random, 0, 0, 10, 50, 200);
    plan->doubling = (unsigned)ONE_OF(&random, 0, 0, 20, 200);
    plan->damage = (unsigned)ONE_OF(&random, 0, 0, 20, 100);
    plan->delay = (strata_time)ONE_OF(&random, 0, 1, 20, 300) * STRATA_MILLISECOND;
    plan->jitter = (strata_time)ONE_OF(&random, 0, 0, 1, 10, 100) * STRATA_MILLISECOND;
    plan->memory = (size_t)ONE_OF(&random, 0, 0, 1024, 256, 128, 96, 64) * 1024;
    plan->failures = (unsigned)ONE_OF(&random, 0, 0, 0, 5, 50);
    plan->connections = 1 + (unsigned)test_below(&random, CONNECTIONS_MAX);
    plan->changes = test_below(&random, 4) == 0;
    plan->cut = test_below(&random, 16) == 0;
    plan->aborts = test_below(&random, 16) == 0;
    plan->late = (unsigned)ONE_OF(&random, 0, 0, 0, 10);
    plan->forged = (unsigned)ONE_OF(&random, 0, 0, 0, 200);
    plan->narrows = test_below(&random, 4) == 0;
    plan->flaps = test_below(&random, 8) == 0;
    plan->deaf = test_below(&random, 8) == 0;
    plan->restarts = test_below(&random, 8) == 0 ? (int)test_below(&random, 2) : -1;
    if (plan->restarts >= 0)
        plan->cut = plan->aborts = false; // one reason to end early is enough to judge by
    plan->dark = test_below(&random, 8) == 0;
    plan->fast = test_below(&random, 4) == 0 && !plan->crossing;
    plan->tunes = test_below(&random, 2);
    plan->marks = (unsigned)ONE_OF(&random, 0, 0, 20, 500);
    plan->bursts = (unsigned)ONE_OF(&random, 0, 0, 4, 12);
    plan->squeezes = (unsigned)ONE_OF(&random, 0, 0, 0, 20, 300);
    plan->moods = test_below(&random, 2);
    plan->cookies = test_below(&random, 8) == 0 && !plan->crossing;
    if (plan->cookies) {
        // A listener that remembers nothing takes no data before the handshake's last ACK, and answers it with an RST:
        // cookies for everybody only where that ACK comes first.
        plan->loss = plan->doubling = plan->damage = plan->late = plan->failures = 0;
        plan->jitter = 0;
        plan->memory = 0;
        plan->flaps = plan->narrows = plan->dark = false;
    }
}

/** Settings that are drawn from a list of their own, or would make a refusal legitimate. */
static bool is_drawn_elsewhere(const char *name)
{
    static const char *const names[] = {"strata.tcp_congestion", "strata.tcp_initial_window",
                                        "net.ipv4.tcp_abort_on_overflow", "net.ipv4.tcp_syncookies",
                                        "strata.tcp_insecure_rst", "strata.tcp_insecure_syn",
                                        "strata.tcp_icmp_ends_opening", "strata.tcp_reset_is_error"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/** Whatever TCP can be told in a few words: half of the settings are something else than usual. */
static void draw_switches(uint64_t *random, struct strata_host *host)
{
    const char *name, *meaning;
    int64_t minimum, maximum, initial;
    for (unsigned i = 0; (name = settings_name(i, &minimum, &maximum, &initial, &meaning)); i++) {
        bool ours = strncmp(name, "net.ipv4.tcp_", 13) == 0 || strncmp(name, "strata.tcp_", 11) == 0;
        uint64_t drawn = test_random(random);
        if (!ours || maximum - minimum > 16 || is_drawn_elsewhere(name) || drawn % 2)
            continue;
        int64_t value = minimum + (int64_t)((drawn >> 8) % (uint64_t)(maximum - minimum + 1));
        CHECK_EQ(strata_set(host, name, value), 0);
        if (value != initial && getenv("SOAK_TRACE"))
            printf("      %s=%" PRId64, name, value);
    }
    if (getenv("SOAK_TRACE"))
        printf("\n");
}

/** A setting that not every host knows. */
static void try_setting(struct strata_host *host, const char *name, int64_t value)
{
    int error = strata_set(host, name, value);
    CHECK(error == 0 || error == -ENOENT);
}

void soak_settings(struct soak *soak, struct strata_host *host)
{
    uint64_t *random = &soak->random;
    draw_switches(random, host);
    CHECK_EQ(strata_set(host, "strata.tcp_delayed_ack_ms", (int64_t)ONE_OF(random, 0, 40, 200)), 0);
    CHECK_EQ(strata_set(host, "strata.tcp_rto_min_ms", (int64_t)ONE_OF(random, 200, 1000)), 0);
    CHECK_EQ(strata_set(host, "strata.tcp_initial_window", (int64_t)ONE_OF(random, 1, 2, 10)), 0);
    CHECK_EQ(strata_set(host, "strata.tcp_out_of_order_percent", (int64_t)ONE_OF(random, 25, 25, 3, 0)), 0);
    CHECK_EQ(strata_set(host, "strata.tcp_out_of_order_ranges", (int64_t)ONE_OF(random, 1024, 1024, 4)), 0);
    CHECK_EQ(strata_set(host, "strata.tcp_out_of_order_stale_ms", (int64_t)ONE_OF(random, 10000, 100, 0)), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.tcp_syn_retries", 30), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.tcp_synack_retries", 30), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.tcp_retries2", soak->plan.cut ? 8 : 40), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.tcp_orphan_retries", soak->plan.cut ? 8 : 40), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.neigh.default.mcast_solicit", 20), 0);
    CHECK_EQ(strata_set(host, "net.ipv4.tcp_syncookies", soak->plan.cookies ? 2 : (int64_t)test_below(random, 2)), 0);
    if (soak->plan.fast) // client and server, and both without cookies as well
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_fastopen", (int64_t)ONE_OF(random, 1, 3, 0x207, 0x207, 0x207)), 0);
    if (soak->plan.dark)
        try_setting(host, "net.ipv4.tcp_mtu_probing", 1 + (int64_t)test_below(random, 2));
}

void soak_report(const struct soak *soak)
{
    const struct plan *plan = &soak->plan;
    printf("    seed %" PRIu64
           ": ipv%d%s%s mtu %u, loss %u double %u damage %u, delay %d+%d ms, memory %zu KiB, "
           "failures %u, changes %d, cut %d, aborts %d, late %u, forged %u, narrows %d, flaps %d, deaf %d, "
           "restarts %d, dark %d, fast %d, tunes %d, marks %u, bursts %u, squeezes %u, "
           "moods %d, cookies %d, %" PRIu64 " and %" PRIu64 " frames in %.3f s\n",
           plan->seed, plan->ipv6 ? 6 : 4, plan->ethernet ? " ethernet" : "",
           plan->crossing ? " crossing" : "", plan->mtu, plan->loss, plan->doubling, plan->damage,
           (int)(plan->delay / STRATA_MILLISECOND), (int)(plan->jitter / STRATA_MILLISECOND),
           plan->memory / 1024, plan->failures, plan->changes, plan->cut, plan->aborts, plan->late,
           plan->forged, plan->narrows, plan->flaps, plan->deaf, plan->restarts, plan->dark, plan->fast, plan->tunes,
           plan->marks, plan->bursts, plan->squeezes, plan->moods, plan->cookies,
           soak->pair.frames[0], soak->pair.frames[1],
           (double)soak->pair.now / 1e9);
    for (int i = 0; i < 2; i++) {
        struct strata_memory memory = {.size = sizeof memory};
        if (strata_memory(soak->pair.host[i], &memory) == 0)
            printf("      host %d: %zu of %zu octets, %zu pages; %u sockets, %u connections, %u neighbours\n", i,
                   memory.used_bytes, memory.budget_bytes, memory.pages, memory.sockets, memory.connections,
                   memory.neighbours);
    }
    for (unsigned i = 0; i < soak->program_count; i++) {
        const struct program *program = &soak->programs[i];
        struct strata_tcp_info info = {.size = sizeof info};
        if (program->socket > 0)
            (void)strata_tcp_info(program->host, program->socket, &info);
        printf("      %u: sent %" PRIu64 " of %" PRIu64 ", received %" PRIu64
               "%s%s%s, piece %zu, error %d, %s una+%u of %u, "
               "window %u, unread %u, readiness %x\n",
               i, program->sent, program->total, program->received, program->finished ? " finished" : "",
               program->ended ? " ended" : "", program->runnable ? " runnable" : "", program->piece,
               program->error,
               program->socket > 0 ? strata_tcp_state_name(info.state)
               : program->socket   ? "closed"
                                   : "none",
               info.flight, info.send_queue, info.send_window, info.receive_queue,
               program->socket > 0 ? (unsigned)strata_readiness(program->host, program->socket) : 0);
    }
}

