/*
 * Reliable data transfer: the traces of the textbook word by word, and, over channels that fail by chance, that each
 * version delivers everything in order once where its assumptions hold, and fails where they do not.
 */
#include "tests/app/rdt/channel.h"

#include <errno.h>

#include "app/rdt/program.h"
#include "tests/test.h"

static struct outcome outcome;

/** Runs a script and compares the story. */
static void story(const struct channel_config *config, const char *expected)
{
    channel_run(config, &outcome);
    CHECK_STR(outcome.story, expected);
}

TEST(version_1_0_does_nothing)
{
    story(&(struct channel_config){.version = "1.0", .packets = 2}, "send0 send0 deliver0 deliver0");
    CHECK(outcome.finished && !outcome.wrong);
    story(&(struct channel_config){.version = "1.0", .packets = 1, .forward.damage = {1}}, "send0 deliver0");
}

TEST(version_2_0_repeats_what_was_damaged)
{
    story(&(struct channel_config){.version = "2.0", .packets = 2, .forward.damage = {1}},
          "send0 damaged0 nak0 <nak0 again0 deliver0 ack0 <ack0 send0 deliver0 ack0 <ack0");
    CHECK(outcome.finished && !outcome.wrong);
}

/* The fatal flaw, either way. */
TEST(version_2_0_fails_when_an_ack_is_damaged)
{
    struct channel_config config = {.version = "2.0", .packets = 2, .backward.damage = {1}};
    story(&config, "send0 deliver0 ack0 <damaged0");
    CHECK(!outcome.finished);
    config.resend_garbled = true;
    story(&config, "send0 deliver0 ack0 <damaged0 again0 deliver0 ack0 <ack0 send0 deliver0 ack0 <ack0");
    CHECK(outcome.wrong);
}

TEST(version_2_1_knows_a_packet_that_comes_again)
{
    story(&(struct channel_config){.version = "2.1", .packets = 2, .forward.damage = {1}, .backward.damage = {2}},
          "send0 damaged0 nak0 <nak0 again0 deliver0 ack0 <damaged0 again0 discard0 ack0 <ack0 send1 deliver1 ack0 "
          "<ack0");
    CHECK(outcome.finished && !outcome.wrong);
    story(&(struct channel_config){.version = "2.1", .packets = 2, .forward.lose = {1}}, "send0");
    CHECK(!outcome.finished);
}

TEST(version_2_2_says_it_without_nak)
{
    story(&(struct channel_config){.version = "2.2", .packets = 2, .forward.damage = {2}, .backward.damage = {3}},
          "send0 deliver0 ack0 <ack0 send1 damaged0 ack0 <ack0 again1 deliver1 ack1 <damaged0 again1 discard1 ack1 "
          "<ack1");
    story(&(struct channel_config){.version = "2.2", .packets = 1, .forward.damage = {1}},
          "send0 damaged0 ack1 <ack1 again0 deliver0 ack0 <ack0");
    story(&(struct channel_config){.version = "2.2", .packets = 2, .backward.lose = {1}}, "send0 deliver0 ack0");
    CHECK(!outcome.finished);
}

TEST(version_3_0_without_loss)
{
    story(&(struct channel_config){.version = "3.0", .packets = 3},
          "send0 deliver0 ack0 <ack0 send1 deliver1 ack1 <ack1 send0 deliver0 ack0 <ack0");
}

TEST(version_3_0_with_a_lost_packet)
{
    story(&(struct channel_config){.version = "3.0", .packets = 3, .forward.lose = {2}},
          "send0 deliver0 ack0 <ack0 send1 timeout1 again1 deliver1 ack1 <ack1 send0 deliver0 ack0 <ack0");
}

TEST(version_3_0_with_a_lost_ack)
{
    story(&(struct channel_config){.version = "3.0", .packets = 3, .backward.lose = {2}},
          "send0 deliver0 ack0 <ack0 send1 deliver1 ack1 timeout1 again1 discard1 ack1 <ack1 send0 deliver0 ack0 "
          "<ack0");
}

