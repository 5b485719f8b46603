/**
 * Listeners: backlog and half-open bounds, which listener gets a SYN, filters, transparent ones (RFC 4987;
 * RFC 9293 3.9.1.1).
 */
#include "tests/transport/rig.h"

#include <errno.h>

/** Opens from another port of the peer, as far as it gets. @return whether our SYN-ACK came. */
static bool syn_from(struct rig *rig, uint16_t port)
{
    rig->peer.port = port;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    return strncmp(rig_next(rig), "S.", 2) == 0;
}
static void open_from(struct rig *rig, uint16_t port)
{
    CHECK(syn_from(rig, port));
    inject(rig, ". 1:1(0) ack 1 win 65535");
}

TCP_TEST(the_backlog_is_bounded)
{
    rig_listen(rig);
    tcp_listener_set_backlog(rig->listener, 2);
    open_from(rig, 5000);
    open_from(rig, 5001);
    CHECK(!syn_from(rig, 5002)); // nothing is said: the SYN comes again
    CHECK_EQ(COUNT(rig, tcp_drop_backlog), 1);
    struct tcp_connection *c = tcp_accept(rig->listener, rig);
    REQUIRE(c);
    struct strata_endpoint local, peer;
    tcp_endpoints(c, &local, &peer);
    CHECK_EQ(peer.port, 5000); // in the order they came
    open_from(rig, 5002);
    tcp_abort(c);
    rig->peer.port = 5000;
    rig_drain(rig);
}

TCP_TEST(an_ack_that_finds_the_backlog_full)
{
    rig_listen(rig);
    tcp_listener_set_backlog(rig->listener, 1);
    CHECK(syn_from(rig, 5000));
    seq_t first = rig->our_isn;
    open_from(rig, 5001);
    rig->peer.port = 5000;
    rig->our_isn = first;
    inject(rig, ". 1:1(0) ack 1 win 65535"); // not now
    CHECK_EQ(rig->tcp->half_open_count, 1);
    struct tcp_connection *c = tcp_accept(rig->listener, rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 1"); // asked again
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig->tcp->half_open_count, 0);
    rig->peer.port = 5001;
    tcp_abort(c);
    rig_drain(rig);
}

/* RFC 4987-2: half-open ones are bounded, the oldest makes room; RFC 4987-1: so service goes on under a
 * flood. */
TCP_TEST(a_flood_of_syns)
{
    SET(rig, tcp_syn_backlog, 8);
    SET(rig, tcp_syncookies, 0);
    rig_listen(rig);
    for (uint16_t port = 10000; port < 11000; port++) {
        CHECK(syn_from(rig, port));
        CHECK(rig->tcp->half_open_count <= 8);
    }
    open_from(rig, 5000); // one that answers at once gets in
    CHECK(tcp_listener_readable(rig->listener));
    CHECK_EQ(rig->tcp->connection_count, 1);
}

TCP_TEST(a_connection_that_ends_before_it_is_accepted)
{
    rig_listen(rig);
    open_from(rig, 5000);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    inject(rig, "R 11:11(0)");
    REQUIRE(rig_take(rig));
    CHECK_EQ(tcp_readiness(rig->c) & (STRATA_ERROR | STRATA_READABLE), STRATA_ERROR | STRATA_READABLE);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_read(rig, 100), -ECONNRESET);
}

TCP_TEST(a_listener_that_closes)
{
    rig_listen(rig);
    open_from(rig, 5000);
    seq_t isn = rig->our_isn;
    CHECK(syn_from(rig, 5001));
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    rig->peer.port = 5000;
    rig->our_isn = isn;
    expect(rig, "R. 1:1(0) ack 1"); // what nobody accepted
    CHECK_EQ(rig->tcp->half_open_count, 0);
    CHECK_EQ(rig->tcp->connection_count, 0);
    silence(rig);
}

TCP_TEST(no_memory_for_new_ones)
{
    rig_listen(rig);
    open_from(rig, 5000);
    rig->c = tcp_accept(rig->listener, rig);
    size_t budget = rig->core.memory.budget_bytes;
    void *ballast = memory_allocate(&rig->core.memory, 200000);
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes + 20000;
    CHECK(!syn_from(rig, 5001));
    CHECK_EQ(COUNT(rig, tcp_drop_memory), 1);
    rig->peer.port = 5000;
    inject(rig, "P. 1:11(10) ack 1 win 65535"); // established ones go on
    CHECK_EQ(rig_read(rig, 100), 10);
    memory_release(&rig->core.memory, ballast, 200000);
    rig->core.memory.budget_bytes = budget;
}

