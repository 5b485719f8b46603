/*
 * Rings against a flat array, and what they do when memory ends.
 */
#include "base/ring.h"
#include "tests/allocator.h"
#include "tests/test.h"

#define CAPACITY 50000u

static struct test_allocator test;
static struct memory memory;
static struct ring ring;

static void begin(uint32_t capacity, size_t budget_bytes)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, budget_bytes);
    ring_init(&ring, capacity);
}

static void end(void)
{
    ring_clear(&ring, &memory);
    CHECK_EQ(memory.used_bytes, 0);
    memory_free_pool(&memory);
    CHECK_EQ(test.blocks, 0);
}

TEST(an_idle_ring_holds_nothing)
{
    begin(CAPACITY, 1 << 20);
    CHECK_EQ(ring_room(&ring), CAPACITY);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(ring_append(&ring, &memory, "hello", 5), 5);
    CHECK_EQ(memory.used_bytes, PAGE_BYTES); // One page, and no table to find it.
    ring_consume(&ring, &memory, 2);
    char text[3];
    ring_copy(&ring, 0, text, 3);
    CHECK_MEM(text, "llo", 3);
    ring_consume(&ring, &memory, 3);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(ring_append(&ring, &memory, "", 0), 0);
    CHECK_EQ(memory.used_bytes, 0);
    end();
}

TEST(runs_end_with_the_page_or_the_bytes)
{
    static const uint8_t data[PAGE_BYTES + 10] = {[PAGE_BYTES] = 7};
    begin(CAPACITY, 1 << 20);
    uint32_t run;
    CHECK(ring_at(&ring, 0, &run) == NULL && run == 0);
    CHECK_EQ(ring_append(&ring, &memory, data, sizeof data), sizeof data);
    CHECK(ring_at(&ring, 1, &run) != NULL);
    CHECK_EQ(run, PAGE_BYTES - 1);
    for (uint32_t i = 0; i < 10; i++) {
        const uint8_t *at = ring_at(&ring, PAGE_BYTES + i, &run);
        REQUIRE(at != NULL);
        CHECK_EQ(run, 10 - i);
        CHECK_EQ(*at, i == 0 ? 7 : 0);
    }
    CHECK(ring_at(&ring, PAGE_BYTES + 10, &run) == NULL && run == 0);
    end();
}

TEST(bytes_ahead_of_their_turn_wait_where_they_belong)
{
    begin(CAPACITY, 1 << 20);
    CHECK(ring_store(&ring, &memory, 5, "world", 5));
    CHECK_EQ(ring.length, 0);
    CHECK(ring_store(&ring, &memory, 0, "hello", 5));
    ring_extend(&ring, 10);
    char text[10];
    ring_copy(&ring, 0, text, 10);
    CHECK_MEM(text, "helloworld", 10);
    // Consuming the bytes in order keeps those behind a hole.
    CHECK(ring_store(&ring, &memory, 20, "later", 5));
    ring_consume(&ring, &memory, 10);
    CHECK_EQ(ring.length, 0);
    CHECK(memory.used_bytes > 0);
    ring_copy(&ring, 10, text, 5);
    CHECK_MEM(text, "later", 5);
    // Given up, they take everything with them.
    ring_cut(&ring, &memory, 0);
    CHECK_EQ(memory.used_bytes, 0);
    end();
}

TEST(positions_go_on_beyond_32_bits)
{
    static uint8_t data[3 * PAGE_BYTES], back[sizeof data];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    begin(CAPACITY, 1 << 20);
    ring.head = UINT32_MAX - 2 * PAGE_BYTES - 5;
    CHECK_EQ(ring_append(&ring, &memory, data, sizeof data), sizeof data);
    CHECK(ring_store(&ring, &memory, 4 * PAGE_BYTES, data, 100));
    ring_copy(&ring, 0, back, sizeof data);
    CHECK_MEM(back, data, sizeof data);
    ring_copy(&ring, 4 * PAGE_BYTES, back, 100);
    CHECK_MEM(back, data, 100);
    ring_cut(&ring, &memory, ring.length);
    ring_consume(&ring, &memory, sizeof data - 1);
    CHECK_EQ(ring_append(&ring, &memory, data, sizeof data), sizeof data);
    ring_copy(&ring, 1, back, sizeof data);
    CHECK_MEM(back, data, sizeof data);
    CHECK_EQ(memory.pages, 4);
    CHECK(ring.head < PAGE_BYTES);
    end();
}