TEST(version_3_0_with_a_premature_timeout)
{
    story(&(struct channel_config){.version = "3.0", .packets = 4, .backward.delay = {{2, 12}}},
          "send0 deliver0 ack0 <ack0 send1 deliver1 ack1 timeout1 again1 <ack1 send0 discard1 ack1 deliver0 ack0 "
          "<ack1 <ack0 send1 deliver1 ack1 <ack1");
    CHECK(outcome.finished && !outcome.wrong && outcome.delivered == 4);
}

/* Damage is as good as loss. */
TEST(version_3_0_waits_when_feedback_is_damaged)
{
    story(&(struct channel_config){.version = "3.0", .packets = 1, .backward.damage = {1}},
          "send0 deliver0 ack0 <damaged0 timeout0 again0 discard0 ack0 <ack0");
}

TEST(version_3_0_is_deceived_by_reordering)
{
    struct channel_config config = {.version = "3.0", .packets = 3, .forward.delay = {{1, 55}}};
    channel_run(&config, &outcome);
    CHECK(outcome.finished && outcome.wrong);
}

/* Window 4, packets 0 to 5, packet 2 lost. */
TEST(go_back_n_trace)
{
    story(&(struct channel_config){.version = "gbn", .window = 4, .packets = 6, .forward.lose = {3}},
          "send0 send1 send2 send3 deliver0 ack0 deliver1 ack1 discard3 ack1 "
          "<ack0 send4 <ack1 send5 <ack1 discard4 ack1 discard5 ack1 <ack1 <ack1 "
          "timeout2 again2 again3 again4 again5 deliver2 ack2 deliver3 ack3 deliver4 ack4 deliver5 ack5 "
          "<ack2 <ack3 <ack4 <ack5");
}

TEST(selective_repeat_trace)
{
    story(&(struct channel_config){.version = "sr", .window = 4, .packets = 6, .forward.lose = {3}},
          "send0 send1 send2 send3 ack0 deliver0 ack1 deliver1 buffer3 ack3 "
          "<ack0 send4 <ack1 send5 <ack3 buffer4 ack4 buffer5 ack5 timeout2 again2 <ack4 <ack5 "
          "ack2 deliver2 deliver3 deliver4 deliver5 <ack2");
}

/* An ACK for a later packet stands for those before it: the loss of ACKs costs nothing. */
TEST(go_back_n_acknowledges_cumulatively)
{
    story(&(struct channel_config){.version = "gbn", .window = 4, .packets = 4, .backward.lose = {1, 2, 3}},
          "send0 send1 send2 send3 deliver0 ack0 deliver1 ack1 deliver2 ack2 deliver3 ack3 <ack3");
}

/* The first packet is lost: the ACK for "none so far" is for a number that nobody waits for. */
TEST(go_back_n_before_anything_arrived)
{
    story(&(struct channel_config){.version = "gbn", .window = 2, .numbers = 4, .packets = 2, .forward.lose = {1}},
          "send0 send1 discard1 ack3 <ack3 timeout0 again0 again1 deliver0 ack0 deliver1 ack1 <ack0 <ack1");
}

TEST(four_numbers_and_a_window_of_three)
{
    struct channel_config config = {
        .version = "sr", .window = 3, .numbers = 4, .packets = 4, .backward.lose = {1, 2, 3}};
    channel_run(&config, &outcome);
    CHECK(outcome.wrong);
    CHECK(strstr(outcome.story, "again0 timeout1 again1 timeout2 again2 buffer0 ack0") != NULL);
    config.window = 2;
    channel_run(&config, &outcome);
    CHECK(channel_is_right(&config, &outcome));
    // The same for Go-Back-N, which bears a window of one less than the numbers, and not of as many.
    config = (struct channel_config){
        .version = "gbn", .window = 3, .numbers = 4, .packets = 8, .backward.lose = {1, 2, 3}};
    channel_run(&config, &outcome);
    CHECK(channel_is_right(&config, &outcome));
    config.window = 4;
    config.backward.lose[3] = 4;
    channel_run(&config, &outcome);
    CHECK(!channel_is_right(&config, &outcome));
}

