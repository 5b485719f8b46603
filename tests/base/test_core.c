/*
 * A core's beginning and end, and its trace; the tables of settings and counters.
 */
#include "base/core.h"
#include "tests/allocator.h"
#include "tests/test.h"

#include <errno.h>

static struct strata_trace_record last;
static int records;

static void listen(void *context, const struct strata_trace_record *record)
{
    CHECK(context == &records);
    last = *record;
    records++;
}

TEST(a_core_takes_little_and_gives_all_back)
{
    struct test_allocator test;
    struct core core;
    test_allocator_init(&test);
    struct strata_config config = {.size = sizeof config, .allocator = &test.allocator, .name = "alpha"};
    REQUIRE(core_init(&core, &config, 1000) == 0);
    CHECK_STR(core.name, "alpha");
    CHECK_EQ(core.now, 1000);
    CHECK_EQ(core.memory.budget_bytes, 256 << 20);
    CHECK(sizeof core + test.bytes < 10000);
    core_free(&core);
    CHECK_EQ(test.blocks, 0);
}

TEST(the_c_library_is_the_default_allocator)
{
    struct core core;
    struct strata_config config = {.size = sizeof config, .memory_bytes = 100000};
    REQUIRE(core_init(&core, &config, 0) == 0);
    CHECK_EQ(core.memory.budget_bytes, 100000);
    void *block = memory_allocate(&core.memory, 10);
    CHECK(block != NULL);
    memory_release(&core.memory, block, 10);
    core_free(&core);
}

TEST(what_cannot_be_a_configuration_is_refused)
{
    struct core core;
    struct strata_config config = {0};
    CHECK_EQ(core_init(&core, NULL, 0), -EINVAL);
    CHECK_EQ(core_init(&core, &config, 0), -EINVAL);
    struct strata_allocator half = {.allocate = test_allocate};
    config = (struct strata_config){.size = sizeof config, .allocator = &half};
    CHECK_EQ(core_init(&core, &config, 0), -EINVAL);
    config = (struct strata_config){.size = sizeof config, .memory_bytes = 100};
    CHECK_EQ(core_init(&core, &config, 0), -ENOMEM);
}

TEST(an_older_caller_with_a_shorter_struct_is_served)
{
    struct core core;
    struct strata_config config = {.size = offsetof(struct strata_config, memory_bytes), .memory_bytes = 1};
    REQUIRE(core_init(&core, &config, 0) == 0);
    CHECK_EQ(core.memory.budget_bytes, 256 << 20);
    core_free(&core);
}

TEST(a_long_name_is_cut)
{
    struct core core;
    struct strata_config config = {.size = sizeof config, .name = "0123456789012345678901234567890123456789"};
    REQUIRE(core_init(&core, &config, 0) == 0);
    CHECK_STR(core.name, "0123456789012345678901234567890");
    core_free(&core);
}

TEST(drops_are_counted_and_traced)
{
    struct core core;
    struct strata_config config = {.size = sizeof config, .trace = listen, .trace_context = &records};
    REQUIRE(core_init(&core, &config, 0) == 0);
    CHECK(core_traces(&core));
    core.now = 77;
    core_drop(&core, COUNTER_ipv4_drop_checksum, 3, "frame", 5);
    CHECK_EQ(core.counters.value[COUNTER_ipv4_drop_checksum], 1);
    CHECK_EQ(records, 1);
    CHECK_EQ(last.time, 77);
    CHECK_EQ(last.kind, STRATA_TRACE_DROP);
    CHECK_EQ(last.port, 3);
    CHECK_EQ(last.value[0], COUNTER_ipv4_drop_checksum);
    CHECK_EQ(last.length, 5);
    core_drop(&core, COUNTER_ipv4_drop_checksum, -1, NULL, 5);
    CHECK_EQ(core.counters.value[COUNTER_ipv4_drop_checksum], 2);
    CHECK_EQ(last.length, 0);
    core.trace = NULL;
    CHECK(!core_traces(&core));
    core_drop(&core, COUNTER_ipv4_drop_checksum, -1, NULL, 0);
    core_trace(&core, &last);
    CHECK_EQ(core.counters.value[COUNTER_ipv4_drop_checksum], 3);
    CHECK_EQ(records, 2);
    core_free(&core);
}

