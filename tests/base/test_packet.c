/*
 * Packets and their queues.
 */
#include "base/packet.h"
#include "tests/allocator.h"
#include "tests/test.h"

static struct test_allocator test;
static struct memory memory;

static void begin(size_t budget_bytes)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, budget_bytes);
}

static void end(void)
{
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(test.blocks, 0);
}

TEST(headers_are_pushed_in_front_and_pulled_away)
{
    begin(10000);
    struct packet *packet = packet_copy(&memory, PACKET_HEADROOM, "payload", 7);
    REQUIRE(packet);
    CHECK_EQ(packet->length, 7);
    CHECK_EQ(packet->port, -1);
    memcpy(packet_push(packet, 6), "header", 6);
    CHECK_EQ(packet->length, 13);
    CHECK_MEM(packet_data(packet), "headerpayload", 13);
    CHECK_MEM(packet_pull(packet, 6), "payload", 7);
    CHECK_EQ(packet->length, 7);
    packet_free(&memory, packet);
    end();
}

TEST(the_last_reference_frees)
{
    begin(10000);
    struct packet *packet = packet_new(&memory, 0, 100);
    REQUIRE(packet);
    CHECK(packet_ref(packet) == packet);
    packet_free(&memory, packet);
    CHECK(memory.used_bytes > 100);
    packet_free(&memory, packet);
    packet_free(&memory, NULL);
    end();
}

TEST(a_queue_is_first_in_first_out_and_bounded)
{
    begin(10000);
    struct packet_queue queue;
    packet_queue_init(&queue, 2);
    CHECK(packet_queue_first(&queue) == NULL);
    CHECK(packet_queue_pop(&queue) == NULL);
    struct packet *a = packet_new(&memory, 0, 10), *b = packet_new(&memory, 0, 20),
                  *c = packet_new(&memory, 0, 30);
    REQUIRE(a && b && c);
    CHECK(packet_queue_push(&queue, a));
    CHECK(packet_queue_push(&queue, b));
    CHECK(!packet_queue_push(&queue, c));
    CHECK_EQ(queue.count, 2);
    CHECK_EQ(queue.bytes, 30);
    CHECK(packet_queue_first(&queue) == a);
    CHECK(packet_queue_pop(&queue) == a);
    CHECK(packet_queue_push(&queue, c));
    CHECK(packet_queue_pop(&queue) == b);
    CHECK_EQ(queue.bytes, 30);
    packet_free(&memory, a);
    packet_free(&memory, b);
    packet_queue_clear(&queue, &memory);
    CHECK_EQ(queue.count, 0);
    CHECK_EQ(queue.bytes, 0);
    end();
}

TEST(without_memory_there_is_no_packet)
{
    begin(sizeof(struct packet) + 99);
    CHECK(packet_new(&memory, 0, 100) == NULL);
    CHECK(packet_copy(&memory, 50, "x", 50) == NULL);
    struct packet *packet = packet_new(&memory, 0, 99);
    CHECK(packet != NULL);
    packet_free(&memory, packet);
    end();
}

TEST_MAIN(TEST_ENTRY(headers_are_pushed_in_front_and_pulled_away), TEST_ENTRY(the_last_reference_frees),
          TEST_ENTRY(a_queue_is_first_in_first_out_and_bounded),
          TEST_ENTRY(without_memory_there_is_no_packet))
