/**
 * TCP Fast Open of servers (RFC 7413): cookies given and checked, data before the handshake is done, and its limits.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/fast_open.h"

#include <errno.h>

#define LIMIT 2

/** Listens with Fast Open, and learns the peer's cookie as text. */
static void listen_fast(struct rig *rig, char cookie[17])
{
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER);
    rig->options.fast_open = LIMIT;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,fo>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo *>");
    const char *text = strstr(rig->line, "fo ");
    REQUIRE(text);
    REQUIRE(sscanf(text, "fo %16[0-9a-f]", cookie) == 1);
    inject(rig, "R 1:1(0)");
    rig->know_isn = false;
}

/** The peer's SYN with data and a cookie is taken: a connection, not accepted yet. */
static void fast_syn(struct rig *rig, const char *cookie)
{
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
}
static void open_fast(struct rig *rig, const char *cookie)
{
    fast_syn(rig, cookie);
    REQUIRE(rig_take(rig));
}
/** Of the same only the SYN is taken, and no other cookie is told. */
static void refused_syn(struct rig *rig, const char *cookie)
{
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
}

/* RFC 7413 4.2.2: the data is there before the handshake is, and may be answered. */
TCP_TEST(data_in_the_syn)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    REQUIRE(rig_take(rig));
    expect(rig, "S. 0:0(0) ack 11 <mss *>"); // of both
    CHECK_STATE(rig, "SYN-RECEIVED");
    CHECK_EQ(tcp_readiness(rig->c), STRATA_READABLE | STRATA_WRITABLE);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK(rig->c->syn_marks & SYN_DATA_TAKEN);
    CHECK_EQ(COUNT(rig, tcp_fast_open_passive), 1);
    CHECK_EQ(rig_write(rig, 2500), 2500);
    CHECK_EQ(rig_drain(rig), 2); // full segments; the rest waits behind them (RFC 9293 SHLD-7)
    CHECK_EQ(rig_info(rig).flight, 2001); // the SYN too
    inject(rig, ". 11:11(0) ack 1001 win 65535"); // ends the handshake too
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).bytes_acked, 1000);
    inject(rig, ". 11:11(0) ack 2001 win 65535");
    expect(rig, "P. 2001:2501(500) ack 11");
    inject(rig, "P. 11:21(10) ack 2501 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig->listener->fast_open_count, 0);
    CHECK(rig->c->extra == NULL);
}

/* RFC 7413-3: whatever speaks against it, the SYN alone is acknowledged and its data comes again. */
TCP_TEST(when_the_data_is_not_taken)
{
    char cookie[17];
    listen_fast(rig, cookie);
    // A wrong cookie: the right one comes with the SYN-ACK.
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo 0123456789abcdef>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", cookie);
    CHECK_EQ(COUNT(rig, tcp_fast_open_bad_cookies), 1);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 1 <mss *>"); // RFC 7413-5: sent again without it
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
    rig_another(rig);
    // Half of it, and the same from another address.
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %.8s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", cookie);
    rig->peer.address.bytes[15] = 7;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    CHECK(strncmp(rig_next(rig), "S. 0:0(0) ack 1 ", 16) == 0 && !strstr(rig->line, cookie));
    rig->peer.address.bytes[15] = 2;
    // No cookie, with data and without.
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    // Off at the host, or not asked for by the listener (RFC 7413-1).
    SET(rig, tcp_fastopen, FAST_OPEN_CLIENT);
    rig->peer.port++;
    refused_syn(rig, cookie);
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER);
    rig->options.fast_open = 0;
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->peer.port++;
    refused_syn(rig, cookie);
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER | FAST_OPEN_ALL_LISTENERS); // unless the host asks for all
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
}

/* RFC 7413-3: the limit of connections without a handshake; RFC 7413 5.1: a reset does not make room at once. */
TCP_TEST(the_limit_of_a_listener)
{
    char cookie[17];
    listen_fast(rig, cookie);
    for (uint16_t i = 0; i < LIMIT; i++) {
        rig->peer.port = (uint16_t)(5000 + i);
        fast_syn(rig, cookie);
    }
    seq_t isn = rig->our_isn;
    rig->peer.port = 5002;
    refused_syn(rig, cookie);
    CHECK_EQ(COUNT(rig, tcp_fast_open_overflows), 1);
    inject(rig, "R 1:1(0)");
    rig->peer.port = 5001;
    rig->our_isn = isn;
    inject(rig, ". 11:11(0) ack 1 win 65535"); // one handshake is done: room for one
    rig->peer.port = 5003;
    fast_syn(rig, cookie);
    inject(rig, "R 11:11(0)"); // forged, or not
    rig->peer.port = 5004;
    refused_syn(rig, cookie);
    inject(rig, "R 1:1(0)");
    rig->peer.port = 5000; // which has said nothing yet, and is asked again
    rig_wait(rig, 61 * STRATA_SECOND);
    rig_drain(rig);
    rig->peer.port = 5005;
    fast_syn(rig, cookie);
}

