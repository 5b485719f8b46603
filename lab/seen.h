/**
 * Which bytes of TCP streams a capture holds already.
 */
#ifndef LAB_SEEN_H
#define LAB_SEEN_H

#include <stdbool.h>

#include "lab/describe.h"

struct seen {
    struct seen_stream *streams;
};
/** Whether none of a segment's bytes was there before; remembers them. */
bool seen_is_new(struct seen *seen, const struct description *segment);
/** How many of a segment's bytes were not there before; remembers them. */
size_t seen_new_bytes(struct seen *seen, const struct description *segment);
void seen_free(struct seen *seen);

#endif
