/**
 * Path MTU found by probing (RFC 4821).
 */
#include "tests/transport/rig.h"
#include "transport/tcp/mtu.h"
#include "wire/icmp.h"

/** Of a datagram's size what is no data; the peers here have no timestamps. */
static unsigned headers(const struct rig *rig)
{
    return rig->ipv6 ? 60 : 40;
}

/** A connection with a wide window and a wide cwnd; the peer takes segments as large as the port carries. `mode` is the
 * setting net.ipv4.tcp_mtu_probing. */
static void open_wide(struct rig *rig, int mode)
{
    SET(rig, tcp_initial_window, 40);
    SET(rig, tcp_mtu_probing, mode);
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1460,ws 4>");
    inject(rig, ". 1:1(0) ack 1 win 65535");
}

/** What fits every path, as these tests set it: data octets of a full segment. IPv6 has its least MTU, 1280. */
static unsigned small(const struct rig *rig)
{
    return rig->ipv6 ? 1280 - headers(rig) : 512;
}

static unsigned next_length(struct rig *rig)
{
    unsigned start, end, length = 0;
    const char *said = rig_next(rig), *space = strchr(said, ' ');
    if (space)
        sscanf(space, " %u:%u(%u)", &start, &end, &length);
    return length;
}

/** Acknowledges all that is out. */
static void acknowledge(struct rig *rig)
{
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
}

/** Writes, lets all be said, and says which is the largest segment. */
static unsigned largest_of(struct rig *rig, size_t size)
{
    unsigned largest = 0, length;
    CHECK_EQ(rig_write(rig, size), (int64_t)size);
    while ((length = next_length(rig)) > 0)
        largest = length > largest ? length : largest;
    return largest;
}

/* RFC 4821-1: larger than what is known to fit, not larger than what could. RFC 4821-2: cwnd in octets stays. */
TCP_TEST(the_search_goes_up)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    CHECK_EQ(rig_info(rig).mss_send, small(rig));
    unsigned low = small(rig) + headers(rig), probe = (low + 1500) / 2;
    CHECK_EQ(rig_write(rig, 8000), 8000);
    expect(rig, ". 1:%u(%u) ack 1", 1 + probe - headers(rig), probe - headers(rig));
    expect(rig, ". %u:%u(%u) ack 1", 1 + probe - headers(rig), 1 + probe - headers(rig) + small(rig), small(rig));
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), 1);
    rig_drain(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), 1); // one at a time
    // Its ACK is what counts, not that of others.
    uint32_t cwnd = rig_info(rig).cwnd;
    inject(rig, ". 1:1(0) ack 101 win 65535");
    CHECK_EQ(rig_info(rig).mss_send, small(rig));
    cwnd = rig_info(rig).cwnd;
    inject(rig, ". 1:1(0) ack %u win 65535", 1 + probe - headers(rig));
    CHECK_EQ(rig_info(rig).mss_send, probe - headers(rig));
    CHECK(rig_info(rig).cwnd - cwnd <= probe); // as for any ACK, and not scaled up with the MTU (RFC 4821-2)
    acknowledge(rig);
    // On it goes, until the end is reached.
    while (rig_info(rig).mss_send < 1500 - headers(rig)) {
        unsigned before = rig_info(rig).mss_send, tried = largest_of(rig, 12000);
        CHECK(tried > before);
        CHECK(tried <= 1500 - headers(rig));
        acknowledge(rig);
        CHECK_EQ(rig_info(rig).mss_send, tried);
    }
    CHECK(COUNT(rig, tcp_mtu_probes) <= 10);
    CHECK_EQ(COUNT(rig, tcp_mtu_raised), COUNT(rig, tcp_mtu_probes));
    CHECK_EQ(rig_info(rig).segments_retransmitted, 0);
}

/* What is behind a probe is enough to tell of its loss; else there is none. */
TCP_TEST(no_probe_without_enough_behind_it)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    CHECK_EQ(largest_of(rig, 3000), small(rig));
    acknowledge(rig);
    // Nor where the window or cwnd has no room for it,
    CHECK_EQ(rig_write(rig, 1), 1);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack %u win 128", rig->c->snd_nxt - rig->our_isn); // 2048 octets
    CHECK_EQ(largest_of(rig, 20000), small(rig));
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    rig_drain(rig);
    acknowledge(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), 1); // the window had opened
    // and not while something is out of order.
    rig_drain(rig);
    acknowledge(rig);
    CHECK_EQ(rig_write(rig, 3000), 3000);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn);
    int64_t probes = COUNT(rig, tcp_mtu_probes);
    rig_write(rig, 20000);
    rig_drain(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), probes);
}

