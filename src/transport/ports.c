/*
 * Port numbers: claims and their conflicts, and the choice of ephemeral ports (RFC 6056 3.3.3, simple
 * hash-based selection: an offset that only we can compute for each peer, and a counter).
 */
#include "transport/ports.h"
#include "base/address.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <errno.h>

void ports_init(struct ports *ports, struct core *core)
{
    *ports = (struct ports){.core = core};
    random_key(&core->random, &ports->key);
}

void ports_free(struct ports *ports)
{
    table_free(&ports->table, &ports->core->memory);
}

static uint32_t hash_of(uint16_t port)
{
    return port * 2654435761u;
}

/** Whether a claim covers addresses of a family. */
static bool covers(const struct binding *binding, bool ipv4)
{
    if (!address_is_zero(&binding->local.address))
        return strata_address_is_ipv4(&binding->local.address) == ipv4;
    return !ipv4 || !(binding->flags & BINDING_V6ONLY);
}

bool binding_covers(const struct binding *binding, const struct strata_address *address, int scope)
{
    if (binding->local.scope && scope && (int)binding->local.scope != scope)
        return false;
    if (address_is_unspecified(&binding->local.address))
        return covers(binding, strata_address_is_ipv4(address));
    return address_equal(&binding->local.address, address);
}

static bool overlap(const struct binding *a, const struct binding *b)
{
    if (a->bound_port && b->bound_port && a->bound_port != b->bound_port)
        return false;
    if (a->local.scope && b->local.scope && a->local.scope != b->local.scope)
        return false;
    bool any_a = address_is_unspecified(&a->local.address), any_b = address_is_unspecified(&b->local.address);
    if (!any_a && !any_b)
        return address_equal(&a->local.address, &b->local.address);
    return (covers(a, true) && covers(b, true)) || (covers(a, false) && covers(b, false));
}

/** Whether `fresh` may not be where `held` is. */
static bool conflict(const struct binding *held, const struct binding *fresh, uint32_t flags)
{
    if (held == fresh || held->local.port != fresh->local.port || !overlap(held, fresh))
        return false;
    uint32_t both = held->flags & flags;
    if (both & BINDING_REUSE_PORT)
        return false;
    return !(both & BINDING_REUSE_ADDRESS) || held->flags & BINDING_LISTENING;
}

struct claim {
    const struct binding *binding;
    uint32_t flags;
};

static bool objects(const struct table_entry *entry, const void *key)
{
    const struct claim *claim = key;
    return conflict(CONTAINER_OF(entry, const struct binding, entry), claim->binding, claim->flags);
}

static bool is_free(const struct ports *ports, const struct binding *binding, uint32_t flags)
{
    struct claim claim = {binding, flags};
    return !table_find(&ports->table, hash_of(binding->local.port), objects, &claim);
}

static uint16_t range_size(const struct ports *ports, uint16_t *first)
{
    int64_t low = ports->core->settings.port_range_first, high = ports->core->settings.port_range_last;
    *first = (uint16_t)low;
    return (uint16_t)(high > low ? high - low + 1 : 1);
}

/** A free port for a binding without one: from a random place on. */
static int choose(struct ports *ports, struct binding *binding)
{
    uint16_t first, size = range_size(ports, &first);
    uint32_t start = (uint32_t)random_below(&ports->core->random, size);
    for (uint32_t i = 0; i < size; i++) {
        binding->local.port = (uint16_t)(first + (start + i) % size);
        if (!ports_is_held(ports, binding->local.port))
            return 0;
    }
    binding->local.port = 0;
    return -EADDRINUSE;
}

int ports_bind(struct ports *ports, struct binding *binding)
{
    ASSERT(!binding->held);
    bool chosen = binding->local.port == 0;
    int error = chosen ? choose(ports, binding) : is_free(ports, binding, binding->flags) ? 0 : -EADDRINUSE;
    if (error == 0)
        error = table_insert(&ports->table, &ports->core->memory, &binding->entry, hash_of(binding->local.port));
    if (error) {
        if (chosen)
            binding->local.port = 0;
        return error;
    }
    binding->held = true;
    return 0;
}

int ports_rebind(struct ports *ports, struct binding *binding, uint32_t flags)
{
    // Fewer claims than before hurt nobody.
    uint32_t before = binding->flags, given_up = before & ~flags & (BINDING_REUSE_ADDRESS | BINDING_REUSE_PORT);
    binding->flags = flags;
    bool more = given_up || flags & ~before & BINDING_LISTENING || before & ~flags & BINDING_V6ONLY;
    if (binding->held && more && !is_free(ports, binding, flags)) {
        binding->flags = before;
        return -EADDRINUSE;
    }
    return 0;
}

void ports_release(struct ports *ports, struct binding *binding)
{
    if (!binding->held)
        return;
    table_remove(&ports->table, &ports->core->memory, &binding->entry);
    binding->held = false;
}

static bool holds(const struct table_entry *entry, const void *key)
{
    return CONTAINER_OF(entry, const struct binding, entry)->local.port == *(const uint16_t *)key;
}

bool ports_is_held(const struct ports *ports, uint16_t port)
{
    return table_find(&ports->table, hash_of(port), holds, &port) != NULL;
}

uint16_t ports_ephemeral(struct ports *ports, const struct strata_address *local, const struct strata_endpoint *peer,
                         uint32_t attempt)
{
    uint8_t bytes[34];
    memcpy(bytes, local->bytes, 16);
    memcpy(bytes + 16, peer->address.bytes, 16);
    bytes_put16(bytes + 32, peer->port);
    uint16_t first, size = range_size(ports, &first);
    uint64_t offset = siphash(&ports->key, bytes, sizeof bytes);
    // The counter goes on with every choice, so that a connection that was just closed does not lend its port
    // again.
    if (attempt == 0)
        ports->next++;
    return (uint16_t)(first + (offset % size + ports->next + attempt) % size);
}
