/*
 * Hash tables that are resized by steps.
 *
 * While a table is being resized, all hashes that agree in the lower bits of the smaller mask form a unit. A
 * unit's entries are all in the old buckets, or all in the new ones once it has been moved. Each insertion
 * and removal moves a few units. So there is one place to look, and new buckets need not be cleared before
 * they are used.
 */
#include "base/table.h"
#include "base/assert.h"

#include <errno.h>
#include <string.h>

#define LEAST_BUCKETS 8u
/** Moving that many per operation is done long before the next resize begins. */
#define UNITS_PER_STEP 4u

static uint32_t unit_mask(const struct table *table)
{
    return table->mask < table->old_mask ? table->mask : table->old_mask;
}

static struct table_entry **bucket_of(const struct table *table, uint32_t hash)
{
    if (table->old_buckets && (hash & unit_mask(table)) >= table->moved)
        return &table->old_buckets[hash & table->old_mask];
    return &table->buckets[hash & table->mask];
}

/** Moves one unit to the new buckets. */
static void move_unit(struct table *table)
{
    uint32_t unit = table->moved++, stride = unit_mask(table) + 1;
    for (uint32_t i = unit; i <= table->mask; i += stride)
        table->buckets[i] = NULL;
    for (uint32_t i = unit; i <= table->old_mask; i += stride) {
        struct table_entry *entry = table->old_buckets[i];
        while (entry) {
            struct table_entry *next = entry->next, **bucket = &table->buckets[entry->hash & table->mask];
            entry->next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
}

/** Begins to resize when it is time to, and goes on with it. */
static void step(struct table *table, struct memory *memory)
{
    if (table->walking)
        return;
    if (!table->old_buckets) {
        uint32_t buckets = table->mask + 1, wanted = buckets;
        if (table->count > buckets && buckets < 1u << 31)
            wanted = 2 * buckets;
        else if (buckets > LEAST_BUCKETS && table->count < buckets / 4)
            wanted = buckets / 2;
        if (wanted == buckets)
            return;
        struct table_entry **fresh = memory_allocate_raw(memory, wanted * sizeof *fresh);
        if (!fresh)
            return; // Chains get longer, or memory is not given back; both are for later.
        table->old_buckets = table->buckets;
        table->old_mask = table->mask;
        table->buckets = fresh;
        table->mask = wanted - 1;
        table->moved = 0;
    }
    uint32_t units = unit_mask(table) + 1;
    for (unsigned i = 0; i < UNITS_PER_STEP && table->moved < units; i++)
        move_unit(table);
    if (table->moved == units) {
        memory_release(memory, table->old_buckets,
                       ((size_t)table->old_mask + 1) * sizeof *table->old_buckets);
        table->old_buckets = NULL;
    }
}

int table_insert(struct table *table, struct memory *memory, struct table_entry *entry, uint32_t hash)
{
    if (!table->buckets) {
        table->buckets = memory_allocate(memory, LEAST_BUCKETS * sizeof *table->buckets);
        if (!table->buckets)
            return -ENOMEM;
        table->mask = LEAST_BUCKETS - 1;
    }
    entry->hash = hash;
    struct table_entry **bucket = bucket_of(table, hash);
    entry->next = *bucket;
    *bucket = entry;
    table->count++;
    step(table, memory);
    return 0;
}

void table_remove(struct table *table, struct memory *memory, struct table_entry *entry)
{
    ASSERT(table->buckets);
    struct table_entry **link = bucket_of(table, entry->hash);
    while (*link != entry) {
        ASSERT(*link);
        link = &(*link)->next;
    }
    *link = entry->next;
    entry->next = NULL;
    table->count--;
    step(table, memory);
}

struct table_entry *table_find(const struct table *table, uint32_t hash,
                               bool (*equal)(const struct table_entry *entry, const void *key),
                               const void *key)
{
    if (!table->buckets)
        return NULL;
    for (struct table_entry *entry = *bucket_of(table, hash); entry; entry = entry->next)
        if (entry->hash == hash && equal(entry, key))
            return entry;
    return NULL;
}

static bool walk(struct table_entry *entry, bool (*visit)(struct table_entry *entry, void *context),
                 void *context)
{
    while (entry) {
        struct table_entry *next = entry->next;
        if (!visit(entry, context))
            return false;
        entry = next;
    }
    return true;
}

void table_each(struct table *table, bool (*visit)(struct table_entry *entry, void *context), void *context)
{
    if (!table->buckets)
        return;
    table->walking++;
    bool on = true;
    for (uint32_t i = 0; on && i <= table->mask; i++)
        if (!table->old_buckets || (i & unit_mask(table)) < table->moved)
            on = walk(table->buckets[i], visit, context);
    for (uint32_t i = 0; on && table->old_buckets && i <= table->old_mask; i++)
        if ((i & unit_mask(table)) >= table->moved)
            on = walk(table->old_buckets[i], visit, context);
    table->walking--;
}

void table_free(struct table *table, struct memory *memory)
{
    ASSERT(table->count == 0 && table->walking == 0);
    memory_release(memory, table->buckets, ((size_t)table->mask + 1) * sizeof *table->buckets);
    memory_release(memory, table->old_buckets, ((size_t)table->old_mask + 1) * sizeof *table->old_buckets);
    memset(table, 0, sizeof *table);
}
