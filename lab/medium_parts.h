/**
 * What a medium is inside.
 */
#ifndef LAB_MEDIUM_PARTS_H
#define LAB_MEDIUM_PARTS_H

#include "base/random.h"
#include "lab/medium.h"

enum due_kind { DUE_TIMER, DUE_DETECTION, DUE_END, DUE_ARRIVAL, DUE_VERDICT, DUE_TOKEN };

struct due {
    strata_time time;
    uint64_t sequence; /**< Makes the order total. */
    enum due_kind kind;
    unsigned station;
    struct signal *signal;
};

/** What a station says, from its beginning until nobody hears it any more. */
struct signal {
    struct signal *next;
    unsigned station;
    strata_time start, end;
    struct medium_frame frame;
    bool aborted; /**< It collided, and the sender noticed. */
    bool late;    /**< ... later than it should. */
    bool ended;   /**< The sender is silent. */
    bool judged;  /**< What became of the frame has been told. */
    bool ruined;  /**< Part of a collision that was counted. */
};

enum station_state {
    RESTS,  /**< It has nothing to say, or waits for the token. */
    WAITS,  /**< For its time to come. */
    DEFERS, /**< Until the medium is silent. */
    SPEAKS,
    ASKS, /**< It has spoken and waits for the acknowledgement. */
};

struct station {
    unsigned index;
    enum station_state state;
    strata_time position;
    strata_time timer;   /**< The one that counts; STRATA_NEVER: none. */
    strata_time detects; /**< When it will hear another one while it speaks; STRATA_NEVER: it will not. */
    unsigned attempts;
    struct signal *signal; /**< While it speaks. */
    struct medium_frame *frames; /**< Ring. The first is the one being sent. */
    uint32_t room, first, count;
};

struct medium {
    struct medium_config config;
    struct medium_calls calls;
    void *self;
    strata_time now;
    struct station *stations;
    struct signal *signals, *spare; /**< The youngest first. */
    struct due *due;                /**< A heap. */
    size_t due_count, due_room;
    uint64_t sequence;
    uint32_t waiting;
    struct random random;
    struct strata_bus_counts counts;
    int error;
    /* Token passing */
    unsigned token_at;      /**< Where it is, or is on its way to. */
    strata_time token_time; /**< When it is, or was, there. */
    bool token_held;
    strata_time token_due; /**< When the station `token_for` will hold it; STRATA_NEVER: nobody will. */
    unsigned token_for;
};

void token_pass(struct medium *medium, unsigned station);

#endif
