/*
 * All mistakes in a scenario are told at once, each with its place. What is said of each is in tests/lab/mistakes.
 */
#include "lab/scenario.h"

#include <errno.h>

#include "tests/test.h"

/** What is said about a scenario, as the tool prints it. */
static const char *complaints_of(const char *text)
{
    static char said[8000];
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    int error = scenario_parse(&scenario, "f", text, strlen(text), &complaints);
    said[0] = '\0';
    FILE *to = fmemopen(said, sizeof said, "w");
    REQUIRE(to != NULL);
    complaints_print(&complaints, "f", to);
    fclose(to);
    CHECK_EQ(error, complaints.count > 0 ? -EINVAL : 0);
    complaints_free(&complaints);
    scenario_free(scenario);
    return said;
}

/* Two hosts and a cable, to put a mistake into. */
#define PAIR "nodes: {a: {address: 10.0.0.1/24}, b: {address: 10.0.0.2/24}}\nlinks: [{endpoints: [a, b]}]\n"

TEST(what_is_right_is_not_complained_about)
{
    CHECK_STR(complaints_of(PAIR), "");
    CHECK_STR(complaints_of("nodes: {a: }"), "");
    CHECK_STR(complaints_of("nodes: {a: {dhcp: true}, s: {kind: switch}}\nlinks: [{endpoints: [a, s]}]\n"),
              "");
    CHECK_STR(complaints_of(PAIR "events: [{at: 1s, cut: a-b}, {at: 2.5s, mend: a-b}, {at: 1m, crash: a}]"),
              "");
    CHECK_STR(complaints_of("nodes: {a: , b: , c: }\n"
                            "links: [{kind: bus, endpoints: [a, b, c]}, {endpoints: [a, b]}]\n"),
              "");
}

TEST(all_mistakes_are_told_in_the_order_of_the_file)
{
    CHECK_STR(
        complaints_of("nodes:\n"
                      "  a:\n"
                      "    address: 10.0.0.1/33\n"
                      "    dhcp: perhaps\n"
                      "  b: {kind: bridge}\n"
                      "links:\n"
                      "  - {endpoints: [a, c], loss: lots}\n"
                      "checks:\n"
                      "  - {output: q, contains: x}\n"),
        "f:3:14: 10.0.0.1/33 is not an address with a prefix length, such as 10.0.0.1/24 or 2001:db8::1/64\n"
        "f:4:11: perhaps is not true or false\n"
        "f:5:13: bridge is not host, router, switch, hub or outside (did you mean switch?)\n"
        "f:7:21: there is no node c\n"
        "f:7:31: lots is not a share such as 3% or 0.01%\n"
        "f:9:14: there is no node q\n");
}

/* Anchors are allowed, and must not be a way to make a small file endless. */
TEST(anchors)
{
    CHECK_STR(complaints_of("nodes: {a: &host {dhcp: false}, b: *host}\n"), "");
    char text[4000];
    size_t length = (size_t)snprintf(text, sizeof text, "nodes:\n  a: &a {programs: [&p {run: ping x}");
    for (int i = 0; i < 100; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, ", *p");
    snprintf(text + length, sizeof text - length, "]}\n");
    CHECK(strstr(complaints_of(text), "already runs a program called ping") != NULL);
    CHECK(complaints_of("nodes: &n {a: *n}\n")[0] == 'f'); // a mapping that holds itself
}

TEST_MAIN(TEST_ENTRY(what_is_right_is_not_complained_about),
          TEST_ENTRY(all_mistakes_are_told_in_the_order_of_the_file), TEST_ENTRY(anchors))
