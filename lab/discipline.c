/*
 * RED and CoDel in integers, and the mark itself.
 */
#include "lab/discipline.h"

#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define MILLION 1000000u
#define RED_MIN_FRAMES 5u
#define RED_PROBABILITY_PPM 100000u
#define RED_WEIGHT_PPM 2000u
#define CODEL_TARGET_NS (5 * STRATA_MILLISECOND)
#define CODEL_INTERVAL_NS (100 * STRATA_MILLISECOND)
#define FRACTION_BITS 24

/* ---- RED ------------------------------------------------------------------------------------------- */

static uint32_t min_frames(const struct strata_queue *queue)
{
    return queue->min_frames ? queue->min_frames : RED_MIN_FRAMES;
}

static uint32_t max_frames(const struct strata_queue *queue)
{
    return queue->max_frames ? queue->max_frames : 3 * min_frames(queue);
}

/** x * (1 - weight)^times, where times may be any number. */
static uint64_t decay(uint64_t x, uint32_t weight_ppm, uint64_t times)
{
    uint64_t factor = ((uint64_t)(MILLION - weight_ppm) << 32) / MILLION; // below 2^32
    for (; times > 0 && x > 0; times >>= 1) {
        if (times & 1)
            x = (x >> 32) * factor + ((x & UINT32_MAX) * factor >> 32);
        factor = factor * factor >> 32;
    }
    return x;
}

/** Moves the average: towards 0 for the frames that could have been sent while nothing was there, then towards what
 * is there now. */
static void average(struct red *red, uint32_t weight_ppm, uint32_t waiting, strata_time idle_ns,
                    strata_time frame_ns)
{
    if (idle_ns > 0)
        red->average = decay(red->average, weight_ppm, (uint64_t)(idle_ns / (frame_ns > 0 ? frame_ns : 1)));
    int64_t present = (int64_t)waiting << FRACTION_BITS, step = present - (int64_t)red->average;
    red->average = (uint64_t)((int64_t)red->average + step / (int64_t)MILLION * weight_ppm +
                              step % (int64_t)MILLION * weight_ppm / (int64_t)MILLION);
}

bool red_chooses(struct red *red, const struct strata_queue *queue, uint32_t waiting, strata_time idle_ns,
                 strata_time frame_ns, struct random *random)
{
    uint64_t least = (uint64_t)min_frames(queue) << FRACTION_BITS,
             most = (uint64_t)max_frames(queue) << FRACTION_BITS;
    average(red, queue->weight_ppm ? queue->weight_ppm : RED_WEIGHT_PPM, waiting, idle_ns, frame_ns);
    if (red->average < least) {
        red->since = 0;
        return false;
    }
    if (red->average >= most) {
        red->since = 0;
        return true;
    }
    // p_b grows along the line from min to max; p_b / (1 - since * p_b) spreads the chosen ones evenly.
    uint64_t most_ppm = queue->probability_ppm ? queue->probability_ppm : RED_PROBABILITY_PPM;
    uint64_t share = ((red->average - least) << 8) / ((most - least) >> 8); // of 2^16
    uint64_t basic_ppm = most_ppm * share >> 16, spent_ppm = red->since * basic_ppm;
    bool chosen = spent_ppm + basic_ppm >= MILLION || random_below(random, MILLION - spent_ppm) < basic_ppm;
    red->since = chosen ? 0 : red->since + 1;
    return chosen;
}

/* ---- CoDel ------------------------------------------------------------------------------------------ */

/** The integer part of the square root. */
static uint64_t root(uint64_t x)
{
    uint64_t result = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit > 0; bit >>= 2) {
        if (x >= result + bit) {
            x -= result + bit;
            result = (result >> 1) + bit;
        } else {
            result >>= 1;
        }
    }
    return result;
}

static strata_time interval_of(const struct strata_queue *queue)
{
    return queue->interval_ns ? queue->interval_ns : CODEL_INTERVAL_NS;
}

/** time + interval / sqrt(count) (RFC 8289 5.4). */
static strata_time control_law(const struct strata_queue *queue, strata_time time, uint32_t count)
{
    uint64_t root_16 = root((uint64_t)count << 32); // sqrt(count) * 2^16
    return time + (strata_time)(((uint64_t)interval_of(queue) << 16) / root_16);
}

/** Whether waiting has been above the target for an interval; not when less than a frame is left (RFC 8289 5.3). */
static bool above_for_too_long(struct codel *codel, const struct strata_queue *queue, strata_time waited_ns,
                               uint64_t bytes_left, uint32_t mtu_bytes, strata_time now)
{
    strata_time target_ns = queue->target_ns ? queue->target_ns : CODEL_TARGET_NS;
    if (waited_ns < target_ns || bytes_left <= mtu_bytes) {
        codel->above_since = 0;
        return false;
    }
    if (codel->above_since == 0) {
        codel->above_since = now + interval_of(queue);
        return false;
    }
    return now >= codel->above_since;
}

bool codel_chooses(struct codel *codel, const struct strata_queue *queue, strata_time waited_ns,
                   uint64_t bytes_left, uint32_t mtu_bytes, strata_time now)
{
    if (!above_for_too_long(codel, queue, waited_ns, bytes_left, mtu_bytes, now)) {
        codel->choosing = false;
        return false;
    }
    if (codel->choosing) {
        if (now < codel->next)
            return false;
        codel->count++;
        codel->next = control_law(queue, codel->next, codel->count);
        return true;
    }
    // Again so soon: go on about where it stopped (RFC 8289 5.5).
    uint32_t more = codel->count - codel->last_count;
    bool soon = more > 1 && now - codel->next < 16 * interval_of(queue);
    codel->choosing = true;
    codel->count = soon ? more : 1;
    codel->last_count = codel->count;
    codel->next = control_law(queue, now, codel->count);
    return true;
}

void codel_rest(struct codel *codel)
{
    codel->above_since = 0;
    codel->choosing = false;
}

/* ---- The mark ---------------------------------------------------------------------------------------- */

bool frame_mark_ce(enum strata_link link, uint8_t *frame, size_t length)
{
    size_t at = 0;
    if (link == STRATA_LINK_ETHERNET) {
        struct ethernet_header header;
        int header_bytes = ethernet_parse(&header, frame, length);
        if (header_bytes < 0 || (header.ethertype != ETHERTYPE_IPV4 && header.ethertype != ETHERTYPE_IPV6))
            return false;
        at = (size_t)header_bytes;
    }
    if (length >= at + IPV4_HEADER_BYTES && frame[at] >> 4 == 4)
        return ipv4_mark_ce(frame + at);
    return length >= at + IPV6_HEADER_BYTES && frame[at] >> 4 == 6 && ipv6_mark_ce(frame + at);
}

bool red_is_possible(const struct strata_queue *queue)
{
    return min_frames(queue) < max_frames(queue) && max_frames(queue) <= MILLION &&
           queue->probability_ppm <= MILLION && queue->weight_ppm <= MILLION;
}
