/**
 * A table from names to things, for nodes and cables: open addressing, never shrinks, names are not copied.
 */
#ifndef LAB_NAMES_H
#define LAB_NAMES_H

#include <stdint.h>

struct name_slot {
    const char *name; /**< NULL: free. */
    void *thing;
};
struct names {
    struct name_slot *slots;
    unsigned mask, count;
};

void *names_find(const struct names *names, const char *name);
/** @return 0, -EEXIST, -ENOMEM. The name must stay where it is. */
int names_add(struct names *names, const char *name, void *thing);
void names_free(struct names *names);

#endif
