/*
 * What the scenario reader writes with: the arena, complaints and the nearest right word.
 */
#include "lab/scenario_yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 65536u

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
};

/** A reader of files has nothing to go on with when there is no memory: it says so and ends. */
static void *must(void *memory)
{
    if (!memory) {
        fputs("strata lab: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t size = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
        block = must(calloc(1, sizeof *block + size));
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = block->bytes + block->used;
    block->used += bytes;
    return memory;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_take(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}

struct any_list {
    void *items;
    unsigned count, room;
};

void *list_append(struct scenario *scenario, void *list, size_t element_bytes)
{
    struct any_list any;
    memcpy(&any, list, sizeof any);
    if (any.count == any.room) {
        unsigned room = any.room ? any.room * 2 : 4;
        void *items = arena_take(&scenario->arena, room * element_bytes);
        if (any.count > 0)
            memcpy(items, any.items, any.count * element_bytes);
        any.items = items;
        any.room = room;
    }
    void *element = (char *)any.items + any.count++ * element_bytes;
    memcpy(list, &any, sizeof any);
    return element;
}

void complain(struct complaints *complaints, struct place place, const char *format, ...)
{
    if (complaints->count == complaints->room) {
        complaints->room = complaints->room ? complaints->room * 2 : 8;
        complaints->items = must(realloc(complaints->items, complaints->room * sizeof *complaints->items));
    }
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    // A name of the user's choice may hold anything; a complaint is one line of what can be shown.
    for (char *c = must(text); *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
    complaints->sorted = false;
    complaints->items[complaints->count] = (struct complaint){.place = place, .order = complaints->count, .text = text};
    complaints->count++;
}

static int by_place(const void *a, const void *b)
{
    const struct complaint *x = a, *y = b;
    if (x->place.file != y->place.file)
        return x->place.file < y->place.file ? -1 : 1;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_same_place(const struct complaint *a, const struct complaint *b)
{
    return a->place.file == b->place.file && a->place.line == b->place.line && a->place.column == b->place.column;
}

/** So many things are said of one place: what is repeated 200 times is wrong in 200 ways. */
#define AT_ONE_PLACE_MAX 5u

void complaints_sort(struct complaints *complaints)
{
    if (complaints->sorted)
        return;
    if (complaints->count > 1)
        qsort(complaints->items, complaints->count, sizeof *complaints->items, by_place);
    unsigned kept = 0, first = 0, left_out = 0;
    for (unsigned i = 0; i < complaints->count; i++) {
        struct complaint item = complaints->items[i];
        if (kept > 0 && !is_same_place(&complaints->items[first], &item)) {
            first = kept;
            left_out = 0;
        }
        bool known = kept > first && complaints->items[first].alone;
        for (unsigned j = first; j < kept && !known; j++)
            known = is_same_place(&complaints->items[j], &item) && strcmp(complaints->items[j].text, item.text) == 0;
        if (known || kept - first > AT_ONE_PLACE_MAX) {
            free(item.text);
            left_out += !known;
        } else {
            complaints->items[kept++] = item;
        }
        if (!known && kept - first > AT_ONE_PLACE_MAX) {
            free(complaints->items[kept - 1].text);
            char *text = NULL;
            if (asprintf(&text, "and %u more like these", left_out + 1) < 0)
                text = NULL;
            complaints->items[kept - 1].text = must(text);
        }
    }
    complaints->count = kept;
    complaints->sorted = true;
}

void complaints_print(struct complaints *complaints, const char *file, FILE *to)
{
    complaints_sort(complaints);
    for (unsigned i = 0; i < complaints->count; i++) {
        const struct complaint *complaint = &complaints->items[i];
        unsigned number = complaint->place.file;
        const char *name = number > 0 && number < complaints->file_count ? complaints->files[number] : file;
        if (complaint->place.line == 0)
            fprintf(to, "%s\n", complaint->text);
        else
            fprintf(to, "%s:%u:%u: %s\n", name, complaint->place.line, complaint->place.column, complaint->text);
    }
}

void complaints_name_file(struct complaints *complaints, unsigned number, const char *name)
{
    if (number >= complaints->file_count) {
        complaints->files = must(realloc(complaints->files, (number + 1) * sizeof *complaints->files));
        while (complaints->file_count <= number)
            complaints->files[complaints->file_count++] = NULL;
    }
    free(complaints->files[number]);
    complaints->files[number] = must(strdup(name));
}

void complaints_free(struct complaints *complaints)
{
    for (unsigned i = 0; i < complaints->count; i++)
        free(complaints->items[i].text);
    for (unsigned i = 0; i < complaints->file_count; i++)
        free(complaints->files[i]);
    free(complaints->files);
    free(complaints->items);
    *complaints = (struct complaints){0};
}

/* ---- The nearest right word ---------------------------------------------------------------------------- */

#define WORD_MAX 64u

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into another. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

void nearest_begin(struct nearest *nearest, const char *wrong)
{
    *nearest = (struct nearest){.wrong = wrong, .distance = WORD_MAX};
}

void nearest_try(struct nearest *nearest, const char *word)
{
    size_t length = strlen(nearest->wrong);
    unsigned d = distance(nearest->wrong, word);
    if (length >= 3 && strncmp(nearest->wrong, word, length) == 0)
        d = 1; // the beginning of a word means that word
    if (d < nearest->distance) {
        nearest->distance = d;
        nearest->best = word;
    }
}

const char *nearest_text(struct nearest *nearest)
{
    size_t length = strlen(nearest->wrong);
    unsigned most = length < 2 ? 0 : length < 3 ? 1 : length < 6 ? 2 : 3;
    nearest->text[0] = '\0';
    if (nearest->best && nearest->distance <= most)
        snprintf(nearest->text, sizeof nearest->text, " (did you mean %s?)", nearest->best);
    return nearest->text;
}
