/**
 * Opening: the handshake from both sides, crossing SYNs, options of SYNs, initial sequence numbers, what may
 * not open (RFC 9293 3.4.1, 3.5, 3.7.1, 3.9.1.1, 3.10.7.1 to 3.10.7.3).
 */
#include "tests/transport/rig.h"

#include <errno.h>

TCP_TEST(a_listener_answers)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 win 65535 <mss %u>", rig->ipv6 ? 1440 : 1460);
    silence(rig);
    CHECK(!tcp_accept(rig->listener, rig)); // not before the third segment
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig->listener_events, 1);
    REQUIRE(rig_take(rig));
    CHECK_STATE(rig, "ESTABLISHED");
    silence(rig);
}

TCP_TEST(we_open)
{
    rig_connect(rig);
    CHECK_STATE(rig, "SYN-SENT");
    expect(rig, "S 0:0(0) win 65535 <mss %u,sackok,ts 0 0,ws 0>", rig->ipv6 ? 1440 : 1460);
    silence(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
    expect(rig, ". 1:1(0) ack 1 <>");
    silence(rig);
}

/* RFC 9293 MUST-10: two SYNs that cross; RFC 9293 MUST-11: it was an active open, so a refusal is told. */
TCP_TEST(syns_cross)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK_STATE(rig, "SYN-RECEIVED");
    expect(rig, "S. 0:0(0) ack 1");
    silence(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_write(rig, 500), 500);
    expect(rig, "P. 1:501(500) ack 1");
}

TCP_TEST(syns_cross_and_an_ack_opens)
{
    // The shorter way: the peer's SYN-ACK was lost, its later ACK is as good.
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
}

TCP_TEST(a_reset_while_syns_cross_is_told)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "R 1:1(0)");
    CHECK_EQ(tcp_take_error(rig->c), ECONNREFUSED); // RFC 9293 MUST-11
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 9293 MUST-11, RFC 9293-5: a passive open goes back to LISTEN, and nobody hears of it. */
TCP_TEST(a_reset_of_a_passive_open_is_silent)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "R 1:1(0)");
    silence(rig);
    CHECK_EQ(rig->listener_events, 0);
    CHECK_EQ(rig->tcp->half_open_count, 0);
    rig_wait(rig, 300 * STRATA_SECOND);
    silence(rig); // no SYN-ACK again: it is forgotten
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
}

TCP_TEST(a_reset_beside_the_window_forgets_nothing)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "R 100000:100000(0)"); // outside
    silence(rig);
    inject(rig, "R 2:2(0)"); // inside, not exact (RFC 5961-1)
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(tcp_listener_readable(rig->listener));
}

/* RFC 9293-1: what belongs to nobody is reset; an RST is never answered. */
TCP_TEST(nobody_listens)
{
    rig->peer_isn = 0;
    inject(rig, "S 7:7(0) win 65535");
    expect(rig, "R. 0:0(0) ack 8");
    inject(rig, ". 7:7(0) ack 500 win 65535");
    expect(rig, "R 500:500(0)");
    inject(rig, "P 7:17(10) win 65535");
    expect(rig, "R. 0:0(0) ack 17");
    inject(rig, "F 7:7(0) win 1");
    expect(rig, "R. 0:0(0) ack 8");
    inject(rig, "R 7:7(0)");
    inject(rig, "R. 7:7(0) ack 3");
    silence(rig);
    CHECK_EQ(COUNT(rig, tcp_drop_no_socket), 6);
    CHECK_EQ(COUNT(rig, tcp_resets_sent), 4);
}

TCP_TEST(resets_are_bounded)
{
    SET(rig, tcp_resets_per_second, 3);
    for (int i = 0; i < 10; i++)
        inject(rig, "S 7:7(0) win 65535");
    CHECK_EQ(rig_drain(rig), 3);
    rig_wait(rig, STRATA_SECOND);
    inject(rig, "S 7:7(0) win 65535");
    CHECK_EQ(rig_drain(rig), 1);
}

