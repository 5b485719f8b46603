/**
 * The DNS of a small internet in the lab: root, top level, leaf, a resolver, and those who ask.
 */
#include "app/dns/resolve.h"
#include "app/dns/answer.h"
#include "tests/app/stage.h"

#include <errno.h>

static const char root_zone[] = "$TTL 86400\n. SOA a.root. h. 1 2 3 4 300\n. NS a.root.\na.root. A 10.0.0.1\n"
                                "org. NS ns.org.\nns.org. A 10.0.0.2\n";
static const char org_zone[] = "$ORIGIN org.\n$TTL 3600\n@ SOA ns h 1 2 3 4 300\n@ NS ns\nns A 10.0.0.2\n"
                               "example NS ns.example\nns.example A 10.0.0.3\n";
static const char leaf_zone[] =
    "$ORIGIN example.org.\n$TTL 600\n@ SOA ns h 1 2 3 4 300\n@ NS ns\nns A 10.0.0.3\n"
    "www A 10.0.0.80\nwww AAAA 2001:db8::80\nalias CNAME www\n";

static struct stage *stage;
static struct strata_node *root, *org, *leaf, *resolver, *laptop;

static void open_internet(uint64_t seed)
{
    static char zone[8192];
    stage = stage_new(seed);
    root = stage_host(stage, "root", "10.0.0.1/24");
    org = stage_host(stage, "org", "10.0.0.2/24");
    leaf = stage_host(stage, "leaf", "10.0.0.3/24");
    resolver = stage_host(stage, "resolver", "10.0.0.53/24");
    laptop = stage_host(stage, "laptop", "10.0.0.100/24");
    size_t length = (size_t)snprintf(zone, sizeof zone, "%s", leaf_zone);
    for (int i = 0; i < 100; i++) // 1.6 KB of addresses, which go by TCP
        length += (size_t)snprintf(zone + length, sizeof zone - length, "big A 10.1.0.%d\n", i);
    stage_put(root, "root.zone", root_zone, sizeof root_zone - 1);
    stage_put(org, "org.zone", org_zone, sizeof org_zone - 1);
    stage_put(leaf, "leaf.zone", zone, length);
    stage_start(root, "dns-server root.zone", true, NULL);
    stage_start(org, "dns-server org.zone", true, NULL);
    stage_start(leaf, "dns-server leaf.zone", true, NULL);
    stage_start(resolver, "dns-resolver --root 10.0.0.1", true, NULL);
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 53), .port = 53};
    strata_rt_set_resolver(strata_node_rt(laptop), &server);
}

static int run(struct strata_node *node, const char *line)
{
    int status;
    stage->length = 0;
    stage->said[0] = 0;
    stage_start(node, line, false, &status);
    CHECK(stage_finish(stage, 60));
    return status;
}

TEST(from_the_root_in_eight_messages)
{
    open_internet(1);
    CHECK_EQ(run(laptop, "dig www.example.org"), 0);
    CHECK(stage_said(stage, "www.example.org. 600 IN A 10.0.0.80"));
    CHECK(stage_said(stage, " qr rd ra"));
    // RFC 1034-7: the resolver offers recursion; a server of zones does not.
    CHECK_EQ(run(laptop, "dig @10.0.0.3 www.example.org"), 0);
    CHECK(stage_said(stage, "flags: qr aa rd,"));
    // The second question is answered from memory, and the time to live has begun to run.
    stage_run(stage, 10);
    CHECK_EQ(run(laptop, "dig www.example.org"), 0);
    CHECK(!strstr(stage->said, " 600 IN A") && strstr(stage->said, " IN A 10.0.0.80"));
    // RFC 1034-7: without RD the resolver says only what it knows.
    CHECK_EQ(run(laptop, "dig www.example.org --no-recursion"), 0);
    CHECK_EQ(run(laptop, "dig alias.example.org --no-recursion"), 1);
    CHECK(stage_said(stage, "SERVFAIL"));
    CHECK_EQ(run(laptop, "dig alias.example.org AAAA --short"), 0);
    CHECK(stage_said(stage, "laptop: 2001:db8::80"));
    CHECK_EQ(run(laptop, "dig none.example.org"), 1);
    CHECK(stage_said(stage, "NXDOMAIN"));
    stage_free(stage);
}

