/*
 * The map of sent ranges.
 *
 *     root:            chunk  . . . . . a treap by sequence number, each knows whether anything below is lost
 *                    /       \
 *     first:    chunk <-----> chunk <-----> chunk    :last, also a list
 *              [ranges..]   [ranges..]    [ranges..]
 *
 * Chunks hold up to CHUNK_MOST ranges in an array whose front moves: acknowledgements take from the first chunk, new
 * data is added to the last, both without looking at the tree. Whatever SACK, loss and retransmission do in the
 * middle costs one way down the tree and moves a chunk's ranges at most. The first lost range is found by the
 * marks in the tree. A few ranges live in one small chunk that grows.
 *
 * Memory that is not there is never a reason to fail: two ranges are then told of as one, with the later time
 * and the flags of both, which errs to the side of caution: no round-trip sample, what was lost may be found out
 * by a later timeout only, and what was SACKed in part is not known to be.
 */
#include "transport/tcp/sent.h"
#include "base/assert.h"

#include <string.h>

#define CHUNK_LEAST 8u
#define CHUNK_MOST 40u

struct sent_chunk {
    struct sent_chunk *left, *right, *parent; /**< The treap. */
    struct sent_chunk *previous, *next;
    uint32_t priority;   /**< Greater than that of those below. */
    uint16_t room;       /**< For this many ranges. */
    uint16_t head;       /**< So many at the beginning are gone. */
    uint16_t count, lost; /**< Ranges; of these lost. */
    bool any_lost;       /**< Here or below. */
    struct sent_range ranges[];
};

static inline size_t chunk_bytes(uint32_t room)
{
    return sizeof(struct sent_chunk) + room * sizeof(struct sent_range);
}

static inline struct sent_range *range_at(struct sent_chunk *chunk, uint32_t index)
{
    return &chunk->ranges[chunk->head + index];
}

static inline struct sent_range *last_range(struct sent *sent)
{
    return sent->listed ? range_at(sent->last, sent->last->count - 1u) : &sent->single;
}

static inline struct sent_range *first_range(struct sent *sent)
{
    return sent->listed ? range_at(sent->first, 0) : &sent->single;
}

static inline uint32_t bytes_of(const struct sent_range *range)
{
    return range->end - range->start;
}

/* ---- The tree ------------------------------------------------------------------------------------------ */

static void refresh(struct sent_chunk *chunk)
{
    chunk->any_lost = chunk->lost > 0 || (chunk->left && chunk->left->any_lost) ||
                      (chunk->right && chunk->right->any_lost);
}

/** The lost ranges of a chunk have changed in number. */
static void refresh_up(struct sent *sent, struct sent_chunk *chunk)
{
    for (; chunk; chunk = chunk->parent) {
        bool before = chunk->any_lost;
        sent->steps++;
        refresh(chunk);
        if (chunk->any_lost == before)
            return;
    }
}

/** Puts `chunk` where `old` hangs. */
static void hang(struct sent *sent, struct sent_chunk *parent, const struct sent_chunk *old,
                 struct sent_chunk *chunk)
{
    if (!parent)
        sent->root = chunk;
    else if (parent->left == old)
        parent->left = chunk;
    else
        parent->right = chunk;
    if (chunk)
        chunk->parent = parent;
}

/** Lifts a chunk above its parent. */
static void lift(struct sent *sent, struct sent_chunk *chunk)
{
    struct sent_chunk *parent = chunk->parent;
    hang(sent, parent->parent, parent, chunk);
    if (parent->left == chunk) {
        parent->left = chunk->right;
        if (chunk->right)
            chunk->right->parent = parent;
        chunk->right = parent;
    } else {
        parent->right = chunk->left;
        if (chunk->left)
            chunk->left->parent = parent;
        chunk->left = parent;
    }
    parent->parent = chunk;
    refresh(parent);
    refresh(chunk);
    sent->steps++;
}