/* RFC 9293-2: LISTEN ignores RST, answers ACK with RST and SYN with SYN-ACK; anything else is nothing. */
TCP_TEST(what_a_listener_hears)
{
    rig_listen(rig);
    inject(rig, "R 0:0(0)");
    inject(rig, "SR 0:0(0)");
    silence(rig);
    inject(rig, ". 0:0(0) ack 77 win 10");
    expect(rig, "R 77:77(0)");
    inject(rig, "S. 0:0(0) ack 78 win 10");
    expect(rig, "R 78:78(0)");
    inject(rig, "F 0:0(0) win 10");
    inject(rig, "P 0:10(10) win 10");
    silence(rig);
    CHECK_EQ(rig->tcp->half_open_count, 0);
    inject(rig, "S 0:0(0) win 10");
    expect(rig, "S. 0:0(0) ack 1");
}

/* RFC 9293-3: in SYN-SENT an ACK of what was not sent draws a reset, and a reset counts only with a good ACK.
 * */
TCP_TEST(what_syn_sent_hears)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, ". 5:5(0) ack 0 win 10");
    expect(rig, "R 0:0(0)");
    inject(rig, "S. 5:5(0) ack 2 win 10");
    expect(rig, "R 2:2(0)");
    inject(rig, "R. 5:5(0) ack 2 win 10"); // not acceptable: nothing
    inject(rig, "R 5:5(0)");               // nor without any ACK
    inject(rig, ". 5:5(0) ack 1 win 10");  // neither SYN nor RST
    inject(rig, "F. 5:5(0) ack 1 win 10");
    silence(rig);
    CHECK_STATE(rig, "SYN-SENT");
    inject(rig, "R. 5:5(0) ack 1");
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ECONNREFUSED);
    CHECK_EQ(tcp_take_error(rig->c), 0);
    CHECK_EQ(rig_read(rig, 10), -ECONNREFUSED);
}

TCP_TEST(an_ack_of_half_an_opening_that_is_wrong)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    expect(rig, "R 2:2(0)");
    inject(rig, ". 1:1(0) ack 0 win 65535");
    expect(rig, "R 0:0(0)");
    inject(rig, ". 70000:70000(0) ack 1 win 65535"); // outside of the window
    expect(rig, ". 1:1(0) ack 1");
    CHECK(!tcp_listener_readable(rig->listener));
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(tcp_listener_readable(rig->listener));
}

TCP_TEST(the_same_syn_again_is_answered_again)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    silence(rig);
    CHECK_EQ(rig->tcp->half_open_count, 1);
    inject(rig, "S 9:9(0) win 65535"); // another SYN in the window: back to LISTEN (RFC 9293 3.10.7.4, fourth)
    silence(rig);
    CHECK_EQ(rig->tcp->half_open_count, 0);
}

/* ---- MSS ----------------------------------------------------------------------------------------------- */

/* RFC 9293 MUST-14: it is sent and heard; RFC 9293 MAY-3, SHLD-5: always; RFC 9293 MUST-65: on SYNs only;
 * RFC 9293 MUST-67, RFC 6691-1: the MTU less 40 or 60, although timestamps will take 12 of it. */
TCP_TEST(mss_is_told_and_heard)
{
    unsigned mss = rig->ipv6 ? 1440 : 1460;
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss %u,sackok,ts * 0,ws 0>", mss);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 700,nop,nop,ts 5 0>");
    expect(rig, ". 1:1(0) ack 1 <ts * 5>");
    CHECK_EQ(rig_write(rig, 5000), 5000);
    expect(rig, ". 1:689(688) ack 1 <ts * 5>"); // RFC 9293 MUST-16: 700 less what the option takes
    expect(rig, ". 689:1377(688) ack 1");
}

/* RFC 9293 MUST-15: nobody said anything, so it is 536 or 1220. */
TCP_TEST(no_mss_is_a_small_one)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535");
    unsigned mss = rig->ipv6 ? 1220 : 536;
    rig_write(rig, 4000);
    expect(rig, ". 1:%u(%u) ack 1", 1 + mss, mss);
}

TCP_TEST(no_mss_is_a_small_one_for_a_listener_too)
{
    rig_accept(rig, "S 0:0(0) win 65535");
    unsigned mss = rig->ipv6 ? 1220 : 536;
    rig_write(rig, 4000);
    expect(rig, ". 1:%u(%u) ack 1", 1 + mss, mss); // RFC 9293 MUST-15
}

