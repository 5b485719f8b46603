/*
 * What the scenario language makes of little: includes that lie over each other, parameters, formulas, templates,
 * kinds and repetition; events to many, at times that the seed decides, again and again; limits.
 */
#include "lab/scenario.h"

#include <errno.h>

#include "tests/test.h"

/* ---- Files in memory ------------------------------------------------------------------------------------- */

struct file {
    const char *name, *text;
};

static int load(void *context, const char *path, char **text, size_t *length)
{
    for (const struct file *file = context; file->name; file++)
        if (strcmp(file->name, path) == 0) {
            *text = strdup(file->text);
            *length = strlen(file->text);
            return *text ? 0 : -ENOMEM;
        }
    return -ENOENT;
}

/** What a scenario is when everything is written out; what is said of it when it is wrong. */
static const char *expanded(const struct file *files, const char *const *sets)
{
    static char said[8000];
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    memset(said, 0, sizeof said);
    FILE *to = fmemopen(said, sizeof said, "w");
    REQUIRE(to != NULL);
    struct scenario_input input = {.file = files->name, .load = load, .context = (void *)files};
    input.expanded = to;
    input.sets = sets;
    while (sets && sets[input.set_count])
        input.set_count++;
    if (scenario_read(&scenario, &input, &complaints) != 0)
        complaints_print(&complaints, files->name, to);
    fclose(to);
    complaints_free(&complaints);
    scenario_free(scenario);
    return said;
}

static const char *alone(const char *text)
{
    return expanded((struct file[]){{"f", text}, {NULL, NULL}}, NULL);
}

/* ---- Formulas -------------------------------------------------------------------------------------------- */

/** What a formula gives. */
static const char *value_of(const char *formula)
{
    static char text[300];
    char scenario[500];
    snprintf(scenario, sizeof scenario,
             "parameters: {n: 7, rtt: 20ms, rate: 10mbit, loss: 3%%, size: 1MiB, who: anna, long-name: 5}\n"
             "title: \"<%s>\"\nnodes: {a: }\n",
             formula);
    const char *said = alone(scenario), *begin = strchr(said, '<'), *end = begin ? strchr(begin, '>') : NULL;
    if (end)
        snprintf(text, sizeof text, "%.*s", (int)(end - begin - 1), begin + 1);
    else
        snprintf(text, sizeof text, "%.*s", (int)strcspn(said, "\n"), said);
    return text;
}