/** Inserts a chunk behind `previous` (NULL: it is the only one). */
static void insert_chunk(struct sent *sent, struct sent_chunk *previous, struct sent_chunk *chunk)
{
    chunk->left = chunk->right = chunk->parent = NULL;
    chunk->previous = previous;
    chunk->next = previous ? previous->next : NULL;
    *(previous ? &previous->next : &sent->first) = chunk;
    *(chunk->next ? &chunk->next->previous : &sent->last) = chunk;
    refresh(chunk);
    if (!previous) {
        sent->root = chunk;
        return;
    }
    // Of two that follow each other, one has the other somewhere below it.
    if (!previous->right) {
        previous->right = chunk;
        chunk->parent = previous;
    } else {
        chunk->next->left = chunk;
        chunk->parent = chunk->next;
    }
    refresh_up(sent, chunk->parent);
    while (chunk->parent && chunk->parent->priority < chunk->priority)
        lift(sent, chunk);
}

/** Takes a chunk out of tree and list and frees it. */
static void remove_chunk(struct sent *sent, struct memory *memory, struct sent_chunk *chunk)
{
    while (chunk->left && chunk->right)
        lift(sent, chunk->left->priority > chunk->right->priority ? chunk->left : chunk->right);
    hang(sent, chunk->parent, chunk, chunk->left ? chunk->left : chunk->right);
    refresh_up(sent, chunk->parent);
    *(chunk->previous ? &chunk->previous->next : &sent->first) = chunk->next;
    *(chunk->next ? &chunk->next->previous : &sent->last) = chunk->previous;
    memory_release(memory, chunk, chunk_bytes(chunk->room));
}

/** Whether one more chunk may be had. A map of more than a page is never larger than what it tells of: with segments of
 * a few octets it would take all there is. And it leaves a sixteenth of the budget above the reserve to records that
 * nothing goes on without. */
static bool may_grow(struct sent *sent, const struct memory *memory)
{
    size_t bytes = sent->count * sizeof(struct sent_range), told = last_range(sent)->end - first_range(sent)->start;
    bool plenty = memory_available(memory) >= memory_reserve(memory) + memory->budget_bytes / 16;
    return plenty && (bytes < PAGE_BYTES || bytes < told);
}

static struct sent_chunk *new_chunk(struct sent *sent, struct memory *memory, uint32_t room, seq_t start)
{
    struct sent_chunk *chunk = may_grow(sent, memory) ? memory_allocate_raw(memory, chunk_bytes(room)) : NULL;
    if (!chunk)
        return NULL;
    memset(chunk, 0, sizeof *chunk);
    chunk->room = (uint16_t)room;
    // Our sequence numbers begin where no peer can choose, so nobody can shape the tree.
    chunk->priority = (start ^ start >> 15) * 2654435761u;
    chunk->priority ^= chunk->priority >> 13;
    return chunk;
}

/* ---- Places -------------------------------------------------------------------------------------------- */

static struct sent_range *range_of(struct sent *sent, const struct sent_cursor *at)
{
    return at->chunk ? range_at(at->chunk, at->index) : &sent->single;
}

struct sent_range *sent_find(struct sent *sent, seq_t x, struct sent_cursor *cursor)
{
    *cursor = (struct sent_cursor){NULL, 0};
    if (!sent->listed)
        return sent->count > 0 && seq_lt(x, sent->single.end) ? &sent->single : NULL;
    if (seq_ge(x, last_range(sent)->end))
        return NULL;
    struct sent_chunk *chunk = sent->root;
    for (;;) {
        sent->steps++;
        if (chunk->left && seq_lt(x, range_at(chunk, 0)->start))
            chunk = chunk->left;
        else if (chunk->right && seq_ge(x, range_at(chunk, chunk->count - 1u)->end))
            chunk = chunk->right;
        else
            break;
    }
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        sent->steps++;
        if (seq_gt(range_at(chunk, middle)->end, x))
            high = middle;
        else
            low = middle + 1;
    }
    *cursor = (struct sent_cursor){chunk, low};
    return range_at(chunk, low);
}

struct sent_range *sent_next(struct sent *sent, struct sent_cursor *cursor)
{
    if (!cursor->chunk)
        return NULL;
    sent->steps++;
    if (cursor->index + 1 < cursor->chunk->count) {
        cursor->index++;
    } else {
        cursor->chunk = cursor->chunk->next;
        cursor->index = 0;
        if (!cursor->chunk)
            return NULL;
    }
    return range_at(cursor->chunk, cursor->index);
}