TEST(a_table_shrinks_to_what_is_held)
{
    static uint8_t data[3 * PAGE_BYTES], back[sizeof data];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i / 7);
    for (uint32_t held = 100; held <= 2 * PAGE_BYTES + 100; held += PAGE_BYTES) {
        begin(1 << 20, 1 << 20);
        CHECK_EQ(ring_append(&ring, &memory, data, held), held);
        size_t before = memory.used_bytes;
        CHECK(ring_store(&ring, &memory, 200 * PAGE_BYTES, data, 1));
        CHECK(ring_table_bytes(&ring) > 200 * sizeof(void *));
        ring_cut(&ring, &memory, held);
        ring_trim(&ring, &memory);
        CHECK_EQ(memory.used_bytes, before);
        ring_copy(&ring, 0, back, held);
        CHECK_MEM(back, data, held);
        ring_trim(&ring, &memory); // nothing more to be had
        CHECK_EQ(memory.used_bytes, before);
        end();
    }
    // Without memory for a smaller one the large one serves.
    begin(1 << 20, 1 << 20);
    CHECK_EQ(ring_append(&ring, &memory, data, 2 * PAGE_BYTES), 2 * PAGE_BYTES);
    CHECK(ring_store(&ring, &memory, 200 * PAGE_BYTES, data, 1));
    ring_cut(&ring, &memory, 2 * PAGE_BYTES);
    size_t large = ring_table_bytes(&ring);
    memory.budget_bytes = memory.used_bytes;
    ring_trim(&ring, &memory);
    CHECK_EQ(ring_table_bytes(&ring), large);
    ring_copy(&ring, 0, back, 2 * PAGE_BYTES);
    CHECK_MEM(back, data, 2 * PAGE_BYTES);
    memory.budget_bytes = 1 << 20;
    end();
}

TEST(capacity_ends_what_can_be_held)
{
    begin(10, 1 << 20);
    CHECK(!ring_store(&ring, &memory, 8, "abc", 3));
    CHECK(!ring_store(&ring, &memory, 11, "", 0));
    CHECK(ring_store(&ring, &memory, 8, "ab", 2));
    CHECK_EQ(ring_append(&ring, &memory, "0123456789abc", 13), 10);
    CHECK_EQ(ring_room(&ring), 0);
    ring_set_capacity(&ring, 4);
    CHECK_EQ(ring_room(&ring), 0);
    ring_set_capacity(&ring, 12);
    CHECK_EQ(ring_append(&ring, &memory, "xyz", 3), 2);
    char text[12];
    ring_copy(&ring, 0, text, 12);
    CHECK_MEM(text, "0123456789xy", 12);
    end();
}

TEST(room_is_lent_and_given_back)
{
    begin(CAPACITY, 1 << 20);
    struct strata_iovec pieces[4];
    CHECK_EQ(ring_append(&ring, &memory, "0123456789", 10), 10);
    CHECK_EQ(ring_space(&ring, &memory, 3 * PAGE_BYTES, pieces, 4), 4);
    CHECK_EQ(pieces[0].length, PAGE_BYTES - 10);
    CHECK_EQ(pieces[3].length, 10);
    memset(pieces[0].base, 'a', pieces[0].length);
    memset(pieces[1].base, 'b', pieces[1].length);
    size_t before = memory.used_bytes;
    ring_extend(&ring, PAGE_BYTES);
    ring_cut(&ring, &memory, ring.length);
    CHECK_EQ(before - memory.used_bytes, 2 * PAGE_BYTES);
    uint8_t byte;
    ring_copy(&ring, PAGE_BYTES + 9, &byte, 1);
    CHECK_EQ(byte, 'b');
    CHECK_EQ(ring_space(&ring, &memory, 100, pieces, 0), 0);
    CHECK_EQ(ring_space(&ring, &memory, 3 * PAGE_BYTES, pieces, 1), 1);
    CHECK_EQ(pieces[0].length, PAGE_BYTES - 10);
    // No more than capacity.
    ring_set_capacity(&ring, ring.length + 5);
    CHECK_EQ(ring_space(&ring, &memory, 100, pieces, 4), 1);
    CHECK_EQ(pieces[0].length, 5);
    end();
}

