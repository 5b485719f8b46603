/**
 * The record of a run: what a page needs to show it afterwards, or while it goes on.
 *
 * A record listens to a world and keeps, in memory and within bounds, every frame on every cable with its
 * fate, who talked with whom, what the TCPs said of their windows and timers, how long the queues were, and
 * what programs printed. record_write tells it as JSON, whole or what is new since the last time;
 * docs/trace.md describes the format. What did not fit is counted, and the page says so.
 */
#ifndef LAB_RECORD_H
#define LAB_RECORD_H

#include <stdio.h>

#include <strata/lab.h>

struct record;

/** Fields that are 0 mean what their comments say. */
struct record_limits {
    uint32_t frames;      /**< That are kept one by one; 0: 200,000. Later ones are only counted. */
    uint32_t bytes;       /**< Of frames, all together; 0: 24 MiB. */
    uint32_t whole_bytes; /**< Up to here frames are kept whole, then only their beginnings; 0: 4 MiB. */
    uint32_t points;      /**< Of all curves together; 0: 1,000,000. */
    uint32_t points_each; /**< Of one curve; 0: 32,768. A full curve keeps every other point, peaks first. */
    uint32_t events;      /**< Lines of programs, notes, drops; 0: 100,000. */
    uint32_t text_bytes;  /**< Of all texts; 0: 8 MiB. */
    uint32_t conversations; /**< 0: 10,000. */
};

/** One check as it ended. */
struct record_check {
    const char *name, *detail;
    bool ok;
};
/** What the record itself cannot know. Texts may be NULL. */
struct record_story {
    const char *file, *title, *description;
    const char *command; /**< That shows the same again. */
    const struct record_check *checks;
    unsigned check_count;
    bool judged, ok; /**< The run is over and its checks are there; they hold. */
    bool live;       /**< More will come. */
};

/** Listens from now on; the world should trace its hosts. Call it before anything happens. @return 0,
 * -ENOMEM. */
int record_new(struct record **record, struct strata_world *world, const struct record_limits *limits);
void record_free(struct record *record);

/** Where JSON goes. @return 0, or a negative errno that ends the writing. */
typedef int (*record_sink)(void *context, const char *text, size_t length);
/** Writes what came since the last call as one JSON object; after the first call, or one with `again`, that
 * is all there is. It holds neither '<' nor '>' nor '&', so that it may stand inside HTML. @return 0, or the
 * sink's negative errno. */
int record_write(struct record *record, const struct record_story *story, bool again, record_sink sink,
                 void *context);
/** Writes the frames so far as a pcapng file. @return 0, or a negative errno. */
int record_capture(struct record *record, FILE *file);
/** Whether the record had to leave anything out so far. */
bool record_is_thinned(const struct record *record);

#endif