/* ---- Which listener ------------------------------------------------------------------------------------ */

struct candidate {
    struct binding binding;
    struct tcp_listener *listener;
};

static void listen_at(struct rig *rig, struct candidate *candidate, const char *address, uint32_t flags)
{
    struct tcp_socket_options options = rig->options;
    memset(candidate, 0, sizeof *candidate);
    options.v6only = flags & BINDING_V6ONLY;
    options.reuse_port = flags & BINDING_REUSE_PORT;
    candidate->binding.local.port = RIG_PORT;
    if (address)
        REQUIRE(strata_address_parse(address, &candidate->binding.local.address) == 0);
    candidate->binding.flags = flags;
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &candidate->binding) == 0);
    REQUIRE(tcp_listen(rig->tcp, &candidate->binding, &options, 0, rig, &candidate->listener) == 0);
}

static void stop(struct rig *rig, struct candidate *candidate)
{
    tcp_listener_close(candidate->listener);
    ports_release(tcp_ports(rig->tcp), &candidate->binding);
}

TCP_TEST(the_most_exact_listener_wins)
{
    struct candidate any, exact, family;
    const char *ours = rig->ipv6 ? "2001:db8::1" : "10.0.0.1";
    uint32_t reuse = BINDING_REUSE_ADDRESS;
    listen_at(rig, &any, NULL, reuse);
    open_from(rig, 5000);
    CHECK(tcp_listener_readable(any.listener));
    any.binding.flags &= ~(uint32_t)BINDING_LISTENING;
    listen_at(rig, &exact, ours, reuse);
    open_from(rig, 5001);
    CHECK_EQ(any.listener->queued, 1);
    CHECK_EQ(exact.listener->queued, 1);
    stop(rig, &exact);
    rig->peer.port = 5001;
    rig_drain(rig);
    listen_at(rig, &family, rig->ipv6 ? NULL : "0.0.0.0", rig->ipv6 ? reuse | BINDING_V6ONLY : reuse);
    open_from(rig, 5002);
    CHECK_EQ(any.listener->queued + family.listener->queued, 2);
    if (!rig->ipv6)
        CHECK_EQ(family.listener->queued, 1); // one family is more exact than both
    stop(rig, &any);
    rig->peer.port = 5000;
    rig_drain(rig);
    rig->peer.port = 5002;
    stop(rig, &family);
}

TCP_TEST(ipv6_only_is_ipv6_only)
{
    struct candidate candidate;
    listen_at(rig, &candidate, NULL, BINDING_V6ONLY);
    inject(rig, "S 0:0(0) win 65535");
    const char *said = rig_next(rig);
    CHECK(strncmp(said, rig->ipv6 ? "S." : "R.", 2) == 0);
    stop(rig, &candidate);
}

TCP_TEST(listeners_that_share_a_port)
{
    enum { LISTENERS = 4, SYNS = 400 };
    struct candidate candidates[LISTENERS];
    uint32_t before[LISTENERS];
    SET(rig, tcp_syn_backlog, 10000);
    for (int i = 0; i < LISTENERS; i++)
        listen_at(rig, &candidates[i], NULL, BINDING_REUSE_PORT);
    for (uint16_t port = 10000; port < 10000 + SYNS; port++)
        CHECK(syn_from(rig, port));
    for (int i = 0; i < LISTENERS; i++) {
        before[i] = candidates[i].listener->half_open_count;
        CHECK(before[i] > SYNS / LISTENERS / 2 && before[i] < SYNS / LISTENERS * 2);
    }
    // One goes: the others keep what they had, and share its part.
    stop(rig, &candidates[0]);
    for (uint16_t port = 10000; port < 10000 + SYNS; port++) {
        rig->peer.port = port;
        inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    }
    uint32_t after = 0;
    for (int i = 1; i < LISTENERS; i++) {
        CHECK(candidates[i].listener->half_open_count > before[i]);
        after += candidates[i].listener->half_open_count;
    }
    CHECK_EQ(after, SYNS);
    for (int i = 1; i < LISTENERS; i++)
        stop(rig, &candidates[i]);
}

