/**
 * A host at its boundary: birth and death, ports, addresses, routes, settings, counters, time, the device
 * table.
 */
#include "tests/host/solo.h"

#include <errno.h>

TEST(a_config_may_be_wrong)
{
    struct strata_host *host = (struct strata_host *)1;
    struct strata_config config = {.size = sizeof config};
    CHECK_EQ(strata_host_new(NULL, &config), -EINVAL);
    CHECK_EQ(strata_host_new(&host, NULL), -EINVAL);
    CHECK(host == NULL);
    config.size = 0;
    CHECK_EQ(strata_host_new(&host, &config), -EINVAL);
    config.size = 12; // not even a seed
    CHECK_EQ(strata_host_new(&host, &config), -EINVAL);
    config.size = sizeof config;
    config.memory_bytes = 1000;
    CHECK_EQ(strata_host_new(&host, &config), -ENOMEM);
    struct strata_allocator half = {.allocate = pair_allocate};
    config.allocator = &half;
    CHECK_EQ(strata_host_new(&host, &config), -EINVAL);
    CHECK(host == NULL);
    strata_host_free(NULL);
}

TEST(the_c_library_serves_where_no_allocator_is_given)
{
    struct strata_host *host;
    struct strata_config config = {.size = sizeof config};
    CHECK_EQ(strata_host_new(&host, &config), 0);
    struct strata_memory memory = {.size = sizeof memory};
    CHECK_EQ(strata_memory(host, &memory), 0);
    CHECK_EQ(memory.budget_bytes, (size_t)256 << 20);
    CHECK(memory.used_bytes > 0 && memory.peak_bytes >= memory.used_bytes);
    CHECK_EQ(memory.sockets, 0);
    CHECK_EQ(strata_memory(host, NULL), -EINVAL);
    memory.size = 3;
    CHECK_EQ(strata_memory(host, &memory), -EINVAL);
    strata_host_free(host);
}

TEST(a_new_host_takes_at_most_16_kib)
{
    struct pair_memory memory;
    struct strata_host *host;
    pair_memory_init(&memory);
    struct strata_config config = {.size = sizeof config, .allocator = &memory.allocator};
    REQUIRE(strata_host_new(&host, &config) == 0);
    printf("    a new host takes %zu bytes in %zu blocks\n", memory.bytes, memory.blocks);
    CHECK(memory.peak_bytes <= 16384);
    struct strata_memory told = {.size = sizeof told};
    strata_memory(host, &told);
    CHECK_EQ(told.used_bytes, memory.bytes); // nothing is held that is not charged
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(every_allocation_of_a_birth_may_fail)
{
    uint64_t needed = 0;
    for (uint64_t n = 1; n < 1000; n++) {
        struct pair_memory memory;
        struct strata_host *host;
        pair_memory_init(&memory);
        memory.fail_at = n;
        struct strata_config config = {.size = sizeof config, .allocator = &memory.allocator};
        int error = strata_host_new(&host, &config);
        strata_host_free(host);
        CHECK_EQ(memory.bytes, 0);
        if (error == 0)
            break;
        CHECK_EQ(error, -ENOMEM);
        needed = n;
    }
    CHECK(needed > 2);
}

TEST(ports_come_and_go)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_host *host = solo.host;
    struct strata_port_info info = {.size = sizeof info};
    CHECK_EQ(strata_port_info(host, STRATA_PORT_LOOPBACK, &info), 0);
    CHECK_STR(info.name, "lo");
    CHECK(info.up);
    struct strata_port_config config = {.size = sizeof config, .name = "eth0", .mac = {2, 0, 0, 0, 0, 9}};
    int port = strata_port_add(host, &config);
    CHECK_EQ(port, 2);
    CHECK_EQ(strata_port_info(host, port, &info), 0);
    CHECK_STR(info.name, "eth0");
    CHECK_EQ(info.link, STRATA_LINK_ETHERNET);
    CHECK_EQ(info.mtu_bytes, 1500);
    CHECK_EQ(info.mac[5], 9);
    CHECK_EQ(strata_port_info(host, 7, &info), -ENODEV);
    CHECK_EQ(strata_port_info(host, -1, &info), -ENODEV);
    CHECK_EQ(strata_port_info(host, port, NULL), -EINVAL);

    CHECK_EQ(strata_port_add(host, NULL), -EINVAL);
    config.mtu_bytes = 67;
    CHECK_EQ(strata_port_add(host, &config), -EINVAL);
    config.mtu_bytes = 0;
    config.mac[0] = 3; // a group address
    CHECK_EQ(strata_port_add(host, &config), -EINVAL);
    memset(config.mac, 0, 6);
    config.link = (enum strata_link)7;
    CHECK_EQ(strata_port_add(host, &config), -EINVAL);
    config.link = STRATA_LINK_ETHERNET;
    config.size = 8;
    CHECK_EQ(strata_port_add(host, &config), -EINVAL);
    config.size = sizeof config;

    int third = strata_port_add(host, &config), fourth = strata_port_add(host, &config);
    struct strata_port_info one = {.size = sizeof one}, two = {.size = sizeof two};
    strata_port_info(host, third, &one);
    strata_port_info(host, fourth, &two);
    CHECK(memcmp(one.mac, two.mac, 6) != 0); // drawn from the seed
    CHECK_EQ(one.mac[0] & 3, 2);

    CHECK_EQ(strata_port_set_up(host, 9, true, solo.now), -ENODEV);
    CHECK_EQ(strata_port_set_up(host, STRATA_PORT_LOOPBACK, false, solo.now), -EINVAL);
    CHECK_EQ(strata_port_set_up(host, third, false, solo.now), 0);
    strata_port_info(host, third, &one);
    CHECK(!one.up);
    CHECK_EQ(strata_port_remove(host, STRATA_PORT_LOOPBACK), -EINVAL);
    CHECK_EQ(strata_port_remove(host, 99), -ENODEV);
    CHECK_EQ(strata_port_remove(host, third), 0);
    CHECK_EQ(strata_port_remove(host, third), -ENODEV);
    // Frames for a port that is not there, or for the loopback from outside, come to nothing.
    uint8_t frame[64] = {0};
    strata_host_input(host, third, frame, sizeof frame, NULL, solo.now);
    strata_host_input(host, 77, frame, sizeof frame, NULL, solo.now);
    strata_host_input(host, -1, frame, sizeof frame, NULL, solo.now);
    strata_host_input(host, STRATA_PORT_LOOPBACK, frame, sizeof frame, NULL, solo.now);
    CHECK_EQ(strata_host_output(host, third, frame, sizeof frame, NULL, solo.now), 0);
    CHECK_EQ(strata_host_output(host, STRATA_PORT_LOOPBACK, frame, sizeof frame, NULL, solo.now), 0);
    solo_free(&solo);
}

