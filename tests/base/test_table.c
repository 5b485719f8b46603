/*
 * Hash tables against an array of flags, while they grow and shrink.
 */
#include "base/table.h"
#include "tests/allocator.h"
#include "tests/test.h"

#include <errno.h>

#define ENTRIES 3000

static struct test_allocator test;
static struct memory memory;
static struct table table;

static struct one {
    struct table_entry entry;
    uint32_t key;
    bool in, seen;
} ones[ENTRIES];

static void begin(void)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 1 << 20);
    table = (struct table){0};
    for (uint32_t i = 0; i < ENTRIES; i++)
        ones[i] = (struct one){.key = i};
}

static void end(void)
{
    table_free(&table, &memory);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(test.blocks, 0);
}

/** A weak hash on purpose: some chains hold several keys with one hash. */
static uint32_t hash_of(uint32_t key)
{
    return key / 3 * 2654435761u;
}

static bool equal(const struct table_entry *entry, const void *key)
{
    return ((const struct one *)(const void *)entry)->key == *(const uint32_t *)key;
}

static void insert(struct one *one)
{
    CHECK_EQ(table_insert(&table, &memory, &one->entry, hash_of(one->key)), 0);
    one->in = true;
}

static void take_out(struct one *one)
{
    table_remove(&table, &memory, &one->entry);
    one->in = false;
}

static struct one *find(uint32_t key)
{
    return (struct one *)(void *)table_find(&table, hash_of(key), equal, &key);
}

static bool see(struct table_entry *entry, void *context)
{
    struct one *one = (struct one *)(void *)entry;
    CHECK(one->in && !one->seen);
    one->seen = true;
    ++*(uint32_t *)context;
    return true;
}

static void check_all(void)
{
    uint32_t count = 0, seen = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        CHECK(find(i) == (ones[i].in ? &ones[i] : NULL));
        count += ones[i].in;
        ones[i].seen = false;
    }
    CHECK_EQ(table.count, count);
    table_each(&table, see, &seen);
    CHECK_EQ(seen, count);
}

TEST(an_empty_table_has_no_memory_and_finds_nothing)
{
    begin();
    CHECK(find(7) == NULL);
    uint32_t seen = 0;
    table_each(&table, see, &seen);
    CHECK_EQ(seen, 0);
    CHECK_EQ(memory.used_bytes, 0);
    end();
}

TEST(a_table_is_what_an_array_of_flags_is)
{
    for (uint64_t run = 1; run <= 4; run++) {
        uint64_t seed = run;
        begin();
        // Tides: mostly in, then mostly out, so that every size is passed both ways, often with a resize in
        // progress.
        for (int i = 0; i < 30000; i++) {
            struct one *one = &ones[test_below(&seed, ENTRIES)];
            bool rising = i / 5000 % 2 == 0, in = test_below(&seed, 10) < (rising ? 8u : 2u);
            uint32_t moved = table.moved;
            bool resizing = table.old_buckets != NULL;
            if (in && !one->in)
                insert(one);
            else if (!in && one->in)
                take_out(one);
            // No operation moves more than a few buckets.
            if (resizing && table.old_buckets)
                CHECK(table.moved - moved <= 8);
            CHECK(find(one->key) == (one->in ? one : NULL));
            if (i % 997 == 0)
                check_all();
        }
        check_all();
        for (uint32_t i = 0; i < ENTRIES; i++)
            if (ones[i].in)
                take_out(&ones[i]);
        check_all();
        end();
    }
}

static bool drop_odd(struct table_entry *entry, void *context)
{
    struct one *one = (struct one *)(void *)entry;
    ++*(uint32_t *)context;
    if (one->key % 2)
        take_out(one);
    return true;
}

static bool drop_all(struct table_entry *entry, void *context)
{
    ++*(uint32_t *)context;
    take_out((struct one *)(void *)entry);
    return true;
}

static bool stop_at_ten(struct table_entry *entry, void *context)
{
    (void)entry;
    return ++*(uint32_t *)context < 10;
}

TEST(a_visitor_may_remove_what_it_visits)
{
    begin();
    for (uint32_t i = 0; i < 1000; i++)
        insert(&ones[i]);
    uint32_t visited = 0;
    table_each(&table, drop_odd, &visited);
    CHECK_EQ(visited, 1000);
    CHECK_EQ(table.count, 500);
    check_all();
    visited = 0;
    table_each(&table, stop_at_ten, &visited);
    CHECK_EQ(visited, 10);
    // All of them, which is when the table would like to shrink on the way.
    visited = 0;
    table_each(&table, drop_all, &visited);
    CHECK_EQ(visited, 500);
    CHECK_EQ(table.count, 0);
    check_all();
    end();
}

TEST(a_table_gets_smaller_again)
{
    begin();
    for (uint32_t i = 0; i < ENTRIES; i++)
        insert(&ones[i]);
    size_t most = memory.used_bytes;
    CHECK(most >= 2048 * sizeof(void *));
    for (uint32_t i = 0; i < ENTRIES; i++)
        take_out(&ones[i]);
    CHECK(memory.used_bytes < most / 8);
    end();
}

TEST(without_memory_chains_get_longer)
{
    begin();
    test.allowed = 0;
    CHECK_EQ(table_insert(&table, &memory, &ones[0].entry, 0), -ENOMEM);
    CHECK_EQ(table.count, 0);
    test.allowed = 1;
    for (uint32_t i = 0; i < 500; i++)
        insert(&ones[i]);
    check_all();
    // And when there is memory again, the table catches up.
    test.allowed = UINT64_MAX;
    for (uint32_t i = 500; i < 2000; i++)
        insert(&ones[i]);
    CHECK(table.mask >= 511);
    check_all();
    for (uint32_t i = 0; i < 2000; i++)
        take_out(&ones[i]);
    end();
}

TEST_MAIN(TEST_ENTRY(an_empty_table_has_no_memory_and_finds_nothing),
          TEST_ENTRY(a_table_is_what_an_array_of_flags_is), TEST_ENTRY(a_visitor_may_remove_what_it_visits),
          TEST_ENTRY(a_table_gets_smaller_again), TEST_ENTRY(without_memory_chains_get_longer))