/* RFC 4821-1: a probe that is lost alone is no congestion: it goes again in pieces that fit, and cwnd stays. */
TCP_TEST(a_probe_is_lost)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    uint32_t cwnd = rig_info(rig).cwnd, ssthresh = rig_info(rig).ssthresh;
    unsigned probe = largest_of(rig, 9000);
    CHECK(probe > small(rig));
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535");
    unsigned at = 1;
    while (at < 1 + probe) {
        unsigned piece = 1 + probe - at < small(rig) ? 1 + probe - at : small(rig);
        char wanted[80];
        snprintf(wanted, sizeof wanted, "%s %u:%u(%u) ack 1", at + piece == 1 + probe ? "P." : ".", at, at + piece,
                 piece); // the last ends the burst
        if (!expect(rig, "%s", wanted))
            break;
        at += piece;
    }
    for (int i = 0; i < 6; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535"); // of those that were behind it
    silence(rig);
    CHECK_EQ(rig_info(rig).cwnd, cwnd);
    CHECK_EQ(rig_info(rig).ssthresh, ssthresh);
    CHECK_EQ(rig_info(rig).fast_retransmits, 0);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes_lost), 1);
    acknowledge(rig);
    CHECK(rig_info(rig).cwnd >= cwnd);
    CHECK_EQ(rig_info(rig).mss_send, small(rig));
    // The next one is smaller than that.
    unsigned next = largest_of(rig, 8000);
    CHECK(next > small(rig));
    CHECK(next < probe);
}

/* RFC 4821 7.6.2: what is lost beside a probe is congestion as ever. */
TCP_TEST(a_probe_is_not_all_that_is_lost)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    unsigned probe = largest_of(rig, 8000);
    uint32_t cwnd = rig_info(rig).cwnd;
    // The probe arrives; the segment behind it does not.
    inject(rig, ". 1:1(0) ack %u win 65535", 1 + probe);
    CHECK_EQ(COUNT(rig, tcp_mtu_raised), 1);
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack %u win 65535", 1 + probe);
    CHECK_EQ(rig_info(rig).fast_retransmits, 1);
    CHECK(rig_info(rig).ssthresh < cwnd);
}

/** Loses all probes until none is sent any more. */
static void search_to_the_end(struct rig *rig)
{
    for (int i = 0; i < 30; i++) {
        int64_t probes = COUNT(rig, tcp_mtu_probes);
        largest_of(rig, 8000);
        if (COUNT(rig, tcp_mtu_probes) > probes) {
            for (int j = 0; j < 3; j++)
                inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn);
            rig_drain(rig);
        }
        acknowledge(rig);
    }
}

/* RFC 4821-3: when it has found what fits it rests for ten minutes, and never less than five. */
TCP_TEST(the_search_rests)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    search_to_the_end(rig);
    int64_t probes = COUNT(rig, tcp_mtu_probes);
    CHECK(probes >= 4);
    CHECK_EQ(probes, COUNT(rig, tcp_mtu_probes_lost));
    CHECK_EQ(rig_info(rig).mss_send, small(rig));
    for (int i = 0; i < 9; i++) {
        rig_wait(rig, 60 * STRATA_SECOND);
        CHECK_EQ(largest_of(rig, 8000), small(rig));
        acknowledge(rig);
    }
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), probes);
    rig_wait(rig, 120 * STRATA_SECOND);
    SET(rig, tcp_probe_interval_s, 1); // however short a setting asks for
    CHECK(largest_of(rig, 8000) > small(rig));
    acknowledge(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_raised), 1);
    search_to_the_end(rig);
    probes = COUNT(rig, tcp_mtu_probes);
    rig_wait(rig, 290 * STRATA_SECOND);
    largest_of(rig, 8000);
    acknowledge(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes), probes);
}

/* Nor is anything tried that the peer does not take, whatever the port could carry. */
TCP_TEST(the_peer_bounds_the_search)
{
    SET(rig, tcp_initial_window, 40);
    SET(rig, tcp_mtu_probing, 2);
    SET(rig, tcp_base_mss, 512);
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1300,ws 4>");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    unsigned largest = 0;
    for (int i = 0; i < 30; i++) {
        unsigned length = largest_of(rig, 8000);
        largest = length > largest ? length : largest;
        acknowledge(rig);
    }
    CHECK_EQ(largest, 1300);
    CHECK_EQ(rig_info(rig).mss_send, 1300);
}

/** The same segments time out until so many have in a row; @return the size of the last. */
static unsigned time_out(struct rig *rig, unsigned times)
{
    unsigned length = 0;
    for (unsigned i = 0; i < times; i++) {
        rig_wait(rig, rig->c->retransmit_at - rig->core.now);
        unsigned said = next_length(rig);
        length = said ? said : length;
        rig_drain(rig);
    }
    return length;
}

