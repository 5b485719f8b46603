/**
 * talk: steps happen in their order and at their times, what is read is verified, and what is wrongly asked is told.
 */
#include "tests/app/stage.h"

struct pair {
    struct stage *stage;
    struct strata_node *a, *b;
};

static struct pair open_pair(void)
{
    struct pair p = {.stage = stage_new(1)};
    p.a = stage_host(p.stage, "a", "10.0.0.1/24");
    p.b = stage_host(p.stage, "b", "10.0.0.2/24");
    return p;
}

/** Both ends; the other one may be NULL. @return the status of the first. */
static int run(struct pair *p, const char *a, const char *b, int *other)
{
    int status, ignored;
    if (b)
        stage_start(p->b, b, false, other ? other : &ignored);
    stage_start(p->a, a, false, &status);
    CHECK(stage_finish(p->stage, 1000));
    return status;
}

TEST(both_ends_read_what_the_other_wrote)
{
    struct pair p = open_pair();
    int other;
    CHECK_EQ(run(&p, "talk 10.0.0.2:9 write 100000 wait 0.5 finish read all",
                 "talk --listen 9 read all wait 0.25 write 7", &other),
             0);
    CHECK_EQ(other, 0);
    CHECK(stage_said(p.stage, "a: talk: 100000 bytes written, 7 read in 0.7"));
    CHECK(stage_said(p.stage, "b: talk: 7 bytes written, 100000 read in 0.7"));
    stage_free(p.stage);
}

TEST(texts_are_compared_and_bytes_verified)
{
    struct pair p = open_pair();
    int other;
    CHECK_EQ(run(&p, "talk 10.0.0.2:9 say hello hear bye", "talk --listen 9 hear hello say bye", &other), 0);
    CHECK_EQ(other, 0);
    CHECK_EQ(run(&p, "talk 10.0.0.2:10 say hello", "talk --listen 10 hear world", &other), 0);
    CHECK_EQ(other, 1);
    CHECK(stage_said(p.stage, "b: talk: heard \"hello\", not \"world\""));
    CHECK_EQ(run(&p, "talk 10.0.0.2:11 say ab.", "talk --listen 11 read all", &other), 0);
    CHECK_EQ(other, 1);
    CHECK(stage_said(p.stage, "b: talk: byte 2 is not the one that was sent"));
    CHECK_EQ(run(&p, "talk 10.0.0.2:12 write 5", "talk --listen 12 read 6", &other), 0);
    CHECK_EQ(other, 1);
    stage_free(p.stage);
}

TEST(steps_repeat_and_connections_are_many)
{
    struct pair p = open_pair();
    int other;
    CHECK_EQ(run(&p, "talk 10.0.0.2:9 --connections 3 --no-delay --records write 1 repeat 4 write 10 wait 0.1",
                 "talk --listen 9 --connections 3 read all", &other),
             0);
    CHECK_EQ(other, 0);
    const char *at = p.stage->said;
    int readers = 0;
    while ((at = strstr(at, "b: talk: 0 bytes written, 41 read in 0.40")))
        readers++, at++;
    CHECK_EQ(readers, 3);
    stage_free(p.stage);
}

/** Segments with data or without that b got. */
static int64_t segments_of(const char *line)
{
    struct pair p = open_pair();
    CHECK_EQ(run(&p, line, "talk --listen 9 read 60 finish", NULL), 0);
    int64_t count = strata_node_counter(p.b, "tcp_segments_received");
    stage_free(p.stage);
    return count;
}

TEST(records_share_no_segment)
{
    int64_t together = segments_of("talk 10.0.0.2:9 --no-delay wait 0.1 write 10 write 20 write 30");
    CHECK_EQ(segments_of("talk 10.0.0.2:9 --no-delay --records wait 0.1 write 10 write 20 write 30"), together + 2);
}

TEST(what_is_wrongly_asked_is_told)
{
    static const struct {
        const char *line, *said;
    } rows[] = {
        {"talk", "a: talk: to whom?"},
        {"talk 10.0.0.2", "a: talk: 10.0.0.2 is no address with a port, such as 10.0.0.2:9"},
        {"talk 10.0.0.2:9 shout 3", "a: talk: shout is no step: write, read,"},
        {"talk 10.0.0.2:9 write", "a: talk: write needs a number of bytes"},
        {"talk 10.0.0.2:9 write all", "a: talk: write needs a number of bytes"},
        {"talk 10.0.0.2:9 wait 1.5s", "a: talk: wait needs seconds, such as 0.25"},
        {"talk 10.0.0.2:9 repeat 0 write 1", "a: talk: repeat stands once,"},
        {"talk 10.0.0.2:9 --segment 3", "a: talk: cannot take this number: 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair p = open_pair();
        CHECK_EQ(run(&p, rows[i].line, NULL, NULL), 2);
        CHECK(stage_said(p.stage, rows[i].said));
        stage_free(p.stage);
    }
    struct pair p = open_pair();
    CHECK_EQ(run(&p, "talk 10.0.0.2:9 write 1", NULL, NULL), 1);
    CHECK(stage_said(p.stage, "a: talk: 10.0.0.2:9: connection refused"));
    stage_free(p.stage);
}

TEST_MAIN(TEST_ENTRY(both_ends_read_what_the_other_wrote), TEST_ENTRY(texts_are_compared_and_bytes_verified),
          TEST_ENTRY(records_share_no_segment), TEST_ENTRY(steps_repeat_and_connections_are_many),
          TEST_ENTRY(what_is_wrongly_asked_is_told))