/* ---- Ranges -------------------------------------------------------------------------------------------- */

void sent_init(struct sent *sent)
{
    *sent = (struct sent){0};
}

void sent_clear(struct sent *sent, struct memory *memory)
{
    if (sent->listed)
        for (struct sent_chunk *chunk = sent->first, *next; chunk; chunk = next) {
            next = chunk->next;
            memory_release(memory, chunk, chunk_bytes(chunk->room));
        }
    sent_init(sent);
}

/** What belongs to the end of a range, not to all of it. */
#define ENDS (SENT_PUSHED | SENT_BURST)

static bool same_story(const struct sent_range *a, const struct sent_range *b)
{
    if (a->end != b->start)
        return false;
    if (a->flags & b->flags & SENT_SACKED)
        return true;
    return a->last_sent == b->last_sent && a->times == b->times && a->flags == (b->flags & ~ENDS) &&
           a->delivered == b->delivered;
}

/** Takes the story of `b`, which follows, into `a`. */
static void absorb(struct sent_range *a, const struct sent_range *b)
{
    a->end = b->end;
    if (b->last_sent > a->last_sent)
        a->last_sent = b->last_sent;
    a->flags = (uint16_t)((a->flags & ~ENDS) | (b->flags & (SENT_RESENT | ENDS)));
    if (b->times > a->times)
        a->times = b->times;
}

/** Sets the flags of a range and keeps the accounts. */
static void set_flags(struct sent *sent, struct sent_chunk *chunk, struct sent_range *range, uint16_t flags)
{
    uint32_t bytes = bytes_of(range);
    uint16_t changed = range->flags ^ flags;
    range->flags = flags;
    if (changed & SENT_SACKED)
        sent->sacked_bytes += flags & SENT_SACKED ? bytes : -bytes;
    if (!(changed & SENT_LOST))
        return;
    sent->lost_bytes += flags & SENT_LOST ? bytes : -bytes;
    if (!chunk)
        return;
    chunk->lost = (uint16_t)(chunk->lost + (flags & SENT_LOST ? 1 : -1));
    if (chunk->lost <= 1)
        refresh_up(sent, chunk);
}

/** The octets of a range that is about to shrink or go are no longer counted. */
static void uncount(struct sent *sent, const struct sent_range *range, uint32_t bytes)
{
    if (range->flags & SENT_LOST)
        sent->lost_bytes -= bytes;
    else if (range->flags & SENT_SACKED)
        sent->sacked_bytes -= bytes;
}

/** From one range to a chunk of them. */
static bool begin_list(struct sent *sent, struct memory *memory)
{
    struct sent_chunk *chunk = new_chunk(sent, memory, CHUNK_LEAST, sent->single.start);
    if (!chunk)
        return false;
    chunk->ranges[0] = sent->single;
    chunk->count = 1;
    chunk->lost = sent->single.flags & SENT_LOST ? 1 : 0;
    sent->listed = true;
    insert_chunk(sent, NULL, chunk);
    return true;
}

/** The only chunk is too small: a larger one in its place. */
static struct sent_chunk *grow(struct sent *sent, struct memory *memory)
{
    struct sent_chunk *old = sent->first;
    uint32_t room = 2u * old->room < CHUNK_MOST ? 2u * old->room : CHUNK_MOST;
    struct sent_chunk *chunk = new_chunk(sent, memory, room, range_at(old, 0)->start);
    if (!chunk)
        return NULL;
    chunk->count = old->count;
    chunk->lost = old->lost;
    memcpy(chunk->ranges, range_at(old, 0), old->count * sizeof *chunk->ranges);
    sent->steps += old->count;
    memory_release(memory, old, chunk_bytes(old->room));
    insert_chunk(sent, NULL, chunk);
    return chunk;
}