#define SEEDS 60
#define NOISE {.corrupt = 20}
#define LOSS {.loss = 20, .corrupt = 10}
#define REPEATS {.loss = 15, .corrupt = 10, .duplicate = 15}
#define CHAOS {.loss = 15, .corrupt = 10, .duplicate = 10, .late = 20}

/* Where the assumptions hold, every seed is right. */
TEST(each_version_delivers_where_its_assumptions_hold)
{
    static const struct channel_config rows[] = {
        {.version = "1.0"},
        {.version = "2.0", .forward = NOISE},
        {.version = "2.1", .forward = NOISE, .backward = NOISE},
        {.version = "2.2", .forward = NOISE, .backward = NOISE},
        {.version = "3.0", .forward = LOSS, .backward = LOSS},
        {.version = "3.0", .forward = REPEATS, .backward = REPEATS, .timeout = 15}, // always premature
        {.version = "gbn", .window = 1, .numbers = 2, .forward = REPEATS, .backward = REPEATS},
        {.version = "gbn", .window = 7, .numbers = 8, .forward = REPEATS, .backward = REPEATS, .timeout = 40},
        {.version = "gbn", .window = 8, .forward = CHAOS, .backward = CHAOS},
        {.version = "sr", .window = 1, .numbers = 2, .forward = REPEATS, .backward = REPEATS},
        {.version = "sr", .window = 4, .numbers = 8, .forward = REPEATS, .backward = REPEATS, .timeout = 15},
        {.version = "sr", .window = 8, .forward = CHAOS, .backward = CHAOS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned right = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct channel_config config = rows[i];
            config.packets = 40;
            config.seed = seed;
            channel_run(&config, &outcome);
            right += channel_is_right(&config, &outcome);
        }
        if (right != SEEDS)
            printf("    row %zu, rdt %s:\n", i, rows[i].version);
        CHECK_EQ(right, SEEDS);
    }
}

/* Where one of them does not, there are seeds that show it; every fault here is the smallest that is too much. */
TEST(each_version_fails_beyond_its_assumptions)
{
    static const struct channel_config rows[] = {
        {.version = "1.0", .forward = NOISE},
        {.version = "1.0", .forward = {.loss = 20}},
        {.version = "2.0", .backward = NOISE},
        {.version = "2.0", .backward = NOISE, .resend_garbled = true},
        {.version = "2.0", .forward = {.loss = 20}},
        {.version = "2.1", .forward = {.loss = 20}},
        {.version = "2.1", .forward = NOISE, .backward = {.duplicate = 20}},
        {.version = "2.2", .forward = {.loss = 20}},
        {.version = "2.2", .backward = {.loss = 20}},
        {.version = "3.0", .forward = {.late = 40}, .timeout = 25},
        {.version = "gbn", .window = 4, .numbers = 4, .forward = LOSS, .backward = LOSS},
        {.version = "gbn", .window = 3, .numbers = 4, .forward = {.late = 40}, .timeout = 25},
        {.version = "sr", .window = 3, .numbers = 4, .forward = LOSS, .backward = LOSS},
        {.version = "sr", .window = 2, .numbers = 4, .forward = {.late = 40}, .timeout = 25},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned failed = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct channel_config config = rows[i];
            config.packets = 40;
            config.seed = seed;
            channel_run(&config, &outcome);
            failed += !channel_is_right(&config, &outcome);
        }
        if (failed == 0)
            printf("    row %zu, rdt %s:\n", i, rows[i].version);
        CHECK(failed > 0);
    }
}

