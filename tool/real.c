/*
 * The pace: what is due by now happens, then the loop sleeps until the next thing is due or a frame comes.
 * Frames that come get the time at which they are read.
 *
 * Sleeping is precise to the kernel's high-resolution timers, some ten microseconds. A world that has more to do
 * than there is time for falls behind; where that exceeds BEHIND_MOST_NS, its clock is set back, so that it is
 * late by no more than that and its time passes more slowly instead. All of this is measured and told.
 */
#include "tool/real.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool/tool.h"

/** Frames of one end between two looks at the others. */
#define REAL_BATCH 64
/** At least so often others are heard, whatever there is to do, and somebody looks whether all this is to end. */
#define POLL_EVERY (500 * STRATA_MICROSECOND)
#define LOOK_EVERY (50 * STRATA_MILLISECOND)
/** Further behind the machine's clock the world never is. */
#define BEHIND_MOST_NS (100 * STRATA_MILLISECOND)

strata_time real_now(const struct real *real)
{
    return strata_clock_monotonic() - real->epoch;
}

/* ---- Waiting --------------------------------------------------------------------------------------------- */

/** How late the world is for what was due at `next`. */
static void note_behind(struct real *real, strata_time behind)
{
    if (behind > real->behind_most)
        real->behind_most = behind;
    if (behind <= BEHIND_MOST_NS)
        return;
    real->epoch += behind;
    real->slipped += behind;
}

static int poll_all(struct real *real, strata_time wait)
{
    real->polls[0] = (struct pollfd){.fd = real->extra_fd, .events = POLLIN};
    for (unsigned i = 0; i < real->count; i++) {
        struct real_end *end = &real->ends[i];
        real_end_flush(end); // what the world has said meanwhile
        real->polls[1 + 2 * i] = (struct pollfd){.fd = end->driver ? strata_driver_fd(end->driver) : -1,
                                                 .events = (short)(POLLIN | (end->waits ? POLLOUT : 0))};
        real->polls[2 + 2 * i] = (struct pollfd){.fd = end->listener, .events = POLLIN};
        if (end->more)
            wait = 0;
    }
    struct timespec timeout = {.tv_sec = wait / STRATA_SECOND, .tv_nsec = wait % STRATA_SECOND};
    int ready = ppoll(real->polls, 1 + 2 * real->count, &timeout, NULL);
    if (ready < 0 && errno != EINTR)
        return -errno;
    if (ready < 0)
        memset(real->polls, 0, (1 + 2 * real->count) * sizeof *real->polls);
    real->polled = true;
    return 0;
}

static strata_time pace_wait(void *context, strata_time next)
{
    struct real *real = context;
    strata_time now = real_now(real);
    if (now < next || now >= real->next_poll) {
        strata_time wait = next > now ? next - now : 0;
        int error = poll_all(real, wait < LOOK_EVERY ? wait : LOOK_EVERY);
        if (error)
            return error;
        now = real_now(real);
        real->next_poll = now + POLL_EVERY;
    }
    if (now <= next)
        return now;
    note_behind(real, now - next);
    return next;
}

/* ---- What comes ------------------------------------------------------------------------------------------ */

/** Puts what came at an end onto its cable, a batch at most. */
static int take_in(struct real_end *end)
{
    int frames = 0;
    for (; end->driver && frames < REAL_BATCH; frames++) {
        long length = real_end_receive(end);
        if (length < 0)
            return -ENODEV;
        if (length == 0)
            break;
        int error = strata_node_say(end->node, 1, end->real->frame, (size_t)length);
        if (error == -ENOBUFS)
            end->crowded++;
        else if (error && error != -ENOTCONN && error != -EMSGSIZE)
            return error;
    }
    end->more = frames == REAL_BATCH;
    return 0;
}

static int pace_take(void *context)
{
    struct real *real = context;
    if (!real->polled)
        return 0;
    real->polled = false;
    // A peer that comes hears what is read from now on; one that leaves makes room below.
    for (unsigned i = 0; i < real->count; i++)
        if (!real->ends[i].driver && real->polls[2 + 2 * i].revents)
            real_end_accept(&real->ends[i]);
    for (unsigned i = 0; i < real->count; i++) {
        struct real_end *end = &real->ends[i];
        int error = end->driver && (end->more || real->polls[1 + 2 * i].revents) ? take_in(end) : 0;
        if (error)
            return error;
    }
    for (unsigned i = 0; i < real->count; i++)
        if (real->ends[i].driver && real->polls[2 + 2 * i].revents)
            real_end_accept(&real->ends[i]);
    if (real->look)
        real->look(real->look_context);
    return 0;
}

/* ---- Beginning and end ----------------------------------------------------------------------------------- */

int real_open(struct real *real, unsigned count)
{
    *real = (struct real){.extra_fd = -1};
    real->ends = calloc(count + 1, sizeof *real->ends);
    real->polls = calloc(1 + 2 * (size_t)count, sizeof *real->polls);
    real->frame = malloc(REAL_FRAME_BYTES);
    if (!real->ends || !real->polls || !real->frame) {
        real_close(real);
        return tool_complain(TOOL_FAILED, "out of memory");
    }
    real->count = count;
    for (unsigned i = 0; i < count; i++)
        real->ends[i] = (struct real_end){.real = real, .listener = -1};
    return 0;
}

void real_begin(struct real *real, struct strata_world *world)
{
    real->world = world;
    real->epoch = strata_clock_monotonic() - strata_world_now(world);
    strata_world_pace(world, &(struct strata_pace){.wait = pace_wait, .take = pace_take, .context = real});
}

void real_close(struct real *real)
{
    for (unsigned i = 0; i < real->count; i++)
        real_end_close(&real->ends[i]);
    free(real->ends);
    free(real->polls);
    free(real->frame);
    *real = (struct real){.extra_fd = -1};
}

static void tell_time(FILE *to, strata_time time)
{
    if (time < STRATA_MILLISECOND)
        fprintf(to, "%" PRId64 " us", time / STRATA_MICROSECOND);
    else
        fprintf(to, "%" PRId64 ".%" PRId64 " ms", time / STRATA_MILLISECOND,
                time % STRATA_MILLISECOND / (STRATA_MILLISECOND / 10));
}

void real_tell(const struct real *real, FILE *to)
{
    fputs("real time: at most ", to);
    tell_time(to, real->behind_most);
    fputs(" behind the machine's clock", to);
    if (real->slipped) {
        fputs("; there was too much to do, and the world's clock was set back by ", to);
        tell_time(to, real->slipped);
    }
    fputc('\n', to);
    for (unsigned i = 0; i < real->count; i++) {
        const struct real_end *end = &real->ends[i];
        if (end->unheard || end->crowded)
            fprintf(to, "%s: %" PRIu64 " frames found nobody there, %" PRIu64 " found the cable full\n", end->text,
                    end->unheard, end->crowded);
    }
}