TEST(formulas)
{
    static const struct {
        const char *formula, *value;
    } rows[] = {
        {"${n}", "7"},
        {"${ n + 1 }", "8"},
        {"${n - 10}", "-3"},
        {"${-n / 2}", "-4"}, // rounded down
        {"${-n % 4}", "1"},
        {"${n * (n + 1) / 2}", "28"},
        {"${2 + 3 * 4}", "14"},
        {"${7%4}", "3"},
        {"${n:03}", "007"},
        {"${long-name}", "5"},
        {"${long-name-1}", "4"},
        {"${n-1}", "6"},
        {"${rtt}", "20ms"},
        {"${rtt / 2}", "10ms"},
        {"${rtt / 3}", "6666666ns"},
        {"${rtt * 2 + 5ms}", "45ms"},
        {"${rtt / 5ms}", "4"},
        {"${rate * 50%}", "5mbit"},
        {"${rate * rtt}", "200000"}, // bits
        {"${rate * rtt / 8 / 1500}", "16"},
        {"${12000 / rate}", "1200us"},
        {"${12000 / rtt}", "600kbit"},
        {"${100 * loss}", "300%"},
        {"${size / 1024}", "1024"},
        {"${1gbit * 1h}", "3600000000000"},
        {"${0 + rtt}", "20ms"},
        {"${address('10.0.0.0/16', 300)}", "10.0.1.44/16"},
        {"${host('10.0.0.5/24', 1)}", "10.0.0.6"},
        {"${address('2001:db8::/64', 65536)}", "2001:db8::1:0/64"},
        {"${min(n, 3)} ${max(n, 3)} ${max(rtt, 30ms)}", "3 7 30ms"},
        {"$${n} and ${who}'s ${n}", "${n} and anna's 7"},
        {"${9223372036854775807 / 3}", "3074457345618258602"},
        {"${9223372036854775807 * 4 / 4}", "f:2:8: in ${9223372036854775807 * 4 / 4}: the result is too large"},
        {"${9223372036854775807 + 1}", "f:2:8: in ${9223372036854775807 + 1}: the result is too large"},
        {"${400gbit * 300d}", "f:2:8: in ${400gbit * 300d}: the result is too large"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = value_of(rows[i].formula);
        // A plain ${ is written $${ in what was expanded.
        const char *plain = strncmp(value, "$$", 2) == 0 ? value + 1 : value;
        if (!CHECK_STR(plain, rows[i].value))
            printf("        for %s\n", rows[i].formula);
    }
}

/* ---- Repetition, templates, kinds ------------------------------------------------------------------------- */

TEST(many_nodes_from_one_entry)
{
    CHECK_STR(alone("nodes:\n"
                    "  h[08-10]: {files: {/name: \"${name} ${i}\"}}\n"
                    "  h09: {forwarding: true}\n"
                    "  n${i}: {count: 2}\n"
                    "  ${x}${y}: {for: {x: [a, b], y: 1-2}}\n"),
              "nodes:\n"
              "  h08:\n    files:\n      /name: \"h08 08\"\n"
              "  h09:\n    files:\n      /name: \"h09 09\"\n    forwarding: true\n"
              "  h10:\n    files:\n      /name: \"h10 10\"\n"
              "  n1: {}\n  n2: {}\n  a1: {}\n  a2: {}\n  b1: {}\n  b2: {}\n");
    // Pairs: a later variable begins where an earlier one is; an empty range is none.
    CHECK_STR(alone("nodes: {a: }\n"
                    "events:\n  - {for: {i: 1-3, j: \"${i + 1}-3\"}, at: 1s, note: \"${i} ${j}\"}\n"),
              "nodes:\n  a:\nevents:\n- at: 1s\n  note: \"1 2\"\n- at: 1s\n  note: \"1 3\"\n"
              "- at: 1s\n  note: \"2 3\"\n");
}

TEST(many_links_from_one_entry)
{
    CHECK_STR(alone("nodes: {\"a[1-2]\": , \"b[1-2]\": , s: {kind: switch}}\n"
                    "links:\n"
                    "  - {endpoints: [\"a[1-2]\", \"b[1-2]\"], delay: \"${i}ms\"}\n"
                    "  - {endpoints: [\"a[1-2]:eth2\", s]}\n"
                    "  - {kind: bus, endpoints: [\"a[1-2]:eth3\", \"b[1-2]\"]}\n"),
              "nodes:\n  \"a1\":\n  \"a2\":\n  \"b1\":\n  \"b2\":\n  s:\n    kind: switch\nlinks:\n"
              "- endpoints:\n  - \"a1\"\n  - \"b1\"\n  delay: \"1ms\"\n"
              "- endpoints:\n  - \"a2\"\n  - \"b2\"\n  delay: \"2ms\"\n"
              "- endpoints:\n  - \"a1:eth2\"\n  - s\n"
              "- endpoints:\n  - \"a2:eth2\"\n  - s\n"
              "- kind: bus\n  endpoints:\n  - \"a1:eth3\"\n  - \"a2:eth3\"\n  - \"b1\"\n  - \"b2\"\n");
}

TEST(templates_and_kinds_lie_beneath)
{
    CHECK_STR(alone("kinds:\n"
                    "  host: {settings: {net.ipv4.ip_default_ttl: 1, net.ipv4.tcp_sack: 1}}\n"
                    "  sensor: {kind: host, settings: {net.ipv4.ip_default_ttl: 2}}\n"
                    "templates:\n"
                    "  base: {forwarding: false, files: {/a: base, /b: base}}\n"
                    "  more: {template: base, files: {/b: more, /c: \"${name}\"}}\n"
                    "nodes:\n"
                    "  x: {kind: sensor, template: more, settings: {net.ipv4.ip_default_ttl: 3}, files: {/c: own}}\n"
                    "  y: {template: more}\n"),
              "nodes:\n"
              "  x:\n    settings:\n      net.ipv4.ip_default_ttl: 3\n      net.ipv4.tcp_sack: 1\n    kind: host\n"
              "    forwarding: false\n    files:\n      /a: base\n      /b: more\n      /c: own\n"
              "  y:\n    settings:\n      net.ipv4.ip_default_ttl: 1\n      net.ipv4.tcp_sack: 1\n"
              "    forwarding: false\n    files:\n      /a: base\n      /b: more\n      /c: \"y\"\n");
    // A list is replaced, and YAML's own way of merging is understood.
    CHECK_STR(alone("templates: {t: {routes: [{to: default, via: 10.0.0.9}]}}\n"
                    "nodes:\n  a: &a {template: t, routes: [], forwarding: true}\n  b: {<<: *a, forwarding: false}\n"),
              "nodes:\n  a:\n    routes: []\n    forwarding: true\n  b:\n    routes: []\n    forwarding: false\n");
}

/* ---- Includes and parameters ------------------------------------------------------------------------------ */

TEST(what_includes_lies_over_what_is_included)
{
    static const struct file files[] = {
        {"top/main", "title: mine\nduration: 5s\ninclude: sub/part\n"
                     "nodes: {b: {forwarding: true}, c: }\nevents: [{at: 2s, note: mine}]\n"},
        {"top/sub/part", "title: theirs\nseed: 7\ninclude: ../deep\n"
                         "nodes: {a: , b: {forwarding: false, dhcp: false}}\nevents: [{at: 1s, note: theirs}]\n"},
        {"top/deep", "nodes: {d: }\nevents: [{at: 0s, note: deep}]\n"},
        {NULL, NULL},
    };
    CHECK_STR(expanded(files, NULL),
              "nodes:\n  d:\n  a:\n  b:\n    forwarding: true\n    dhcp: false\n  c:\n"
              "events:\n- at: 0s\n  note: deep\n- at: 1s\n  note: theirs\n- at: 2s\n  note: mine\n"
              "title: mine\nseed: 7\nduration: 5s\n");
}

TEST(a_file_that_is_included_twice_with_other_parameters)
{
    static const struct file files[] = {
        {"main", "include: [{file: site, set: {site: n, hosts: 1}}, {file: site, set: {site: s}}]\n"},
        {"site", "parameters: {site: x, hosts: 2}\nnodes:\n  ${site}[1-${hosts}]: {files: {/site: \"${site}\"}}\n"},
        {NULL, NULL},
    };
    CHECK_STR(expanded(files, NULL), "nodes:\n  n1:\n    files:\n      /site: \"n\"\n"
                                     "  s1:\n    files:\n      /site: \"s\"\n  s2:\n    files:\n      /site: \"s\"\n");
    CHECK_STR(expanded(files, (const char *const[]){"hosts=1", NULL}),
              "nodes:\n  n1:\n    files:\n      /site: \"n\"\n  s1:\n    files:\n      /site: \"s\"\n");
    // What `set` gives is not to be chosen.
    CHECK_STR(expanded(files, (const char *const[]){"site=z", NULL}),
              "--set site=z: the scenario has no parameter site; it has hosts\n");
}

TEST(which_value_a_parameter_has)
{
    static const struct file files[] = {
        {"main", "include: part\nparameters: {a: main, both: main}\nnodes: {n: }\ntitle: ${a} ${both} ${c}\n"},
        {"part", "parameters: {both: part, c: part}\ndescription: ${both} ${c}\n"},
        {NULL, NULL},
    };
    CHECK_STR(expanded(files, NULL), "description: main part\nnodes:\n  n:\ntitle: main main part\n");
    CHECK_STR(expanded(files, (const char *const[]){"both=set", "c=first", "c=last", NULL}),
              "description: set last\nnodes:\n  n:\ntitle: main set last\n");
}

/* ---- Runs ------------------------------------------------------------------------------------------------- */

#define NOTES_MAX 64
struct notes {
    strata_time times[NOTES_MAX];
    char texts[NOTES_MAX][40];
    unsigned count;
    strata_time ended;
    bool ok;
    char detail[300];
};

static void listen(void *context, const struct strata_lab_event *event)
{
    struct notes *notes = context;
    if (event->kind != STRATA_LAB_NOTE || notes->count == NOTES_MAX)
        return;
    snprintf(notes->texts[notes->count], sizeof notes->texts[0], "%s%s%s",
             event->node    ? strata_node_name(event->node)
             : event->cable ? strata_cable_name(event->cable)
                            : "",
             event->node || event->cable ? " " : "", event->text);
    notes->times[notes->count++] = event->time;
}

static struct notes run(const char *text, uint64_t seed)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    struct notes notes = {0};
    if (scenario_parse(&scenario, "t", text, strlen(text), &complaints) != 0) {
        complaints_print(&complaints, "t", stdout);
        REQUIRE(!"the scenario is right");
    }
    struct scenario_options options = {.seed = seed};
    struct scenario_run run;
    REQUIRE(scenario_build(&run, scenario, &options) == 0);
    strata_world_listen(run.world, listen, &notes);
    REQUIRE(scenario_go(&run, &options) == 0);
    notes.ended = strata_world_now(run.world);
    notes.ok = run.ok;
    for (unsigned i = 0; i < run.result_count; i++)
        if (!run.results[i].ok)
            snprintf(notes.detail, sizeof notes.detail, "%s: %s", run.results[i].name, run.results[i].detail);
    scenario_run_free(&run);
    scenario_free(scenario);
    return notes;
}

