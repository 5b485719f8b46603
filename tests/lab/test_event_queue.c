/*
 * The event queue and the digests: events come out in the order of time and, within an instant, in that of
 * their coming, as a plain list says, however far apart they lie; many digests at once are those of one after
 * the other.
 */
#include "lab/queue.h"

#include "base/random.h"
#include "lab/world.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS 4000

/** What the queue should hold, in the order of its coming. */
struct plain {
    strata_time time[EVENTS];
    bool taken[EVENTS];
    uintptr_t count;
};

static uintptr_t plain_first(const struct plain *plain)
{
    uintptr_t first = plain->count;
    for (uintptr_t i = 0; i < plain->count; i++)
        if (!plain->taken[i] && (first == plain->count || plain->time[i] < plain->time[first]))
            first = i;
    return first;
}

static void put(struct queue *queue, struct plain *plain, strata_time time)
{
    plain->time[plain->count] = time;
    plain->taken[plain->count++] = false;
    CHECK_EQ(queue_push(queue, time, EVENT_ACTION, (void *)plain->count), 0);
}

/** Takes the next event, which must be the plain list's. @return its time. */
static strata_time get(struct queue *queue, struct plain *plain)
{
    uintptr_t expected = plain_first(plain);
    struct event event;
    REQUIRE(expected < plain->count);
    CHECK_EQ(queue_next(queue), plain->time[expected]);
    REQUIRE(queue_pop(queue, &event) == 0);
    CHECK_EQ((uintptr_t)event.object, expected + 1);
    CHECK_EQ(event.time, plain->time[expected]);
    plain->taken[expected] = true;
    return event.time;
}

TEST(events_come_in_the_order_of_time_and_then_of_their_coming)
{
    static struct queue queue;
    static struct plain plain;
    struct random random;
    random_init(&random, (const uint8_t[32]){7});
    memset(&queue, 0, sizeof queue);
    plain.count = 0;
    strata_time now = 0;
    for (unsigned round = 0; plain.count < EVENTS - 8; round++) {
        // Bursts of equal times, neighbours, and whatever lies up to 2^60 ns ahead.
        unsigned bits = (unsigned)random_below(&random, 60), burst = 1 + (unsigned)random_below(&random, 4);
        strata_time time = now + (strata_time)random_below(&random, UINT64_C(1) << (round % 64 ? bits / 3 : bits));
        for (unsigned i = 0; i < burst; i++)
            put(&queue, &plain, time);
        for (uint64_t gets = random_below(&random, 5); gets > 0 && queue.count > 0; gets--)
            now = get(&queue, &plain);
        while (queue.count > 400)
            now = get(&queue, &plain);
    }
    while (queue.count > 0)
        get(&queue, &plain);
    CHECK_EQ(queue_next(&queue), STRATA_NEVER);
    queue_free(&queue);
}

TEST(an_event_may_come_before_those_that_were_looked_at)
{
    static struct queue queue;
    memset(&queue, 0, sizeof queue);
    struct event event;
    // 70 and 4000 lie in other slots of other levels; looking at what is next must not move there.
    queue_push(&queue, 4000, EVENT_ACTION, NULL);
    CHECK_EQ(queue_next(&queue), 4000);
    queue_push(&queue, 70, EVENT_ACTION, NULL);
    CHECK_EQ(queue_next(&queue), 70);
    queue_push(&queue, 0, EVENT_ACTION, NULL);
    CHECK_EQ(queue_next(&queue), 0);
    for (int i = 0; i < 3; i++) {
        static const strata_time expected[] = {0, 70, 4000};
        REQUIRE(queue_pop(&queue, &event) == 0);
        CHECK_EQ(event.time, expected[i]);
    }
    CHECK(!queue_discard(&queue, &event));
    queue_push(&queue, 5000, EVENT_ACTION, NULL);
    CHECK(queue_discard(&queue, &event) && !queue_discard(&queue, &event));
    queue_free(&queue);
}

TEST(many_digests_at_once_are_those_of_one_after_the_other)
{
    enum { ROOM = 1600 };
    uint8_t *bytes[HASH_MANY]; // each its own, so that a look beyond its end is seen
    const uint8_t *frame[HASH_MANY];
    struct random random;
    random_init(&random, (const uint8_t[32]){8});
    for (unsigned round = 0; round < 300; round++) {
        size_t size[HASH_MANY];
        uint64_t digest[HASH_MANY];
        unsigned count = 1 + (unsigned)random_below(&random, HASH_MANY);
        if (round % 2)
            count = HASH_MANY;
        for (unsigned i = 0; i < count; i++) {
            size[i] = round % 3 ? 256 + (size_t)random_below(&random, ROOM - 256) : 1514;
            frame[i] = bytes[i] = malloc(size[i]);
            REQUIRE(bytes[i] != NULL);
            random_fill(&random, bytes[i], size[i]);
        }
        hash_many(frame, size, count, digest);
        for (unsigned i = 0; i < count; i++) {
            CHECK_EQ(digest[i], hash_bytes(frame[i], size[i]));
            free(bytes[i]);
        }
    }
    // What it was when each frame was digested by itself.
    CHECK_EQ(hash_bytes("the quick brown fox", 19), UINT64_C(0x2512b6b5d4c16e7a));
}

TEST_MAIN(TEST_ENTRY(events_come_in_the_order_of_time_and_then_of_their_coming),
          TEST_ENTRY(an_event_may_come_before_those_that_were_looked_at),
          TEST_ENTRY(many_digests_at_once_are_those_of_one_after_the_other))