/** The ranges from `from` on move to a chunk of their own, which follows. */
static struct sent_chunk *divide(struct sent *sent, struct memory *memory, struct sent_chunk *chunk, uint32_t from)
{
    struct sent_chunk *second = new_chunk(sent, memory, CHUNK_MOST, range_at(chunk, from)->start);
    if (!second)
        return NULL;
    second->count = (uint16_t)(chunk->count - from);
    memcpy(second->ranges, range_at(chunk, from), second->count * sizeof *second->ranges);
    sent->steps += second->count;
    for (uint32_t i = 0; i < second->count; i++)
        second->lost = (uint16_t)(second->lost + (second->ranges[i].flags & SENT_LOST ? 1 : 0));
    chunk->count = (uint16_t)from;
    chunk->lost = (uint16_t)(chunk->lost - second->lost);
    refresh_up(sent, chunk);
    insert_chunk(sent, chunk, second);
    return second;
}

/** Makes room for one more range at the end of a chunk; *at is moved along where its range moves. */
static bool reserve(struct sent *sent, struct memory *memory, struct sent_cursor *at)
{
    struct sent_chunk *chunk = at->chunk;
    if (chunk->head + chunk->count < chunk->room)
        return true;
    if (chunk->head > chunk->room / 2 || (chunk->head > 0 && chunk->next)) {
        memmove(chunk->ranges, range_at(chunk, 0), chunk->count * sizeof *chunk->ranges);
        sent->steps += chunk->count;
        chunk->head = 0;
        return true;
    }
    if (!chunk->previous && !chunk->next && chunk->room < CHUNK_MOST) {
        at->chunk = grow(sent, memory);
        if (!at->chunk)
            at->chunk = chunk;
        return at->chunk != chunk;
    }
    uint32_t half = chunk->count / 2u;
    struct sent_chunk *second = divide(sent, memory, chunk, half);
    if (!second)
        return false;
    if (at->index >= half)
        *at = (struct sent_cursor){second, at->index - half};
    return reserve(sent, memory, at);
}

/** A range at the end of the map. */
static struct sent_range *append(struct sent *sent, struct memory *memory)
{
    if (!sent->listed && !begin_list(sent, memory))
        return NULL;
    struct sent_cursor at = {sent->last, sent->last->count - 1u};
    struct sent_chunk *chunk = sent->last;
    if (chunk->head + chunk->count == chunk->room && chunk->room == CHUNK_MOST && chunk->head <= CHUNK_MOST / 2) {
        // Nothing is ever inserted before the end of a chunk that is full: the next one begins empty.
        at.chunk = new_chunk(sent, memory, CHUNK_MOST, range_at(chunk, chunk->count - 1u)->end);
        if (!at.chunk)
            return NULL;
        insert_chunk(sent, chunk, at.chunk);
    } else if (!reserve(sent, memory, &at)) {
        return NULL;
    }
    sent->count++;
    return range_at(at.chunk, at.chunk->count++);
}

void sent_push(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered,
               uint16_t ends)
{
    struct sent_range range = {start, end, now, delivered, 1, ends};
    if (sent->count == 0) {
        sent->count = 1;
        sent->single = range;
        return;
    }
    struct sent_range *last = last_range(sent);
    ASSERT(last->end == start);
    if (same_story(last, &range)) {
        last->end = end;
        last->flags |= ends;
        return;
    }
    struct sent_range *fresh = append(sent, memory);
    if (fresh) {
        *fresh = range;
        return;
    }
    last = last_range(sent);
    if (last->flags & SENT_SACKED)
        set_flags(sent, sent->listed ? sent->last : NULL, last, SENT_RESENT); // of the new data nothing is known
    uncount(sent, last, bytes_of(last));
    last->end = end;
    last->last_sent = now;
    last->flags = (uint16_t)((last->flags & ~ENDS) | SENT_RESENT | ends);
    if (last->flags & SENT_LOST)
        sent->lost_bytes += bytes_of(last);
}

/** Whether what was sent at `time` and ends at `end` was sent after the other. */
static bool sent_later(strata_time time, seq_t end, strata_time other_time, seq_t other_end)
{
    return time > other_time || (time == other_time && seq_gt(end, other_end));
}

