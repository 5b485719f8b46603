/**
 * Captures of a world: every frame as it was sent, with a comment on each fault that met it.
 */
#ifndef LAB_CAPTURE_H
#define LAB_CAPTURE_H

#include <strata/lab.h>

struct capture;
/** Listens to the world from now on. One file with an interface per cable, or, where `folder` is true, a
 * folder (made when it is not there) with a file per cable. @return 0, or what went wrong with the file. */
int capture_new(struct capture **capture, struct strata_world *world, const char *path, bool folder);
/** Ends the files with the counts of each cable; to be called before the world is freed. @return 0, or the
 * first thing that went wrong; the capture is freed in any case. */
int capture_close(struct capture *capture);

#endif