static unsigned count_messages(const char *text)
{
    unsigned count = 0;
    for (const char *at = stage->said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

TEST(the_way_down_is_shown)
{
    open_internet(1);
    CHECK_EQ(run(laptop, "dig --root 10.0.0.1 www.example.org"), 0);
    // Root, top level, leaf: a question and a reply each.
    CHECK_EQ(count_messages("DNS reply"), 3);
    CHECK(stage_said(stage, "10.0.0.1: DNS reply"));
    CHECK(stage_said(stage, "www.example.org. 600 IN A 10.0.0.80"));
    stage_free(stage);
}

TEST(what_is_cut_is_asked_for_by_tcp)
{
    // RFC 2181-6, RFC 7766-1, RFC 7766-2: the leaf answers with TC by UDP and in full by TCP.
    open_internet(1);
    CHECK_EQ(run(laptop, "dig @10.0.0.3 big.example.org --short"), 0);
    CHECK_EQ(count_messages("laptop: 10.1.0."), 100);
    CHECK_EQ(run(laptop, "dig @10.0.0.53 big.example.org --short"), 0);
    CHECK_EQ(count_messages("laptop: 10.1.0."), 100);
    CHECK_EQ(run(laptop, "dig @10.0.0.53 www.example.org --tcp --short"), 0);
    CHECK_EQ(count_messages("laptop: 10.0.0.80"), 1);
    stage_free(stage);
}

TEST(programs_are_given_names)
{
    open_internet(1);
    struct strata_node *web = stage_host(stage, "web", "10.0.0.80/24");
    stage_put(web, "www/index.html", "hello", 5);
    stage_start(web, "http-server www", true, NULL);
    CHECK_EQ(run(laptop, "http-client http://alias.example.org/"), 0);
    CHECK(stage_said(stage, "laptop: hello"));
    CHECK_EQ(run(laptop, "ping www.example.org -c 1"), 0);
    CHECK_EQ(run(laptop, "http-client http://nowhere.example.org/"), 1);
    CHECK(stage_said(stage, "nowhere.example.org: not found"));
    CHECK_EQ(run(root, "http-client http://www.example.org/"), 1); // it knows no resolver
    CHECK(stage_said(stage, "www.example.org: host unreachable"));
    stage_free(stage);
}

TEST(a_server_that_died)
{
    open_internet(1);
    REQUIRE(strata_node_crash(leaf) == 0);
    CHECK_EQ(run(laptop, "dig www.example.org --timeout 30"), 1);
    REQUIRE(strata_node_restart(leaf) == 0);
    stage_start(leaf, "dns-server leaf.zone", true, NULL);
    CHECK_EQ(run(laptop, "dig www.example.org"), 0);
    stage_free(stage);
}

/* ---- TCP, byte by byte --------------------------------------------------------------------------- */

static uint8_t sent[2048], back[8192];
static size_t sent_size, cut, back_size;
static strata_time pause_ns, took_ns;

/** Sends `sent` in two parts with a pause, reads until nothing comes. */
static int talk(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 3), .port = 53};
    struct strata_conn *conn;
    strata_time begin = strata_rt_now(rt);
    if (strata_rt_dial(rt, &server, STRATA_NEVER, &conn) < 0)
        return 1;
    strata_rt_write(conn, sent, cut, STRATA_NEVER);
    strata_rt_sleep(rt, strata_rt_now(rt) + pause_ns);
    strata_rt_write(conn, sent + cut, sent_size - cut, STRATA_NEVER);
    int64_t got = 1;
    for (back_size = 0; got > 0; back_size += got > 0 ? (size_t)got : 0)
        got = strata_rt_read(conn, back + back_size, sizeof back - back_size,
                             strata_rt_now(rt) + 3 * STRATA_SECOND);
    took_ns = strata_rt_now(rt) - begin;
    strata_rt_close(conn);
    return 0;
}

static void add_query(uint16_t id, const char *name)
{
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    REQUIRE(dns_name_from_text(&question.name, name, strlen(name), NULL) == 0);
    size_t length =
        dns_query_emit(sent + sent_size + 2, sizeof sent - sent_size - 2, id, false, &question, 0);
    bytes_put16(sent + sent_size, (uint16_t)length);
    sent_size += 2 + length;
}