/* RFC 9293 MUST-16: what the IP layer carries bounds what the peer allows. */
TCP_TEST(our_own_mtu_bounds_the_segment)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 9000>");
    unsigned mss = rig->ipv6 ? 1440 : 1460;
    rig_write(rig, 4000);
    expect(rig, ". 1:%u(%u) ack 1", 1 + mss, mss);
}

TCP_TEST(a_ridiculous_mss_is_not_taken_at_its_word)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1>");
    rig_write(rig, 280);
    expect(rig, ". 1:29(28) ack 1");
}

TCP_TEST(the_programs_bound_on_segments)
{
    rig->options.max_segment = 800;
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss 800,sackok,ts * 0,ws 0>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1400>");
    expect(rig, ". 1:1(0) ack 1");
    rig_write(rig, 4000);
    expect(rig, ". 1:801(800) ack 1");
}

/* RFC 9293 SHLD-6: two ways in with different MTUs; the smaller one is told. */
TCP_TEST(the_smaller_mtu_is_told)
{
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_IP, .mtu_bytes = 1400};
    int other = links_add_port(net_links(rig->net), &config);
    REQUIRE(other > 0);
    rig_listen(rig);
    int usual = rig->port;
    rig->port = other; // the SYN comes in by the other port, the answer leaves by the usual one
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    rig->port = usual;
    expect(rig, "S. 0:0(0) ack 1 <mss %u>", rig->ipv6 ? 1340 : 1360);
    // And the other way round: in by the usual one, out by the smaller.
    struct strata_route route = {.destination = rig->peer.address, .prefix_length = rig->ipv6 ? 128 : 32,
                                 .port = other};
    REQUIRE(net_route_add(rig->net, &route) == 0);
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    rig->port = other;
    expect(rig, "S. 0:0(0) ack 1 <mss %u>", rig->ipv6 ? 1340 : 1360);
}

/* ---- Options that are strange -------------------------------------------------------------------------- */

/* RFC 9293 MUST-4: EOL, NOP and MSS; RFC 9293 MUST-6, MUST-68: unknown ones are skipped by their length;
 * RFC 9293 MUST-64: at any byte. */
TCP_TEST(options_at_odd_places)
{
    rig_listen(rig);
    syn(rig, "nop,byte 77,byte 5,byte 1,byte 2,byte 3,mss 900,eol");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    rig_write(rig, 3000);
    expect(rig, ". 1:901(900) ack 1");
}

/* RFC 9293 MUST-69: behind EOL there is nothing. */
TCP_TEST(nothing_comes_after_the_end_of_options)
{
    rig_listen(rig);
    syn(rig, "mss 900,eol,byte 2,byte 4,byte 1,byte 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    rig_write(rig, 3000);
    expect(rig, ". 1:901(900) ack 1");
}

/* RFC 9293 MUST-5: an option that may come in any segment does; RFC 9293 MUST-7: lengths that lie. */
TCP_TEST(options_in_the_middle)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,byte 99,byte 3,byte 0,eol>"); // unknown, in a data segment
    CHECK_EQ(rig_read(rig, 100), 10);
    inject(rig, "P. 11:21(10) ack 1 win 65535 <byte 99,byte 0>"); // length 0
    inject(rig, "P. 11:21(10) ack 1 win 65535 <byte 99,byte 1>"); // shorter than itself
    inject(rig, "P. 11:21(10) ack 1 win 65535 <byte 2,byte 40>"); // beyond the header
    inject(rig, "P. 11:21(10) ack 1 win 65535 <nop,nop,nop,byte 2>"); // no length at all
    CHECK_EQ(COUNT(rig, tcp_drop_options), 4);
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    inject(rig, "P. 11:21(10) ack 1 win 65535 <mss 33>"); // an MSS where it says nothing
    CHECK_EQ(rig_read(rig, 100), 10);
    rig_drain(rig);
    rig_write(rig, 3000);
    expect(rig, ". 1:1001(1000) ack 21");
}

/* ---- Initial sequence numbers -------------------------------------------------------------------------- */

