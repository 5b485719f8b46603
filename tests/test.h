/**
 * The whole of our test framework.
 *
 *     #include "tests/test.h"
 *
 *     TEST(ring_begins_empty)
 *     {
 *         CHECK_EQ(ring.length, 0);
 *     }
 *
 *     TEST_MAIN(TEST_ENTRY(ring_begins_empty), TEST_ENTRY(...))
 *
 * One line is printed per test function. A failing CHECK says where and what, and the test goes on; a failing
 * REQUIRE ends the program, for what makes no sense to go on without. The program fails when any check did,
 * and when nothing ran. An argument runs only the tests whose name contains it. A test that is written but
 * not listed is an unused function, which the compiler does not accept.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};

#define TEST(name) static void name(void)
#define TEST_ENTRY(name)                                                                                     \
    {                                                                                                        \
#name, name                                                                                          \
    }
#define TEST_MAIN(...)                                                                                       \
    int main(int argc, char **argv)                                                                          \
    {                                                                                                        \
        static const struct test tests[] = {__VA_ARGS__};                                                    \
        return test_main(argc, argv, tests, sizeof tests / sizeof *tests);                                   \
    }

/** How many checks failed so far, in this program: one count for the test and the helpers it is linked with. */
__attribute__((weak)) unsigned test_failure_count;
static inline unsigned *test_failures(void)
{
    return &test_failure_count;
}

/** Begins the report of a failure. Beyond some failures nothing more is printed. */
static inline bool test_fails(const char *file, int line)
{
    if (++*test_failures() > 50)
        return false;
    printf("    %s:%d: ", file, line);
    return true;
}

static inline bool test_check(bool holds, const char *text, const char *file, int line)
{
    if (!holds && test_fails(file, line))
        printf("does not hold: %s\n", text);
    return holds;
}

static inline bool test_equal(int64_t a, int64_t b, const char *text, const char *file, int line)
{
    if (a != b && test_fails(file, line))
        printf("%s: %" PRId64 " (0x%" PRIx64 ") is not %" PRId64 " (0x%" PRIx64 ")\n", text, a, (uint64_t)a,
               b, (uint64_t)b);
    return a == b;
}

static inline bool test_string(const char *a, const char *b, const char *text, const char *file, int line)
{
    bool equal = a && b ? strcmp(a, b) == 0 : a == b;
    if (!equal && test_fails(file, line))
        printf("%s:\n        \"%s\" is not\n        \"%s\"\n", text, a ? a : "(null)", b ? b : "(null)");
    return equal;
}

static inline bool test_memory(const void *a, const void *b, size_t size, const char *text, const char *file,
                               int line)
{
    const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
    size_t i = 0;
    while (i < size && x[i] == y[i])
        i++;
    if (i == size)
        return true;
    if (!test_fails(file, line))
        return false;
    size_t first = i < 8 ? 0 : i - 8, last = size - first > 24 ? first + 24 : size;
    printf("%s: differ at byte %zu of %zu\n        from %zu:", text, i, size, first);
    for (size_t j = first; j < last; j++)
        printf(" %02x", x[j]);
    printf("\n        is not:");
    for (size_t j = first; j < last; j++)
        printf(" %02x", y[j]);
    printf("\n");
    return false;
}

/** Each of these is an expression too: whether the check held. */
#define CHECK(condition) test_check((condition) ? true : false, #condition, __FILE__, __LINE__)
/** Two integers of any type; what is found first, what is expected second. */
#define CHECK_EQ(actual, expected)                                                                           \
    test_equal((int64_t)(actual), (int64_t)(expected), #actual " == " #expected, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) test_string(actual, expected, #actual, __FILE__, __LINE__)
#define CHECK_MEM(actual, expected, size) test_memory(actual, expected, size, #actual, __FILE__, __LINE__)

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!CHECK(condition)) {                                                                             \
            fflush(stdout);                                                                                  \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/** Ends the program as skipped, for want of a permission or a peer. */
#define TEST_SKIP(reason)                                                                                    \
    do {                                                                                                     \
        printf("SKIPPED: %s\n", reason);                                                                     \
        fflush(stdout);                                                                                      \
        exit(77);                                                                                            \
    } while (0)

/** Numbers for property tests, the same on every machine (splitmix64). The state is the seed at first. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
/** One of 0 ... bound - 1; near enough to even for a test. */
static inline uint64_t test_below(uint64_t *state, uint64_t bound)
{
    return test_random(state) % bound;
}
static inline void test_fill(uint64_t *state, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = (uint8_t)(test_random(state) >> 32);
}

static inline int test_main(int argc, char **argv, const struct test *tests, size_t count)
{
    unsigned ran = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && !strstr(tests[i].name, argv[1]))
            continue;
        unsigned before = *test_failures();
        tests[i].run();
        printf("%s %s\n", *test_failures() == before ? "ok  " : "FAIL", tests[i].name);
        fflush(stdout);
        ran++;
    }
    if (ran == 0)
        printf("no test ran\n");
    return ran == 0 || *test_failures() != 0;
}

#endif