TEST(the_same_seed_gives_the_same_core)
{
    struct core a, b;
    struct strata_config config = {.size = sizeof config, .seed = {1, 2, 3}};
    REQUIRE(core_init(&a, &config, 0) == 0 && core_init(&b, &config, 0) == 0);
    CHECK_EQ(a.hash_key.k0, b.hash_key.k0);
    CHECK_EQ(random_u64(&a.random), random_u64(&b.random));
    core_free(&b);
    config.seed[31] = 1;
    REQUIRE(core_init(&b, &config, 0) == 0);
    CHECK(a.hash_key.k0 != b.hash_key.k0);
    core_free(&a);
    core_free(&b);
}

TEST(settings_have_names_bounds_and_defaults)
{
    struct settings settings;
    settings_init(&settings);
    int64_t minimum, maximum, initial, value;
    const char *name, *meaning;
    unsigned count = 0;
    for (; (name = settings_name(count, &minimum, &maximum, &initial, &meaning)); count++) {
        CHECK(minimum <= initial && initial <= maximum);
        CHECK(meaning[0] != '\0');
        CHECK_EQ(settings_get(&settings, name, &value), 0);
        CHECK_EQ(value, initial);
        CHECK(minimum == INT64_MIN || settings_set(&settings, name, minimum - 1) == -ERANGE);
        CHECK(maximum == INT64_MAX || settings_set(&settings, name, maximum + 1) == -ERANGE);
        CHECK_EQ(settings_set(&settings, name, minimum), 0);
        CHECK_EQ(settings_set(&settings, name, maximum), 0);
        // Had two settings one name, the second would have kept its default.
        CHECK_EQ(settings_get(&settings, name, &value), 0);
        CHECK_EQ(value, maximum);
        const char *other;
        int64_t ignored;
        for (unsigned i = 0; i < count && (other = settings_name(i, &ignored, &ignored, &ignored, &meaning));
             i++)
            CHECK(strcmp(name, other) != 0);
    }
    CHECK(count > 40);
    CHECK_EQ(settings_set(&settings, "net.ipv4.no_such", 1), -ENOENT);
    CHECK_EQ(settings_get(&settings, "net.ipv4.no_such", &value), -ENOENT);
}

TEST(a_setting_lands_in_its_field)
{
    struct settings settings;
    settings_init(&settings);
    CHECK_EQ(settings.ip_default_ttl, 64);
    CHECK_EQ(settings_set(&settings, "net.ipv4.ip_default_ttl", 9), 0);
    CHECK_EQ(settings.ip_default_ttl, 9);
    CHECK_EQ(settings.ip_forward, 0);
}

TEST(counters_have_names_and_explanations)
{
    CHECK_STR(counter_name(COUNTER_ethernet_drop_short), "ethernet_drop_short");
    for (int i = 1; i < COUNTER_COUNT; i++) {
        CHECK(counter_name((enum counter)i)[0] != '\0');
        CHECK(counter_help((enum counter)i)[0] != '\0');
        for (int j = 1; j < i; j++)
            CHECK(strcmp(counter_name((enum counter)i), counter_name((enum counter)j)) != 0);
    }
    CHECK(counter_name(COUNTER_COUNT) == NULL);
    CHECK(counter_help((enum counter) - 1) == NULL);
}

TEST(the_version_is_that_of_the_header)
{
    char expected[40];
    snprintf(expected, sizeof expected, "%d.%d.%d", STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR,
             STRATA_VERSION_PATCH);
    CHECK_STR(strata_version(), expected);
}

TEST_MAIN(TEST_ENTRY(a_core_takes_little_and_gives_all_back),
          TEST_ENTRY(the_c_library_is_the_default_allocator),
          TEST_ENTRY(what_cannot_be_a_configuration_is_refused),
          TEST_ENTRY(an_older_caller_with_a_shorter_struct_is_served), TEST_ENTRY(a_long_name_is_cut),
          TEST_ENTRY(drops_are_counted_and_traced), TEST_ENTRY(the_same_seed_gives_the_same_core),
          TEST_ENTRY(settings_have_names_bounds_and_defaults), TEST_ENTRY(a_setting_lands_in_its_field),
          TEST_ENTRY(counters_have_names_and_explanations), TEST_ENTRY(the_version_is_that_of_the_header))
