/**
 * Captures of a world: every frame as it was sent, with a comment on each fault that met it.
 */
#ifndef LAB_CAPTURE_H
#define LAB_CAPTURE_H

#include <stdio.h>

#include <strata/lab.h>

enum capture_kind {
    CAPTURE_WHOLE,  /**< One file with an interface per cable. */
    CAPTURE_CABLES, /**< A folder with a file per cable. */
    CAPTURE_HOSTS,  /**< A folder with a file per host or router, with an interface per port: what it sent and got. */
};
struct capture;
/** Listens to the world from now on. A folder is made when it is not there. @return 0, or what went wrong with the
 * file. */
int capture_new(struct capture **capture, struct strata_world *world, const char *path, enum capture_kind kind);
/** CAPTURE_WHOLE to a stream that is open; capture_close closes it, in any case. */
int capture_new_to(struct capture **capture, struct strata_world *world, FILE *to);
/** The first thing that went wrong so far, or 0; nothing is written after it. */
int capture_error(const struct capture *capture);
/** Ends the files with the counts of each cable; to be called before the world is freed. @return 0, or the
 * first thing that went wrong; the capture is freed in any case. */
int capture_close(struct capture *capture);

#endif