TEST(addresses_come_and_go)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_address address = strata_ipv4(192, 0, 2, 1), got, wrong = strata_ipv4(224, 0, 0, 1);
    unsigned length;
    CHECK_EQ(strata_address_add(solo.host, 9, &address, 24, solo.now), -ENODEV);
    CHECK_EQ(strata_address_add(solo.host, solo.port, NULL, 24, solo.now), -EINVAL);
    CHECK_EQ(strata_address_add(solo.host, solo.port, &address, 33, solo.now), -EINVAL);
    CHECK_EQ(strata_address_add(solo.host, solo.port, &wrong, 24, solo.now), -EINVAL);
    CHECK_EQ(strata_address_add(solo.host, solo.port, &address, 25, solo.now), 0);
    CHECK_EQ(strata_address_add(solo.host, solo.port, &address, 25, solo.now), -EEXIST);
    CHECK_EQ(strata_address_get(solo.host, solo.port, 0, &got, &length), 0);
    CHECK_ADDRESS(got, pair_ipv4(0, 0).address);
    CHECK_EQ(length, 24);
    CHECK_EQ(strata_address_get(solo.host, solo.port, 1, &got, &length), 0);
    CHECK_ADDRESS(got, pair_ipv6(0, 0).address);
    CHECK_EQ(length, 64);
    CHECK_EQ(strata_address_get(solo.host, solo.port, 2, &got, NULL), 0);
    CHECK_ADDRESS(got, address);
    CHECK_EQ(strata_address_get(solo.host, solo.port, 3, &got, &length), -ENOENT);
    CHECK_EQ(strata_address_get(solo.host, 9, 0, &got, &length), -ENODEV);
    CHECK_EQ(strata_address_remove(solo.host, solo.port, &address, solo.now), 0);
    CHECK(strata_address_remove(solo.host, solo.port, &address, solo.now) < 0);
    CHECK_EQ(strata_address_remove(solo.host, 9, &address, solo.now), -ENODEV);
    CHECK_EQ(strata_address_remove(solo.host, solo.port, NULL, solo.now), -EINVAL);
    solo_free(&solo);
}

