/*
 * The grid of goodput in the lab: what one stream brings in 20 s of virtual time over 100 Mbit/s, for every loss,
 * round trip and share of reordered frames of docs/goodput.md, loss and reordering in both directions. The
 * figures are compared with tests/lab/golden/goodput.txt to the last bit: a change of TCP that moves them is
 * either meant, and then `make golden` writes them anew, or a surprise.
 *
 * Builds that check every invariant at every step look at some of the cells.
 *
 * ctest: label no_valgrind
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

static void measure(const struct cell *cell, char row[ROW_BYTES])
{
    struct strata_impairment line = {.rate_bps = 100000000,
                                     .delay_ns = cell->rtt_ms * STRATA_MILLISECOND / 2,
                                     .queue_frames = 1000,
                                     .loss_ppm = cell->loss_ppm,
                                     .reorder_ppm = cell->reorder_percent * 10000,
                                     .reorder_early = true};
    struct flows flows;
    flows_new(&flows, &(struct flows_config){.seed = 1, .count = 1, .forward = line, .backward = line});
    flows_run(&flows, SECONDS * STRATA_SECOND);
    snprintf(row, ROW_BYTES, "%6s %8d %9u%% %13" PRIu64 " %14" PRId64 " %9" PRId64 "\n", cell->loss, cell->rtt_ms,
             cell->reorder_percent, flows.flow[0].received * 8 / SECONDS / 1000,
             flows_counter(&flows, "tcp_segments_retransmitted"), flows_counter(&flows, "tcp_timeouts"));
    flows_free(&flows);
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
        measure(&cell, row);
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
        measure(&cell, row);
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

TEST_MAIN(TEST_ENTRY(goodput_is_what_it_was))
