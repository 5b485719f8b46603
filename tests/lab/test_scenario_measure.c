/*
 * Quantities are read and printed exactly; what a cable is measured to do is what the formulas say; checks of measured
 * and printed numbers hold within their tolerance and fail outside.
 */
#include "lab/scenario.h"

#include <errno.h>

#include "lab/timeline.h"

#include "tests/test.h"

TEST(quantities_are_read)
{
    static const struct {
        const char *text;
        int length;
        enum dimension dimension;
        uint64_t value;
    } rows[] = {
        {"20ms", 4, DIMENSION_TIME, 20000000},
        {"20.5 ms, then", 7, DIMENSION_TIME, 20500000},
        {"1.5 s.", 5, DIMENSION_TIME, 1500000000},
        {"62min", 5, DIMENSION_TIME, UINT64_C(3720000000000)},
        {"266.6 kbit/s", 12, DIMENSION_RATE, 266600},
        {"188 kB/s", 8, DIMENSION_RATE, 1504000},
        {"1.536Mbit", 9, DIMENSION_RATE, 1536000},
        {"0.000267", 8, DIMENSION_NUMBER, 267000},
        {"0.0000000019", 12, DIMENSION_NUMBER, 1},
        {"3%", 2, DIMENSION_NUMBER, 30000000},
        {"40 ppm", 6, DIMENSION_NUMBER, 40000},
        {"18 round trips", 2, DIMENSION_NUMBER, UINT64_C(18000000000)},
        {"7.", 1, DIMENSION_NUMBER, UINT64_C(7000000000)},
        {"sometimes", -EINVAL, 0, 0},
        {"-3", -EINVAL, 0, 0},
        {"", -EINVAL, 0, 0},
        {"99999999999999999999", -ERANGE, 0, 0},
        {"99999999999", -ERANGE, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quantity found = {0};
        CHECK_EQ(quantity_scan(rows[i].text, &found), rows[i].length);
        if (rows[i].length > 0) {
            CHECK_EQ(found.dimension, rows[i].dimension);
            CHECK_EQ(found.value, rows[i].value);
        }
        int whole = rows[i].length < 0 ? rows[i].length : rows[i].text[rows[i].length] ? -EINVAL : 0;
        CHECK_EQ(quantity_parse(rows[i].text, &found), whole);
    }
}

TEST(quantities_are_printed)
{
    char room[64];
    CHECK_STR(quantity_format((struct quantity){DIMENSION_TIME, 30008000}, room, sizeof room), "30.008 ms");
    CHECK_STR(quantity_format((struct quantity){DIMENSION_TIME, UINT64_C(3720000000000)}, room, sizeof room), "3720 s");
    CHECK_STR(quantity_format((struct quantity){DIMENSION_TIME, 0}, room, sizeof room), "0 ns");
    CHECK_STR(quantity_format((struct quantity){DIMENSION_RATE, 266595}, room, sizeof room), "266.595 kbit/s");
    CHECK_STR(quantity_format((struct quantity){DIMENSION_NUMBER, 424000}, room, sizeof room), "0.000424");
    CHECK_STR(quantity_format((struct quantity){DIMENSION_NUMBER, UINT64_C(18000000000)}, room, sizeof room), "18");
}

TEST(near_is_a_share_of_what_was_expected)
{
    struct quantity expected = {DIMENSION_TIME, 1000000};
    CHECK(quantity_is_near((struct quantity){DIMENSION_TIME, 1030000}, expected, 30000));
    CHECK(!quantity_is_near((struct quantity){DIMENSION_TIME, 1030001}, expected, 30000));
    CHECK(quantity_is_near((struct quantity){DIMENSION_TIME, 970000}, expected, 30000));
    CHECK(!quantity_is_near((struct quantity){DIMENSION_TIME, 969999}, expected, 30000));
    CHECK(!quantity_is_near((struct quantity){DIMENSION_TIME, 999999}, expected, 0));
    CHECK(!quantity_is_near((struct quantity){DIMENSION_RATE, 1000000}, expected, 1000000));
    CHECK_EQ(quantity_ratio(1, 3).value, 333333333);
    CHECK_EQ(quantity_ratio(UINT64_C(3) << 61, UINT64_C(1) << 61).value, UINT64_C(3000000000));
    CHECK_EQ(quantity_ratio(1, 0).value, 0);
}

static char said[8000];

static char told[20000]; /**< The timeline. */

static bool run(const char *text)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    struct scenario_run run;
    if (scenario_parse(&scenario, "f", text, strlen(text), &complaints) != 0) {
        complaints_print(&complaints, "f", stdout);
        REQUIRE(!"the scenario is right");
    }
    struct scenario_options options = {0};
    REQUIRE(scenario_build(&run, scenario, &options) == 0);
    struct timeline *timeline = NULL;
    FILE *to = fmemopen(told, sizeof told, "w");
    REQUIRE(timeline_new(&timeline, run.world, &(struct timeline_config){.to = to}) == 0);
    REQUIRE(scenario_go(&run, &options) == 0);
    timeline_finish(timeline);
    timeline_free(timeline);
    fclose(to);
    said[0] = '\0';
    for (unsigned i = 0; i < run.result_count; i++)
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s %s: %s\n", run.results[i].ok ? "ok" : "FAILED",
                 run.results[i].name, run.results[i].detail);
    bool ok = run.ok;
    scenario_run_free(&run);
    scenario_free(scenario);
    complaints_free(&complaints);
    return ok;
}

