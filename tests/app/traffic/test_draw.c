/*
 * Random draws have the distribution they are named after, to the last digit that integers give; packets are read as
 * they were written; figures are printed with all their digits and no more.
 */
#include "app/figures.h"
#include "app/traffic/draw.h"
#include "app/traffic/packet.h"
#include "base/random.h"
#include "tests/test.h"

/* mean * -ln((number + 1) / 2^64), with a mean of 10^9: to a few thousand-millionths. */
TEST(the_logarithm_is_right)
{
    static const struct {
        uint64_t number, expected;
    } rows[] = {
        {UINT64_MAX, 0},
        {(UINT64_C(1) << 63) - 1, 693147180},         // ln 2
        {(UINT64_C(1) << 62) - 1, 1386294361},        // ln 4
        {UINT64_C(6786177901268885274), 1000000000},  // 2^64 / e
        {UINT64_C(16602069666338596454), 105360515},  // 0.9 of 2^64
        {UINT64_C(1844674407370955161), 2302585092},  // a tenth
        {0, UINT64_C(44361419555)},                   // 64 ln 2: nothing is larger
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t away = (int64_t)exponential_of(1000000000, rows[i].number) - (int64_t)rows[i].expected;
        CHECK(away >= -40 && away <= 40);
    }
    CHECK_EQ(exponential_of(0, 12345), 0);
    CHECK_EQ(exponential_of(UINT64_C(1) << 56, (UINT64_C(1) << 63) - 1) >> 36, 726817); // large means lose nothing
}

/* Mean and mean square of a hundred thousand draws, and the share above the mean: m, 2 m^2, 1/e. */
TEST(draws_are_exponential)
{
    struct random random;
    uint8_t seed[32] = {1};
    random_init(&random, seed);
    uint64_t sum = 0, squares = 0, above = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t draw = exponential_of(10000, random_u64(&random));
        sum += draw;
        squares += draw * draw;
        above += draw > 10000;
    }
    CHECK(sum / 100000 > 9900 && sum / 100000 < 10100);
    CHECK(squares / 100000 > 196000000 && squares / 100000 < 204000000);
    CHECK(above > 36300 && above < 37300);
}

TEST(packets_are_read_as_written)
{
    struct traffic_packet packet = {0x01020304, 1062, INT64_C(1767225600123456789)}, again;
    uint8_t bytes[TRAFFIC_PACKET_BYTES];
    traffic_emit(bytes, &packet);
    static const uint8_t begin[] = {1, 2, 3, 4, 0, 0, 4, 0x26};
    CHECK_MEM(bytes, begin, sizeof begin);
    CHECK(traffic_parse(&again, bytes, sizeof bytes));
    CHECK_EQ(again.number, packet.number);
    CHECK_EQ(again.wanted_bytes, packet.wanted_bytes);
    CHECK_EQ(again.sent_at, packet.sent_at);
    CHECK(!traffic_parse(&again, bytes, sizeof bytes - 1));
}

/* A size is that of the datagram; it never becomes too small for a number and a time. */
TEST(sizes_count_the_headers)
{
    struct strata_address four, six;
    CHECK_EQ(strata_address_parse("10.0.0.1", &four), 0);
    CHECK_EQ(strata_address_parse("2001:db8::1", &six), 0);
    CHECK_EQ(traffic_data_bytes(&four, 1000), 972);
    CHECK_EQ(traffic_data_bytes(&six, 1000), 952);
    CHECK_EQ(traffic_data_bytes(&four, 44), 16);
    CHECK_EQ(traffic_data_bytes(&four, 1), 16);
    CHECK_EQ(traffic_data_bytes(&four, 1000000), TRAFFIC_DATA_MAX);
}

TEST(figures_have_their_digits)
{
    char room[FIGURE_TEXT];
    CHECK_STR(figure_time(30008000, room), "30.008 ms");
    CHECK_STR(figure_time(62 * 60 * STRATA_SECOND, room), "3720000 ms");
    CHECK_STR(figure_time(1, room), "0.000001 ms");
    CHECK_STR(figure_time(0, room), "0 ms");
    CHECK_STR(figure_rate(8000, 30008000, room), "266.595 kbit/s");
    CHECK_STR(figure_rate(8000, 8000, room), "1 Gbit/s");
    CHECK_STR(figure_rate(1, STRATA_SECOND, room), "1 bit/s");
    CHECK_STR(figure_rate(UINT64_C(1) << 50, 3600 * STRATA_SECOND, room), "312.749 Gbit/s");
    CHECK_STR(figure_rate(8000, 0, room), "0 bit/s");
    CHECK_STR(figure_ratio(424, 1000000, room), "0.000424");
    CHECK_STR(figure_ratio(8000, 30008000, room), "0.000266595");
    CHECK_STR(figure_ratio(UINT64_C(3) << 60, UINT64_C(1) << 60, room), "3");
    CHECK_STR(figure_ratio(1, 0, room), "0");
}

TEST_MAIN(TEST_ENTRY(the_logarithm_is_right), TEST_ENTRY(draws_are_exponential),
          TEST_ENTRY(packets_are_read_as_written), TEST_ENTRY(sizes_count_the_headers),
          TEST_ENTRY(figures_have_their_digits))
