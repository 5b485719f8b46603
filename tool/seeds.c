/*
 * Lists of seeds.
 */
#include "tool/seeds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/** A seed from 1 on. @return what stands behind it, NULL: there is none. */
static const char *number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    return *value == 0 || *value > INT64_MAX || errno ? NULL : end;
}

void seeds_rewind(struct seeds *seeds)
{
    seeds->at_range = 0;
    seeds->at = seeds->count > 0 ? seeds->ranges[0].first : 0;
}

bool seeds_parse(struct seeds *seeds, const char *text)
{
    seeds->count = 0;
    for (;;) {
        uint64_t first, last;
        text = number(text, &first);
        last = first;
        if (text && *text == '-')
            text = number(text + 1, &last);
        if (!text || last < first || seeds->count == SEED_RANGES_MAX)
            return false;
        seeds->ranges[seeds->count].first = first;
        seeds->ranges[seeds->count++].last = last;
        if (*text != ',')
            break;
        text++;
    }
    seeds_rewind(seeds);
    return *text == '\0';
}

bool seeds_parse_shard(struct seeds *seeds, const char *text)
{
    uint64_t shard, shards;
    text = number(text, &shard);
    text = text && *text == '/' ? number(text + 1, &shards) : NULL;
    if (!text || *text || shard > shards || shards > 1000000)
        return false;
    seeds->shard = (unsigned)shard;
    seeds->shards = (unsigned)shards;
    return true;
}

uint64_t seeds_total(const struct seeds *seeds)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < seeds->count; i++) {
        uint64_t some = seeds->ranges[i].last - seeds->ranges[i].first + 1;
        total = total + some < total ? UINT64_MAX : total + some;
    }
    return total;
}

bool seeds_next(struct seeds *seeds, uint64_t *seed)
{
    if (seeds->at_range >= seeds->count)
        return false;
    *seed = seeds->at;
    if (seeds->at < seeds->ranges[seeds->at_range].last)
        seeds->at++;
    else if (++seeds->at_range < seeds->count)
        seeds->at = seeds->ranges[seeds->at_range].first;
    return true;
}

bool seeds_is_ours(const struct seeds *seeds, uint64_t point, uint64_t seed)
{
    return seeds->shards == 0 || (seed - 1 + point) % seeds->shards == seeds->shard - 1;
}

static void print_range(uint64_t first, uint64_t last, bool *any, FILE *to)
{
    fprintf(to, "%s%" PRIu64, *any ? "," : "", first);
    if (last > first)
        fprintf(to, "-%" PRIu64, last);
    *any = true;
}

void seeds_print_behind(const struct seeds *seeds, uint64_t seed, bool with, FILE *to)
{
    bool found = false, any = false;
    for (unsigned i = 0; i < seeds->count; i++) {
        uint64_t first = seeds->ranges[i].first, last = seeds->ranges[i].last;
        if (found)
            print_range(first, last, &any, to);
        else if (seed >= first && seed <= last) {
            found = true;
            if (with || seed < last)
                print_range(with ? seed : seed + 1, last, &any, to);
        }
    }
}

void seeds_print(const struct seeds *seeds, FILE *to)
{
    bool any = false;
    for (unsigned i = 0; i < seeds->count; i++)
        print_range(seeds->ranges[i].first, seeds->ranges[i].last, &any, to);
    if (seeds->shards)
        fprintf(to, ", shard %u of %u", seeds->shard, seeds->shards);
}
