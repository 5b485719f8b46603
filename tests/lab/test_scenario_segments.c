/*
 * The check `segments`: it holds for what was sent, and for every way in which a line can be wrong it does not, and
 * says where.
 */
#include "tests/lab/verdict.h"

/** a says 10 bytes at one second, b answers with 3, then a says 5 that are lost and sent again. */
#define WORLD                                                                                                \
    "nodes:\n"                                                                                               \
    "  a: {address: 10.0.0.1/24, settings: {net.ipv4.tcp_timestamps: 0, net.ipv4.tcp_early_retrans: 0},\n"    \
    "      programs: [talk 10.0.0.2:9 wait 0.98 write 10 read 3 write 5 wait 1 finish]}\n"                   \
    "  b: {address: 10.0.0.2/24, programs: [talk --listen 9 --quick-ack read 10 wait 0.5 write 3 read all]}\n" \
    "links: [{endpoints: [a, b], link: ip, delay: 10ms}]\n"                                                  \
    "events: [{at: 1.2s, set: a-b, direction: forward, lose: 1}]\n"                                          \
    "checks:\n"

static bool run(const char *checks)
{
    return verdict(WORLD, checks);
}


TEST(segments_are_as_they_were_sent)
{
    CHECK(run("  - {segments: a-b, shows: [a SYN, ...]}\n"));
    CHECK(run("  - {segments: a-b, shows: [..., a 0/10, ..., a 10/5 lost, ..., a 10/5, ...]}\n"));
    CHECK(run("  - {segments: a-b, from: b, shows: [b SYN, b ack 10, b 0/3, ..., b ack 15, b FIN]}\n"));
    CHECK_STR(said, "6 segments: b SYN ack 0 window 65535; b ack 10 window 131072; b 0/3 ack 10; b 0/3 ack 10; "
                    "b ack 15 window 131072; b FIN ack 16 window 131072");
    // Names for numbers, of both ends and from a time on.
    CHECK(run("  - {segments: a-b, after: 0.9s, numbers: {a: 42, b: 79}, shows: [a 42/10 ack 79, b ack 52, "
              "b 79/3 ack 52, a 52/5 ack 82 lost, ...]}\n"));
    CHECK(run("  - {segments: a-b, after: 1.3s, numbers: {a: 100}, shows: [b 0/3 ack 100, a 100/5 ack 3 lost, "
              "b 0/3 after 210ms, a 100/5 ack 3 after 10ms, ...]}\n"));
}

TEST(a_line_that_is_wrong_fails)
{
    static const char *const rows[][2] = {
        {"[a SYN at 1s, ...]", "line 1 of shows is not met: at 0.000000 came \"a SYN\""},
        {"[a SYN, b SYN ack 1, ...]", "line 2 of shows is not met: at 0.010000 came \"b SYN ack 0 window 65535\""},
        {"[a SYN, b SYN window 1000, ...]",
         "line 2 of shows is not met: at 0.010000 came \"b SYN ack 0 window 65535\""},
        {"[a SYN, b, ...]", "line 2 of shows is not met: at 0.010000 came \"b SYN ack 0 window 65535\""},
        {"[a SYN, a SYN, ...]", "line 2 of shows is not met: at 0.010000 came \"b SYN ack 0 window 65535\""},
        {"[a SYN lost, ...]", "line 1 of shows is not met: at 0.000000 came \"a SYN\""},
        {"[a SYN, b SYN, a ack 0, a 0/11, ...]", "line 4 of shows is not met: at 1.000000 came \"a 0/10 ack 0\""},
        {"[a SYN, b SYN, a ack 0, a, ...]", "line 4 of shows is not met: at 1.000000 came \"a 0/10 ack 0\""},
        {"[a SYN, b SYN, a ack 0, a 1/10, ...]", "line 4 of shows is not met: at 1.000000 came \"a 0/10 ack 0\""},
        {"[a SYN, b SYN, a 0/10 after 1s, ...]",
         "line 3 of shows is not met: at 0.020000 came \"a ack 0 window 131072\""},
        {"[a SYN, b SYN]", "after the last line of shows at 0.020000 came \"a ack 0 window 131072\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400];
        snprintf(text, sizeof text, "  - {segments: a-b, shows: %s}\n", rows[i][0]);
        CHECK(!run(text));
        CHECK_STR(said, rows[i][1]);
    }
    CHECK(!run("  - {segments: a-b, shows: [..., a RST]}\n"));
    CHECK(!run("  - {segments: a-b, connection: 2, shows: [a SYN]}\n"));
    CHECK_STR(said, "line 1 of shows is not met: only 0 segments were sent");
}

TEST(mistakes_are_told)
{
    static const char *const rows[][2] = {
        {"  - {segments: a-b, shows: [a 92]}\n",
         "t:8:29: a segment has nothing like \"92\"; it is a node and any of SYN FIN RST ECE CWR, FIRST/BYTES, ack N, "
         "window N, lost, times N, at TIME, after TIME\n"},
        {"  - {segments: a-b, shows: [c SYN]}\n", "t:8:29: c is at no end of a-b: that is a and b\n"},
        {"  - {segments: a-c, shows: [a SYN]}\n", "t:8:16: there is no link a-c (did you mean a-b?)\n"},
        {"  - {segments: a-b, from: c, shows: [a SYN]}\n", "t:8:27: c is at no end of a-b: that is a and b\n"},
        {"  - {segments: a-b, from: a}\n",
         "t:8:5: the check of segments says nothing that could fail; it takes shows after from numbers connection\n"},
        {"  - {counter: tcp_timeouts, equals: 1, shows: [a SYN]}\n",
         "t:8:47: shows does not go with counter; it takes node min max equals\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(!run(rows[i][0]));
        CHECK_STR(said, rows[i][1]);
    }
}

TEST_MAIN(TEST_ENTRY(segments_are_as_they_were_sent), TEST_ENTRY(a_line_that_is_wrong_fails),
          TEST_ENTRY(mistakes_are_told))
