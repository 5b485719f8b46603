/*
 * The grid of goodput in the lab: what one stream brings in 20 s of virtual time over 100 Mbit/s, for every loss,
 * round trip and share of reordered frames of docs/goodput.md, loss and reordering in both directions. The
 * figures are compared with tests/lab/golden/goodput.txt to the last bit: a change of TCP that moves them is
 * either meant, and then `make golden` writes them anew, or a surprise.
 *
 * Builds that check every invariant at every step look at some of the cells.
 *
 * One cell is compared with what Linux brought to Linux in docs/goodput.md.
 *
 * ctest: label no_valgrind
 * ctest: timeout 600
 */
#include "tests/lab/flows.h"

#include "tests/test.h"

#define GOLDEN "tests/lab/golden/goodput.txt"
#define SECONDS 20
#define ROW_BYTES 100

struct cell {
    const char *loss;
    uint32_t loss_ppm;
    int rtt_ms;
    unsigned reorder_percent;
};

/** Runs a cell and writes its row. @return kbit/s. */
static uint64_t measure(const struct cell *cell, uint64_t seed, char row[ROW_BYTES])
{
    struct strata_impairment line = {.rate_bps = 100000000,
                                     .delay_ns = cell->rtt_ms * STRATA_MILLISECOND / 2,
                                     .queue_frames = 1000,
                                     .loss_ppm = cell->loss_ppm,
                                     .reorder_ppm = cell->reorder_percent * 10000,
                                     .reorder_early = true};
    struct flows flows;
    flows_new(&flows, &(struct flows_config){.seed = seed, .count = 1, .forward = line, .backward = line});
    flows_run(&flows, SECONDS * STRATA_SECOND);
    uint64_t kbit = flows.flow[0].received * 8 / SECONDS / 1000;
    snprintf(row, ROW_BYTES, "%6s %8d %9u%% %13" PRIu64 " %14" PRId64 " %9" PRId64 "\n", cell->loss, cell->rtt_ms,
             cell->reorder_percent, kbit,
             flows_counter(&flows, "tcp_segments_retransmitted"), flows_counter(&flows, "tcp_timeouts"));
    flows_free(&flows);
    return kbit;
}

/** The n-th cell. @return whether there is one. */
static bool cell_of(unsigned n, struct cell *cell)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } losses[] = {{"0", 0}, {"0.01%", 100}, {"0.1%", 1000}, {"1%", 10000}, {"3%", 30000}, {"10%", 100000}};
    static const int rtts[] = {1, 20, 100, 300};
    if (n > 48)
        return false;
    if (n == 48)
        *cell = (struct cell){"1%", 10000, 40, 0};
    else
        *cell = (struct cell){losses[n % 6].text, losses[n % 6].ppm, rtts[n / 6 % 4], n / 24 * 5};
    return true;
}

static const char head[] =
    "# What one stream brings in 20 s over 100 Mbit/s in the lab, seed 1; written by `make golden`.\n"
    "# loss   rtt_ms  reordered  goodput_kbit  retransmitted  timeouts\n";

static void write_golden(void)
{
    FILE *file = fopen(GOLDEN, "w");
    struct cell cell;
    char row[ROW_BYTES];
    REQUIRE(file);
    fputs(head, file);
    for (unsigned n = 0; cell_of(n, &cell); n++) {
        measure(&cell, 1, row);
        fputs(row, file);
    }
    CHECK_EQ(fclose(file), 0);
}

TEST(goodput_is_what_it_was)
{
    if (getenv("GOLDEN_WRITE")) {
        write_golden();
        return;
    }
    FILE *file = fopen(GOLDEN, "r");
    REQUIRE(file);
    char line[200], row[ROW_BYTES];
    struct cell cell;
    unsigned wrong = 0;
    for (int i = 0; i < 2; i++)
        REQUIRE(fgets(line, sizeof line, file));
    for (unsigned n = 0; cell_of(n, &cell); n++) {
        REQUIRE(fgets(line, sizeof line, file));
        if (STRATA_CHECK && n % 7 != 3)
            continue;
        measure(&cell, 1, row);
        if (strcmp(line, row) == 0)
            continue;
        wrong++;
        printf("     was %s     is  %s", line, row);
    }
    CHECK(!fgets(line, sizeof line, file));
    fclose(file);
    if (wrong)
        printf("     %u cells differ from " GOLDEN "; where that is meant, `make golden` writes it anew\n", wrong);
    CHECK_EQ(wrong, 0);
}

/** What Linux brought to Linux at 1 % loss and 40 ms, by the table of docs/goodput.md; kbit/s. */
static uint64_t linux_kbit(void)
{
    FILE *file = fopen("docs/goodput.md", "r");
    char line[400];
    unsigned runs, whole, hundredths;
    uint64_t kbit = 0;
    REQUIRE(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "| 1%% | 40 ms | 0 | %u | %u.%2u |", &runs, &whole, &hundredths) == 3)
            kbit = whole * 1000 + hundredths * 10;
    fclose(file);
    return kbit;
}

/* The same cell in the lab, as the mean over seeds: no less than Linux. */
TEST(no_less_than_linux_at_one_percent)
{
    const struct cell cell = {"1%", 10000, 40, 0};
    const unsigned seeds = 20;
    uint64_t expected = linux_kbit(), sum = 0;
    char row[ROW_BYTES];
    REQUIRE(expected > 0);
    for (unsigned seed = 1; seed <= seeds; seed++)
        sum += measure(&cell, seed, row);
    if (sum / seeds < expected)
        printf("     %" PRIu64 " kbit/s, Linux %" PRIu64 "\n", sum / seeds, expected);
    CHECK(sum / seeds >= expected);
}

TEST_MAIN(TEST_ENTRY(goodput_is_what_it_was), TEST_ENTRY(no_less_than_linux_at_one_percent))