TEST(queries_in_a_row_on_one_connection)
{
    // RFC 7766-3: pipelined; RFC 1035-8: each with its length before it.
    open_internet(1);
    sent_size = 0;
    for (uint16_t i = 0; i < 10; i++)
        add_query(i, i % 2 ? "www.example.org" : "none.example.org");
    cut = sent_size;
    pause_ns = 0;
    int status;
    stage_call(laptop, talk, "talk", false, &status);
    CHECK(stage_finish(stage, 60));
    size_t position = 0;
    for (uint16_t i = 0; i < 10 && position + 2 < back_size; i++) {
        struct dns_header header;
        size_t length = bytes_get16(back + position);
        REQUIRE(position + 2 + length <= back_size);
        REQUIRE(dns_header_parse(&header, back + position + 2, length) > 0);
        CHECK_EQ(header.id, i);
        CHECK_EQ(header.rcode, i % 2 ? DNS_NOERROR : DNS_NXDOMAIN);
        position += 2 + length;
    }
    CHECK_EQ(position, back_size);
    CHECK(position > 0);
    stage_free(stage);
}

TEST(half_a_message_is_waited_for)
{
    // RFC 7766-5: not closed for it. RFC 7766-8: but half a message does not keep a connection alive.
    for (int i = 0; i < 2; i++) {
        open_internet(1);
        sent_size = 0;
        add_query(1, "www.example.org");
        cut = i == 0 ? 1 : 9;
        pause_ns = 5 * STRATA_SECOND;
        int status;
        stage_call(laptop, talk, "talk", false, &status);
        CHECK(stage_finish(stage, 60));
        CHECK(back_size > 20);
        sent_size -= 4; // never whole
        pause_ns = 15 * STRATA_SECOND;
        back_size = 0;
        stage_call(laptop, talk, "talk", false, &status);
        CHECK(stage_finish(stage, 60));
        CHECK_EQ(back_size, 0);
        CHECK(took_ns >= 18 * STRATA_SECOND && took_ns < 22 * STRATA_SECOND);
        stage_free(stage);
    }
}

/* ---- UDP: who answers from where ----------------------------------------------------------------- */

static struct strata_endpoint answered_from;
static uint16_t ports[32];
static unsigned port_count;

/** Asks a second address of the server. */
static int ask_second(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 33), .port = 53};
    struct strata_conn *conn;
    REQUIRE(strata_rt_datagram(rt, NULL, &conn) == 0);
    strata_rt_send_to(conn, sent + 2, sent_size - 2, &server, STRATA_NEVER);
    int64_t got =
        strata_rt_receive_from(conn, back, sizeof back, &answered_from, strata_rt_now(rt) + STRATA_SECOND);
    strata_rt_close(conn);
    return got < 0;
}

TEST(a_reply_leaves_from_where_the_query_went)
{
    // RFC 2181-1
    open_internet(1);
    REQUIRE(strata_node_address(leaf, 1, "10.0.0.33/24") == 0);
    sent_size = 0;
    add_query(1, "www.example.org");
    int status;
    stage_call(laptop, ask_second, "ask", false, &status);
    CHECK(stage_finish(stage, 10));
    CHECK_EQ(status, 0);
    CHECK_EQ(answered_from.address.bytes[15], 33);
    CHECK_EQ(answered_from.port, 53);
    stage_free(stage);
}

/** A server that notes where queries come from, answers all with the wrong id first, then, maybe, rightly. */
static int liar(struct strata_rt *rt, int argc, char **argv)
{
    int wrong = argc > 1 ? atoi(argv[1]) : 1;
    struct strata_endpoint local = {.port = 53}, peer;
    struct strata_conn *conn;
    uint8_t message[512];
    REQUIRE(strata_rt_datagram(rt, &local, &conn) == 0);
    for (;;) {
        int64_t got = strata_rt_receive_from(conn, message, sizeof message, &peer, STRATA_NEVER);
        if (got < 0)
            break;
        if (port_count < 32)
            ports[port_count++] = peer.port;
        message[2] |= 0x84; // a reply, authoritative
        message[3] = 3;
        bytes_put16(message + 10, 0);
        size_t size = DNS_HEADER_BYTES;
        struct dns_question question;
        dns_question_parse(&question, message, (size_t)got, &size);
        for (int i = 0; i < wrong; i++) {
            message[0] ^= (uint8_t)(i + 1);
            strata_rt_send_to(conn, message, size, &peer, STRATA_NEVER);
            message[0] ^= (uint8_t)(i + 1);
        }
        if (wrong < 8)
            strata_rt_send_to(conn, message, size, &peer, STRATA_NEVER);
    }
    strata_rt_close(conn);
    return 0;
}