/** Adds a range, or its part up to `end`, to what has arrived. */
static void note_arrival(struct sent_acked *acked, const struct sent_range *range, seq_t end)
{
    if (range->flags & SENT_SACKED)
        return; // it was known
    acked->bytes += end - range->start;
    strata_time time = range->last_sent;
    if (range->flags & SENT_RESENT) {
        bool first = acked->resent_at == STRATA_NEVER;
        if (time < acked->resent_at)
            acked->resent_at = time;
        if (first || sent_later(time, end, acked->resent_last, acked->resent_end)) {
            acked->resent_last = time;
            acked->resent_end = end;
        }
        return;
    }
    bool first = acked->first_sent == STRATA_NEVER;
    if (time < acked->first_sent)
        acked->first_sent = time;
    if (first || seq_lt(range->start, acked->original))
        acked->original = range->start;
    if (first || sent_later(time, end, acked->last_sent, acked->last_end)) {
        acked->last_sent = time;
        acked->last_end = end;
    }
}

void sent_acknowledge(struct sent *sent, struct memory *memory, seq_t ack, struct sent_acked *acked)
{
    while (sent->count > 0) {
        struct sent_range *first = first_range(sent);
        if (seq_le(ack, first->start))
            return;
        if (seq_lt(ack, first->end)) {
            note_arrival(acked, first, ack);
            uncount(sent, first, ack - first->start);
            first->start = ack;
            return;
        }
        note_arrival(acked, first, first->end);
        sent->count--;
        if (!sent->listed) {
            uncount(sent, first, bytes_of(first));
        } else {
            struct sent_chunk *chunk = sent->first;
            if (first->flags & (SENT_LOST | SENT_SACKED))
                set_flags(sent, chunk, first, 0);
            chunk->head++;
            if (--chunk->count == 0 && chunk->next)
                remove_chunk(sent, memory, chunk);
        }
    }
    sent_clear(sent, memory);
}

/** Takes out the range behind the cursor's, which has absorbed it. */
static void remove_next(struct sent *sent, struct memory *memory, const struct sent_cursor *at)
{
    struct sent_chunk *chunk = at->chunk;
    uint32_t index = at->index + 1;
    if (index == chunk->count) {
        chunk = chunk->next;
        index = 0;
    }
    sent->count--;
    bool lost = range_at(chunk, index)->flags & SENT_LOST;
    sent->steps += chunk->count - index;
    chunk->count--;
    if (index == 0)
        chunk->head++;
    else
        memmove(range_at(chunk, index), range_at(chunk, index + 1), (chunk->count - index) * sizeof(struct sent_range));
    if (lost && --chunk->lost == 0)
        refresh_up(sent, chunk);
    if (chunk->count == 0)
        remove_chunk(sent, memory, chunk);
}

/** Merges the ranges from the one before `start` to the one that begins at `end` where they tell the same. */
static void merge(struct sent *sent, struct memory *memory, seq_t start, seq_t end)
{
    struct sent_cursor at;
    struct sent_range *range = sent->listed ? sent_find(sent, start - 1, &at) : NULL;
    while (range && seq_le(range->end, end)) {
        struct sent_cursor behind = at;
        const struct sent_range *next = sent_next(sent, &behind);
        if (!next)
            return;
        if (same_story(range, next)) {
            absorb(range, next);
            remove_next(sent, memory, &at);
        } else {
            at = behind;
            range = range_of(sent, &at);
        }
    }
}

/** Makes x the border of two ranges, where memory allows. @return the range that begins at x, or the one that holds
 * x, or NULL when the map ends before. */
static struct sent_range *split(struct sent *sent, struct memory *memory, seq_t x, struct sent_cursor *at)
{
    struct sent_range *range = sent_find(sent, x, at);
    if (!range || seq_le(x, range->start))
        return range;
    if (!sent->listed) {
        if (!begin_list(sent, memory))
            return range;
        at->chunk = sent->first;
    }
    if (!reserve(sent, memory, at))
        return range_of(sent, at);
    struct sent_chunk *chunk = at->chunk;
    range = range_at(chunk, at->index);
    memmove(range + 1, range, (chunk->count - at->index) * sizeof *range);
    sent->steps += chunk->count - at->index;
    chunk->count++;
    sent->count++;
    if (range->flags & SENT_LOST)
        chunk->lost++;
    range[0].end = x;
    range[0].flags &= (uint16_t)~ENDS;
    range[1].start = x;
    at->index++;
    return range + 1;
}

