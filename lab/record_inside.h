/**
 * What a record is inside, for record.c, which fills it, and record_write.c, which tells it.
 */
#ifndef LAB_RECORD_INSIDE_H
#define LAB_RECORD_INSIDE_H

#include "base/seq.h"
#include "lab/describe.h"
#include "lab/record.h"
#include "lab/world.h"

#define RECORD_NONE UINT32_MAX

/** An array that grows. */
#define ROOM_OF(type)                                                                                        \
    struct {                                                                                                 \
        type *items;                                                                                         \
        unsigned count, room;                                                                                \
    }
/** Room for one more: NULL when out of memory, which ends the recording. */
#define ROOM_ADD(array)                                                                                      \
    (array_grow(&(array).items, sizeof *(array).items, (array).count, &(array).room)                         \
         ? NULL                                                                                              \
         : &(array).items[(array).count++])

enum record_fate { FATE_UNDER_WAY, FATE_DELIVERED, FATE_LOST };
enum record_flag {
    FRAME_AGAIN = 1, /**< All its TCP bytes were sent before. */
    FRAME_CORRUPT = 2,
    FRAME_DUPLICATE = 4,
    FRAME_REORDER = 8,
    FRAME_MARK = 16,
    FRAME_CUT = 32 /**< Not all of its bytes were kept. */
};
/** A frame on one cable. */
struct record_frame {
    strata_time sent, arrived; /**< Arrived, or was lost. */
    uint64_t number, key;
    uint32_t cable, length, conversation;
    uint32_t journey; /**< The frame that began the way of this datagram; its own index: it is the first. */
    uint32_t text;    /**< What it says, unless it is TCP. */
    uint32_t reason;  /**< A text, when it was lost. */
    uint32_t at;      /**< Where its bytes are, `stored` of them; the others are the journey's first's. */
    uint32_t stored;
    uint32_t seq, ack, payload; /**< TCP: as on the wire; bytes of content. */
    uint32_t from, to;          /**< Nodes; to whom it was, on a bus, of all who heard it. */
    uint32_t next_waiting;      /**< Among those that may go on to another cable. */
    uint16_t window, tcp;       /**< TCP: as on the wire; flags. */
    uint8_t direction, side, fate, flags;
    bool waits, went_on; /**< At a node that may send it on; it was. */
    bool overheard;      /**< On a bus: nobody whom it was for has it yet. */
};
/** A second arrival of a frame, or one bit of it that was flipped. */
struct record_copy {
    uint32_t frame, to;
    strata_time arrived;
};
struct record_flip {
    uint32_t frame, offset;
    uint8_t value; /**< What arrived there. */
};

struct record_side {
    struct strata_endpoint endpoint;
    uint32_t node; /**< RECORD_NONE: not known yet. */
    bool known;    /**< TCP: it has spoken. */
    uint32_t first, next;
    uint16_t mss;
    int8_t scale; /**< -1: it offered none. */
};
struct record_conversation {
    uint8_t kind; /**< enum subject; SUBJECT_OTHER. */
    bool ended;   /**< TCP: FIN or RST was seen, so that a new SYN begins another one. */
    bool plain;   /**< The ends are no IP addresses but those of Ethernet. */
    bool changed; /**< Since it was written. */
    uint32_t chain;
    struct record_side side[2];
};

enum { POINT_VALUES = 4 };
struct record_point {
    strata_time time;
    int64_t value[POINT_VALUES];
};
struct record_curve {
    ROOM_OF(struct record_point) points;
    uint32_t written;
    bool thinned; /**< Points that were written are gone: it is told anew. */
};
/** What one host says of one TCP connection. */
enum tcp_curve { CURVE_CWND, CURVE_RTT, CURVE_STATE, CURVE_TIMER, TCP_CURVES };
struct record_tcp {
    uint32_t node, chain;
    struct strata_endpoint local, remote;
    struct record_curve curve[TCP_CURVES];
};

enum record_event_kind { RECORD_PRINT = 1, RECORD_START, RECORD_END, RECORD_NOTE, RECORD_DROP };
struct record_event {
    strata_time time;
    uint32_t node, cable; /**< RECORD_NONE: none. */
    uint32_t text, program;
    int32_t value;
    uint8_t kind;
};

/** How far record_write has come. */
struct record_cursor {
    unsigned frames, copies, flips, events, texts, conversations, tcps;
    uint32_t bytes;
};

struct record_cable {
    const struct strata_cable *cable;
    uint32_t index;
};

enum { RECORD_BUCKETS = 4096 };
struct record {
    struct strata_world *world;
    struct record_limits limits;
    int error;
    ROOM_OF(struct record_frame) frames;
    ROOM_OF(uint32_t) changed; /**< Frames whose fate changed after they were written. */
    ROOM_OF(struct record_copy) copies;
    ROOM_OF(struct record_flip) flips;
    ROOM_OF(struct record_conversation) conversations;
    ROOM_OF(struct record_tcp) tcps;
    ROOM_OF(struct record_event) events;
    ROOM_OF(char *) texts;
    ROOM_OF(uint32_t) text_chains;
    struct record_curve *queues; /**< Two for each cable. */
    struct record_cable *cables; /**< Sorted by their places in memory. */
    unsigned cable_count;
    uint8_t *bytes;
    uint32_t byte_count, byte_room;
    uint32_t text_bytes;
    uint32_t points;
    uint64_t first_number;
    uint32_t text_buckets[RECORD_BUCKETS], conversation_buckets[RECORD_BUCKETS], tcp_buckets[RECORD_BUCKETS];
    uint32_t waiting_buckets[RECORD_BUCKETS];
    /* What was left out. */
    uint64_t frames_left_out, frames_cut, events_left_out, points_left_out, conversations_left_out;
    uint64_t activity; /**< Counts what can be seen. */
    struct record_cursor cursor;
    bool written;
};

/* record.c */
/** The number of a text, which is kept once. Text 0 is empty; it stands for what found no room as well. */
uint32_t record_text(struct record *record, const char *text, size_t length);
/** The same for a string, or NULL, which is empty. */
uint32_t record_string(struct record *record, const char *text);
/** The index of a cable in its world. */
uint32_t record_cable_number(const struct record *record, const struct strata_cable *cable);
uint64_t record_endpoint_hash(const struct strata_endpoint *endpoint);

/* record_frames.c: what happens to frames */
void record_sent(struct record *record, const struct strata_lab_event *event);
void record_delivered(struct record *record, const struct strata_lab_event *event);
void record_lost(struct record *record, const struct strata_lab_event *event);
void record_fault(struct record *record, const struct strata_lab_event *event);

#endif
