/*
 * Follows a trace. A round that went by unseen is skipped: what a whole round says is what it says again.
 */
#include "lab/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool trace_is_possible(const struct strata_link_trace *trace)
{
    const strata_time longest = 366 * 86400 * STRATA_SECOND;
    strata_time before = 0;
    for (unsigned i = 0; i < trace->point_count; i++) {
        const struct strata_trace_point *point = &trace->points[i];
        if (point->at < before || point->at > longest || point->delay_ns < 0 || point->delay_ns > longest ||
            point->loss_ppm > 1000000)
            return false;
        before = point->at;
    }
    if (trace->period_ns != 0 && (trace->period_ns <= before || trace->period_ns > longest))
        return false;
    for (unsigned i = 1; i < trace->delivery_count; i++)
        if (trace->deliveries_ms[i] < trace->deliveries_ms[i - 1])
            return false;
    if (trace->delivery_count > 0 && trace->deliveries_ms[trace->delivery_count - 1] == 0)
        return false;
    return trace->point_count > 0 || trace->delivery_count > 0;
}

static void *copy_of(const void *items, size_t bytes)
{
    void *copy = malloc(bytes ? bytes : 1);
    if (copy && bytes)
        memcpy(copy, items, bytes);
    return copy;
}

int follower_new(struct follower **made, const struct strata_link_trace *trace, strata_time now)
{
    struct follower *follower = calloc(1, sizeof *follower);
    if (!follower)
        return -ENOMEM;
    follower->trace = *trace;
    follower->trace.points = copy_of(trace->points, trace->point_count * sizeof *trace->points);
    follower->trace.deliveries_ms = copy_of(trace->deliveries_ms, trace->delivery_count * sizeof *trace->deliveries_ms);
    follower->began = follower->deliveries_began = now;
    follower->opportunity = -1;
    if (!follower->trace.points || !follower->trace.deliveries_ms) {
        follower_free(follower);
        return -ENOMEM;
    }
    *made = follower;
    return 0;
}

void follower_free(struct follower *follower)
{
    if (!follower)
        return;
    free((struct strata_trace_point *)follower->trace.points);
    free((uint32_t *)follower->trace.deliveries_ms);
    free(follower);
}

strata_time follower_next(const struct follower *follower)
{
    const struct strata_link_trace *trace = &follower->trace;
    return follower->next < trace->point_count ? follower->began + trace->points[follower->next].at : STRATA_NEVER;
}

void follower_apply(struct follower *follower, struct strata_impairment *impairment, strata_time now)
{
    const struct strata_link_trace *trace = &follower->trace;
    if (trace->period_ns > 0 && (now - follower->began) / trace->period_ns > 2)
        follower->began += ((now - follower->began) / trace->period_ns - 2) * trace->period_ns;
    while (follower_next(follower) <= now) {
        const struct strata_trace_point *point = &trace->points[follower->next++];
        if (point->has_rate) {
            follower->stopped = point->rate_bps == 0;
            impairment->rate_bps = point->rate_bps;
        }
        if (point->has_delay)
            impairment->delay_ns = point->delay_ns;
        if (point->has_loss)
            impairment->loss_ppm = point->loss_ppm;
        if (follower->next == trace->point_count && trace->period_ns > 0) {
            follower->next = 0;
            follower->began += trace->period_ns;
        }
    }
}

/** The next opportunity that is not before now. */
static strata_time next_opportunity(struct follower *follower, strata_time now)
{
    const struct strata_link_trace *trace = &follower->trace;
    strata_time period_ns = (strata_time)trace->deliveries_ms[trace->delivery_count - 1] * STRATA_MILLISECOND;
    strata_time behind = (now - follower->deliveries_began) / period_ns;
    if (behind > 1) {
        follower->deliveries_began += (behind - 1) * period_ns;
        follower->next_delivery = 0;
    }
    for (;;) {
        strata_time at = follower->deliveries_began +
                         (strata_time)trace->deliveries_ms[follower->next_delivery] * STRATA_MILLISECOND;
        if (++follower->next_delivery == trace->delivery_count) {
            follower->next_delivery = 0;
            follower->deliveries_began += period_ns;
        }
        if (at >= now)
            return at;
    }
}

strata_time follower_send(struct follower *follower, uint32_t bytes, uint32_t opportunity_bytes, strata_time now)
{
    if (follower->opportunity != now)
        follower->left_bytes = 0;
    while (follower->left_bytes < bytes) {
        bytes -= follower->left_bytes;
        follower->opportunity = next_opportunity(follower, now);
        follower->left_bytes = opportunity_bytes;
    }
    follower->left_bytes -= bytes;
    return follower->opportunity;
}
