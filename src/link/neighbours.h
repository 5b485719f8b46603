/**
 * What the files of this room share about neighbours: the table and its entries.
 */
#ifndef LINK_NEIGHBOURS_H
#define LINK_NEIGHBOURS_H

#include "base/table.h"
#include "link/neighbour.h"

/** Numbered as the trace reports them. */
enum neighbour_state {
    NEIGHBOUR_GONE,
    NEIGHBOUR_INCOMPLETE,
    NEIGHBOUR_REACHABLE,
    NEIGHBOUR_STALE,
    NEIGHBOUR_FAILED
};

struct neighbour {
    struct table_entry entry;
    struct list
        node; /**< In neighbours->used, the one used last in front; set by hand: in neighbours->manual. */
    struct timer timer;
    struct port *port;
    struct strata_address address;
    uint8_t mac[6];
    uint8_t state; /**< enum neighbour_state */
    bool manual;
    uint32_t tries;        /**< Requests sent in this state. */
    strata_time confirmed; /**< When it was last known to be alive. */
    struct packet_queue waiting;
    struct list speakers;
};

struct neighbours {
    struct links *links;
    struct table table;
    struct list used, manual;
    uint32_t count;
};

int neighbours_init(struct links *links);
void neighbours_free(struct links *links);
/** Forgets the neighbours of a port; those who wait hear `error`. Those set by hand stay unless `all`. */
void neighbours_flush(struct port *port, int error, bool all);
/** The entry of an address, or NULL. */
struct neighbour *neighbour_find(struct port *port, const struct strata_address *address);
/** The entry of an address, made where there is none (in which case it is of no state yet); NULL: no room. */
struct neighbour *neighbour_obtain(struct port *port, const struct strata_address *address);
/** The neighbour has told its station address: what waited goes out. */
void neighbour_learn(struct neighbour *neighbour, const uint8_t mac[6]);

/** Asks for an address, by broadcast or (mac) at the station that had it. @return false: we have no address
 * here. */
bool arp_ask(struct port *port, const struct strata_address *target, const uint8_t *mac);

/** Tells speakers in a list of their own that they need not wait any longer. */
void speakers_give_up(struct list *speakers, int error);
/** Queues a datagram for a station: link header and the class that packet->flags holds. */
void port_queue_to(struct port *port, struct packet *packet, const uint8_t mac[6]);

#endif