TEST(guessers_are_not_believed)
{
    open_internet(1);
    struct strata_node *bad = stage_host(stage, "bad", "10.0.0.66/24");
    stage_call(bad, liar, "liar 3", true, NULL);
    port_count = 0;
    for (int i = 0; i < 12; i++) {
        CHECK_EQ(run(laptop, "dig @10.0.0.66 x.example.org"), 1);
        CHECK(stage_said(stage, "NXDOMAIN")); // RFC 5452-2: the right one, behind three wrong ones
    }
    // RFC 5452-3: each query from another port, of a wide range.
    REQUIRE(port_count == 12);
    unsigned same = 0;
    uint16_t least = 65535, most = 0;
    for (unsigned i = 0; i < port_count; i++) {
        for (unsigned j = 0; j < i; j++)
            same += ports[i] == ports[j];
        least = ports[i] < least ? ports[i] : least;
        most = ports[i] > most ? ports[i] : most;
    }
    CHECK(same <= 1);
    CHECK(most - least > 8192);
    stage_free(stage);
}

TEST(many_wrong_replies_lead_to_tcp)
{
    // RFC 5452-7: after eight wrong ones it asks by TCP, where nobody listens here.
    open_internet(1);
    struct strata_node *bad = stage_host(stage, "bad", "10.0.0.66/24");
    stage_call(bad, liar, "liar 8", true, NULL);
    CHECK_EQ(run(laptop, "dig @10.0.0.66 w.x"), 1);
    CHECK(stage_said(stage, "connection refused"));
    stage_free(stage);
}

/* ---- Servers with ways of their own -------------------------------------------------------------- */

static unsigned udp_with_edns, udp_plain, tcp_count;

/** Makes a reply of a query: NXDOMAIN, or FORMERR if `refuse`. @return its length. */
static size_t turn_around(uint8_t *message, size_t size, bool refuse, bool cut_short)
{
    struct dns_question question;
    size_t length = DNS_HEADER_BYTES;
    REQUIRE(dns_question_parse(&question, message, size, &length) == 0);
    message[2] = (uint8_t)(0x84 | (cut_short ? 2 : 0));
    message[3] = refuse ? DNS_FORMERR : DNS_NXDOMAIN;
    bytes_put16(message + 10, 0);
    return length;
}

/** Knows no EDNS; cuts every reply by UDP; closes the first connection without a word. */
static int old_server(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint local = {.port = 53}, peer;
    struct strata_conn *udp, *listener, *conn;
    static uint8_t message[1024];
    REQUIRE(strata_rt_datagram(rt, &local, &udp) == 0);
    REQUIRE(strata_rt_listen(rt, &local, 4, &listener) == 0);
    for (int i = 0; i < 2; i++) {
        int64_t got = strata_rt_receive_from(udp, message, sizeof message, &peer, STRATA_NEVER);
        if (got < 0)
            break;
        bool edns = bytes_get16(message + 10) > 0;
        udp_with_edns += edns;
        udp_plain += !edns;
        size_t length = turn_around(message, (size_t)got, edns, !edns);
        strata_rt_send_to(udp, message, length, &peer, STRATA_NEVER);
    }
    while (strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) == 0) {
        int64_t got = strata_rt_read(conn, message, sizeof message, STRATA_NEVER);
        // RFC 7766-6: length and message came in one piece.
        if (CHECK(got > 2 && bytes_get16(message) == got - 2) && ++tcp_count > 1) {
            size_t length = turn_around(message + 2, (size_t)got - 2, false, false);
            bytes_put16(message, (uint16_t)length);
            strata_rt_write(conn, message, length + 2, STRATA_NEVER);
        }
        strata_rt_close(conn);
    }
    strata_rt_close(listener);
    strata_rt_close(udp);
    return 0;
}

TEST(old_servers_are_asked_as_they_understand)
{
    open_internet(1);
    struct strata_node *old = stage_host(stage, "old", "10.0.0.66/24");
    stage_call(old, old_server, "old", true, NULL);
    udp_with_edns = udp_plain = tcp_count = 0;
    CHECK_EQ(run(laptop, "dig @10.0.0.66 x.example.org"), 1);
    CHECK(stage_said(stage, "NXDOMAIN"));
    CHECK_EQ(udp_with_edns, 1); // RFC 6891-7: refused with FORMERR, asked again without
    CHECK_EQ(udp_plain, 1);
    CHECK_EQ(tcp_count, 2); // RFC 7766-7: the first connection was closed over the query
    stage_free(stage);
}

static int64_t first_read;

