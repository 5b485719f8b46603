/*
 * Token bucket: tokens come at a rate, a bucket holds so many, and a frame needs one for each of its bits. In
 * any time t no more than burst + rate t goes. It shapes (frames wait, in a queue of any kind) or polices
 * (what finds no tokens is lost). With a peak rate there is a second, small bucket. As in tc's tbf, tokens are
 * counted as the time that sending them takes.
 */
#include "lab/world.h"

static uint32_t peak_burst(const struct discipline *discipline)
{
    uint32_t bytes = discipline->config->peak_burst_bytes;
    return bytes ? bytes : discipline_frame_bytes(discipline);
}

static void fill(struct discipline *discipline)
{
    const struct strata_queue *config = discipline->config;
    struct bucket *bucket = &discipline->bucket;
    bucket->tokens_ns = sending_time(config->burst_bytes, config->rate_bps);
    bucket->peak_ns = config->peak_bps ? sending_time(peak_burst(discipline), config->peak_bps) : 0;
    bucket->at = discipline_now(discipline);
}

static int begin(struct discipline *discipline)
{
    fill(discipline);
    return classes_begin(discipline);
}

static void add_tokens(struct discipline *discipline, strata_time now)
{
    const struct strata_queue *config = discipline->config;
    struct bucket *bucket = &discipline->bucket;
    strata_time most = sending_time(config->burst_bytes, config->rate_bps), passed = now - bucket->at;
    bucket->at = now;
    bucket->tokens_ns = passed > most - bucket->tokens_ns ? most : bucket->tokens_ns + passed;
    if (config->peak_bps) {
        most = sending_time(peak_burst(discipline), config->peak_bps);
        bucket->peak_ns = passed > most - bucket->peak_ns ? most : bucket->peak_ns + passed;
    }
}

/** How long it takes until there are tokens for so many bytes; takes them when that is now. */
static strata_time spend(struct discipline *discipline, uint32_t bytes, strata_time now)
{
    const struct strata_queue *config = discipline->config;
    struct bucket *bucket = &discipline->bucket;
    add_tokens(discipline, now);
    strata_time cost = sending_time(bytes, config->rate_bps),
                peak_cost = config->peak_bps ? sending_time(bytes, config->peak_bps) : 0;
    strata_time missing = cost - bucket->tokens_ns, peak_missing = peak_cost - bucket->peak_ns;
    if (peak_missing > missing)
        missing = peak_missing;
    if (missing > 0)
        return missing;
    bucket->tokens_ns -= cost;
    bucket->peak_ns -= peak_cost;
    return 0;
}

static bool can_ever_go(const struct discipline *discipline, uint32_t bytes)
{
    return bytes <= discipline->config->burst_bytes &&
           (!discipline->config->peak_bps || bytes <= peak_burst(discipline));
}

static void put(struct discipline *discipline, struct flight *flight)
{
    if (!can_ever_go(discipline, flight->length))
        discipline_lose(discipline, flight, "longer than the bucket");
    else if (discipline->config->police && spend(discipline, flight->length, discipline_now(discipline)) > 0)
        discipline_lose(discipline, flight, "no tokens");
    else
        classes_put(discipline, &discipline->classes[0], flight);
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    struct queue_class *inside = &discipline->classes[0];
    struct flight *flight = class_ahead(inside, now, when);
    if (!flight)
        return NULL;
    strata_time missing = discipline->config->police ? 0 : spend(discipline, flight->length, now);
    if (missing > 0) {
        if (now + missing < *when)
            *when = now + missing;
        return NULL;
    }
    inside->ahead = NULL;
    return flight;
}

const struct discipline_ops queue_tbf_ops = {
    .name = "no tokens", .begin = begin, .put = put, .take = take, .reset = fill};
