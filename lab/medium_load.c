/*
 * Measuring a medium, and what theory says about it.
 *
 * A load is either a crowd that never falls silent, or frames that come up at random (Poisson) at ever different
 * stations: the infinite population of the formulas. Everything is whole numbers, so that a table of measured
 * efficiencies is the same on every machine.
 */
#include "lab/medium_load.h"

#include <errno.h>
#include <stdlib.h>

#define MILLION UINT64_C(1000000)

struct load {
    const struct medium_load *config;
    struct medium *medium;
    struct random random;
    uint64_t ended, offered;
    bool *busy;      /**< Stations that have a frame, when frames come up at random. */
    unsigned cursor;
    unsigned *hungry; /**< Stations whose frame has ended, in a crowd. */
    unsigned hungry_count;
};

uint64_t random_exponential(struct random *random)
{
    for (uint64_t whole = 0;; whole++) {
        // A run of descending numbers is odd in length with probability e^-first.
        uint32_t first = random_u32(random), last = first, next;
        unsigned length = 1;
        while ((next = random_u32(random)) < last) {
            last = next;
            length++;
        }
        if (length % 2 == 1)
            return whole << 32 | first;
    }
}

static void ended(void *self, unsigned station, const struct medium_frame *frame, enum medium_end end)
{
    struct load *load = self;
    (void)frame;
    (void)end;
    load->ended++;
    load->busy[station] = false;
    load->hungry[load->hungry_count++] = station;
}

static int offer(struct load *load, unsigned station, strata_time now)
{
    struct medium_frame frame = {.air_ns = load->config->air_ns, .to = MEDIUM_ALL};
    load->offered++;
    load->busy[station] = true;
    return medium_offer(load->medium, station, &frame, now);
}

/** A station that has nothing to say. There are more than ever speak at once. */
static int idle_station(struct load *load)
{
    unsigned stations = load->config->medium.stations;
    for (unsigned i = 0; i < stations; i++) {
        load->cursor = load->cursor + 1 == stations ? 0 : load->cursor + 1;
        if (!load->busy[load->cursor])
            return (int)load->cursor;
    }
    return -ENOBUFS;
}

static int run_at_random(struct load *load, strata_time *now)
{
    uint64_t mean_ns = (uint64_t)load->config->air_ns * MILLION / load->config->offered_ppm;
    strata_time next = 0;
    int error = 0;
    while (!error && load->offered < load->config->frames) {
        next += (strata_time)((random_exponential(&load->random) * mean_ns) >> 32);
        error = medium_advance(load->medium, next);
        load->hungry_count = 0;
        int station = error ? error : idle_station(load);
        error = station < 0 ? station : offer(load, (unsigned)station, next);
    }
    *now = next;
    return error;
}

static int run_crowd(struct load *load, strata_time *now)
{
    int error = 0;
    for (unsigned i = 0; !error && i < load->config->medium.stations; i++)
        error = offer(load, i, 0);
    while (!error && load->ended < load->config->frames) {
        *now = medium_deadline(load->medium);
        error = medium_advance(load->medium, *now);
        while (!error && load->hungry_count > 0)
            error = offer(load, load->hungry[--load->hungry_count], *now);
    }
    return error;
}

int medium_measure(const struct medium_load *config, struct medium_measured *measured)
{
    static const struct medium_calls calls = {.ended = ended};
    // Nothing that is multiplied overflows.
    if (config->air_ns <= 0 || config->air_ns > 20 * STRATA_MILLISECOND ||
        (config->offered_ppm > 0 && config->offered_ppm < 10000))
        return -EINVAL;
    struct load load = {.config = config};
    strata_time now = 0;
    int error = medium_new(&load.medium, &config->medium, &calls, &load);
    if (error)
        return error;
    uint8_t seed[32];
    for (unsigned i = 0; i < sizeof seed; i++)
        seed[i] = config->medium.seed[i] ^ 0x5a;
    random_init(&load.random, seed);
    load.busy = calloc(config->medium.stations, sizeof *load.busy);
    load.hungry = calloc(config->medium.stations, sizeof *load.hungry);
    if (!load.busy || !load.hungry)
        error = -ENOMEM;
    else
        error = config->offered_ppm ? run_at_random(&load, &now) : run_crowd(&load, &now);
    medium_counts(load.medium, &measured->counts);
    measured->time_ns = now;
    measured->throughput_ppm = now > 0 ? (uint64_t)measured->counts.carried_ns * MILLION / (uint64_t)now : 0;
    measured->offered_ppm = now > 0 ? load.offered * (uint64_t)config->air_ns * MILLION / (uint64_t)now : 0;
    medium_free(load.medium);
    free(load.busy);
    free(load.hungry);
    return error;
}

/* ---- Formulas -------------------------------------------------------------------------------------------------- */

uint64_t exp_minus(uint64_t x_ppm)
{
    // e^-x = (e^-(x/1024))^1024, the inner one by its series: fractions of 2^30 become 2^60 in products.
    const uint64_t high = UINT64_C(1) << 31;
    if (x_ppm > 20 * MILLION)
        return 0;
    uint64_t x = (x_ppm << 31) / MILLION >> 10;
    uint64_t square = x * x >> 31, cube = square * x >> 31;
    uint64_t value = high - x + square / 2 - cube / 6;
    for (int i = 0; i < 10; i++)
        value = value * value >> 31;
    return value >> 1;
}

uint64_t formula_aloha(uint64_t g_ppm)
{
    return g_ppm * exp_minus(2 * g_ppm) >> 30;
}

uint64_t formula_slotted(uint64_t g_ppm)
{
    return g_ppm * exp_minus(g_ppm) >> 30;
}

/** A product of two numbers in millionths. */
static uint64_t times(uint64_t a_ppm, uint64_t b_ppm)
{
    return a_ppm * b_ppm / MILLION;
}

uint64_t formula_non_persistent(uint64_t g_ppm, uint64_t a_ppm)
{
    uint64_t e = exp_minus(times(a_ppm, g_ppm)) * MILLION >> 30;
    return times(g_ppm, e) * MILLION / (times(g_ppm, MILLION + 2 * a_ppm) + e);
}

uint64_t formula_persistent(uint64_t g_ppm, uint64_t a_ppm)
{
    uint64_t ag = times(a_ppm, g_ppm), more = MILLION + g_ppm;
    uint64_t above = times(g_ppm, more + times(ag, more + ag / 2));
    above = above * exp_minus(times(g_ppm, MILLION + 2 * a_ppm)) >> 30;
    uint64_t idle = MILLION - (exp_minus(ag) * MILLION >> 30);
    uint64_t below = times(g_ppm, MILLION + 2 * a_ppm) +
                     ((MILLION + ag) * exp_minus(times(g_ppm, MILLION + a_ppm)) >> 30) - idle;
    return above * MILLION / below;
}

uint64_t formula_csma_cd(uint64_t a_ppm)
{
    return MILLION * MILLION / (MILLION + 5 * a_ppm);
}

uint64_t formula_token(uint64_t walk_ppm)
{
    return MILLION * MILLION / (MILLION + walk_ppm);
}
