/**
 * Port numbers: who holds which, and choosing one that cannot be guessed (RFC 6056).
 */
#ifndef TRANSPORT_PORTS_H
#define TRANSPORT_PORTS_H

#include "base/core.h"
#include "base/table.h"

enum {
    BINDING_V6ONLY = 1,
    BINDING_REUSE_ADDRESS = 2,
    BINDING_REUSE_PORT = 4,
    /** Nobody else may bind there then, BINDING_REUSE_ADDRESS or not. To become it where others are bound
     * takes BINDING_REUSE_ADDRESS of all (RFC 9293 MUST-42). */
    BINDING_LISTENING = 8,
};

/** A claim on a local address and port; embedded in its holder. */
struct binding {
    struct table_entry entry; /**< Hashed by port number only. */
    struct strata_endpoint local;
    int bound_port; /**< A port (interface) it is tied to, 0: any. */
    uint32_t flags;
    bool held;
};

/** Whether it covers an address (`scope`: the port of a link-local one). */
bool binding_covers(const struct binding *binding, const struct strata_address *address, int scope);

/** One per transport protocol and host. */
struct ports {
    struct core *core;
    struct table table;
    struct siphash_key key;
    uint32_t next; /**< RFC 6056's next_ephemeral: how many were chosen so far. */
};

void ports_init(struct ports *ports, struct core *core);
void ports_free(struct ports *ports);
/** Claims; port 0 is chosen (randomly, from the configured range). Fills in local.port. @return 0,
 * -EADDRINUSE. */
int ports_bind(struct ports *ports, struct binding *binding);
/** Changes the flags of a held binding if nobody objects. @return 0, -EADDRINUSE. */
int ports_rebind(struct ports *ports, struct binding *binding, uint32_t flags);
void ports_release(struct ports *ports, struct binding *binding);
/** Whether any binding holds this port number. */
bool ports_is_held(const struct ports *ports, uint16_t port);
/** A port number to try for a connection from `local` to `peer`: the attempt-th of a keyed sequence (RFC 6056
 * 3.3.3); the caller checks that the four-tuple is free. */
uint16_t ports_ephemeral(struct ports *ports, const struct strata_address *local, const struct strata_endpoint *peer,
                         uint32_t attempt);

#endif