/* RFC 9293 MUST-8, SHLD-1, RFC 6528-1: a clock of 4 microseconds plus a hash of the four-tuple under a
 * secret. */
TCP_TEST(initial_sequence_numbers)
{
    rig_listen(rig);
    seq_t isn[4];
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    isn[0] = rig->our_isn;
    inject(rig, "R 1:1(0)");
    rig_wait(rig, 400 * STRATA_MICROSECOND);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    isn[1] = rig->our_isn;
    CHECK_EQ(isn[1] - isn[0], 100); // the same four-tuple: the clock alone
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    isn[2] = rig->our_isn;
    CHECK(isn[2] - isn[1] > 1000); // another four-tuple at the same time
    // RFC 9293 MUST-9: another host, with another seed, has other numbers for the same four-tuple at the same
    // time.
    struct rig *other = rig_new(rig->ipv6, 1500, 0);
    random_key(&other->core.random, &other->tcp->isn_key);
    rig_wait(other, 400 * STRATA_MICROSECOND);
    rig_listen(other);
    other->peer.port++;
    inject(other, "S 0:0(0) win 65535");
    expect(other, "S. 0:0(0) ack 1");
    CHECK(other->our_isn != isn[2]);
    rig_free(other);
}

/* ---- Active opens -------------------------------------------------------------------------------------- */

static int connect_to(struct rig *rig, const char *ipv4, const char *ipv6, uint16_t port)
{
    struct strata_endpoint peer = {.port = port};
    REQUIRE(strata_address_parse(rig->ipv6 ? ipv6 : ipv4, &peer.address) == 0);
    struct tcp_connection *c = NULL;
    int error = tcp_connect(rig->tcp, NULL, &peer, &rig->options, rig, &c);
    if (c)
        tcp_abort(c);
    return error;
}

/* RFC 9293 MUST-46: no connection to what is not one host. */
TCP_TEST(no_connection_to_a_crowd)
{
    CHECK_EQ(connect_to(rig, "224.0.0.1", "ff02::1", 80), -EINVAL);
    CHECK_EQ(connect_to(rig, "255.255.255.255", "ff0e::1", 80), -EINVAL);
    CHECK_EQ(connect_to(rig, "0.0.0.0", "::", 80), -EINVAL);
    if (!rig->ipv6)
        CHECK_EQ(connect_to(rig, "10.0.0.255", NULL, 80), -EINVAL);
    CHECK_EQ(connect_to(rig, "10.0.0.2", "2001:db8::2", 0), -EINVAL);
    CHECK_EQ(connect_to(rig, "192.0.2.1", "2001:db8:1::1", 80), -ENETUNREACH);
    CHECK_EQ(connect_to(rig, "10.0.0.2", "2001:db8::2", 80), 0);
}

/* RFC 9293 MUST-44: the IP layer chooses the local address; RFC 9293 MUST-45: it stays, whatever addresses
 * come. */
TCP_TEST(the_local_address_is_chosen_and_stays)
{
    struct strata_address second = rig->us.address;
    second.bytes[15] = 77;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>"); // the rig checks: from .1
    REQUIRE(net_address_add(rig->net, rig->port, &second, rig->ipv6 ? 64 : 24) == 0);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    rig_wait(rig, 3 * STRATA_SECOND);
    expect(rig, "P. 1:11(10) ack 1"); // RFC 9293 MUST-45: the retransmission too
}

/* RFC 9293 MUST-43: the program may name a local address. */
TCP_TEST(the_local_address_is_given)
{
    struct strata_address second = rig->us.address;
    second.bytes[15] = 77;
    REQUIRE(net_address_add(rig->net, rig->port, &second, rig->ipv6 ? 64 : 24) == 0);
    rig->us.address = second;
    rig->binding.local.address = second;
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &rig->binding) == 0);
    REQUIRE(tcp_connect(rig->tcp, &rig->binding, &rig->peer, &rig->options, rig, &rig->c) == 0);
    expect(rig, "S 0:0(0)"); // the rig checks the address
    CHECK_EQ(rig->us.port, rig->binding.local.port);
    struct tcp_connection *again;
    CHECK_EQ(tcp_connect(rig->tcp, &rig->binding, &rig->peer, &rig->options, rig, &again), -EADDRINUSE);
}