/* RFC 4821-4: full segments vanish without a word. After the third timeout in a row they are made small, then by half
 * each time; when data flows again the size is found again. */
TCP_TEST(a_black_hole)
{
    SET(rig, tcp_mtu_probe_floor, 100);
    open_wide(rig, 1);
    unsigned full = 1500 - headers(rig);
    CHECK_EQ(largest_of(rig, 20000), full);
    CHECK_EQ(time_out(rig, 2), full);
    CHECK(!rig->c->mtu);
    unsigned base = rig->ipv6 ? small(rig) : 1024, low = base + headers(rig);
    CHECK_EQ(time_out(rig, 1), base);
    CHECK_EQ(COUNT(rig, tcp_mtu_black_holes), 1);
    CHECK_EQ(rig_info(rig).mss_send, base);
    CHECK_EQ(time_out(rig, 1), rig->ipv6 ? base : low / 2 - headers(rig));
    CHECK_EQ(time_out(rig, 1), rig->ipv6 ? base : low / 4 - headers(rig));
    // These fit.
    while (rig_info(rig).flight > 0) {
        acknowledge(rig);
        rig_drain(rig);
    }
    unsigned most = 0;
    for (int i = 0; i < 30 && rig->c->mtu; i++) {
        unsigned said = largest_of(rig, 16000);
        most = said > most ? said : most;
        acknowledge(rig);
    }
    CHECK_EQ(rig_info(rig).mss_send, full); // the hole is gone, and with it the search
    CHECK(!rig->c->mtu);
    CHECK_EQ(COUNT(rig, tcp_mtu_black_holes), 1);
}

TCP_TEST(a_black_hole_that_stays_at_the_floor)
{
    open_wide(rig, 1);
    largest_of(rig, 20000);
    CHECK_EQ(time_out(rig, 8), rig->ipv6 ? small(rig) : 536);
}

TCP_TEST(what_is_small_is_not_lost_for_its_size)
{
    open_wide(rig, 1);
    CHECK_EQ(largest_of(rig, 40), 40);
    CHECK_EQ(time_out(rig, 5), 40);
    CHECK(!rig->c->mtu);
    CHECK_EQ(rig_info(rig).mss_send, 1500 - headers(rig));
}

TCP_TEST(the_search_can_be_forbidden)
{
    open_wide(rig, 0);
    unsigned full = 1500 - headers(rig);
    CHECK_EQ(largest_of(rig, 20000), full);
    CHECK_EQ(time_out(rig, 6), full);
    CHECK(!rig->c->mtu);
}

/** What a router says bounds the search. */
TCP_TEST(a_message_during_the_search)
{
    open_wide(rig, 2);
    CHECK_EQ(rig_write(rig, 12000), 12000);
    CHECK(next_length(rig) > 1024);
    rig_drain(rig);
    if (rig->ipv6)
        rig_icmp(rig, ICMPV6_PACKET_TOO_BIG, 0, 1280, 1);
    else
        rig_icmp(rig, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1280, 1);
    rig_drain(rig);
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535");
    rig_drain(rig);
    acknowledge(rig);
    for (int i = 0; i < 20; i++) {
        CHECK(largest_of(rig, 12000) <= 1280 - headers(rig));
        acknowledge(rig);
    }
    CHECK_EQ(rig_info(rig).mss_send, 1280 - headers(rig));
}

/** A probe that the timer has sent again tells nothing, whatever arrives. */
TCP_TEST(a_probe_that_times_out)
{
    SET(rig, tcp_base_mss, 512);
    open_wide(rig, 2);
    unsigned probe = largest_of(rig, 9000);
    CHECK(probe > small(rig));
    CHECK_EQ(time_out(rig, 1), small(rig));
    acknowledge(rig);
    CHECK_EQ(COUNT(rig, tcp_mtu_raised), 0);
    CHECK_EQ(COUNT(rig, tcp_mtu_probes_lost), 0);
    CHECK_EQ(rig_info(rig).mss_send, small(rig));
}

TEST_MAIN(TEST_ENTRY(the_search_goes_up), TEST_ENTRY(no_probe_without_enough_behind_it), TEST_ENTRY(a_probe_is_lost),
          TEST_ENTRY(a_probe_is_not_all_that_is_lost), TEST_ENTRY(the_search_rests),
          TEST_ENTRY(the_peer_bounds_the_search),
          TEST_ENTRY(a_black_hole),
          TEST_ENTRY(a_black_hole_that_stays_at_the_floor), TEST_ENTRY(what_is_small_is_not_lost_for_its_size),
          TEST_ENTRY(the_search_can_be_forbidden), TEST_ENTRY(a_message_during_the_search),
          TEST_ENTRY(a_probe_that_times_out))