TEST(without_memory_a_ring_takes_what_it_can)
{
    static const uint8_t data[5 * PAGE_BYTES] = {1, 2, 3};
    begin(100000, 2 * PAGE_BYTES + 100);
    // Two pages and their table fit.
    CHECK_EQ(ring_append(&ring, &memory, data, sizeof data), 2 * PAGE_BYTES);
    ring_consume(&ring, &memory, 2 * PAGE_BYTES);
    CHECK_EQ(memory.used_bytes, 0);
    // What is stored is stored whole or not at all.
    CHECK(!ring_store(&ring, &memory, 100, data, sizeof data));
    CHECK_EQ(memory.used_bytes, 0);
    CHECK(ring_store(&ring, &memory, 10, data, 3));
    CHECK(!ring_store(&ring, &memory, 0, data, 2 * PAGE_BYTES + 1));
    CHECK_EQ(memory.pages, 1);
    uint8_t found[3];
    ring_copy(&ring, 10, found, 3);
    CHECK_MEM(found, data, 3);
    ring_cut(&ring, &memory, 0);
    // Neither a page nor a table for the first byte.
    test.allowed = 0;
    memory_free_pool(&memory);
    CHECK_EQ(ring_append(&ring, &memory, data, 1), 0);
    CHECK(!ring_store(&ring, &memory, 0, data, 1));
    CHECK(!ring_store(&ring, &memory, 0, data, sizeof data));
    struct strata_iovec piece;
    CHECK_EQ(ring_space(&ring, &memory, 10, &piece, 1), 0);
    CHECK_EQ(memory.used_bytes, 0);
    end();
}

/** What a ring should be: a flat array of what lies at each offset, -1 where nothing does. */
static struct {
    int16_t at[CAPACITY];
    uint32_t length;
} model;

static uint32_t model_extent(void)
{
    uint32_t extent = CAPACITY;
    while (extent > model.length && model.at[extent - 1] < 0)
        extent--;
    return extent;
}

static void model_forget(uint32_t from)
{
    for (uint32_t i = from; i < CAPACITY; i++)
        model.at[i] = -1;
}

static void compare(uint64_t *seed)
{
    static uint8_t bytes[CAPACITY], expected[CAPACITY];
    uint32_t start = (uint32_t)test_below(seed, model.length + 1);
    uint32_t size = (uint32_t)test_below(seed, model.length - start + 1);
    for (uint32_t i = 0; i < size; i++)
        expected[i] = (uint8_t)model.at[start + i];
    ring_copy(&ring, start, bytes, size);
    CHECK_MEM(bytes, expected, size);
    struct strata_iovec pieces[CAPACITY / PAGE_BYTES + 2];
    int count = ring_view(&ring, start, size, pieces, CAPACITY / PAGE_BYTES + 2);
    uint32_t seen = 0;
    for (int i = 0; i < count && seen + pieces[i].length <= size; i++) {
        CHECK_MEM(pieces[i].base, expected + seen, pieces[i].length);
        seen += (uint32_t)pieces[i].length;
    }
    CHECK_EQ(seen, size);
    uint32_t run;
    const uint8_t *at = ring_at(&ring, start, &run);
    if (start < model.length && CHECK(at && run > 0 && run <= model.length - start))
        CHECK_EQ(at[run - 1], model.at[start + run - 1]);
    // One byte of what waits out of order.
    uint32_t extent = model_extent();
    if (extent > model.length) {
        ring_copy(&ring, extent - 1, bytes, 1);
        CHECK_EQ(bytes[0], model.at[extent - 1]);
    }
}

