/*
 * Scenarios that run: what was described is what there is, events happen, checks hold when they should and
 * fail when they should, and the result as JSON says so.
 */
#include "lab/scenario.h"

#include <jansson.h>

#include "lab/sha256.h"
#include "lab/timeline.h"
#include "tests/test.h"

static char said[20000];

/** Runs a scenario from text with its timeline; `said` gets "ok name: detail" for each check. */
static bool run_text(const char *text, uint64_t seed, int level, char *timeline_text, size_t timeline_size,
                     uint64_t *hash, char **json)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    if (scenario_parse(&scenario, "test.yaml", text, strlen(text), &complaints) != 0) {
        complaints_print(&complaints, "test.yaml", stdout);
        REQUIRE(!"the scenario is right");
    }
    struct scenario_options options = {.seed = seed, .trace_hosts = level > 0};
    struct scenario_run run;
    struct timeline *timeline = NULL;
    REQUIRE(scenario_build(&run, scenario, &options) == 0);
    FILE *to = timeline_text ? fmemopen(timeline_text, timeline_size, "w") : NULL;
    if (to)
        REQUIRE(timeline_new(&timeline, run.world, &(struct timeline_config){.to = to, .level = level}) == 0);
    REQUIRE(scenario_go(&run, &options) == 0);
    if (to) {
        timeline_finish(timeline);
        fclose(to);
    }
    timeline_free(timeline);
    said[0] = '\0';
    for (unsigned i = 0; i < run.result_count; i++) {
        size_t length = strlen(said);
        snprintf(said + length, sizeof said - length, "%s %s: %s\n", run.results[i].ok ? "ok" : "FAILED",
                 run.results[i].name, run.results[i].detail);
    }
    if (hash)
        *hash = strata_world_hash(run.world);
    if (json)
        *json = scenario_json(&run);
    bool ok = run.ok;
    scenario_run_free(&run);
    scenario_free(scenario);
    complaints_free(&complaints);
    return ok;
}

static bool run(const char *text)
{
    return run_text(text, 0, 0, NULL, 0, NULL, NULL);
}

#define PING                                                                                                 \
    "nodes:\n"                                                                                               \
    "  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 2]}\n"                                     \
    "  b: {address: 10.0.0.2/24}\n"                                                                          \
    "links: [{endpoints: [a, b], delay: 1ms}]\n"

TEST(a_program_must_end_well_even_without_checks)
{
    CHECK(run(PING));
    CHECK_STR(said, "ok program ping on a ends with status 0: ended with status 0\n");
    CHECK(!run("nodes: {a: {address: 10.0.0.1/24, programs: [ping 10.0.0.9 --count 1 --timeout 1]}, b: }\n"
               "links: [{endpoints: [a, b]}]\n"));
    CHECK(strncmp(said, "FAILED program ping on a ends with status 0: ping ended with status ", 60) == 0);
}

TEST(checks_of_every_kind_hold)
{
    CHECK(
        run("seed: 5\n"
            "nodes:\n"
            "  web: {address: 10.0.0.1/24, files: {/www/x: {size: 30000, pattern: count}}, programs: "
            "[http-server /www]}\n"
            "  me:\n"
            "    address: 10.0.0.2/24\n"
            "    programs: [{name: get, run: fetch http://10.0.0.1/x -o /y}]\n"
            "links: [{endpoints: [web, me], delay: 1ms, rate: 10mbit}]\n"
            "checks:\n"
            "  - {program: get, node: me, exits: 0, prints: '30000 bytes'}\n"
            "  - {output: me, contains: '200'}\n"
            "  - {file: 'me:/y', equals: 'web:/www/x', size: 30000}\n"
            "  - {file: 'me:/y', sha256: b26cb54bfc20a16f50d1e52e05a9ac0dfe8b5d51b1a2e6f3ed6a2b8f5e0ff0bc}\n"
            "  - {counter: tcp_opened, node: me, equals: 1}\n"
            "  - {counter: tcp_segments_sent, min: 20, max: 100}\n"
            "  - {received: me, min: 30000, max: 40000}\n"
            "  - {cable: web-me, count: lost, equals: 0}\n"
            "  - {cable: web-me, count: bytes_delivered, min: 30KiB}\n"
            "  - {no_drops: [web, me]}\n"
            "  - {done_before: 1s}\n"
            "  - {programs: done}\n") == false); // the SHA-256 above is not that of the file
    char sum[65];
    uint8_t content[30000];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)i;
    sha256_text(content, sizeof content, sum);
    unsigned failed = 0;
    for (const char *at = said; (at = strstr(at, "FAILED ")); at++)
        failed++;
    CHECK_EQ(failed, 1);
    char expected[200];
    snprintf(expected, sizeof expected, "FAILED file me:/y: its SHA-256 is %s\n", sum);
    CHECK(strstr(said, expected) != NULL);
}

