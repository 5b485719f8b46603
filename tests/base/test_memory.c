/*
 * The budget and the pool of pages.
 */
#include "base/memory.h"
#include "tests/allocator.h"
#include "tests/test.h"

TEST(what_is_allocated_is_zeroed_and_charged)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 1000);
    uint8_t *block = memory_allocate(&memory, 600);
    REQUIRE(block);
    for (int i = 0; i < 600; i++)
        CHECK_EQ(block[i], 0);
    CHECK_EQ(memory.used_bytes, 600);
    CHECK_EQ(memory_available(&memory), 400);
    memory_release(&memory, block, 600);
    memory_release(&memory, NULL, 600);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(memory.peak_bytes, 600);
    CHECK_EQ(test.blocks, 0);
}

TEST(the_budget_is_never_exceeded)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 3 * PAGE_BYTES);
    struct page *pages[3];
    for (int i = 0; i < 3; i++)
        REQUIRE((pages[i] = memory_page_take(&memory)));
    CHECK(memory_page_take(&memory) == NULL);
    CHECK(memory_allocate(&memory, 1) == NULL);
    CHECK_EQ(memory.pages, 3);
    memory_page_give(&memory, pages[0]);
    CHECK(memory_allocate(&memory, PAGE_BYTES + 1) == NULL);
    // The page lies in the pool; a block of another kind takes its place in the budget.
    CHECK_EQ(memory.free_page_count, 1);
    void *block = memory_allocate(&memory, PAGE_BYTES);
    CHECK(block);
    CHECK_EQ(memory.free_page_count, 0);
    CHECK_EQ(test.bytes, 3 * PAGE_BYTES);
    memory_release(&memory, block, PAGE_BYTES);
    memory_page_give(&memory, pages[1]);
    memory_page_give(&memory, pages[2]);
    CHECK_EQ(memory.used_bytes, 0);
    memory_free_pool(&memory);
    CHECK_EQ(test.blocks, 0);
}

TEST(pages_are_used_again)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 64 << 20);
    struct page *page = memory_page_take(&memory);
    REQUIRE(page);
    memory_page_give(&memory, page);
    test.allowed = 0;
    CHECK(memory_page_take(&memory) == page);
    CHECK(memory_page_take(&memory) == NULL);
    CHECK_EQ(memory.pages, 1);
    memory_page_give(&memory, page);
    memory_free_pool(&memory);
    CHECK_EQ(test.blocks, 0);
}

TEST(the_pool_is_bounded)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 64 << 20);
    static struct page *pages[MEMORY_POOL_PAGES + 10];
    for (unsigned i = 0; i < MEMORY_POOL_PAGES + 10; i++)
        REQUIRE((pages[i] = memory_page_take(&memory)));
    for (unsigned i = 0; i < MEMORY_POOL_PAGES + 10; i++)
        memory_page_give(&memory, pages[i]);
    CHECK_EQ(memory.free_page_count, MEMORY_POOL_PAGES);
    CHECK_EQ(test.blocks, MEMORY_POOL_PAGES);
    CHECK_EQ(memory.used_bytes, 0);
    memory_free_pool(&memory);
    CHECK_EQ(test.blocks, 0);
}

TEST(resizing_keeps_the_beginning)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 1000);
    uint8_t *block = memory_resize(&memory, NULL, 0, 10);
    REQUIRE(block);
    memset(block, 7, 10);
    block = memory_resize(&memory, block, 10, 100);
    REQUIRE(block);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(block[i], i < 10 ? 7 : 0);
    CHECK_EQ(memory.used_bytes, 100);
    CHECK(memory_resize(&memory, block, 100, 901) == NULL);
    CHECK_EQ(block[9], 7);
    block = memory_resize(&memory, block, 100, 5);
    REQUIRE(block);
    CHECK_EQ(block[4], 7);
    CHECK_EQ(memory.used_bytes, 5);
    memory_release(&memory, block, 5);
    CHECK_EQ(test.blocks, 0);
}

TEST(an_allocator_that_fails_is_no_memory)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 100000);
    test.allowed = 0;
    CHECK(memory_allocate(&memory, 1) == NULL);
    CHECK(memory_page_take(&memory) == NULL);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(memory.pages, 0);
}

TEST(the_reserve_is_for_octets_on_their_way)
{
    struct test_allocator test;
    struct memory memory;
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 16 * PAGE_BYTES);
    memory.keeps_reserve = true;
    CHECK_EQ(memory_reserve(&memory), 2 * PAGE_BYTES + PAGE_BYTES / 4);
    size_t records = 16 * PAGE_BYTES - memory_reserve(&memory);
    void *record = memory_allocate(&memory, records);
    CHECK(record != NULL);
    CHECK(memory_allocate(&memory, 1) == NULL);
    CHECK(memory_allocate_raw(&memory, 1) == NULL);
    CHECK(memory_resize(&memory, NULL, 0, 1) == NULL);
    struct page *page = memory_page_take(&memory);
    CHECK(page != NULL);
    size_t rest = memory_available(&memory);
    void *packet = memory_allocate_reserved(&memory, rest);
    CHECK(packet != NULL);
    CHECK(memory_page_take(&memory) == NULL);
    memory_page_give(&memory, page); // into the pool, from where a record may not take it either
    CHECK(memory_allocate(&memory, 1) == NULL);
    memory_release(&memory, packet, rest);
    memory_release(&memory, record, records);
    memory_free_pool(&memory);
    CHECK_EQ(test.blocks, 0);
}

TEST_MAIN(TEST_ENTRY(what_is_allocated_is_zeroed_and_charged), TEST_ENTRY(the_budget_is_never_exceeded),
          TEST_ENTRY(pages_are_used_again), TEST_ENTRY(the_pool_is_bounded),
          TEST_ENTRY(resizing_keeps_the_beginning), TEST_ENTRY(an_allocator_that_fails_is_no_memory),
          TEST_ENTRY(the_reserve_is_for_octets_on_their_way))
