/*
 * The record of a run: what it keeps of frames, journeys, conversations and curves; what it leaves out at its
 * bounds, and says so; and that the pieces told while a run goes on are together what is told at its end.
 */
#include <errno.h>

#include "lab/record_inside.h"
#include "tests/test.h"

/* ---- A world: client - router - server, and a short transfer
 * ------------------------------------------------ */

static uint32_t sent_bytes;

static int serve(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct strata_endpoint local = {.port = 7};
    struct strata_conn *listener, *stream;
    if (strata_rt_listen(rt, &local, 4, &listener) != 0)
        return 1;
    if (strata_rt_accept(listener, STRATA_NEVER, &stream, NULL) == 0) {
        char data[2000];
        while (strata_rt_read(stream, data, sizeof data, STRATA_NEVER) > 0)
            continue;
        strata_rt_close(stream);
    }
    strata_rt_close(listener);
    return 0;
}

static int call(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct strata_endpoint peer;
    struct strata_conn *stream;
    static char data[60000];
    if (strata_endpoint_parse("10.0.1.2:7", &peer) != 0 ||
        strata_rt_dial(rt, &peer, STRATA_NEVER, &stream) != 0)
        return 1;
    strata_rt_print(rt, "hello\n");
    strata_rt_write(stream, data, sent_bytes, STRATA_NEVER);
    strata_rt_close(stream);
    return 0;
}

static struct strata_world *world_made(uint32_t loss_ppm, uint32_t bytes)
{
    struct strata_world *world;
    sent_bytes = bytes;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                   .trace_hosts = true}) == 0);
    struct strata_node *client = strata_world_host(world, "client", NULL);
    struct strata_node *router = strata_world_router(world, "router", NULL);
    struct strata_node *server = strata_world_host(world, "server", NULL);
    struct strata_impairment way = {
        .rate_bps = 10000000, .delay_ns = STRATA_MILLISECOND, .loss_ppm = loss_ppm};
    struct strata_cable_config config = {.size = sizeof config, .forward = way, .backward = way};
    REQUIRE(strata_world_cable(world, client, router, &config) &&
            strata_world_cable(world, router, server, &config));
    strata_node_address(client, 1, "10.0.0.1/24");
    strata_node_address(router, 1, "10.0.0.254/24");
    strata_node_address(router, 2, "10.0.1.254/24");
    strata_node_address(server, 1, "10.0.1.2/24");
    strata_node_route(client, "0.0.0.0/0", "10.0.0.254");
    strata_node_route(server, "0.0.0.0/0", "10.0.1.254");
    strata_node_start(server, "serve", serve, 0, NULL, NULL);
    strata_node_start(client, "call", call, 0, NULL, NULL);
    return world;
}

static struct record *recorded(struct strata_world *world, const struct record_limits *limits)
{
    struct record *record = NULL;
    REQUIRE(record_new(&record, world, limits) == 0);
    REQUIRE(strata_world_run(world, 5 * STRATA_SECOND) == 0);
    return record;
}

static void done(struct record *record, struct strata_world *world)
{
    record_free(record);
    strata_world_free(world);
}

static const struct record_conversation *tcp_conversation(const struct record *record)
{
    for (unsigned i = 0; i < record->conversations.count; i++)
        if (record->conversations.items[i].kind == SUBJECT_TCP)
            return &record->conversations.items[i];
    REQUIRE(false);
    return NULL;
}

/* ---- What is kept ----------------------------------------------------------------------------------- */

TEST(every_frame_is_kept_with_its_fate)
{
    struct strata_world *world = world_made(0, 20000);
    struct record *record = recorded(world, NULL);
    CHECK_EQ(record->frames.count, strata_world_frames(world));
    uint64_t delivered = 0;
    for (unsigned i = 0; i < 2; i++)
        for (int direction = 0; direction < 2; direction++) {
            struct strata_cable_counts counts = {.size = sizeof counts};
            strata_cable_counts(strata_world_cable_at(world, i), direction, &counts);
            delivered += counts.delivered;
        }
    uint64_t arrived = 0;
    for (unsigned i = 0; i < record->frames.count; i++) {
        const struct record_frame *frame = &record->frames.items[i];
        arrived += frame->fate == FATE_DELIVERED;
        CHECK(frame->arrived >= frame->sent + STRATA_MILLISECOND);
    }
    CHECK_EQ(arrived, delivered);
    CHECK(!record_is_thinned(record));
    done(record, world);
}