/* FIPS 180-4, with the examples that its authors publish. */
TEST(sha256)
{
    char sum[65];
    sha256_text("abc", 3, sum);
    CHECK_STR(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_text("", 0, sum);
    CHECK_STR(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, sum);
    CHECK_STR(sum, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(checks_of_every_kind_fail)
{
    CHECK(!run(
        "duration: 3s\n"
        "nodes:\n"
        "  a: {address: 10.0.0.1/24, files: {/x: hello}, programs: [ping 10.0.0.2 --count 2,\n"
        "      {name: slow, run: ping 10.0.0.2 --count 100}, {name: late, at: 10s, run: ping 10.0.0.2}]}\n"
        "  b: {address: 10.0.0.2/24, files: {/x: world}}\n"
        "links: [{endpoints: [a, b], loss: 100%}]\n"
        "checks:\n"
        "  - {program: ping, exits: 0}\n"
        "  - {program: slow, exits: 0}\n"
        "  - {program: late, exits: 0}\n"
        "  - {output: a, contains: everything is fine}\n"
        "  - {file: 'a:/x', equals: 'b:/x'}\n"
        "  - {file: 'a:/none', size: 1}\n"
        "  - {file: 'a:/x', contains: hallo}\n"
        "  - {file: 'a:/x', size: 1KiB}\n"
        "  - {counter: ipv4_delivered, node: b, min: 1}\n"
        "  - {counter: arp_requests_sent, max: 0}\n"
        "  - {received: b, min: 1}\n"
        "  - {cable: a-b, count: delivered, min: 1}\n"
        "  - {no_drops: true}\n"
        "  - {done_before: 1s}\n"
        "  - {programs: done}\n"));
    unsigned failed = 0;
    for (const char *at = said; (at = strstr(at, "FAILED ")); at++)
        failed++;
    CHECK_EQ(failed, 15);
    CHECK(strstr(said, "FAILED program slow ends with status 0: slow has not ended after 3000 ms\n") != NULL);
    CHECK(strstr(said, "FAILED program late ends with status 0: late was not started\n") != NULL);
    CHECK(strstr(said, "FAILED file a:/x equals b:/x: they differ: 5 and 5 bytes\n") != NULL);
    CHECK(strstr(said, "FAILED file a:/none: a:/none: No such file or directory\n") != NULL);
    CHECK(strstr(said, "FAILED frames delivered on a-b: 0, expected at least 1\n") != NULL);
}

TEST(events_happen)
{
    static char timeline[20000];
    CHECK(
        run_text("duration: 20s\n"
                 "nodes:\n"
                 "  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 10]}\n"
                 "  b: {address: 10.0.0.2/24, programs: [{run: echo-server, restart: true}]}\n"
                 "links: [{endpoints: [a, b], delay: 1ms}]\n"
                 "events:\n"
                 "  - {at: 2500ms, cut: a-b}\n"
                 "  - {at: 4500ms, mend: a-b}\n"
                 "  - {at: 5500ms, set: a-b, direction: backward, delay: 100ms}\n"
                 "  - {at: 7s, note: now it is slow}\n"
                 "  - {at: 7500ms, crash: b}\n"
                 "  - {at: 7600ms, restart: b}\n"
                 "  - {at: 12s, start: a, run: {name: later, run: echo-client 10.0.0.2 --udp --message hi}}\n"
                 "checks:\n"
                 "  - {program: ping, exits: 0}\n"
                 "  - {program: later, exits: 0}\n",
                 0, 0, timeline, sizeof timeline, NULL, NULL));
    static const char *const expected[] = {
        "   2.500000  a-b                  cut\n",
        "   4.500000  a-b                  mended\n",
        "   7.000000  *                    now it is slow\n",
        "   7.500000  b                    crashed\n",
        "   7.600000  b                    up again\n",
        "   7.600000  b                    starts echo-server\n",
        "  12.000000  a                    starts later\n",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!CHECK(strstr(timeline, expected[i]) != NULL))
            printf("        %s", expected[i]);
}

TEST(the_timeline_is_what_people_read)
{
    static char timeline[20000];
    CHECK(run_text("nodes:\n"
                   "  a: {address: 10.0.0.1/24, programs: [ping 10.0.1.2 --count 1], gateway: 10.0.0.254}\n"
                   "  r: {kind: router, addresses: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}\n"
                   "  b: {address: 10.0.1.2/24, gateway: 10.0.1.254}\n"
                   "links: [{endpoints: [a, r], delay: 1ms}, {endpoints: [r, b], delay: 1ms}]\n",
                   3, 0, timeline, sizeof timeline, NULL, NULL));
    // The identifier is drawn from the seed; what a frame says comes once, not on every cable.
    char *id = strstr(timeline, "id="), *end = id ? strchr(id, ' ') : NULL;
    REQUIRE(id && end);
    static const char expected[] =
        "   0.000000  a > everyone         ARP 10.0.0.1 announced at 02:00:00:00:00:01\n"
        "   0.000000  r > everyone         ARP 10.0.0.254 announced at 02:00:00:00:01:01\n"
        "   0.000000  r > everyone         ARP 10.0.1.254 announced at 02:00:00:00:01:02\n"
        "   0.000000  b > everyone         ARP 10.0.1.2 announced at 02:00:00:00:02:01\n"
        "   0.000000  a                    starts ping\n"
        "   0.000000  a                    | PING 10.0.1.2: 56 data bytes\n"
        "   0.000000  a > everyone         ARP who has 10.0.0.254? tell 10.0.0.1\n"
        "   0.001000  a > b                ICMP echo request ID seq=1 length=56\n";
    char start[sizeof expected + 20];
    size_t before = (size_t)(id - timeline);
    snprintf(start, sizeof start, "%.*sID%s", (int)before, timeline, end);
    CHECK(strncmp(start, expected, strlen(expected)) == 0);
    if (strncmp(start, expected, strlen(expected)) != 0)
        printf("%s\n", start);
    unsigned lines = 0;
    for (const char *c = timeline; *c; c++)
        lines += *c == '\n';
    CHECK_EQ(lines, 16);
}

TEST(long_transfers_are_summed_up)
{
    static char timeline[200000];
    static const char text[] =
        "nodes:\n"
        "  a: {address: 10.0.0.1/24, programs: [fetch http://10.0.0.2/x -o /x]}\n"
        "  b: {address: 10.0.0.2/24, files: {/www/x: {size: 1MiB}}, programs: [http-server /www]}\n"
        "links: [{endpoints: [a, b], delay: 1ms, rate: 100mbit}]\n";
    CHECK(run_text(text, 0, 0, timeline, sizeof timeline, NULL, NULL));
    unsigned lines = 0;
    for (const char *c = timeline; *c; c++)
        lines += *c == '\n';
    CHECK(lines < 50);
    CHECK(strstr(timeline, " more segments with ") != NULL);
    static char whole[2000000];
    CHECK(run_text(text, 0, 2, whole, sizeof whole, NULL, NULL));
    lines = 0;
    for (const char *c = whole; *c; c++)
        lines += *c == '\n';
    CHECK(lines > 1000);
}

TEST(the_result_is_one_json_object)
{
    uint64_t hash, again, traced;
    char *text = NULL;
    CHECK(run_text(PING, 7, 0, NULL, 0, &hash, &text));
    CHECK(run_text(PING, 7, 0, NULL, 0, &again, NULL));
    static char timeline[20000];
    CHECK(run_text(PING, 7, 2, timeline, sizeof timeline, &traced, NULL));
    CHECK(hash == again && hash == traced);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(object != NULL);
    char expected[20];
    snprintf(expected, sizeof expected, "%016" PRIx64, hash);
    CHECK(json_is_true(json_object_get(object, "ok")));
    CHECK_EQ(json_integer_value(json_object_get(object, "seed")), 7);
    CHECK_STR(json_string_value(json_object_get(object, "hash")), expected);
    CHECK(json_real_value(json_object_get(object, "virtual_seconds")) > 1.9);
    CHECK(json_integer_value(json_object_get(object, "frames")) >= 6);
    json_t *check = json_array_get(json_object_get(object, "checks"), 0);
    CHECK(json_is_true(json_object_get(check, "ok")));
    CHECK_STR(json_string_value(json_object_get(check, "name")), "program ping on a ends with status 0");
    CHECK_STR(json_string_value(json_object_get(check, "detail")), "ended with status 0");
    json_decref(object);
    free(text);
}

TEST_MAIN(TEST_ENTRY(a_program_must_end_well_even_without_checks), TEST_ENTRY(checks_of_every_kind_hold),
          TEST_ENTRY(sha256), TEST_ENTRY(checks_of_every_kind_fail), TEST_ENTRY(events_happen),
          TEST_ENTRY(the_timeline_is_what_people_read), TEST_ENTRY(long_transfers_are_summed_up),
          TEST_ENTRY(the_result_is_one_json_object))