/** How many frames left each host. */
static bool count_frames(void *context, int from, const uint8_t *frame, size_t length)
{
    (void)frame;
    (void)length;
    ((unsigned *)context)[from]++;
    return false;
}

TEST(a_connection_is_silent_while_its_address_is_away)
{
    struct pair pair;
    strata_socket listener, client, server;
    unsigned frames[2] = {0};
    char byte;
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    pair.filter = count_frames;
    pair.context = frames;
    struct strata_address own = pair_ipv4(0, 0).address;
    CHECK_EQ(strata_address_remove(pair.a, pair.port, &own, pair.now), 0);
    CHECK_EQ(strata_write(pair.a, client, "x", 1, pair.now), 1);
    CHECK_EQ(strata_write(pair.b, server, "y", 1, pair.now), 1);
    pair_run(&pair, 5 * STRATA_SECOND);
    CHECK_EQ(frames[0], 0); // RFC 1122-3: nothing leaves under an address that is not ours
    CHECK(frames[1] > 1);
    CHECK_EQ(pair_counter(pair.a, "ipv4_drop_destination"), frames[1]); // RFC 1122-4
    CHECK_EQ(strata_read(pair.a, client, &byte, 1, pair.now), -EAGAIN);
    // The address comes back, and the connection has lost nothing.
    CHECK_EQ(strata_address_add(pair.a, pair.port, &own, 24, pair.now), 0);
    pair_run(&pair, 60 * STRATA_SECOND);
    CHECK_EQ(strata_read(pair.a, client, &byte, 1, pair.now), 1);
    CHECK_EQ(strata_read(pair.b, server, &byte, 1, pair.now), 1);
    pair_free(&pair);
}

TEST(routes_come_and_go)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_route route = {
        .destination = strata_ipv4(0, 0, 0, 0), .gateway = strata_ipv4(10, 0, 0, 9), .port = -1, .metric = 7};
    struct strata_route got;
    CHECK_EQ(strata_route_add(solo.host, NULL), -EINVAL);
    CHECK_EQ(strata_route_add(solo.host, &route), 0);
    CHECK_EQ(strata_route_add(solo.host, &route), -EEXIST);
    bool found = false;
    unsigned count = 0;
    for (; strata_route_get(solo.host, count, &got) == 0; count++)
        if (got.prefix_length == 0 && got.metric == 7 && got.port == solo.port &&
            strata_address_is_ipv4(&got.destination))
            found = true;
    CHECK(found);
    CHECK_EQ(strata_route_get(solo.host, count, &got), -ENOENT);
    route.prefix_length = 33;
    CHECK_EQ(strata_route_add(solo.host, &route), -EINVAL);
    route.prefix_length = 0;
    CHECK_EQ(strata_route_remove(solo.host, &route), 0);
    CHECK_EQ(strata_route_remove(solo.host, &route), -ENOENT);
    route.gateway = strata_ipv4(192, 0, 2, 1);
    CHECK_EQ(strata_route_add(solo.host, &route), -ENETUNREACH);
    route.port = 44;
    CHECK_EQ(strata_route_add(solo.host, &route), -ENODEV);
    solo_free(&solo);
}

TEST(settings_have_names_and_bounds)
{
    struct solo solo;
    int64_t value;
    solo_start(&solo);
    CHECK_EQ(strata_get(solo.host, "net.ipv4.ip_forward", &value), 0);
    CHECK_EQ(value, 0);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_forward", 1), 0);
    CHECK_EQ(strata_get(solo.host, "net.ipv4.ip_forward", &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_forward", 2), -ERANGE);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_default_ttl", 0), -ERANGE);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.nothing", 0), -ENOENT);
    CHECK_EQ(strata_get(solo.host, "", &value), -ENOENT);
    solo_free(&solo);
}

TEST(counters_have_names_and_sentences)
{
    struct solo solo;
    solo_start(&solo);
    CHECK(strata_counters() > 50);
    for (unsigned i = 0; i < strata_counters(); i++) {
        REQUIRE(strata_counter_name(i) && strata_counter_help(i));
        CHECK(strlen(strata_counter_name(i)) > 3 && strlen(strata_counter_help(i)) > 8);
        CHECK_EQ(strata_counter(solo.host, i), 0);
    }
    CHECK(strata_counter_name(strata_counters()) == NULL);
    CHECK(strata_counter_help(strata_counters()) == NULL);
    CHECK_EQ(strata_counter(solo.host, strata_counters()), 0);
    uint8_t short_frame[3] = {0x45, 0, 0};
    solo_input(&solo, short_frame, 3);
    CHECK_EQ(pair_counter(solo.host, "ipv4_drop_short"), 1);
    solo_free(&solo);
}

