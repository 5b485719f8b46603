/*
 * The host that talks to itself, and two hosts back to back.
 */
#include "tests/net/rig.h"

TEST(what_is_to_ourselves_comes_in_again)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "fd00::1/64");
    static const char *const own[] = {"127.0.0.1", "127.8.9.10", "10.0.0.1", "::1", "fd00::1"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, own[i], 100), 0);
        EXPECT_SILENCE(rig); // nothing for the outside
        CHECK(net_loopback_waiting(rig->net));
        CHECK(!net_pump_loopback(rig->net));
        CHECK_EQ(rig->delivered, i + 1);
        CHECK_EQ(rig->packet.flags, NET_PACKET_LOOPBACK);
        CHECK_EQ(rig->packet.port, STRATA_PORT_LOOPBACK);
        CHECK(address_equal(&rig->packet.source, &rig->packet.destination));
    }
    rig_free(rig);
}

TEST(a_ping_to_ourselves)
{
    struct rig *rig = rig_new();
    uint8_t message[16];
    struct net_out out = {.destination = rig_address_of("127.0.0.1"), .protocol = PROTOCOL_ICMP};
    size_t length =
        icmp_build(message, &(struct ip){.from = "127.0.0.1", .to = "127.0.0.1"}, ICMP_ECHO, 0, 7, "x", 1);
    CHECK_EQ(net_send(rig->net, &out, 0, 0, message, length), 0);
    CHECK(!net_pump_loopback(rig->net)); // question and answer
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->payload[0], ICMP_ECHO_REPLY);
    // An unreachable port of our own is said, too.
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "127.0.0.1", 100), 0);
    net_pump_loopback(rig->net);
    net_send_error(rig->net, &rig->packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
    net_pump_loopback(rig->net);
    CHECK_EQ(rig->errors, 1);
    CHECK_EQ(rig->error.error, ECONNREFUSED);
    rig_free(rig);
}

/* Says frames to ourselves without end. */
struct chatter {
    struct speaker speaker;
    struct rig *rig;
    struct net_path path;
    int left;
    bool scarce; /**< Memory is. */
};

static long chat(struct speaker *speaker, struct room *room)
{
    struct chatter *chatter = CONTAINER_OF(speaker, struct chatter, speaker);
    uint8_t *payload;
    size_t capacity;
    struct net_out out = {.source = chatter->path.destination,
                          .destination = chatter->path.destination,
                          .protocol = PROTOCOL_UDP,
                          .dont_fragment = true};
    if (chatter->left == 0 ||
        net_begin(chatter->rig->net, &chatter->path, room, speaker, 1, &payload, &capacity) < 0)
        return 0;
    chatter->left--;
    CHECK(chatter->scarce ? capacity >= 1280 - 20 : capacity == 65535 - 20);
    memset(payload, 'c', capacity);
    return (long)net_finish(chatter->rig->net, &chatter->path, room, &out, capacity);
}

static void unreachable(struct speaker *speaker, int error)
{
    (void)speaker;
    (void)error;
}

static const struct speaker_ops chatter_ops = {chat, unreachable};

TEST(goes_on_in_small_frames_where_memory_is_short)
{
    struct rig *rig = rig_new();
    struct chatter chatter = {.rig = rig, .left = 3, .scarce = true};
    struct strata_address loopback = rig_address_of("127.0.0.1");
    speaker_init(&chatter.speaker, &chatter_ops);
    CHECK_EQ(net_path_find(rig->net, &chatter.path, &loopback, 0, 0), 0);
    port_mark(rig_port(rig, STRATA_PORT_LOOPBACK), &chatter.speaker);
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes + 3000;
    CHECK(!net_pump_loopback(rig->net));
    CHECK_EQ(rig->delivered, 3);
    rig_free(rig);
}