/* Three echo requests of 28 + 72 bytes at 80 kbit/s: 10 ms each, and 5 ms of propagation; a second apart. */
#define PINGS                                                                                                        \
    "nodes:\n"                                                                                                       \
    "  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 -s 72 --count 3]}\n"                                       \
    "  b: {address: 10.0.0.2/24}\n"                                                                                  \
    "links: [{endpoints: [a, b], link: ip, rate: 80kbit, delay: 5ms}]\n"                                             \
    "checks:\n"

TEST(a_cable_is_measured)
{
    // The first is sent at 0, the last answer arrives at 2.03 s: in between 2.03 s pass, and 300 bytes arrive.
    CHECK(run(PINGS "  - {cable: a-b, measure: delay, value: 15ms}\n"
                    "  - {cable: a-b, measure: delay_max, direction: backward, value: 15ms}\n"
                    "  - {cable: a-b, measure: delay_min, value: 15ms}\n"
                    "  - {cable: a-b, measure: waiting, value: 0ms}\n"
                    "  - {cable: a-b, measure: throughput, value: 1182bit/s}\n"
                    "  - {cable: a-b, measure: utilisation, value: 0.0148, within: 1%}\n"
                    "  - {cable: a-b, measure: inside, value: 0.0222, within: 1%}\n"
                    "  - {cable: a-b, measure: little, value: 1}\n"));
    CHECK(strstr(said, "ok delay of a-b forward: 15 ms, expected 15 ms\n") != NULL);
    CHECK(strstr(said, "ok utilisation of a-b forward: 0.014778325, expected 0.0148 within 1%\n") != NULL);
    CHECK(!run(PINGS "  - {cable: a-b, measure: delay, value: 14ms, within: 7%}\n"));
    CHECK(strncmp(said, "FAILED delay of a-b forward: 15 ms, expected 14 ms within 7%\n", 60) == 0);
    CHECK(!run(PINGS "  - {cable: a-b, measure: inside, value: 0.1}\n"));
}

/* What is lost leaves, what is doubled is inside twice. */
TEST(faults_are_measured_too)
{
    CHECK(run("nodes:\n"
              "  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 -s 72 --count 3]}\n"
              "  b: {address: 10.0.0.2/24}\n"
              "links: [{endpoints: [a, b], link: ip, delay: 5ms, forward: {lose: 2}, backward: {double: 2}}]\n"
              "checks:\n"
              "  - {cable: a-b, measure: delay, value: 5ms}\n"
              "  - {cable: a-b, measure: little, value: 1}\n"
              "  - {cable: a-b, measure: little, direction: backward, value: 1}\n"
              "  - {cable: a-b, measure: throughput, direction: backward, value: 1194bit/s}\n")); // 300 bytes in 2.01 s
}

TEST(printed_numbers_are_compared)
{
    CHECK(run(PINGS "  - {program: ping, prints: \"time=\", value: 30ms}\n"
                    "  - {output: a, contains: \"rtt min/avg/max/mdev =\", value: 30, within: 1%}\n"
                    "  - {output: a, lacks: duplicate}\n"));
    CHECK(!run(PINGS "  - {program: ping, prints: \"time=\", value: 20ms, within: 10%}\n"));
    CHECK(strncmp(said, "FAILED program ping prints what it should: 30 ms, expected 20 ms within 10%\n", 70) == 0);
    CHECK(!run(PINGS "  - {program: ping, prints: \"PING\", value: 20ms}\n")); // 10.0 is a number, not a time
    CHECK(!run(PINGS "  - {program: ping, prints: \"bytes\", value: 20ms}\n"));
    CHECK(strstr(said, "behind \"bytes\" stands no number but \"") != NULL);
    CHECK(!run(PINGS "  - {output: a, lacks: \"time=\"}\n"));
}

