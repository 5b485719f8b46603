/*
 * Every mistake in a scenario is told with its place and what was expected, and all of them at once.
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

struct mistake {
    const char *text, *said;
};

static void check_table(const struct mistake *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *said = complaints_of(rows[i].text);
        if (!CHECK_STR(said, rows[i].said))
            printf("        for:\n%s\n", rows[i].text);
    }
}
#define CHECK_TABLE(rows) check_table(rows, sizeof rows / sizeof *rows)

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
}

TEST(form)
{
    static const struct mistake rows[] = {
        {"", "f:1:1: the file is empty; a scenario has at least nodes\n"},
        {"- a\n- b\n", "f:1:1: a scenario is a list, expected a mapping of keys and values\n"},
        {"nodes: {a: [}\n",
         "f:1:13: this is no YAML: did not find expected node content (while parsing a flow node)\n"},
        {"title: x\n", "f:1:1: a scenario needs the key nodes\n"},
        {"nodes: {a: }\n---\nnodes: {b: }\n", "f:3:1: a second document: a scenario is one\n"},
        {"nodse: {a: }\n", "f:1:1: a scenario has no key nodse (did you mean nodes?); it may have "
                           "include, parameters, templates, kinds, title, description, seed, duration, "
                           "nodes, links, events, checks\nf:1:1: a scenario needs the key nodes\n"},
        {"nodes: {a: , a: }\n", "f:1:14: a is there twice\n"},
        {"nodes: [a, b]\n", "f:1:8: nodes: expected a mapping of names, found a list\n"},
        {"nodes: {[x]: }\n", "f:1:9: a key must be a word, not a list\n"},
        {PAIR "seed: zero\n", "f:3:7: zero is not a whole number from 1 to 9223372036854775807\n"},
        {PAIR "seed: 0\n", "f:3:7: 0 is not a whole number from 1 to 9223372036854775807\n"},
        {PAIR "duration: 10\n", "f:3:11: 10 is not a time with a unit such as 250us, 10ms, 1.5s or 2m\n"},
        {PAIR "duration: 10 parsecs\n",
         "f:3:11: 10 parsecs is not a time with a unit such as 250us, 10ms, 1.5s or 2m\n"},
        {PAIR "duration: 0.1ns\n", "f:3:11: 0.1ns is too large, too small or too fine: expected a time with "
                                   "a unit such as 250us, 10ms, 1.5s or "
                                   "2m\n"},
    };
    CHECK_TABLE(rows);
}

TEST(nodes)
{
    static const struct mistake rows[] = {
        {"nodes: {a: {kind: swich}}\n",
         "f:1:19: swich is not host, router, switch or hub (did you mean switch?)\n"},
        {"nodes: {s: {kind: switch, address: 10.0.0.1/24}}\n",
         "f:1:36: a switch has no address: only hosts and routers do\nf:1:36: there is no link at eth1 of "
         "s\n"},
        {"nodes: {a: {dhpc: true}}\n", "f:1:13: a node has no key dhpc (did you mean dhcp?); it may have "
                                       "kind, addresses, address, dhcp, gateway, "
                                       "routes, resolver, forwarding, settings, files, programs\n"},
        {"nodes: {a: {dhcp: maybe}}\n", "f:1:19: maybe is not true or false\n"},
        {"nodes: {'a b': }\n",
         "f:1:9: \"a b\" is no name for a node: letters, digits, - _ . and at most 60\n"},
        {"nodes: {a: {dhcp: true}}\n", "f:1:19: a has no link over which DHCP could give it an address\n"},
        {"nodes: {a: {settings: {net.ipv4.ip_froward: 1}}}\n",
         "f:1:24: there is no setting net.ipv4.ip_froward (did you mean net.ipv4.ip_forward?)\n"},
        {"nodes: {a: {settings: {net.ipv4.ip_default_ttl: 300}}}\n",
         "f:1:24: net.ipv4.ip_default_ttl is from 1 to 255 (TTL and hop limit of what we send (RFC "
         "1122-10))\n"},
        {"nodes: {a: {files: {x: hello}}}\n", "f:1:21: x: the path of a file begins with /\n"},
        {"nodes: {a: {files: {/x: {size: 1MiB, content: hello}}}}\n",
         "f:1:25: a file has either content or a size\n"},
        {"nodes: {a: {files: {/x: {size: 1 furlong}}}}\n",
         "f:1:32: 1 furlong is not a size such as 1500, 64KiB or 1MiB\n"},
        {"nodes: {a: {files: {/x: {size: 1, pattern: rnadom}}}}\n",
         "f:1:44: rnadom is not random, zero or count (did you mean random?)\n"},
        {"nodes: {a: {resolver: nobody}}\n", "f:1:23: nobody is not the address of a name server\n"},
    };
    CHECK_TABLE(rows);
}

TEST(programs)
{
    const char *said = complaints_of("nodes: {a: {programs: [htpp-server /www]}}\n");
    CHECK(strncmp(
              said,
              "f:1:24: there is no program htpp-server (did you mean http-server?); there are http-server, ",
              strlen("f:1:24: there is no program htpp-server (did you mean http-server?); there are "
                     "http-server, ")) == 0);
    static const struct mistake rows[] = {
        {"nodes: {a: {programs: [ping 10.0.0.2, ping 10.0.0.3]}}\n",
         "f:1:39: a already runs a program called ping; give one of them a name\n"},
        {"nodes: {a: {programs: [{name: x}]}}\n", "f:1:24: a program needs the key run\n"},
        {"nodes: {a: {programs: [{run: ping 'x}]}}\n", "f:1:30: the quotation mark ' is not closed\n"},
        {"nodes: {a: {programs: ['ping \"x]}}\n",
         "f:2:1: this is no YAML: found unexpected end of stream (while "
         "scanning a quoted scalar)\n"},
        {"nodes: {a: {programs: [{run: \"\"}]}}\n", "f:1:30: there is no program to run\n"},
        {"nodes: {a: {programs: [{run: ping x, at: soon}]}}\n",
         "f:1:42: soon is not a time with a unit such as 250us, 10ms, 1.5s or 2m\n"},
    };
    CHECK_TABLE(rows);
}

TEST(links)
{
    static const struct mistake rows[] = {
        {"nodes: {alpha: , beta: }\nlinks: [{endpoints: [alpha, bata]}]\n",
         "f:2:29: there is no node bata (did you mean beta?)\n"},
        {"nodes: {a: }\nlinks: [{endpoints: [a]}]\n",
         "f:2:21: a link has two endpoints, not 1; one with kind: bus has more\n"},
        {"nodes: {a: }\nlinks: [{endpoints: [a, a]}]\n",
         "f:2:25: a link ties two nodes, and both ends are a\n"},
        {"nodes: {a: , b: , c: }\nlinks: [{endpoints: ['a:eth1', b]}, {endpoints: ['a:eth1', c]}]\n",
         "f:2:50: eth1 of a is taken by the link a-b\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: ['a:wlan0', b]}]\n",
         "f:2:22: wlan0 is not a port: ports are called eth1, eth2 and so on\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b]}, {endpoints: [a, b]}]\n",
         "f:2:30: there is another link a-b; give one of them a name\n"},
        {"nodes: {a: , s: {kind: switch}}\nlinks: [{endpoints: [a, s], link: ip}]\n",
         "f:2:25: s has no ports of link type ip: only hosts and routers do\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], loss: 3}]\n",
         "f:2:35: 3 is not a share such as 3% or 0.01%\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], loss: 101%}]\n",
         "f:2:35: 101% is too large, too small or too fine: expected a share such as 3% or 0.01%\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], rate: 10ms}]\n",
         "f:2:35: 10ms is not a rate with a unit such as 64kbit, 10mbit or 2.5gbit\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], delay: 10mbit}]\n",
         "f:2:36: 10mbit is not a time with a unit such as 250us, 10ms, 1.5s or 2m\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], gemodel: {p: 1%}}]\n",
         "f:2:38: gemodel needs the key r\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], mtu: 20}]\n",
         "f:2:34: 20 is not a whole number from 68 to 65535\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], forward: {los: 1%}}]\n",
         "f:2:39: a direction of a link has no key los (did you mean loss?); it may have rate, delay, "
         "jitter, loss, "
         "gemodel, duplicate, reorder, reorder_delay, reorder_early, corrupt, limit, queue, lose, damage, "
         "double, late\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], queue: codle}]\n",
         "f:2:36: codle is not fifo, red or codel (did you mean codel?)\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], queue: {target: 5ms}}]\n",
         "f:2:36: a queue needs the key kind\n"
         "f:2:45: target does not go with the kind fifo; it takes limit and mark\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], queue: {kind: codel, targte: 5ms, ecn: 7}}]\n",
         "f:2:50: a queue has no key targte (did you mean target?); it may have kind, limit, mark, ecn, min, max, "
         "probability, weight, target, interval\n"
         "f:2:68: 7 is not true or false\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], queue: {kind: red, min: 20}, forward: {queue: {kind: red, "
         "max: 3, weight: 0, probability: 200%}}}]\n",
         "f:2:75: min is less than max; min is 5 and max three times min unless given\n"
         "f:2:103: weight is more than 0\n"
         "f:2:119: 200% is too large, too small or too fine: expected a share such as 3% or 0.01%\n"
         "f:2:119: probability is more than 0\n"},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], queue: {kind: codel, limit: 0, interval: 0s, mark: 9}}]\n",
         "f:2:57: 0 is not a whole number from 1 to 1000000\n"
         "f:2:70: interval is more than 0\n"
         "f:2:80: mark does not go with the kind codel; it takes limit, ecn, target and interval\n"},
    };
    CHECK_TABLE(rows);
}

#define BUS "nodes: {a: , b: , c: }\nlinks: [{kind: bus, endpoints: [a, b, c]"
TEST(buses)
{
    static const struct mistake rows[] = {
        {BUS "}, {endpoints: [a, b]}]\n", ""},
        {"nodes: {a: , b: }\nlinks: [{endpoints: [a, b], access: aloha}]\n",
         "f:2:37: access belongs to a link with kind: bus\n"},
        {"nodes: {a: , b: }\nlinks: [{kind: bus, endpoints: [a]}]\n",
         "f:2:32: a bus has at least two endpoints\n"},
        {BUS ", access: csma-dc}]\n",
         "f:2:51: csma-dc is not csma-cd, aloha, slotted-aloha, csma, csma-non-persistent, csma-p-persistent or token "
         "(did you mean csma-cd?)\n"},
        {BUS ", delay: 10us, positions: [0s, 20us, 5us]}]\n",
         "f:2:67: position 2 is beyond the end of the bus, which the delay says\n"},
        {BUS ", delay: 10us, positions: [0s]}]\n", "f:2:67: 1 positions for 3 endpoints\n"},
        {BUS ", positions: [0s, 0s, 0s], star: true}]\n", "f:2:54: a star has no positions\n"},
        {BUS ", loss: 1%}]\n", "f:2:9: of what can be done to a cable, a bus takes rate, delay and limit\n"},
        {BUS ", forward: {delay: 1ms}}]\n", "f:2:52: forward does not go with kind: bus\n"},
        {BUS ", persistence: 5%, token: 3}]\n",
         "f:2:9: persistence goes with access: csma-p-persistent\nf:2:9: token goes with access: token\n"},
        {BUS ", rate: 1bit, delay: 1m}]\n",
         "f:2:9: the delay of a bus is at most 10s\nf:2:9: the rate of a bus is at least 1kbit\n"},
        {BUS "}]\nevents: [{at: 1s, set: bus, rate: 1mbit}]\n", "f:3:24: bus is a bus, which stays as it is\n"},
        {BUS "}, {endpoints: [a, b]}]\nchecks: [{cable: a-b, count: collisions, max: 3}]\n",
         "f:3:18: a-b has no collisions: it is no bus\n"},
        {BUS "}]\nchecks: [{cable: bus, measure: throughput, value: 1mbit}]\n",
         "f:3:18: bus is a bus: measures are of cables, a bus has counts\n"},
    };
    CHECK_TABLE(rows);
}

TEST(addresses)
{
    static const struct mistake rows[] = {
        {"nodes: {a: {address: 10.0.0.1}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:22: 10.0.0.1 needs the length of its prefix, such as 10.0.0.1/24\n"},
        {"nodes: {a: {address: 10.0.0.999/24}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:22: 10.0.0.999/24 is not an address with a prefix length, such as 10.0.0.1/24 or "
         "2001:db8::1/64\n"},
        {"nodes: {a: {address: 10.0.0.0/24}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:22: 10.0.0.0/24 is the subnet itself, not an address in it\n"},
        {"nodes: {a: {address: 10.0.0.255/24}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:22: 10.0.0.255/24 is the broadcast address of its subnet\n"},
        {"nodes: {a: {address: 224.0.0.1/24}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:22: 224.0.0.1/24 is no address that a port can have\n"},
        {"nodes: {a: {addresses: {eth2: 10.0.0.1/24}}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:31: there is no link at eth2 of a\n"},
        {"nodes: {a: {address: 10.0.0.1/24}, b: {address: 10.0.1.2/24}}\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:49: 10.0.1.2/24 of b is outside the subnet of its link, where a has 10.0.0.1/24\n"},
        // Of three on a switch the one that is alone.
        {"nodes: {a: {address: 10.0.9.1/24}, b: {address: 10.0.0.2/24}, c: {address: 10.0.0.3/24}, s: {kind: "
         "hub}}\n"
         "links: [{endpoints: [a, s]}, {endpoints: [b, s]}, {endpoints: [s, c]}]\n",
         "f:1:22: 10.0.9.1/24 of a is outside the subnet of its link, where b has 10.0.0.2/24\n"},
        {"nodes: {a: {address: 10.0.0.1/24}, b: {address: 10.0.0.1/24}}\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:49: 10.0.0.1/24 is already the address of a\n"},
        {"nodes: {a: {address: 10.0.0.1/24, gateway: 10.0.1.1}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:44: the gateway 10.0.1.1 is on no link of a\n"},
        {"nodes: {a: {address: 10.0.0.1/24, gateway: 10.0.0.9}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:44: nobody has the address 10.0.0.9, which is to be the gateway of a\n"},
        {"nodes: {a: {address: 10.0.0.1/24, gateway: 10.0.0.1}, b: }\nlinks: [{endpoints: [a, b]}]\n",
         "f:1:44: the gateway 10.0.0.1 is a itself\n"},
        {"nodes: {a: {address: 10.0.0.1/24, routes: [{to: 10.2.0.0, via: 10.0.0.2}]}, b: {address: "
         "10.0.0.2/24}}\n"
         "links: [{endpoints: [a, b]}]\n",
         "f:1:44: 10.2.0.0 is not a destination: expected default or a prefix such as 10.1.0.0/16\n"},
        {"nodes: {a: {address: 10.0.0.1/24, routes: [{to: '::/0', via: 10.0.0.2}]}, b: {address: "
         "10.0.0.2/24}}\n"
         "links: [{endpoints: [a, b]}]\n",
         "f:1:44: a route to ::/0 cannot go by 10.0.0.2: one is IPv4, the other IPv6\n"},
    };
    CHECK_TABLE(rows);
}

TEST(events)
{
    static const struct mistake rows[] = {
        {PAIR "events: [{cut: a-b}]\n", "f:3:10: an event needs the key at\n"},
        {PAIR "events: [{at: 1s}]\n",
         "f:3:10: an event says what happens: cut, mend, crash, restart, set, start or note\n"},
        {PAIR "events: [{at: 1s, cut: a-c}]\n", "f:3:24: there is no link a-c (did you mean a-b?)\n"},
        {PAIR "events: [{at: 1s, crash: d}]\n", "f:3:26: there is no node d\n"},
        {PAIR "events: [{at: 1s, cut: a-b, crash: a}]\n",
         "f:3:36: one event does one thing; write a second event\n"},
        {PAIR "events: [{at: 1s, set: a-b}]\n", "f:3:10: set needs something to set, such as loss: 5%\n"},
        {PAIR "events: [{at: 1s, cut: a-b, loss: 5%}]\n",
         "f:3:10: loss, delay and the like belong to an event with set: CABLE\n"},
        {PAIR "events: [{at: 1s, start: a}]\n", "f:3:10: start needs the key run\n"},
        {PAIR "events: [{at: 1s, set: a-b, loss: 1%, direction: sideways}]\n",
         "f:3:50: sideways is not both, forward or backward\n"},
    };
    CHECK_TABLE(rows);
}

TEST(checks)
{
    static const struct mistake rows[] = {
        {PAIR "checks: [{program: fetch, exits: 0}]\n", "f:3:20: no program is called fetch\n"},
        {PAIR "checks: [{exits: 0}]\n",
         "f:3:10: a check says what is looked at: program, output, file, counter, received, cable, "
         "segments, no_drops, programs or done_before\n"},
        {PAIR "checks: [{counter: ipv4_forwardet, min: 1}]\n",
         "f:3:20: there is no counter ipv4_forwardet (did you mean ipv4_forwarded?)\n"},
        {PAIR "checks: [{counter: ipv4_forwarded}]\n",
         "f:3:10: the check of counter says nothing that could fail; it takes node min max equals\n"},
        {PAIR "checks: [{file: /x, size: 1}]\n",
         "f:3:17: /x is not a file on a node, such as laptop:/page.html\n"},
        {PAIR "checks: [{file: 'c:/x', size: 1}]\n", "f:3:17: there is no node c\n"},
        {PAIR "checks: [{file: 'a:/x', min: 1}]\n",
         "f:3:30: min does not go with file; it takes equals contains sha256 size\n"},
        {PAIR "checks: [{file: 'a:/x', sha256: 12}]\n",
         "f:3:33: 12 is not a SHA-256: 64 digits from 0 to 9 and a to f\n"},
        {PAIR "checks: [{cable: a-b, count: teleported, min: 1}]\n",
         "f:3:30: teleported is not sent, delivered, lost, bytes_sent, bytes_delivered, duplicated, "
         "reordered, corrupted, marked, queue, collisions, "
         "collided, attempts, excessive, late, unnoticed, deferred, tokens or efficiency\n"},
        {PAIR "checks: [{received: 'a:eth7', min: 1}]\n", "f:3:21: there is no link at eth7 of a\n"},
        {PAIR "checks: [{no_drops: [a, z]}]\n", "f:3:25: there is no node z\n"},
        {PAIR "checks: [{programs: finished}]\n", "f:3:21: finished is not done\n"},
    };
    CHECK_TABLE(rows);
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
        "f:5:13: bridge is not host, router, switch or hub\n"
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

TEST_MAIN(TEST_ENTRY(what_is_right_is_not_complained_about), TEST_ENTRY(form), TEST_ENTRY(nodes),
          TEST_ENTRY(programs), TEST_ENTRY(links), TEST_ENTRY(buses), TEST_ENTRY(addresses), TEST_ENTRY(events),
          TEST_ENTRY(checks), TEST_ENTRY(all_mistakes_are_told_in_the_order_of_the_file), TEST_ENTRY(anchors))