/* RFC 9293 MUST-42: a LISTEN at a port with a connection in SYN-SENT; RFC 9293 MUST-41: it does nothing to
 * that connection. */
TCP_TEST(listening_where_a_connection_is_being_opened)
{
    rig->binding.local.port = RIG_PORT;
    rig->binding.flags = BINDING_REUSE_ADDRESS;
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &rig->binding) == 0);
    REQUIRE(tcp_connect(rig->tcp, &rig->binding, &rig->peer, &rig->options, rig, &rig->c) == 0);
    expect(rig, "S 0:0(0)");
    seq_t isn = rig->our_isn;
    struct binding second = {.local = {.port = RIG_PORT}, .flags = BINDING_REUSE_ADDRESS};
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &second) == 0);
    CHECK_EQ(ports_rebind(tcp_ports(rig->tcp), &second, BINDING_REUSE_ADDRESS | BINDING_LISTENING), 0);
    REQUIRE(tcp_listen(rig->tcp, &second, &rig->options, 0, rig, &rig->listener) == 0);
    CHECK_STATE(rig, "SYN-SENT");
    // Somebody else connects to the listener ...
    rig->peer.port = 5000;
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    // ... and the first connection is opened all the same (RFC 9293 MUST-41).
    rig->peer.port = RIG_PEER_PORT;
    rig->our_isn = isn;
    inject(rig, "S. 0:0(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    expect(rig, ". 1:1(0) ack 1");
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    ports_release(tcp_ports(rig->tcp), &second);
}

TCP_TEST(a_listener_leaves_connections_alone)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    rig->binding.local.port = rig->us.port;
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &rig->binding) == 0);
    REQUIRE(tcp_listen(rig->tcp, &rig->binding, &rig->options, 0, rig, &rig->listener) == 0);
    inject(rig, "P. 1:11(10) ack 1 win 65535"); // RFC 9293 MUST-41
    CHECK_EQ(rig_read(rig, 100), 10);
}

/* ---- Who may not open ---------------------------------------------------------------------------------- */

/* RFC 9293 MUST-57: a SYN to a crowd is not answered. RFC 9293 MUST-63: nor one from a source that is no
 * host. */
TCP_TEST(crowds_are_not_answered)
{
    struct strata_address us = rig->us.address, peer = rig->peer.address;
    rig_listen(rig);
    static const char *const to[2][2] = {{"255.255.255.255", "10.0.0.255"}, {"ff02::1", "ff02::1"}};
    for (int i = 0; i < 2; i++) {
        strata_address_parse(to[rig->ipv6][i], &rig->us.address);
        inject(rig, "S 0:0(0) win 65535");
        silence(rig);
    }
    rig->us.address = us;
    static const char *const from[2][3] = {{"224.0.0.9", "10.0.0.255", "0.0.0.0"}, {"ff02::1", "::", "ff0e::1"}};
    for (int i = 0; i < 3; i++) {
        strata_address_parse(from[rig->ipv6][i], &rig->peer.address);
        inject(rig, "S 0:0(0) win 65535");
        silence(rig);
    }
    rig->peer.address = peer;
    CHECK_EQ(rig->tcp->half_open_count, 0);
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
}

/* RFC 9293 MUST-50: options of the IP layer that mean nothing to TCP change nothing. */
TCP_TEST(options_of_the_ip_layer)
{
    static const uint8_t strange[] = {1, 0x9e, 5, 7, 7, 7, 1, 0};        // NOP, an unknown one, NOP, end
    static const uint8_t extension[] = {PROTOCOL_TCP, 0, 0x1e, 4, 9, 9, 9, 9}; // destination options: an unknown one
    rig_listen(rig);
    rig->ip_options = rig->ipv6 ? extension : strange;
    rig->ip_option_bytes = sizeof strange;
    syn(rig, "mss 1000");
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
}

/* A link-local peer: the port is part of who it is. */
TCP_TEST(a_link_local_peer)
{
    if (!rig->ipv6)
        return;
    strata_address_parse("fe80::1", &rig->us.address);
    strata_address_parse("fe80::2", &rig->peer.address);
    REQUIRE(net_address_add(rig->net, rig->port, &rig->us.address, 64) == 0);
    rig->peer.scope = (uint32_t)rig->port;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 100), 10);
}