TEST(windows_and_numbers_are_checked)
{
    static const struct rdt_calls none;
    struct rdt_sender sender;
    struct rdt_receiver receiver;
    CHECK_EQ(rdt_sender_init(&sender, rdt_find("3.0"), 2, 0, &none, NULL), -EINVAL);
    CHECK_EQ(rdt_sender_init(&sender, rdt_find("2.1"), 1, 4, &none, NULL), -EINVAL);
    CHECK_EQ(rdt_sender_init(&sender, rdt_find("gbn"), 5, 4, &none, NULL), -EINVAL);
    CHECK_EQ(rdt_receiver_init(&receiver, rdt_find("sr"), RDT_WINDOW_MAX + 1, 0, &none, NULL), -EINVAL);
    CHECK(rdt_find("4.0") == NULL);
    CHECK(rdt_version(7) == NULL);
    CHECK_EQ(rdt_sender_init(&sender, rdt_find("sr"), 4, 0, &none, NULL), 0);
    uint8_t data[RDT_DATA_MAX + 1] = {0};
    CHECK(!rdt_send(&sender, data, sizeof data)); // too long
    rdt_sender_free(&sender);
}

TEST(packets_are_read_as_written)
{
    static const uint8_t data[] = {1, 2, 3};
    uint8_t bytes[RDT_PACKET_MAX];
    struct rdt_packet packet = {.kind = RDT_DATA, .number = 0x01020304, .data = data, .size = 3}, again;
    CHECK_EQ(rdt_emit(bytes, &packet), 11);
    static const uint8_t expected[] = {0, 0, 0xf7, 0xf7, 1, 2, 3, 4, 1, 2, 3};
    CHECK_MEM(bytes, expected, sizeof expected);
    rdt_parse(&again, bytes, 11);
    CHECK(!again.corrupt && again.kind == RDT_DATA && again.number == 0x01020304 && again.size == 3);
    CHECK_MEM(again.data, data, 3);
    for (unsigned bit = 0; bit < 88; bit++) { // each single flip is noticed
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rdt_parse(&again, bytes, 11);
        CHECK(again.corrupt);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    rdt_parse(&again, bytes, 7);
    CHECK(again.corrupt);
    rdt_parse(&again, bytes, 0);
    CHECK(again.corrupt);
    packet = (struct rdt_packet){.kind = RDT_NAK, .number = 7};
    CHECK_EQ(rdt_emit(bytes, &packet), 8);
    rdt_parse(&again, bytes, 8);
    CHECK(!again.corrupt && again.kind == RDT_NAK && again.number == 7 && again.size == 0);
}

TEST(data_know_their_place)
{
    uint8_t data[40];
    rdt_fill(data, sizeof data, 123456);
    CHECK_EQ(rdt_check(data, sizeof data), 123456);
    data[39] ^= 1;
    CHECK_EQ(rdt_check(data, sizeof data), -1);
    CHECK_EQ(rdt_check(data, 3), -1);
}

TEST_MAIN(TEST_ENTRY(version_1_0_does_nothing), TEST_ENTRY(version_2_0_repeats_what_was_damaged),
          TEST_ENTRY(version_2_0_fails_when_an_ack_is_damaged),
          TEST_ENTRY(version_2_1_knows_a_packet_that_comes_again), TEST_ENTRY(version_2_2_says_it_without_nak),
          TEST_ENTRY(version_3_0_without_loss), TEST_ENTRY(version_3_0_with_a_lost_packet),
          TEST_ENTRY(version_3_0_with_a_lost_ack), TEST_ENTRY(version_3_0_with_a_premature_timeout),
          TEST_ENTRY(version_3_0_waits_when_feedback_is_damaged), TEST_ENTRY(version_3_0_is_deceived_by_reordering),
          TEST_ENTRY(go_back_n_trace), TEST_ENTRY(selective_repeat_trace),
          TEST_ENTRY(go_back_n_acknowledges_cumulatively), TEST_ENTRY(go_back_n_before_anything_arrived),
          TEST_ENTRY(four_numbers_and_a_window_of_three),
          TEST_ENTRY(each_version_delivers_where_its_assumptions_hold),
          TEST_ENTRY(each_version_fails_beyond_its_assumptions), TEST_ENTRY(windows_and_numbers_are_checked),
          TEST_ENTRY(packets_are_read_as_written), TEST_ENTRY(data_know_their_place))
