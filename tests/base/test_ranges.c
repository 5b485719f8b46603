/*
 * Sets of sequence ranges against a bitmap, across the place where sequence numbers wrap.
 */
#include "base/ranges.h"
#include "tests/allocator.h"
#include "tests/test.h"

#include <errno.h>

#define NO_LIMIT UINT32_MAX

static struct test_allocator test;
static struct memory memory;
static struct ranges ranges;

static void begin(void)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 1 << 20);
    ranges = (struct ranges){0};
}

static void end(void)
{
    ranges_clear(&ranges, &memory);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(test.blocks, 0);
}

TEST(what_touches_is_merged)
{
    begin();
    CHECK_EQ(ranges_add(&ranges, &memory, 100, 200, NO_LIMIT), 0);
    CHECK_EQ(ranges_add(&ranges, &memory, 300, 400, NO_LIMIT), 0);
    CHECK_EQ(ranges.count, 2);
    CHECK_EQ(ranges_add(&ranges, &memory, 200, 250, NO_LIMIT), 0);
    CHECK_EQ(ranges.count, 2);
    CHECK(ranges_cover(&ranges, 100, 250));
    CHECK(!ranges_cover(&ranges, 100, 251));
    CHECK_EQ(ranges_add(&ranges, &memory, 240, 300, NO_LIMIT), 0);
    CHECK_EQ(ranges.count, 1);
    CHECK_EQ(ranges.list[0].start, 100);
    CHECK_EQ(ranges.list[0].end, 400);
    CHECK(ranges_find(&ranges, 399) == ranges.list);
    CHECK(ranges_find(&ranges, 400) == NULL);
    CHECK(ranges_find(&ranges, 99) == NULL);
    CHECK_EQ(ranges_remove(&ranges, &memory, 200, 300), 0);
    CHECK_EQ(ranges.count, 2);
    CHECK_EQ(ranges_remove(&ranges, &memory, 0, 1000), 0);
    CHECK_EQ(ranges.count, 0);
    CHECK_EQ(memory.used_bytes, 0);
    end();
}

TEST(nothing_is_in_an_empty_range)
{
    begin();
    CHECK_EQ(ranges_add(&ranges, &memory, 5, 5, NO_LIMIT), 0);
    CHECK_EQ(ranges_remove(&ranges, &memory, 5, 5), 0);
    CHECK_EQ(ranges.count, 0);
    CHECK(ranges_cover(&ranges, 5, 5));
    CHECK(!ranges_cover(&ranges, 5, 6));
    end();
}

TEST(a_limit_refuses_new_ranges_but_not_growth)
{
    begin();
    CHECK_EQ(ranges_add(&ranges, &memory, 10, 20, 2), 0);
    CHECK_EQ(ranges_add(&ranges, &memory, 30, 40, 2), 0);
    CHECK_EQ(ranges_add(&ranges, &memory, 50, 60, 2), -ENOSPC);
    CHECK_EQ(ranges_add(&ranges, &memory, 40, 45, 2), 0);
    CHECK_EQ(ranges_add(&ranges, &memory, 20, 30, 2), 0);
    CHECK_EQ(ranges.count, 1);
    CHECK(ranges_cover(&ranges, 10, 45));
    end();
}

TEST(without_memory_nothing_changes)
{
    begin();
    test.allowed = 0;
    CHECK_EQ(ranges_add(&ranges, &memory, 10, 20, NO_LIMIT), -ENOMEM);
    CHECK_EQ(ranges.count, 0);
    test.allowed = 1;
    for (seq_t i = 0; i < 4; i++)
        CHECK_EQ(ranges_add(&ranges, &memory, 10 * i, 10 * i + 5, NO_LIMIT), 0);
    CHECK_EQ(ranges_add(&ranges, &memory, 100, 105, NO_LIMIT), -ENOMEM);
    CHECK_EQ(ranges_remove(&ranges, &memory, 11, 12), -ENOMEM); // It would be split.
    CHECK_EQ(ranges.count, 4);
    CHECK(ranges_cover(&ranges, 10, 15));
    end();
}