TEST(hops_of_a_datagram_are_one_journey)
{
    struct strata_world *world = world_made(0, 20000);
    struct record *record = recorded(world, NULL);
    unsigned journeys = 0, second_hops = 0;
    for (unsigned i = 0; i < record->frames.count; i++) {
        const struct record_frame *frame = &record->frames.items[i];
        if (frame->conversation == RECORD_NONE ||
            record->conversations.items[frame->conversation].kind != SUBJECT_TCP)
            continue;
        if (frame->journey == i) {
            journeys++;
            continue;
        }
        const struct record_frame *first = &record->frames.items[frame->journey];
        second_hops++;
        CHECK_EQ(frame->seq, first->seq);
        CHECK_EQ(frame->payload, first->payload);
        CHECK(frame->cable != first->cable);
        CHECK(frame->sent >= first->arrived);
        CHECK(frame->stored < 54); // the rest is the first's
    }
    CHECK(journeys > 20);
    CHECK_EQ(second_hops, journeys);
    const struct record_conversation *c = tcp_conversation(record);
    CHECK_EQ(c->side[0].node, 0);
    CHECK_EQ(c->side[1].node, 2);
    CHECK(c->side[0].known && c->side[1].known && c->side[0].scale >= 0 && c->side[0].mss == 1460);
    done(record, world);
}

TEST(losses_and_repetitions_are_told)
{
    struct strata_world *world = world_made(100000, 60000);
    struct record *record = recorded(world, NULL);
    unsigned lost = 0, again = 0;
    for (unsigned i = 0; i < record->frames.count; i++) {
        const struct record_frame *frame = &record->frames.items[i];
        lost += frame->fate == FATE_LOST;
        again += (frame->flags & FRAME_AGAIN) && frame->journey == i;
        if (frame->fate == FATE_LOST)
            CHECK(strcmp(record->texts.items[frame->reason], "loss") == 0);
    }
    struct strata_cable_counts counts = {.size = sizeof counts};
    uint64_t counted = 0;
    for (unsigned i = 0; i < 4; i++) {
        strata_cable_counts(strata_world_cable_at(world, i / 2), (int)(i % 2), &counts);
        counted += counts.lost;
    }
    CHECK_EQ(lost, counted);
    CHECK(again > 0);
    done(record, world);
}

/* ---- A bus ------------------------------------------------------------------------------------------ */

static int ask(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct strata_endpoint peer;
    struct strata_conn *socket;
    strata_endpoint_parse("10.0.0.3:9", &peer);
    if (strata_rt_datagram(rt, NULL, &socket) != 0)
        return 1;
    strata_rt_send_to(socket, "?", 1, &peer, STRATA_NEVER);
    strata_rt_sleep(rt, STRATA_SECOND);
    strata_rt_close(socket);
    return 0;
}

TEST(on_a_bus_a_frame_goes_to_whom_it_is_for)
{
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config, .trace_hosts = true};
    REQUIRE(strata_world_new(&world, &config) == 0);
    struct strata_bus_end ends[3] = {{strata_world_host(world, "a", NULL), 0},
                                     {strata_world_host(world, "b", NULL), 0},
                                     {strata_world_host(world, "c", NULL), 0}};
    REQUIRE(strata_world_bus(world, ends, 3,
                             &(struct strata_bus_config){.size = sizeof(struct strata_bus_config)}));
    strata_node_address(ends[0].node, 1, "10.0.0.1/24");
    strata_node_address(ends[1].node, 1, "10.0.0.2/24");
    strata_node_address(ends[2].node, 1, "10.0.0.3/24");
    strata_node_start(ends[0].node, "ask", ask, 0, NULL, NULL);
    struct record *record = recorded(world, NULL);
    unsigned questions = 0, answers = 0, broadcasts = 0;
    for (unsigned i = 0; i < record->frames.count; i++) {
        const struct record_frame *frame = &record->frames.items[i];
        const uint8_t *bytes = record->bytes + frame->at;
        CHECK_EQ(frame->fate, FATE_DELIVERED);
        CHECK(frame->from != frame->to);
        broadcasts += bytes[0] & 1;
        questions += frame->from == 0 && !(bytes[0] & 1) && frame->to == 2;
        answers += frame->from == 2 && !(bytes[0] & 1) && frame->to == 0;
        CHECK(bytes[0] & 1 || frame->to != 1); // b overhears it, no more
    }
    CHECK(questions >= 1 && answers >= 1 && broadcasts >= 1);
    CHECK_EQ(record->copies.count, broadcasts); // two others hear each, of whom the first stands in the frame
    done(record, world);
}