TEST(events_to_many)
{
    struct notes notes = run("groups: {some: [b, \"h[1-2]\"]}\n"
                             "nodes: {b: {group: late}, \"h[1-3]\": , s: {kind: switch}}\n"
                             "links: [{endpoints: [\"h[1-3]\", s]}]\n"
                             "events:\n"
                             "  - {at: 1s, cut: \"h[1-2]-s\"}\n"
                             "  - {at: 2s, crash: some}\n"
                             "  - {at: 3s, restart: [late, h2]}\n"
                             "  - {at: 4s, partition: [[h3]]}\n"
                             "  - {at: 5s, heal: true}\n"
                             "duration: 6s\n",
                             0);
    static const char *const expected[] = {
        "h1-s cut",   "h2-s cut",  "b crashed", "h1 crashed", "h2 crashed", "b up again",
        "h2 up again", "partition: h3 | b, h1, h2", "the partition is healed"};
    CHECK_EQ(notes.count, sizeof expected / sizeof *expected);
    for (unsigned i = 0; i < notes.count && i < sizeof expected / sizeof *expected; i++)
        CHECK_STR(notes.texts[i], expected[i]);
}

TEST(events_again_and_again)
{
    struct notes notes = run("nodes: {a: }\nduration: 10s\n"
                             "events: [{at: 1s, note: x, every: 2s}, {at: 2s, note: y, every: 500ms, times: 3}]\n",
                             0);
    unsigned x = 0, y = 0;
    for (unsigned i = 0; i < notes.count; i++) {
        x += notes.texts[i][0] == 'x';
        y += notes.texts[i][0] == 'y';
    }
    CHECK_EQ(x, 5);
    CHECK_EQ(y, 3);
    // What comes again for ever is waited for the first time only; what comes so often, until then.
    notes = run("nodes: {a: {address: 10.0.0.1/24, programs: [ping 10.0.0.1 --count 1]}, b: }\n"
                "links: [{endpoints: [a, b]}]\n"
                "events: [{at: 1s, note: x, every: 1s}, {at: 2s, note: y, every: 1s, times: 4}]\n",
                0);
    CHECK_EQ(notes.ended, 6 * STRATA_SECOND); // the fourth at 5 s, and a second of goodbye
}