/* RFC 7413-5, RFC 9293 MUST-22: the SYN-ACK comes again, alone; so does the client's SYN. */
TCP_TEST(a_syn_ack_that_is_lost)
{
    char cookie[17];
    listen_fast(rig, cookie);
    open_fast(rig, cookie);
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 1:101(100) ack 11");
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    inject(rig, ". 11:11(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    rig_wait(rig, 10 * STRATA_SECOND);
    expect(rig, "P. 1:101(100) ack 11"); // and what went with it is sent again in its turn
    inject(rig, ". 11:11(0) ack 101 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
}

TCP_TEST(a_client_that_never_answers)
{
    char cookie[17];
    listen_fast(rig, cookie);
    SET(rig, tcp_synack_retries, 2);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    REQUIRE(rig_take(rig));
    for (int i = 0; i < 3; i++) {
        expect(rig, "S. 0:0(0) ack 11");
        rig_wait(rig, STRATA_SECOND << i);
    }
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_read(rig, 100), -ETIMEDOUT);
    CHECK_EQ(rig->listener->fast_open_count, 0);
}

TCP_TEST(resets_and_closes_before_the_handshake_is_done)
{
    char cookie[17];
    listen_fast(rig, cookie);
    fast_syn(rig, cookie);
    inject(rig, "R 11:11(0)"); // before it is accepted
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_read(rig, 100), -ECONNRESET);
    rig_another(rig);
    rig_wait(rig, 61 * STRATA_SECOND);
    open_fast(rig, cookie);
    tcp_close(rig->c); // with data nobody has read
    rig->c = NULL;
    expect(rig, "R. 1:1(0) ack 11");
    rig->know_isn = false;
    rig->peer.port++;
    open_fast(rig, cookie);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_write(rig, 5), 5);
    tcp_close(rig->c); // in order: the answer goes out, the FIN when the handshake is done
    rig->c = NULL;
    expect(rig, "P. 1:6(5) ack 11");
    silence(rig);
    inject(rig, ". 11:11(0) ack 6 win 65535");
    expect(rig, "F. 6:6(0) ack 11");
    inject(rig, "F. 11:11(0) ack 7 win 65535");
    expect(rig, ". 7:7(0) ack 12");
    // The listener goes with one that nobody has accepted.
    rig->know_isn = false;
    rig->peer.port++;
    fast_syn(rig, cookie);
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    expect(rig, "R. 1:1(0) ack 11");
}

TCP_TEST(a_listener_goes_before_the_handshake_is_done)
{
    char cookie[17];
    listen_fast(rig, cookie);
    open_fast(rig, cookie);
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    inject(rig, "P. 11:21(10) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_read(rig, 100), 20);
}

/** The cookie depends on both addresses and the key, as Linux computes it: servers may share keys with it. */
TCP_TEST(cookies_of_a_given_key)
{
    if (rig->ipv6)
        return;
    SET(rig, tcp_fastopen_key_0, 0xa0bf63f7);
    SET(rig, tcp_fastopen_key_1, 0xed803d81);
    SET(rig, tcp_fastopen_key_2, 0xcd641d30);
    SET(rig, tcp_fastopen_key_3, 0xcebc4a90);
    rig_listen(rig);
    struct tcp_record key = {.local = strata_ipv4(192, 168, 0, 2), .remote = strata_ipv4(10, 248, 0, 2)};
    uint8_t cookie[FAST_OPEN_COOKIE_BYTES];
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x00\xab\xaa\xab\xe8\xe9\x54\xc2", 8);
    key.remote = strata_ipv4(10, 248, 0, 3);
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x13\x13\xa2\xda\x99\x4a\x09\x51", 8);
    // The listener's own goes before the host's.
    rig->options.fast_open_keys = 1;
    tcp_listener_set_options(rig->listener, &rig->options);
    key.remote = strata_ipv4(10, 248, 0, 2);
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x93\xb7\xaa\x4f\x55\x0f\x8a\x1a", 8);
}

/** While a server changes its key the old cookies are good, and new ones are told. */
TCP_TEST(a_key_that_changes)
{
    char old[17], new[17];
    rig->options.fast_open_keys = 1;
    memset(rig->options.fast_open_key, 1, 16);
    listen_fast(rig, old);
    rig->options.fast_open_keys = 2;
    memset(rig->options.fast_open_key, 2, 16);
    memset(rig->options.fast_open_key + 16, 1, 16);
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,foexp %s>", old);
    expect(rig, "S. 0:0(0) ack 11 <mss *,foexp *>");
    REQUIRE(sscanf(strstr(rig->line, "foexp "), "foexp %16[0-9a-f]", new) == 1);
    CHECK(strcmp(old, new) != 0);
    inject(rig, ". 11:11(0) ack 1 win 65535");
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", new);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    inject(rig, ". 11:11(0) ack 1 win 65535");
    rig->options.fast_open_keys = 1;
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", old);
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", new);
}

TCP_TEST(a_server_without_cookies)
{
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER | FAST_OPEN_SERVER_NO_COOKIE);
    rig->options.fast_open = 4;
    rig_listen(rig);
    inject(rig, "S 0:900(900) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 901 <mss *>");
    inject(rig, ". 901:1801(900) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 10000), 1800);
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>"); // without data an ordinary one
    CHECK(strncmp(rig_next(rig), "S. 0:0(0) ack 1 ", 16) == 0);
    CHECK_EQ(rig->tcp->half_open_count, 1);
}

/** A good cookie without data may still be answered early. */
TCP_TEST(a_cookie_without_data)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    REQUIRE(rig_take(rig));
    CHECK(!(rig->c->syn_marks & SYN_DATA_TAKEN));
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 1:101(100) ack 1");
}