/** Makes x a multiple of `unit` from where its range begins, upwards or downwards; behind its end there is no need. */
static seq_t round_to(struct sent *sent, seq_t x, uint32_t unit, bool up)
{
    struct sent_cursor at;
    const struct sent_range *range = sent_find(sent, x, &at);
    if (!range || seq_le(x, range->start) || range->flags & SENT_SACKED)
        return x;
    uint32_t rest = (x - range->start) % unit;
    return rest == 0 ? x : up ? seq_min(x + unit - rest, range->end) : x - rest;
}

void sent_sack(struct sent *sent, struct memory *memory, seq_t start, seq_t end, uint32_t unit,
               struct sent_acked *acked)
{
    struct sent_cursor at;
    struct sent_range *range = sent_find(sent, start, &at);
    // Mostly it is what is known already: one range that holds all of it.
    if (!range || (range->flags & SENT_SACKED && seq_ge(range->end, end)))
        return;
    if (unit > 1) {
        start = round_to(sent, start, unit, true);
        end = round_to(sent, end, unit, false);
        range = sent_find(sent, start, &at);
        if (!range || seq_ge(start, end))
            return;
    }
    if (unit > 0) {
        if (!(range->flags & SENT_SACKED))
            split(sent, memory, start, &at);
        split(sent, memory, end, &at);
    }
    bool any = false;
    for (range = sent_find(sent, start, &at); range && seq_le(range->end, end); range = sent_next(sent, &at)) {
        if (range->flags & SENT_SACKED || seq_lt(range->start, start))
            continue;
        note_arrival(acked, range, range->end);
        set_flags(sent, at.chunk, range, (uint16_t)((range->flags & ~SENT_LOST) | SENT_SACKED));
        any = true;
    }
    if (any || unit > 0)
        merge(sent, memory, start, end);
}

void sent_lose_all(struct sent *sent, strata_time before)
{
    if (sent->count == 0)
        return;
    struct sent_cursor at = {sent->listed ? sent->first : NULL, 0};
    struct sent_range *first = first_range(sent);
    for (struct sent_range *range = first; range; range = sent_next(sent, &at))
        if (!(range->flags & (SENT_LOST | SENT_SACKED)) && (range == first || range->last_sent < before))
            set_flags(sent, at.chunk, range, range->flags | SENT_LOST);
}

void sent_lose_nothing(struct sent *sent)
{
    if (sent->lost_bytes == 0)
        return;
    struct sent_cursor at = {sent->listed ? sent->first : NULL, 0};
    for (struct sent_range *range = first_range(sent); range; range = sent_next(sent, &at))
        if (range->flags & SENT_LOST)
            set_flags(sent, at.chunk, range, (uint16_t)(range->flags & ~SENT_LOST));
}

void sent_forget_sacked(struct sent *sent)
{
    if (sent->sacked_bytes == 0)
        return;
    struct sent_cursor at = {sent->listed ? sent->first : NULL, 0};
    for (struct sent_range *range = first_range(sent); range; range = sent_next(sent, &at))
        if (range->flags & SENT_SACKED)
            set_flags(sent, at.chunk, range, (uint16_t)((range->flags & ~SENT_SACKED) | SENT_LOST | SENT_RESENT));
}

void sent_lose(struct sent *sent, struct memory *memory, seq_t start, seq_t end)
{
    struct sent_cursor at;
    split(sent, memory, end, &at);
    struct sent_range *range = split(sent, memory, start, &at);
    for (; range && seq_lt(range->start, end); range = sent_next(sent, &at))
        if (!(range->flags & (SENT_SACKED | SENT_LOST)))
            set_flags(sent, at.chunk, range, range->flags | SENT_LOST);
    merge(sent, memory, start, end);
}

void sent_resend(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered)
{
    struct sent_cursor at;
    split(sent, memory, end, &at);
    struct sent_range *range = split(sent, memory, start, &at);
    for (; range && seq_lt(range->start, end); range = sent_next(sent, &at)) {
        set_flags(sent, at.chunk, range, (uint16_t)((range->flags & ~SENT_LOST) | SENT_RESENT));
        range->last_sent = now;
        range->delivered = delivered;
        if (range->times < UINT16_MAX)
            range->times++;
    }
    merge(sent, memory, start, end);
}