/** Offsets where sizes from a byte to several pages all happen. */
static uint32_t some_size(uint64_t *seed, uint32_t most)
{
    uint32_t scale = 1u << test_below(seed, 16);
    uint32_t size = (uint32_t)test_below(seed, scale) + 1;
    return size < most ? size : most;
}

static void step_model(uint64_t *seed)
{
    static uint8_t data[CAPACITY];
    switch (test_below(seed, 8)) {
    case 0:
    case 1: {
        uint32_t size = some_size(seed, CAPACITY), taken = CAPACITY - model.length;
        test_fill(seed, data, size);
        taken = size < taken ? size : taken;
        CHECK_EQ(ring_append(&ring, &memory, data, size), taken);
        for (uint32_t i = 0; i < taken; i++)
            model.at[model.length + i] = data[i];
        model.length += taken;
        break;
    }
    case 2:
    case 3: {
        uint32_t offset = (uint32_t)test_below(seed, CAPACITY + 1), size = some_size(seed, CAPACITY);
        test_fill(seed, data, size);
        bool fits = size <= CAPACITY - offset;
        CHECK_EQ(ring_store(&ring, &memory, offset, data, size), fits);
        for (uint32_t i = 0; fits && i < size; i++)
            model.at[offset + i] = data[i];
        break;
    }
    case 4: {
        uint32_t bytes = 0;
        while (model.length + bytes < CAPACITY && model.at[model.length + bytes] >= 0)
            bytes++;
        ring_extend(&ring, bytes);
        model.length += bytes;
        break;
    }
    case 5:
        if (test_below(seed, 4) == 0) {
            uint32_t offset = model.length + (uint32_t)test_below(seed, CAPACITY - model.length + 1);
            ring_cut(&ring, &memory, offset);
            model_forget(offset);
        }
        break;
    default: {
        uint32_t bytes = (uint32_t)test_below(seed, model.length + 1);
        if (test_below(seed, 4) == 0)
            bytes = model.length;
        ring_consume(&ring, &memory, bytes);
        memmove(model.at, model.at + bytes, (CAPACITY - bytes) * sizeof *model.at);
        model_forget(CAPACITY - bytes);
        model.length -= bytes;
    }
    }
}

TEST(a_ring_is_what_a_flat_array_is)
{
    unsigned idle = 0;
    for (uint64_t run = 1; run <= 20; run++) {
        uint64_t seed = run;
        begin(CAPACITY, 1 << 20);
        model.length = 0;
        model_forget(0);
        for (int i = 0; i < 400; i++) {
            step_model(&seed);
            CHECK_EQ(ring.length, model.length);
            compare(&seed);
            // Whatever spans no bytes holds no memory.
            if (model_extent() == 0 && ring.extent == 0) {
                CHECK_EQ(memory.used_bytes, 0);
                idle++;
            }
        }
        end();
    }
    CHECK(idle > 10);
}

TEST_MAIN(TEST_ENTRY(an_idle_ring_holds_nothing), TEST_ENTRY(runs_end_with_the_page_or_the_bytes),
          TEST_ENTRY(positions_go_on_beyond_32_bits),
          TEST_ENTRY(bytes_ahead_of_their_turn_wait_where_they_belong),
          TEST_ENTRY(a_table_shrinks_to_what_is_held), TEST_ENTRY(capacity_ends_what_can_be_held),
          TEST_ENTRY(room_is_lent_and_given_back),
          TEST_ENTRY(without_memory_a_ring_takes_what_it_can), TEST_ENTRY(a_ring_is_what_a_flat_array_is))