TCP_TEST(data_with_the_syn_comes_again)
{
    // It may be queued or ignored (RFC 9293 3.10.7.2); here it is not acknowledged and so comes again.
    rig_listen(rig);
    inject(rig, "S 0:100(100) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "P. 1:101(100) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    CHECK_EQ(rig_read(rig, 1000), 100);
}

TCP_TEST(data_with_the_third_segment)
{
    rig_listen(rig);
    syn(rig, "mss 1000");
    inject(rig, "FP. 1:101(100) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_STATE(rig, "CLOSE-WAIT");
    CHECK_EQ(rig_read(rig, 1000), 100);
    CHECK_EQ(rig_read(rig, 1000), 0);
    expect(rig, ". 1:1(0) ack 102");
}

TCP_TEST(data_with_the_syn_ack)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "SP. 0:50(50) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(rig_read(rig, 100), 50);
    expect(rig, ". 1:1(0) ack 51");
}

TCP_TEST(what_is_written_while_opening_is_sent_when_open)
{
    rig_connect(rig);
    CHECK_EQ(rig_write(rig, 10), 10);
    expect(rig, "S 0:0(0)");
    silence(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    expect(rig, "P. 1:11(10) ack 1");
    silence(rig);
}

/* RFC 2883-1: the SYN of theirs that brings our ACK in a simultaneous open came before, without it. */
TCP_TEST(a_syn_that_came_before_is_a_duplicate)
{
    SET(rig, tcp_timestamps, 0);
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *>");
    syn(rig, "mss 1000,sackok,nop,nop");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    expect(rig, ". 1:1(0) ack 1 <sack 0:1>");
    silence(rig);
    CHECK_STATE(rig, "ESTABLISHED");
}

TEST_MAIN(TEST_ENTRY(a_listener_answers), TEST_ENTRY(we_open), TEST_ENTRY(syns_cross),
          TEST_ENTRY(syns_cross_and_an_ack_opens), TEST_ENTRY(a_reset_while_syns_cross_is_told),
          TEST_ENTRY(a_reset_of_a_passive_open_is_silent), TEST_ENTRY(a_reset_beside_the_window_forgets_nothing),
          TEST_ENTRY(nobody_listens), TEST_ENTRY(resets_are_bounded), TEST_ENTRY(what_a_listener_hears),
          TEST_ENTRY(what_syn_sent_hears), TEST_ENTRY(an_ack_of_half_an_opening_that_is_wrong),
          TEST_ENTRY(the_same_syn_again_is_answered_again), TEST_ENTRY(mss_is_told_and_heard),
          TEST_ENTRY(no_mss_is_a_small_one), TEST_ENTRY(no_mss_is_a_small_one_for_a_listener_too),
          TEST_ENTRY(our_own_mtu_bounds_the_segment), TEST_ENTRY(a_ridiculous_mss_is_not_taken_at_its_word),
          TEST_ENTRY(the_programs_bound_on_segments), TEST_ENTRY(the_smaller_mtu_is_told),
          TEST_ENTRY(options_at_odd_places), TEST_ENTRY(nothing_comes_after_the_end_of_options),
          TEST_ENTRY(options_in_the_middle), TEST_ENTRY(initial_sequence_numbers),
          TEST_ENTRY(no_connection_to_a_crowd), TEST_ENTRY(the_local_address_is_chosen_and_stays),
          TEST_ENTRY(the_local_address_is_given), TEST_ENTRY(listening_where_a_connection_is_being_opened),
          TEST_ENTRY(a_listener_leaves_connections_alone), TEST_ENTRY(crowds_are_not_answered),
          TEST_ENTRY(options_of_the_ip_layer), TEST_ENTRY(a_link_local_peer),
          TEST_ENTRY(data_with_the_syn_comes_again), TEST_ENTRY(data_with_the_third_segment),
          TEST_ENTRY(data_with_the_syn_ack), TEST_ENTRY(what_is_written_while_opening_is_sent_when_open),
          TEST_ENTRY(a_syn_that_came_before_is_a_duplicate))