TEST(time_never_runs_backwards)
{
    struct solo solo;
    solo_start(&solo);
    CHECK_EQ(strata_host_deadline(solo.host), STRATA_NEVER);
    strata_host_advance(solo.host, 10 * STRATA_SECOND);
    strata_host_advance(solo.host, 5 * STRATA_SECOND);
    CHECK_EQ(strata_host_deadline(solo.host), STRATA_NEVER);
    CHECK_EQ(strata_host_ready(solo.host), -1);
    // Nor does it overflow where a caller means no time at all.
    strata_socket stream = strata_open(solo.host, STRATA_STREAM);
    struct strata_endpoint peer = {.address = strata_ipv4(10, 0, 0, 9), .port = 80};
    CHECK_EQ(strata_connect(solo.host, stream, &peer, STRATA_NEVER), -EINPROGRESS);
    strata_host_advance(solo.host, STRATA_NEVER);
    CHECK(strata_host_deadline(solo.host) < STRATA_NEVER);
    solo_free(&solo);
}

/** What the trace told. */
struct heard {
    int notes, sockets, frames_out, frames_in, drops;
    strata_time last;
    char text[32];
};

static void hear(void *context, const struct strata_trace_record *record)
{
    struct heard *heard = context;
    CHECK(record->time >= heard->last);
    heard->last = record->time;
    heard->notes += record->kind == STRATA_TRACE_NOTE;
    heard->sockets += record->kind == STRATA_TRACE_SOCKET ? (record->value[0] ? 1 : -1) : 0;
    heard->frames_in += record->kind == STRATA_TRACE_FRAME_IN;
    heard->frames_out += record->kind == STRATA_TRACE_FRAME_OUT;
    heard->drops += record->kind == STRATA_TRACE_DROP;
    if (record->kind == STRATA_TRACE_NOTE)
        strncpy(heard->text, record->text, sizeof heard->text - 1);
}

TEST(the_trace_tells_what_happens)
{
    struct solo solo;
    struct solo_out out;
    struct heard heard = {0};
    struct strata_config config = {.name = "traced", .trace = hear, .trace_context = &heard};
    solo_start_with(&solo, &config, 0);
    strata_trace_note(solo.host, "here we are", 7 * STRATA_SECOND);
    CHECK_EQ(heard.notes, 1);
    CHECK_EQ(heard.last, 7 * STRATA_SECOND);
    CHECK_STR(heard.text, "here we are");
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(heard.sockets, 1);
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = pair_ipv4(1, 53)};
    CHECK_EQ(strata_send(solo.host, socket, "x", 1, &envelope, solo.now), 1);
    solo_output_udp(&solo, &out);
    CHECK_EQ(heard.frames_out, 1);
    solo_udp(&solo, pair_ipv4(1, 53), pair_ipv4(0, 9), "x", 1);
    CHECK_EQ(heard.frames_in, 1);
    CHECK_EQ(heard.drops, 1);
    strata_close(solo.host, socket, solo.now);
    CHECK_EQ(heard.sockets, 0);
    solo_free(&solo);
}

TEST(a_host_is_a_device)
{
    struct pair_memory memory;
    struct strata_host *host;
    uint8_t room[2048];
    pair_memory_init(&memory);
    struct strata_config config = {.size = sizeof config, .allocator = &memory.allocator};
    REQUIRE(strata_host_new(&host, &config) == 0);
    struct strata_device device = strata_host_device(host);
    CHECK(device.self == host);
    struct strata_port_config port = {.size = sizeof port};
    REQUIRE(strata_port_add(host, &port) == 1);
    struct strata_address address = strata_ipv4(10, 0, 0, 1);
    CHECK_EQ(device.ops->ready(device.self), -1);
    CHECK_EQ(strata_address_add(host, 1, &address, 24, 0), 0);
    CHECK_EQ(device.ops->ready(device.self), 1);                        // it announces its address
    CHECK_EQ(device.ops->output(device.self, 1, room, 10, NULL, 0), 0); // too small: nothing is consumed
    size_t length = device.ops->output(device.self, 1, room, sizeof room, NULL, 0);
    CHECK(length >= 42);
    CHECK_EQ(room[12] << 8 | room[13], 0x0806);
    device.ops->input(device.self, 1, room, length, NULL, 1); // its own frame back: a conflict, but no harm
    device.ops->advance(device.self, 2);
    CHECK(device.ops->deadline(device.self) > 2);
    device.ops->free(device.self);
    CHECK_EQ(memory.bytes, 0);
}