TEST(curves_and_words_are_kept)
{
    struct strata_world *world = world_made(0, 60000);
    struct record *record = recorded(world, NULL);
    CHECK(record->tcps.count >= 2);
    bool established = false;
    unsigned windows = 0, samples = 0;
    for (unsigned i = 0; i < record->tcps.count; i++) {
        const struct record_tcp *tcp = &record->tcps.items[i];
        windows += tcp->curve[CURVE_CWND].points.count;
        samples += tcp->curve[CURVE_RTT].points.count;
        for (unsigned j = 0; j < tcp->curve[CURVE_STATE].points.count; j++)
            established |= tcp->curve[CURVE_STATE].points.items[j].value[1] == STRATA_TCP_ESTABLISHED;
    }
    CHECK(established && windows > 5 && samples > 5);
    CHECK(record->queues[0].points.count > 2); // the sender's cable is the narrow one
    bool said = false, ended = false;
    for (unsigned i = 0; i < record->events.count; i++) {
        const struct record_event *event = &record->events.items[i];
        said |= event->kind == RECORD_PRINT && !strcmp(record->texts.items[event->text], "hello");
        ended |= event->kind == RECORD_END && !strcmp(record->texts.items[event->text], "call") &&
                 event->value == 0;
    }
    CHECK(said && ended);
    done(record, world);
}

/* ---- Bounds ----------------------------------------------------------------------------------------- */

TEST(what_does_not_fit_is_counted)
{
    struct strata_world *world = world_made(0, 60000);
    struct record_limits limits = {.frames = 30,
                                   .whole_bytes = 2000,
                                   .bytes = 5000,
                                   .points_each = 16,
                                   .events = 2,
                                   .text_bytes = 30,
                                   .conversations = 2};
    struct record *record = recorded(world, &limits);
    CHECK_EQ(record->frames.count, 30);
    CHECK_EQ(record->frames_left_out, strata_world_frames(world) - 30);
    CHECK(record->byte_count <= 5000);
    CHECK(record->frames_cut > 0 && record->points_left_out > 0 && record->events_left_out > 0);
    CHECK(record->conversations_left_out > 0);
    CHECK_EQ(record->conversations.count, 2);
    CHECK(record_is_thinned(record));
    for (unsigned i = 0; i < record->tcps.count; i++)
        for (int j = 0; j < TCP_CURVES; j++)
            CHECK(record->tcps.items[i].curve[j].points.count <= 16);
    done(record, world);
}

TEST(a_full_curve_keeps_its_peaks)
{
    struct strata_world *world = world_made(0, 60000);
    struct record_limits limits = {.points_each = 8};
    struct record *whole = NULL;
    REQUIRE(record_new(&whole, world, NULL) == 0);
    struct record *thin = recorded(world, &limits);
    const struct record_curve *all = &whole->queues[0], *few = &thin->queues[0];
    int64_t most = 0, kept = 0;
    for (unsigned i = 0; i < all->points.count; i++)
        most = all->points.items[i].value[0] > most ? all->points.items[i].value[0] : most;
    for (unsigned i = 0; i < few->points.count; i++)
        kept = few->points.items[i].value[0] > kept ? few->points.items[i].value[0] : kept;
    CHECK(all->points.count > 16 && few->points.count <= 8);
    CHECK_EQ(kept, most);
    for (unsigned i = 1; i < few->points.count; i++)
        CHECK(few->points.items[i].time >= few->points.items[i - 1].time);
    record_free(whole);
    done(thin, world);
}

/* ---- Telling ---------------------------------------------------------------------------------------- */

struct told {
    char *text;
    size_t length;
};

static int take(void *context, const char *text, size_t length)
{
    struct told *told = context;
    told->text = realloc(told->text, told->length + length + 1);
    REQUIRE(told->text);
    memcpy(told->text + told->length, text, length);
    told->length += length;
    told->text[told->length] = '\0';
    return 0;
}