/** How much of the reply comes with the first read. */
static int read_once(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 3), .port = 53};
    struct strata_conn *conn;
    REQUIRE(strata_rt_dial(rt, &server, STRATA_NEVER, &conn) == 0);
    strata_rt_write(conn, sent, sent_size, STRATA_NEVER);
    first_read = strata_rt_read(conn, back, sizeof back, strata_rt_now(rt) + STRATA_SECOND);
    strata_rt_close(conn);
    return 0;
}

TEST(a_reply_comes_in_one_piece)
{
    // RFC 7766-6: length and message are written together.
    open_internet(1);
    sent_size = 0;
    add_query(1, "www.example.org");
    int status;
    stage_call(laptop, read_once, "read", false, &status);
    CHECK(stage_finish(stage, 10));
    CHECK(first_read > 12);
    CHECK_EQ(bytes_get16(back) + 2, first_read);
    stage_free(stage);
}

/** Two at once. */
static int results[2];
static int ask_name(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    struct strata_address address;
    results[atoi(argv[1])] = dns_resolve(rt, "x.example.org", DNS_FAMILY_IPV4,
                                         strata_rt_now(rt) + 10 * STRATA_SECOND, &address, 1);
    return 0;
}

TEST(the_same_question_is_asked_once)
{
    // RFC 5452-6: two clients ask the resolver the same; it asks the root once.
    open_internet(1);
    struct strata_node *bad = stage_host(stage, "bad", "10.0.0.66/24");
    stage_call(bad, liar, "liar 0", true, NULL);
    struct strata_node *second = stage_host(stage, "second", "10.0.0.54/24");
    stage_start(second, "dns-resolver --root 10.0.0.66", true, NULL);
    struct strata_endpoint server = {.address = strata_ipv4(10, 0, 0, 54), .port = 53};
    strata_rt_set_resolver(strata_node_rt(laptop), &server);
    strata_rt_set_resolver(strata_node_rt(leaf), &server);
    port_count = 0;
    int status[2];
    stage_call(laptop, ask_name, "ask 0", false, &status[0]);
    stage_call(leaf, ask_name, "ask 1", false, &status[1]);
    strata_world_run(stage->world, strata_world_now(stage->world) + 13 * STRATA_MILLISECOND);
    CHECK_EQ(port_count, 1);
    CHECK(stage_finish(stage, 30));
    CHECK_EQ(results[0], -ENOENT);
    CHECK_EQ(results[1], -ENOENT);
    stage_free(stage);
}

TEST(zone_files_that_are_wrong)
{
    open_internet(1);
    stage_put(laptop, "bad.zone", "$TTL 5\n@ SOA a b 1 2 3 4 5\n@ NS a\nx A 1.2.3\n", 45);
    CHECK_EQ(run(laptop, "dns-server bad.zone"), 1);
    CHECK(stage_said(stage, "dns-server: bad.zone:4: not an IPv4 address: 1.2.3"));
    CHECK_EQ(run(laptop, "dns-server none.zone"), 1);
    CHECK(stage_said(stage, "dns-server: none.zone: not found"));
    CHECK_EQ(run(laptop, "dns-server"), 2);
    CHECK_EQ(run(laptop, "dns-resolver"), 2);
    CHECK_EQ(run(laptop, "dig"), 2);
    CHECK_EQ(run(laptop, "dig x FOO"), 2);
    CHECK_EQ(run(leaf, "dns-server leaf.zone"), 1);
    CHECK(stage_said(stage, "address or port in use"));
    stage_free(stage);
}

TEST_MAIN(TEST_ENTRY(from_the_root_in_eight_messages), TEST_ENTRY(the_way_down_is_shown),
          TEST_ENTRY(what_is_cut_is_asked_for_by_tcp), TEST_ENTRY(programs_are_given_names),
          TEST_ENTRY(a_server_that_died), TEST_ENTRY(queries_in_a_row_on_one_connection),
          TEST_ENTRY(half_a_message_is_waited_for), TEST_ENTRY(a_reply_leaves_from_where_the_query_went),
          TEST_ENTRY(guessers_are_not_believed), TEST_ENTRY(many_wrong_replies_lead_to_tcp),
          TEST_ENTRY(old_servers_are_asked_as_they_understand), TEST_ENTRY(a_reply_comes_in_one_piece),
          TEST_ENTRY(the_same_question_is_asked_once), TEST_ENTRY(zone_files_that_are_wrong))