TEST(output_leaves_no_flag_that_was_not_asked_for)
{
    struct solo solo;
    uint8_t room[256];
    solo_start(&solo);
    // An ICMP reply is whole, whatever the driver could have done.
    solo_udp(&solo, pair_ipv4(1, 53), pair_ipv4(0, 9), "x", 1);
    struct strata_meta meta = {.flags = STRATA_META_PARTIAL};
    CHECK(strata_host_output(solo.host, solo.port, room, sizeof room, &meta, solo.now) > 0);
    CHECK_EQ(meta.flags, 0);
    meta.flags = STRATA_META_PARTIAL;
    CHECK_EQ(strata_host_output(solo.host, solo.port, room, sizeof room, &meta, solo.now), 0);
    CHECK_EQ(meta.flags, 0);
    solo_free(&solo);
}

static bool nothing_from_b(void *context, int from, const uint8_t *frame, size_t length)
{
    (void)context;
    (void)frame;
    (void)length;
    return from == 1;
}

/* Connections that nobody holds any more are given up one after the other, while their neighbour falls silent and is
 * asked for again and again. Each sends a RST, and some hear at once that it cannot go: that must not end them while
 * they are ending. */
TEST(what_becomes_of_a_last_word_ends_nobody_twice)
{
    enum { COUNT = 200 };
    struct pair pair;
    strata_socket clients[COUNT];
    static const uint8_t data[8192];
    pair_start(&pair, STRATA_LINK_ETHERNET);
    CHECK_EQ(strata_set(pair.a, "net.ipv4.tcp_orphan_retries", 3), 0);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_RECEIVE_BUFFER, 4096, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, COUNT, pair.now), 0);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = strata_open(pair.a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair.a, clients[i], &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
        // Nobody reads: each comes to probe a closed window.
        CHECK_EQ(strata_write(pair.a, clients[i], data, sizeof data, pair.now), sizeof data);
        pair_run(&pair, STRATA_SECOND / 10);
    }
    pair_run(&pair, 30 * STRATA_SECOND);
    pair.filter = nothing_from_b;
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(strata_close(pair.a, clients[i], pair.now), 0);
    strata_socket other = strata_open(pair.a, STRATA_DATAGRAM);
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = pair_ipv4(1, 53)};
    struct strata_memory memory = {.size = sizeof memory};
    uint64_t unresolved = pair_counter(pair.a, "arp_drop_unresolved");
    for (int second = 0; second < 120; second++) {
        (void)strata_send(pair.a, other, data, 1, &envelope, pair.now);
        pair_run(&pair, STRATA_SECOND);
    }
    CHECK(pair_counter(pair.a, "arp_drop_unresolved") > unresolved + 10);
    CHECK_EQ(strata_memory(pair.a, &memory), 0);
    CHECK_EQ(memory.connections, 0);
    pair_free(&pair);
}

TEST_MAIN(TEST_ENTRY(a_config_may_be_wrong), TEST_ENTRY(the_c_library_serves_where_no_allocator_is_given),
          TEST_ENTRY(a_new_host_takes_at_most_16_kib), TEST_ENTRY(every_allocation_of_a_birth_may_fail),
          TEST_ENTRY(ports_come_and_go), TEST_ENTRY(addresses_come_and_go),
          TEST_ENTRY(a_connection_is_silent_while_its_address_is_away), TEST_ENTRY(routes_come_and_go),
          TEST_ENTRY(settings_have_names_and_bounds), TEST_ENTRY(counters_have_names_and_sentences),
          TEST_ENTRY(time_never_runs_backwards), TEST_ENTRY(the_trace_tells_what_happens),
          TEST_ENTRY(a_host_is_a_device), TEST_ENTRY(output_leaves_no_flag_that_was_not_asked_for),
          TEST_ENTRY(what_becomes_of_a_last_word_ends_nobody_twice))
