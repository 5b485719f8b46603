/*
 * Checks that compute a figure: shares and fairness, windows, stations of a switch. They hold where they should, and
 * fail where they should not.
 */
#include "lab/scenario_figures.h"
#include "tests/lab/verdict.h"

static bool run(const char *world, const char *checks)
{
    char text[4000];
    snprintf(text, sizeof text, "checks:\n%s", checks);
    return verdict(world, text);
}

/** a sends 1,000 bytes to b[1], 2,000 to b[2], 3,000 to b[3]; link type IP: sizes are those of datagrams. */
#define SHARES                                                                                               \
    "nodes:\n"                                                                                               \
    "  a:\n"                                                                                                 \
    "    addresses: {eth1: 10.0.1.1/24, eth2: 10.0.2.1/24, eth3: 10.0.3.1/24}\n"                             \
    "    programs:\n"                                                                                        \
    "      - {run: traffic 10.0.1.2 --packets 1 --size 1000, name: one}\n"                                   \
    "      - {run: traffic 10.0.2.2 --packets 2 --size 1000 --every 1ms, name: two}\n"                       \
    "      - {run: traffic 10.0.3.2 --packets 3 --size 1000 --every 1ms, name: three}\n"                     \
    "  b1: {address: 10.0.1.2/24, programs: [traffic-sink --packets 1]}\n"                                   \
    "  b2: {address: 10.0.2.2/24, programs: [traffic-sink --packets 2]}\n"                                   \
    "  b3: {address: 10.0.3.2/24, programs: [traffic-sink --packets 3]}\n"                                   \
    "links:\n"                                                                                               \
    "  - {endpoints: [a, b1], link: ip}\n  - {endpoints: [a, b2], link: ip}\n  - {endpoints: [a, b3], link: ip}\n"

TEST(shares_and_their_fairness)
{
    CHECK(run(SHARES, "  - {received: b3, of: [b1, b2, b3], value: 0.5}\n"));
    CHECK_STR(said, "0.5, expected 0.5");
    CHECK(run(SHARES, "  - {received: \"b1:eth1\", of: [\"b[1-3]\"], value: 0.1667, within: 1%}\n"));
    CHECK(run(SHARES, "  - {received: b2, value: 2000}\n"));
    CHECK(!run(SHARES, "  - {received: b2, of: [b2, b3], value: 0.5, within: 10%}\n"));
    CHECK_STR(said, "0.4, expected 0.5 within 10%");
    // 36 / (3 * 14)
    CHECK(run(SHARES, "  - {fairness: [b1, b2, b3], value: 0.857, within: 0.1%}\n"));
    CHECK(!run(SHARES, "  - {fairness: [\"b[1-3]\"], value: 1, within: 10%}\n"));
    CHECK(run(SHARES, "  - {fairness: [b1, b1], value: 1}\n"));
    CHECK(!run(SHARES, "  - {fairness: [b1, c], value: 1}\n"));
    CHECK_STR(said, "t:16:21: there is no node c\n");
    CHECK(!run(SHARES, "  - {fairness: [b1, \"b2:eth2\"], value: 1}\n"));
    CHECK_STR(said, "t:16:21: there is no link at eth2 of b2\n");
    CHECK(!run(SHARES, "  - {fairness: [b1, b2], value: 1ms}\n"));
    CHECK_STR(said, "t:16:33: fairness is a number such as 0.5\n");
    CHECK(!run(SHARES, "  - {fairness: [b1, b2]}\n"));
    CHECK_STR(said, "t:16:5: the check of fairness says nothing that could fail; it takes value within\n");
}

#define TOOTH(algorithm)                                                                                     \
    "duration: 20s\nnodes:\n"                                                                                \
    "  a: {address: 10.0.0.1/24, settings: {strata.tcp_congestion: " algorithm "},\n"                        \
    "      programs: [{run: talk 10.0.0.2:9 write 1000000000, background: true}]}\n"                         \
    "  b: {address: 10.0.0.2/24, programs: [{run: talk --listen 9 read all, background: true}]}\n"           \
    "links: [{endpoints: [a, b], link: ip, rate: 5mbit, delay: 20ms, limit: 17}]\n"

TEST(windows_that_fall)
{
    CHECK(run(TOOTH("1"), "  - {window: a, figure: kept, after: 3s, value: 0.5, within: 1%}\n"));
    CHECK(run(TOOTH("0"), "  - {window: a, figure: kept, after: 3s, value: 0.7, within: 2%}\n"));
    CHECK(run(TOOTH("1"), "  - {window: a, figure: falls, after: 3s, min: 10, max: 30}\n"));
    CHECK(run(TOOTH("1"), "  - {window: a, figure: peak, after: 3s, value: 49000, within: 10%}\n")); // 34 segments
    CHECK(run(TOOTH("1"), "  - {window: a, figure: mean, after: 3s, value: 0.78, within: 3%}\n"));
    CHECK(run(TOOTH("1"), "  - {window: b, figure: falls, max: 0}\n"));
    CHECK_STR(said, "0");
    CHECK(!run(TOOTH("1"), "  - {window: b, figure: kept, value: 0.5}\n"));
    CHECK_STR(said, "no window fell");
    CHECK(!run(TOOTH("1"), "  - {window: a, figure: kept, after: 3s, value: 0.7, within: 5%}\n"));
    CHECK(!run(TOOTH("1"), "  - {window: a, figure: falling, value: 0.7}\n"));
    CHECK_STR(said, "t:8:25: falling is not falls, kept, peak or mean (did you mean falls?)\n");
}

#define SWITCH                                                                                               \
    "duration: 400s\nnodes:\n"                                                                               \
    "  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 1]}\n"                                     \
    "  b: {address: 10.0.0.2/24}\n  c: {address: 10.0.0.3/24}\n  s: {kind: switch}\n"                        \
    "links: [{endpoints: [a, s]}, {endpoints: [b, s]}, {endpoints: [c, s]}]\n"

TEST(stations_that_a_switch_knows)
{
    CHECK(run(SWITCH, "  - {stations: s, equals: 3}\n"));
    CHECK(run(SWITCH, "  - {stations: s, node: b, behind: eth2, equals: 1}\n"));
    CHECK(run(SWITCH, "  - {stations: s, node: b, behind: eth1, equals: 0}\n"));
    CHECK(run(SWITCH, "  - {stations: s, behind: eth3, min: 1, max: 1}\n"));
    CHECK(!run(SWITCH, "  - {stations: s, max: 2}\n"));
    CHECK_STR(said, "3, expected at most 2");
    CHECK(run(SWITCH "events: [{at: 320s, note: late}]\n", "  - {stations: s, equals: 0}\n"));
    CHECK(!run(SWITCH, "  - {stations: a, equals: 0}\n"));
    CHECK_STR(said, "t:9:16: a is no switch: only a switch knows stations\n");
}

TEST_MAIN(TEST_ENTRY(shares_and_their_fairness), TEST_ENTRY(windows_that_fall),
          TEST_ENTRY(stations_that_a_switch_knows))