TEST(a_call_carries_a_bounded_number_of_frames)
{
    struct rig *rig = rig_new();
    struct chatter chatter = {.rig = rig, .left = 10};
    struct strata_address loopback = rig_address_of("127.0.0.1");
    speaker_init(&chatter.speaker, &chatter_ops);
    CHECK_EQ(settings_set(&rig->core.settings, "strata.loopback_frames_per_advance", 4), 0);
    CHECK_EQ(net_path_find(rig->net, &chatter.path, &loopback, 0, 0), 0);
    port_mark(rig_port(rig, STRATA_PORT_LOOPBACK), &chatter.speaker);
    size_t before = rig->core.memory.used_bytes;
    CHECK(net_pump_loopback(rig->net));
    CHECK_EQ(rig->delivered, 4);
    CHECK(net_pump_loopback(rig->net));
    CHECK_EQ(rig->delivered, 8);
    CHECK(!net_pump_loopback(rig->net));
    CHECK_EQ(rig->delivered, 10);
    // One room is kept, so that there is one when all memory waits to go through it.
    CHECK_EQ(rig->core.memory.used_bytes, before + sizeof(struct packet) + 65535);
    CHECK_EQ(links_ready(net_links(rig->net)), -1);
    rig_free(rig);
}

/* Carries frames between port 1 of two hosts until both are silent. */
static unsigned carry(struct rig *a, struct rig *b)
{
    unsigned frames = 0;
    for (bool any = true; any;) {
        any = false;
        if (*rig_next(a, 1)) {
            rig_input(b, 1, a->frame, a->frame_length);
            any = true;
            frames++;
        }
        if (*rig_next(b, 1)) {
            rig_input(a, 1, b->frame, b->frame_length);
            any = true;
            frames++;
        }
    }
    return frames;
}

TEST(two_hosts_find_each_other)
{
    struct rig *a = rig_new(), *b = rig_new();
    rig_ethernet(a, "10.0.0.1/24");
    struct strata_port_config config = {.size = sizeof config, .mac = {2, 0, 0, 0, 0, 0xb}};
    REQUIRE(links_add_port(net_links(b->net), &config) == 1);
    rig_add_address(b, 1, "10.0.0.2/24");
    rig_drain(b, 1);
    CHECK_EQ(rig_send(a, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 4000), 0);
    // A question, an answer, three fragments; the other one needs no question.
    CHECK_EQ(carry(a, b), 5);
    CHECK_EQ(b->delivered, 1);
    CHECK_EQ(b->packet.length, 4000);
    CHECK_EQ(rig_send(b, (struct net_out){.tos = 0}, NULL, "10.0.0.1", 100), 0);
    CHECK_EQ(carry(a, b), 1);
    CHECK_EQ(a->delivered, 1);
    rig_free(b);
    rig_free(a);
}

TEST(wherever_memory_ends_nothing_leaks)
{
    for (uint64_t allowed = 0; allowed < 60; allowed++) {
        struct test_allocator heap;
        test_allocator_init(&heap);
        heap.allowed = allowed;
        struct strata_config config = {.size = sizeof config, .allocator = &heap.allocator};
        struct core core;
        struct net *net = NULL;
        if (core_init(&core, &config, STRATA_SECOND) < 0) {
            CHECK_EQ(heap.blocks, 0);
            continue;
        }
        if (net_new(&net, &core) == 0) {
            struct strata_port_config ethernet = {.size = sizeof ethernet};
            struct strata_address own = rig_address_of("10.0.0.1");
            struct net_out out = {.destination = rig_address_of("10.0.0.2"), .protocol = PROTOCOL_UDP};
            static const uint8_t payload[5000];
            int port = links_add_port(net_links(net), &ethernet);
            if (port > 0 && net_address_add(net, port, &own, 24) == 0) {
                net_send(net, &out, 0, 0, payload, sizeof payload);
                out.destination = own;
                net_send(net, &out, 0, 0, payload, 100);
                net_pump_loopback(net);
                uint8_t datagram[200];
                for (unsigned i = 0; i < 2; i++) {
                    struct ip ip = {.from = "10.0.0.1", .to = "10.0.0.1", .mf = i == 0, .offset = i * 64};
                    size_t length = ip_build(datagram, &ip, payload, 64);
                    port_input(links_port(net_links(net), STRATA_PORT_LOOPBACK), datagram, length, NULL);
                }
            }
        }
        net_free(net);
        core_free(&core);
        CHECK_EQ(heap.blocks, 0);
    }
}

TEST_MAIN(TEST_ENTRY(what_is_to_ourselves_comes_in_again), TEST_ENTRY(a_ping_to_ourselves),
          TEST_ENTRY(goes_on_in_small_frames_where_memory_is_short),
          TEST_ENTRY(a_call_carries_a_bounded_number_of_frames), TEST_ENTRY(two_hosts_find_each_other),
          TEST_ENTRY(wherever_memory_ends_nothing_leaks))