static int refuse(void *context, const char *text, size_t length)
{
    (void)context, (void)text, (void)length;
    return -ENOSPC;
}

TEST(nothing_that_is_told_can_end_a_script)
{
    struct strata_world *world = world_made(0, 100);
    struct record *record = recorded(world, NULL);
    world_emit(world, &(struct strata_lab_event){.kind = STRATA_LAB_PRINT, .node = world->nodes[0], .text = "a\0b\n",
                                                 .length = 4});
    world_emit(world, &(struct strata_lab_event){.kind = STRATA_LAB_PRINT, .node = world->nodes[0], .text = "a\0b\n",
                                                 .length = 4});
    strata_world_note(world, "</script><!-- \xff\xfe \xe2\x80\xa8 \x01 \"quoted\" \\");
    struct told told = {0};
    struct record_story story = {.title = "<script>alert(1)</script>", .description = "]]> & 'it'"};
    CHECK_EQ(record_write(record, &story, true, take, &told), 0);
    CHECK(!strpbrk(told.text, "<>&'"));
    CHECK(!strstr(told.text, "\xe2\x80\xa8") && strstr(told.text, "\\u2028"));
    CHECK(strstr(told.text, "\\ufffd\\ufffd") && strstr(told.text, "\\u0001") &&
          strstr(told.text, "\\u003cscript"));
    CHECK_EQ(record_write(record, &story, true, refuse, NULL), -ENOSPC);
    free(told.text);
    done(record, world);
}

TEST(news_are_told_once)
{
    struct strata_world *world = world_made(0, 60000);
    struct record *record = NULL;
    REQUIRE(record_new(&record, world, NULL) == 0);
    struct record_story story = {.live = true};
    struct told first = {0}, second = {0}, nothing = {0}, whole = {0};
    CHECK_EQ(strata_world_run(world, 20 * STRATA_MILLISECOND), 0);
    CHECK_EQ(record_write(record, &story, false, take, &first), 0);
    unsigned before = record->frames.count;
    CHECK(before > 0 && strstr(first.text, "\"whole\":true") && strstr(first.text, "\"counters\":[["));
    CHECK_EQ(strata_world_run(world, 5 * STRATA_SECOND), 0);
    CHECK(record->changed.count > 0); // some were under way
    char count[60];
    snprintf(count, sizeof count, "\"frames\":{\"count\":%u", record->frames.count - before);
    CHECK_EQ(record_write(record, &story, false, take, &second), 0);
    CHECK(strstr(second.text, "\"whole\":false") && strstr(second.text, count));
    CHECK_EQ(record_write(record, &story, false, take, &nothing), 0);
    CHECK(strstr(nothing.text, "\"frames\":{\"count\":0") && strstr(nothing.text, "\"tcp\":[]"));
    snprintf(count, sizeof count, "\"frames\":{\"count\":%u", record->frames.count);
    CHECK_EQ(record_write(record, &story, true, take, &whole), 0);
    CHECK(strstr(whole.text, count));
    free(first.text), free(second.text), free(nothing.text), free(whole.text);
    done(record, world);
}

TEST(listening_changes_nothing)
{
    struct strata_world *plain = world_made(50000, 60000), *listened = world_made(50000, 60000);
    CHECK_EQ(strata_world_run(plain, 5 * STRATA_SECOND), 0);
    struct record *record = recorded(listened, NULL);
    CHECK_EQ(strata_world_hash(plain), strata_world_hash(listened));
    strata_world_free(plain);
    done(record, listened);
}

TEST_MAIN(TEST_ENTRY(every_frame_is_kept_with_its_fate), TEST_ENTRY(hops_of_a_datagram_are_one_journey),
          TEST_ENTRY(losses_and_repetitions_are_told), TEST_ENTRY(on_a_bus_a_frame_goes_to_whom_it_is_for),
          TEST_ENTRY(curves_and_words_are_kept), TEST_ENTRY(what_does_not_fit_is_counted),
          TEST_ENTRY(a_full_curve_keeps_its_peaks), TEST_ENTRY(nothing_that_is_told_can_end_a_script),
          TEST_ENTRY(news_are_told_once), TEST_ENTRY(listening_changes_nothing))
