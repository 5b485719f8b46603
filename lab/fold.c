/*
 * The world's hash: every frame with its time, cable and direction, sent and delivered, in the order of
 * events. The value depends on that order alone; when it is computed does not. So long frames wait until
 * there are HASH_MANY to digest at once, what is to be folded waits for them in a ring, and a frame's buffer
 * is not used again before. Whoever asks for the hash, or changes a frame, has everything done first.
 */
#include "lab/world.h"

/** Frames of fewer bytes are digested at once: there is little to wait for. */
#define LONG_BYTES 256u
/** Folded per frame that comes: more than come. */
#define FOLD_STEPS 2

static void fold_some(struct strata_world *world, unsigned most)
{
    struct folds *folds = &world->folds;
    for (; most > 0 && folds->first != folds->ready; most--) {
        const struct fold *fold = &folds->ring[folds->first++ % FOLD_RING];
        folds->hash = hash_mix(hash_mix(folds->hash, fold->where), fold->digest);
    }
}

static void digest_waiting(struct strata_world *world)
{
    struct folds *folds = &world->folds;
    const uint8_t *frame[HASH_MANY] = {0};
    size_t size[HASH_MANY] = {0};
    uint64_t digest[HASH_MANY];
    unsigned count = folds->waiting_count;
    for (unsigned i = 0; i < count; i++) {
        frame[i] = folds->waiting[i]->bytes;
        size[i] = folds->waiting[i]->length;
    }
    hash_many(frame, size, count, digest);
    for (unsigned i = 0; i < count; i++)
        folds->waiting[i]->digest = digest[i];
    for (; folds->ready != folds->end; folds->ready++) {
        struct fold *fold = &folds->ring[folds->ready % FOLD_RING];
        if (fold->flight)
            fold->digest = fold->flight->digest;
    }
    folds->waiting_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct flight *flight = folds->waiting[i];
        flight->state = FLIGHT_DIGESTED;
        if (flight->left)
            flight_free(world, flight);
    }
}

void fold_all(struct strata_world *world)
{
    digest_waiting(world);
    fold_some(world, FOLD_RING);
}

/** Sees to it that the frame has a digest, or waits for it. */
static void prepare(struct strata_world *world, struct flight *flight)
{
    struct folds *folds = &world->folds;
    if (flight->state != FLIGHT_NEW)
        return;
    if (flight->length < LONG_BYTES) {
        flight->digest = hash_bytes(flight->bytes, flight->length);
        flight->state = FLIGHT_DIGESTED;
        return;
    }
    if (folds->waiting_count == HASH_MANY)
        digest_waiting(world);
    flight->state = FLIGHT_WAITING;
    flight->left = false;
    folds->waiting[folds->waiting_count++] = flight;
}

void fold_frame(struct flight *flight, enum strata_lab_event_kind kind)
{
    struct strata_world *world = flight->cable->world;
    struct folds *folds = &world->folds;
    if (folds->end - folds->first == FOLD_RING)
        fold_all(world);
    prepare(world, flight);
    struct fold *fold = &folds->ring[folds->end++ % FOLD_RING];
    uint64_t what = flight->cable->id + (uint64_t)flight->direction * 16 + (uint64_t)kind;
    fold->where = what + (uint64_t)world->now * UINT64_C(0x9e3779b97f4a7c15);
    fold->flight = flight->state == FLIGHT_WAITING ? flight : NULL;
    fold->digest = flight->digest;
    if (folds->waiting_count == 0)
        folds->ready = folds->end;
    fold_some(world, FOLD_STEPS);
}

void fold_changing(struct strata_world *world, struct flight *flight)
{
    if (flight->state == FLIGHT_WAITING)
        fold_all(world);
    flight->state = FLIGHT_NEW;
}