/** The first lost range of all. */
static struct sent_range *first_lost(struct sent *sent, struct sent_cursor *at)
{
    *at = (struct sent_cursor){NULL, 0};
    if (!sent->listed)
        return &sent->single;
    struct sent_chunk *chunk = sent->root;
    for (;; sent->steps++) {
        if (chunk->left && chunk->left->any_lost)
            chunk = chunk->left;
        else if (chunk->lost > 0)
            break;
        else
            chunk = chunk->right;
    }
    at->chunk = chunk;
    while (!(range_at(chunk, at->index)->flags & SENT_LOST)) {
        at->index++;
        sent->steps++;
    }
    return range_at(chunk, at->index);
}

bool sent_first_lost(struct sent *sent, uint32_t most, struct sent_lost *lost)
{
    if (sent->lost_bytes == 0)
        return false;
    struct sent_cursor at;
    const struct sent_range *range = first_lost(sent, &at), *before = NULL;
    if (at.index > 0)
        before = range_at(at.chunk, at.index - 1);
    else if (at.chunk && at.chunk->previous)
        before = range_at(at.chunk->previous, at.chunk->previous->count - 1u);
    bool again = before && (before->flags & (SENT_RESENT | SENT_SACKED | ENDS)) == SENT_RESENT;
    lost->follows = again ? before->last_sent : STRATA_NEVER;
    lost->start = range->start;
    do {
        before = range;
        range = sent_next(sent, &at);
    } while (before->end - lost->start < most && range && range->flags & SENT_LOST);
    lost->end = before->end;
    lost->pushed = before->flags & SENT_PUSHED;
    lost->last = before->flags & ENDS || !range || !(range->flags & SENT_LOST);
    if (lost->end - lost->start > most) {
        lost->end = lost->start + most;
        lost->pushed = lost->last = false;
    }
    return true;
}

/* ---- Invariants ---------------------------------------------------------------------------------------- */

static void verify_chunk(const struct sent_chunk *chunk)
{
    uint32_t lost = 0;
    ASSERT(chunk->count > 0 && chunk->head + chunk->count <= chunk->room);
    for (uint32_t i = 0; i < chunk->count; i++)
        lost += chunk->ranges[chunk->head + i].flags & SENT_LOST ? 1 : 0;
    ASSERT(lost == chunk->lost);
    bool below = (chunk->left && chunk->left->any_lost) || (chunk->right && chunk->right->any_lost);
    ASSERT(chunk->any_lost == (lost > 0 || below));
    ASSERT(!chunk->left || (chunk->left->parent == chunk && chunk->left->priority <= chunk->priority));
    ASSERT(!chunk->right || (chunk->right->parent == chunk && chunk->right->priority <= chunk->priority));
    ASSERT(!chunk->next || chunk->next->previous == chunk);
}

void sent_verify(const struct sent *sent, seq_t start, seq_t end)
{
    struct sent map = *sent; // the steps of this are not counted
    struct sent_cursor at = {map.listed ? map.first : NULL, 0};
    uint32_t lost = 0, sacked = 0, count = 0;
    seq_t next = start;
    ASSERT(map.count > 0 || !map.listed);
    ASSERT(!map.listed || (!map.root->parent && !map.last->next && !map.first->previous));
    for (const struct sent_range *range = map.count > 0 ? first_range(&map) : NULL; range;
         range = sent_next(&map, &at)) {
        if (map.listed && at.index == 0)
            verify_chunk(at.chunk);
        ASSERT(range->start == next && seq_lt(range->start, range->end));
        ASSERT((range->flags & (SENT_LOST | SENT_SACKED)) != (SENT_LOST | SENT_SACKED));
        next = range->end;
        lost += range->flags & SENT_LOST ? bytes_of(range) : 0;
        sacked += range->flags & SENT_SACKED ? bytes_of(range) : 0;
        count++;
    }
    ASSERT(next == end && count == map.count && lost == map.lost_bytes && sacked == map.sacked_bytes);
}