/* ---- Filters and transparent listeners ----------------------------------------------------------------- */

TCP_TEST(a_filter_decides)
{
    struct strata_syn syn = {.size = sizeof syn};
    rig->options.filter = true;
    rig_listen(rig);
    CHECK_EQ(tcp_pending(rig->listener, &syn), -EAGAIN);
    uint64_t ids[4];
    for (uint16_t i = 0; i < 4; i++)
        CHECK(!syn_from(rig, (uint16_t)(5000 + i))); // held back
    CHECK_EQ(rig->listener_events, 4);
    CHECK(tcp_listener_readable(rig->listener));
    for (uint16_t i = 0; i < 4; i++) {
        REQUIRE(tcp_pending(rig->listener, &syn) == 0);
        CHECK_EQ(syn.peer.port, 5000 + i);
        CHECK_EQ(syn.local.port, RIG_PORT);
        CHECK(address_equal(&syn.peer.address, &rig->peer.address));
        ids[i] = syn.id;
    }
    CHECK(!tcp_listener_readable(rig->listener));
    CHECK_EQ(tcp_decide(rig->listener, 99999, STRATA_ACCEPT), -ENOENT);
    CHECK_EQ(tcp_decide(rig->listener, ids[1], STRATA_REFUSE), 0);
    rig->peer.port = 5001;
    rig->our_isn = 0;
    expect(rig, "R. 0:0(0) ack 1");
    CHECK_EQ(tcp_decide(rig->listener, ids[2], STRATA_IGNORE), 0);
    silence(rig);
    CHECK_EQ(tcp_decide(rig->listener, ids[0], STRATA_ACCEPT), 0);
    rig->peer.port = 5000;
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(tcp_listener_readable(rig->listener));
    // The fourth waits too long.
    rig_wait(rig, 30 * STRATA_SECOND);
    silence(rig);
    CHECK_EQ(COUNT(rig, socket_drop_filter), 1);
    CHECK_EQ(tcp_decide(rig->listener, ids[3], STRATA_ACCEPT), -ENOENT);
    CHECK_EQ(rig->tcp->half_open_count, 0);
}

TCP_TEST(a_syn_that_gives_up_while_a_filter_thinks)
{
    struct strata_syn syn = {.size = sizeof syn};
    rig->options.filter = true;
    rig_listen(rig);
    CHECK(!syn_from(rig, 5000));
    CHECK_EQ(tcp_pending(rig->listener, &syn), 0);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>"); // once more
    inject(rig, ". 1:1(0) ack 1 win 65535");
    silence(rig);
    inject(rig, "R 1:1(0)");
    CHECK_EQ(tcp_decide(rig->listener, syn.id, STRATA_ACCEPT), -ENOENT);
    silence(rig);
}

TCP_TEST(a_transparent_listener_takes_any_address_and_port)
{
    rig->options.transparent = true;
    REQUIRE(tcp_listen(rig->tcp, &rig->binding, &rig->options, 0, rig, &rig->listener) == 0);
    strata_address_parse(rig->ipv6 ? "2001:db8:77::5" : "198.51.100.5", &rig->us.address);
    rig->us.port = 443;
    syn(rig, "mss 1000"); // from that address, as the rig checks
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
    struct strata_endpoint local, peer;
    tcp_endpoints(rig->c, &local, &peer);
    CHECK_EQ(local.port, 443);
    rig->us.port = 444;
    inject(rig, ". 1:1(0) ack 1 win 65535"); // foreign, and no connection: not ours to reset
    rig->us.port = 443;
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack 11");
    silence(rig);
}

TEST_MAIN(TEST_ENTRY(the_backlog_is_bounded), TEST_ENTRY(an_ack_that_finds_the_backlog_full),
          TEST_ENTRY(a_flood_of_syns), TEST_ENTRY(a_connection_that_ends_before_it_is_accepted),
          TEST_ENTRY(a_listener_that_closes), TEST_ENTRY(no_memory_for_new_ones),
          TEST_ENTRY(the_most_exact_listener_wins), TEST_ENTRY(ipv6_only_is_ipv6_only),
          TEST_ENTRY(listeners_that_share_a_port), TEST_ENTRY(a_filter_decides),
          TEST_ENTRY(a_syn_that_gives_up_while_a_filter_thinks),
          TEST_ENTRY(a_transparent_listener_takes_any_address_and_port))