TEST(the_seed_decides_times_that_are_ranges)
{
    static const char text[] = "nodes: {a: }\nduration: 60s\n"
                               "events: [{at: 1s-5s, note: x}, {at: 1s, note: y, every: 1s-3s, times: 10}]\n";
    struct notes one = run(text, 1), again = run(text, 1), two = run(text, 2);
    CHECK_EQ(one.count, 11);
    CHECK(memcmp(one.times, again.times, sizeof one.times) == 0);
    CHECK(memcmp(one.times, two.times, sizeof one.times) != 0);
    strata_time last = 0;
    for (unsigned i = 0; i < one.count; i++) {
        if (one.texts[i][0] == 'x')
            CHECK(one.times[i] >= STRATA_SECOND && one.times[i] <= 5 * STRATA_SECOND);
        else if (last == 0)
            CHECK_EQ(one.times[i], STRATA_SECOND);
        else
            CHECK(one.times[i] - last >= STRATA_SECOND && one.times[i] - last <= 3 * STRATA_SECOND);
        last = one.texts[i][0] == 'y' ? one.times[i] : last;
    }
    // What one draws does not depend on what the others do.
    struct notes other = run("nodes: {a: }\nduration: 60s\n"
                             "events: [{at: 1s-5s, note: x}, {at: 1s, note: y}]\n", 1);
    strata_time x = 0, y = 0;
    for (unsigned i = 0; i < one.count; i++)
        x = one.texts[i][0] == 'x' ? one.times[i] : x;
    for (unsigned i = 0; i < other.count; i++)
        y = other.texts[i][0] == 'x' ? other.times[i] : y;
    CHECK_EQ(x, y);
}

