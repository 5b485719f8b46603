/**
 * TCP under everything at once: two hosts back to back, a cable that loses, delays, reorders, doubles and
 * damages, programs that write and read in random pieces, pause, close one direction early, change their
 * minds about buffers; small windows, small MTUs, small budgets, allocators that fail now and then. Whatever
 * comes out of the seed, every byte arrives once and in order before a deadline of virtual time, and nothing
 * is left over afterwards.
 *
 * Hosts lose their power and come up again, programs close one direction long before the other, paths are
 * narrower than anybody says or mark frames with congestion; half of all that TCP can be told is drawn as well.
 *
 * In debug and sanitizer builds connection_check runs at every step. `make soak` runs many more seeds.
 *
 * Another range of seeds: SOAK_SEED=1000 SOAK_COUNT=5000 test_tcp_soak; what was drawn: SOAK_TRACE=1; every
 * frame: SOAK_FRAMES=1; each seed before it begins: SOAK_LIST=1.
 *
 * ctest: timeout 600
 */
#include "tests/transport/soak.h"

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/** What must have happened somewhere, or the soak does not test what it says. */
static void check_coverage(void)
{
    static const char *const names[] = {
        "tcp_drop_checksum", "tcp_drop_unacceptable", "tcp_drop_paws", "tcp_drop_memory", "tcp_drop_out_of_order",
        "tcp_evicted", "tcp_out_of_order", "tcp_segments_retransmitted", "tcp_timeouts", "tcp_fast_retransmits",
        "tcp_tail_probes", "tcp_dsacks_sent", "tcp_dsacks_received", "tcp_spurious_recoveries", "tcp_spurious_timeouts",
        "tcp_challenge_acks", "tcp_resets_sent", "tcp_ecn_marks", "tcp_ecn_echoes", "tcp_mtu_probes", "tcp_mtu_raised",
        "tcp_mtu_probes_lost", "tcp_mtu_black_holes", "tcp_cookies_sent", "tcp_cookies_accepted",
        "tcp_fast_open_active", "tcp_fast_open_passive", "tcp_fast_open_refused", "tcp_sacks_reneged"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (getenv("SOAK_COUNTS"))
            printf("    %-30s %" PRIu64 "\n", names[i], soak_counted(names[i]));
        if (!CHECK(soak_counted(names[i]) > 0))
            printf("    no seed had: %s\n", names[i]);
    }
}

TEST(every_byte_arrives_whatever_the_seed)
{
    uint64_t first = number_from("SOAK_SEED", 301), count = number_from("SOAK_COUNT", 300);
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (getenv("SOAK_LIST")) {
            printf("seed %" PRIu64 "\n", seed);
            fflush(stdout);
        }
        soak_seed(seed);
    }
    if (count >= 300)
        check_coverage();
}

TEST_MAIN(TEST_ENTRY(every_byte_arrives_whatever_the_seed))
