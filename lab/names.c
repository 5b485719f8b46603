/*
 * Names to things. Finding a node among ten thousand by walking them would make building a large world
 * quadratic.
 */
#include "lab/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned hash_of(const char *name)
{
    uint32_t hash = 2166136261u; // FNV-1a: the order of the table is never seen, so a plain hash will do.
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

static struct name_slot *slot_of(const struct names *names, const char *name)
{
    unsigned i = hash_of(name) & names->mask;
    while (names->slots[i].name && strcmp(names->slots[i].name, name) != 0)
        i = (i + 1) & names->mask;
    return &names->slots[i];
}

void *names_find(const struct names *names, const char *name)
{
    return names->slots ? slot_of(names, name)->thing : NULL;
}

static int grow(struct names *names)
{
    unsigned size = names->slots ? (names->mask + 1) * 2 : 16;
    struct names larger = {
        .slots = calloc(size, sizeof *larger.slots), .mask = size - 1, .count = names->count};
    if (!larger.slots)
        return -ENOMEM;
    for (unsigned i = 0; names->slots && i <= names->mask; i++)
        if (names->slots[i].name)
            *slot_of(&larger, names->slots[i].name) = names->slots[i];
    free(names->slots);
    *names = larger;
    return 0;
}

int names_add(struct names *names, const char *name, void *thing)
{
    if (!names->slots || names->count * 2 > names->mask) {
        int error = grow(names);
        if (error)
            return error;
    }
    struct name_slot *slot = slot_of(names, name);
    if (slot->name)
        return -EEXIST;
    *slot = (struct name_slot){.name = name, .thing = thing};
    names->count++;
    return 0;
}

void names_free(struct names *names)
{
    free(names->slots);
    *names = (struct names){0};
}