TEST(a_scenario_without_end_is_stopped_and_says_so)
{
    struct notes notes = run("limits: {events: 1000}\n"
                             "nodes: {a: {address: 10.0.0.1/24, programs: [{run: "
                             "ping 10.0.0.1 --count 100000, name: p}]}, b: }\n"
                             "links: [{endpoints: [a, b]}]\nduration: 366d\n",
                             0);
    CHECK(!notes.ok);
    CHECK(strstr(notes.detail, "the world ends within its limits: stopped after 1000 events") == notes.detail);
    CHECK(strstr(notes.detail, "p on a still ran; limits: {events: ...} raises the limit") != NULL);
    notes = run("limits: {time: 3s}\nnodes: {a: }\n", 0);
    CHECK(!notes.ok);
    CHECK_STR(notes.detail, "the world ends within its limits: stopped after 0 events, at 3.000 s of virtual time, "
                            "while no program was waited for; limits: {time: ...} raises the limit");
    CHECK(run("limits: {time: 3s}\nduration: 2s\nnodes: {a: }\n", 0).ok);
}

TEST_MAIN(TEST_ENTRY(formulas), TEST_ENTRY(many_nodes_from_one_entry), TEST_ENTRY(many_links_from_one_entry),
          TEST_ENTRY(templates_and_kinds_lie_beneath), TEST_ENTRY(what_includes_lies_over_what_is_included),
          TEST_ENTRY(a_file_that_is_included_twice_with_other_parameters), TEST_ENTRY(which_value_a_parameter_has),
          TEST_ENTRY(events_to_many), TEST_ENTRY(events_again_and_again),
          TEST_ENTRY(the_seed_decides_times_that_are_ranges),
          TEST_ENTRY(a_scenario_without_end_is_stopped_and_says_so))