static unsigned lines_with(const char *word)
{
    unsigned count = 0;
    for (const char *at = told; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* A thousand datagrams are a few lines; losses are told one by one at first, and counted in the end. */
TEST(datagrams_are_summed_up)
{
    CHECK(run("nodes:\n"
              "  a: {address: 10.0.0.1/24, programs: [traffic 10.0.0.2 --packets 1000 --every 1ms]}\n"
              "  b: {address: 10.0.0.2/24, programs: [traffic-sink --for 3s]}\n"
              "links: [{endpoints: [a, b], link: ip, forward: {lose: [500, 501, 502]}}]\n"));
    CHECK_EQ(lines_with("UDP 972 bytes"), 8 + 3 + 4 + 1); // at first, the losses, around them, with the last word
    CHECK_EQ(lines_with("LOST (script)"), 3);
    CHECK(strstr(told, "492 more datagrams with 478224 bytes, 10.0.0.1:") != NULL);
    CHECK(run("nodes:\n"
              "  a: {address: 10.0.0.1/24, programs: [traffic 10.0.0.2 --packets 1000 --every 1ms]}\n"
              "  b: {address: 10.0.0.2/24, programs: [traffic-sink --for 3s]}\n"
              "links: [{endpoints: [a, b], link: ip, loss: 50%}]\n"));
    CHECK_EQ(lines_with("LOST (loss)"), 12);
    CHECK(strstr(told, " lost or damaged, 10.0.0.1:") != NULL);
    CHECK(run("nodes:\n" // packets of rdt have names
              "  a: {address: 10.0.0.1/24, programs: [rdt-sender 10.0.0.2 --packets 3]}\n"
              "  b: {address: 10.0.0.2/24, programs: [rdt-receiver]}\n"
              "links: [{endpoints: [a, b], link: ip, delay: 1ms, forward: {damage: 2}}]\n"));
    CHECK(strstr(told, "a > b  ") && strstr(told, "rdt packet 1\n") && strstr(told, "rdt ACK 1\n"));
}

TEST(mistakes_are_explained)
{
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        {PINGS "  - {cable: a-b, measure: dely, value: 1ms}\n",
         "dely is not delay, delay_min, delay_max, waiting, inside, throughput, utilisation or little (did you mean "
         "delay?)"},
        {PINGS "  - {cable: a-b, measure: delay, value: 3}\n", "delay is a time such as 12.5ms"},
        {PINGS "  - {cable: a-b, measure: delay}\n", "the check of measure says nothing that could fail"},
        {PINGS "  - {cable: a-b, measure: delay, max: 3}\n", "max does not go with measure; it takes"},
        {PINGS "  - {cable: a-b, count: lost, value: 3}\n", "value does not go with cable"},
        {PINGS "  - {program: ping, value: 3}\n", "value is the number behind a text: say which, with prints"},
        {PINGS "  - {program: ping, prints: x, within: 3%}\n", "within needs a value to be near to"},
        {PINGS "  - {output: a, contains: x, value: soon}\n", "soon is not a number, a time such as 12.5ms or a rate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct complaints complaints = {0};
        struct scenario *scenario = NULL;
        CHECK_EQ(scenario_parse(&scenario, "f", rows[i].text, strlen(rows[i].text), &complaints), -EINVAL);
        CHECK(complaints.count > 0 && strstr(complaints.items[0].text, rows[i].complaint) != NULL);
        if (complaints.count > 0 && !strstr(complaints.items[0].text, rows[i].complaint))
            printf("        %s\n", complaints.items[0].text);
        scenario_free(scenario);
        complaints_free(&complaints);
    }
}

TEST_MAIN(TEST_ENTRY(quantities_are_read), TEST_ENTRY(quantities_are_printed),
          TEST_ENTRY(near_is_a_share_of_what_was_expected), TEST_ENTRY(a_cable_is_measured),
          TEST_ENTRY(faults_are_measured_too), TEST_ENTRY(printed_numbers_are_compared),
          TEST_ENTRY(datagrams_are_summed_up), TEST_ENTRY(mistakes_are_explained))