#define SPAN 300u

TEST(a_set_of_ranges_is_what_a_bitmap_is)
{
    // RFC 9293-10: everything modulo 2^32, so the bitmap lies across the wrap.
    const seq_t base = (seq_t)0 - 150;
    for (uint64_t run = 1; run <= 30; run++) {
        uint64_t seed = run;
        bool model[SPAN] = {false};
        begin();
        for (int i = 0; i < 500; i++) {
            uint32_t start = (uint32_t)test_below(&seed, SPAN), size = (uint32_t)test_below(&seed, 20);
            uint32_t stop = start + size < SPAN ? start + size : SPAN;
            bool adds = test_below(&seed, 5) < 3;
            if (adds)
                CHECK_EQ(ranges_add(&ranges, &memory, base + start, base + stop, NO_LIMIT), 0);
            else
                CHECK_EQ(ranges_remove(&ranges, &memory, base + start, base + stop), 0);
            for (uint32_t x = start; x < stop; x++)
                model[x] = adds;
            uint32_t count = 0;
            for (uint32_t x = 0; x < SPAN; x++) {
                bool begins = model[x] && (x == 0 || !model[x - 1]);
                if (begins && CHECK(count < ranges.count))
                    CHECK_EQ(ranges.list[count].start, base + x);
                count += begins;
                const struct range *found = ranges_find(&ranges, base + x);
                CHECK_EQ(found != NULL, model[x]);
                if (found)
                    CHECK(found == &ranges.list[count - 1]);
                const struct range *from = ranges_from(&ranges, base + x);
                CHECK(found ? from == found : from == (count < ranges.count ? &ranges.list[count] : NULL));
            }
            CHECK_EQ(ranges.count, count);
            CHECK_EQ(ranges.list != NULL, count > 0);
            bool covered = true;
            for (uint32_t x = start; x < stop; x++)
                covered = covered && model[x];
            CHECK_EQ(ranges_cover(&ranges, base + start, base + stop), covered);
            start = 1 + (uint32_t)test_below(&seed, SPAN - 12);
            stop = start + 1 + (uint32_t)test_below(&seed, 10);
            bool inside = false;
            for (uint32_t x = start; x < stop; x++)
                inside = inside || model[x];
            CHECK_EQ(ranges_meet(&ranges, base + start, base + stop, false), inside);
            CHECK_EQ(ranges_meet(&ranges, base + start, base + stop, true),
                     inside || model[start - 1] || model[stop]);
        }
        end();
    }
}

/* As in a receiver whose peer lost every other segment: what comes at the end and goes at the front takes no more
 * memory, however long that goes on. */
TEST(a_queue_of_ranges_stays_small)
{
    begin();
    for (uint32_t i = 0; i < 100000; i++) {
        CHECK_EQ(ranges_add(&ranges, &memory, 2 * i, 2 * i + 1, NO_LIMIT), 0);
        if (i < 1000)
            continue;
        CHECK_EQ(ranges_remove(&ranges, &memory, 2 * (i - 1000), 2 * (i - 1000) + 1), 0);
        CHECK_EQ(ranges.count, 1000);
        CHECK_EQ(ranges.list[0].start, 2 * (i - 999));
        CHECK(ranges.room <= 4096);
    }
    end();
}

TEST_MAIN(TEST_ENTRY(what_touches_is_merged), TEST_ENTRY(nothing_is_in_an_empty_range),
          TEST_ENTRY(a_limit_refuses_new_ranges_but_not_growth), TEST_ENTRY(without_memory_nothing_changes),
          TEST_ENTRY(a_set_of_ranges_is_what_a_bitmap_is), TEST_ENTRY(a_queue_of_ranges_stays_small))