/** From the same port again, out of TIME-WAIT (RFC 6191). */
TCP_TEST(a_fast_open_follows_a_time_wait)
{
    char cookie[17];
    listen_fast(rig, cookie);
    open_fast(rig, cookie);
    inject(rig, ". 11:11(0) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 100), 10);
    tcp_close(rig->c);
    rig->c = NULL;
    expect(rig, "F. 1:1(0) ack 11");
    inject(rig, "F. 11:11(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 12");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    seq_t last = rig->our_isn + 2;
    rig->peer_isn += 100000;
    rig->know_isn = false;
    fast_syn(rig, cookie);
    CHECK(seq_gt(rig->our_isn, last));
    CHECK_EQ(rig->tcp->time_wait_count, 0);
}

static unsigned allowed;
static void *allocate_some(void *context, size_t bytes)
{
    const struct strata_allocator *real = allocator_default();
    (void)context;
    return allowed > 0 ? (allowed--, real->allocate(real->context, bytes)) : NULL;
}

/** Short of memory it is the ordinary handshake, or none; nothing breaks. */
TEST(fast_opens_without_memory)
{
    for (unsigned fail = 0; fail < 12; fail++) {
        struct rig *rig = rig_new(false, 1500, 0);
        char cookie[17];
        listen_fast(rig, cookie);
        allowed = fail;
        rig->core.memory.allocator.allocate = allocate_some;
        inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
        rig_drain(rig);
        rig->core.memory.allocator.allocate = allocator_default()->allocate;
        rig_wait(rig, 2 * STRATA_SECOND);
        rig_drain(rig);
        rig_free(rig);
    }
}

/* The window that a SYN tells is for data, and cwnd counts data; that our SYN is out takes nothing of either. */
TCP_TEST(a_syn_takes_no_room_from_data)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 3000 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_write(rig, 5000), 5000);
    CHECK_EQ(rig_drain(rig), 3);
    inject(rig, ". 11:11(0) ack 1 win 3000");
    silence(rig); // nothing more fits
    CHECK_EQ(rig_info(rig).cwnd, 10000);
    rig_another(rig);
    open_fast(rig, cookie);
    CHECK_EQ(rig_write(rig, 20000), 20000);
    CHECK_EQ(rig_drain(rig), 10);
}

/* RFC 7413 4.2.2: the ACK that ends the handshake may tell of losses already (RFC 2018-3). */
TCP_TEST(a_loss_before_the_handshake_is_done)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,sackok,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_write(rig, 5000), 5000);
    CHECK_EQ(rig_drain(rig), 5);
    rig_wait(rig, 20 * MS);
    inject(rig, ". 11:11(0) ack 1 win 65535 <nop,nop,sack 1001:5001>");
    CHECK_STATE(rig, "ESTABLISHED");
    expect(rig, ". 1:1001(1000) ack 11");
}

TEST_MAIN(TEST_ENTRY(data_in_the_syn), TEST_ENTRY(when_the_data_is_not_taken), TEST_ENTRY(the_limit_of_a_listener),
          TEST_ENTRY(a_syn_ack_that_is_lost), TEST_ENTRY(a_client_that_never_answers),
          TEST_ENTRY(resets_and_closes_before_the_handshake_is_done),
          TEST_ENTRY(a_listener_goes_before_the_handshake_is_done), TEST_ENTRY(cookies_of_a_given_key),
          TEST_ENTRY(a_key_that_changes), TEST_ENTRY(a_server_without_cookies), TEST_ENTRY(a_cookie_without_data),
          TEST_ENTRY(a_fast_open_follows_a_time_wait), TEST_ENTRY(fast_opens_without_memory),
          TEST_ENTRY(a_syn_takes_no_room_from_data), TEST_ENTRY(a_loss_before_the_handshake_is_done))
