/*
 * Neighbours: the table of who answers for a next hop, and those who wait for an answer.
 *
 * An entry is INCOMPLETE while we ask (one request per second, RFC 1122 2.3.2.1), then REACHABLE; without
 * news it becomes STALE and is still used, but its next use asks the station itself, by unicast, whether it
 * is still there (RFC 1122 2.3.2.1 way 2). What does not answer is FAILED for a while: not asked again, and
 * whoever waited is told. An entry that is stale and not used is forgotten, so that a quiet host has no
 * timers. The table is bounded: the entry not used for longest makes room. RFC 826, RFC 1122 2.3.2, RFC
 * 1812 3.3.2.
 */
#include <errno.h>

#include "base/assert.h"
#include "link/neighbours.h"
#include "wire/ethernet.h"

static void fire(struct timer *timer, strata_time now);

static uint32_t hash_of(const struct port *port, const struct strata_address *address)
{
    uint8_t key[20];
    memcpy(key, address, 16);
    bytes_put32(key + 16, (uint32_t)port->index);
    return (uint32_t)siphash(&port->links->core->hash_key, key, sizeof key);
}

struct key {
    const struct port *port;
    const struct strata_address *address;
};

static bool equal(const struct table_entry *entry, const void *wanted)
{
    const struct neighbour *neighbour = CONTAINER_OF(entry, const struct neighbour, entry);
    const struct key *key = wanted;
    return neighbour->port == key->port && address_equal(&neighbour->address, key->address);
}

static struct core *core_of(const struct neighbour *neighbour)
{
    return neighbour->port->links->core;
}

static void set_state(struct neighbour *neighbour, enum neighbour_state state)
{
    struct core *core = core_of(neighbour);
    if (core_traces(core) && neighbour->state != state) {
        struct strata_trace_record record = {.kind = STRATA_TRACE_NEIGHBOUR,
                                             .port = (int16_t)neighbour->port->index};
        record.remote.address = neighbour->address;
        record.value[0] = state;
        core_trace(core, &record);
    }
    neighbour->state = (uint8_t)state;
}

static strata_time milliseconds(int64_t ms)
{
    return ms * STRATA_MILLISECOND;
}

int neighbours_init(struct links *links)
{
    struct neighbours *neighbours = memory_allocate(&links->core->memory, sizeof *neighbours);
    if (!neighbours)
        return -ENOMEM;
    neighbours->links = links;
    list_init(&neighbours->used);
    list_init(&neighbours->manual);
    links->neighbours = neighbours;
    return 0;
}

void speakers_give_up(struct list *speakers, int error)
{
    struct list *node;
    while ((node = list_first(speakers))) {
        struct speaker *speaker = CONTAINER_OF(node, struct speaker, node);
        speaker_silence(speaker);
        speaker->ops->unreachable(speaker, error);
    }
}

/* Moves what waits from one place to lists of the caller, so that the callbacks that follow may do as they
 * like. */
static void take_waiting(struct neighbour *neighbour, struct packet_queue *packets, struct list *speakers)
{
    struct packet *packet;
    packet_queue_init(packets, neighbour->waiting.limit);
    while ((packet = packet_queue_pop(&neighbour->waiting)))
        ASSERT(packet_queue_push(packets, packet));
    list_init(speakers);
    struct list *node;
    while ((node = list_first(&neighbour->speakers))) {
        list_remove(node);
        list_push_back(speakers, node);
    }
}

static void release_waiting(struct links *links, struct packet_queue *packets, struct list *speakers,
                            int error, enum counter counter)
{
    struct packet *packet;
    while ((packet = packet_queue_pop(packets))) {
        core_drop(links->core, counter, packet->port, NULL, 0);
        // Who makes room for another goes in silence: an answer may need an entry itself, and so on.
        if (links->upper.unresolved && counter != COUNTER_arp_drop_table_full)
            links->upper.unresolved(links->upper.context, packet);
        packet_free(&links->core->memory, packet);
    }
    speakers_give_up(speakers, error);
}

/* Forgets an entry. Those who wait are told, after it is gone. */
static void forget(struct neighbour *neighbour, int error, enum counter counter)
{
    struct links *links = neighbour->port->links;
    struct packet_queue packets;
    struct list speakers;
    take_waiting(neighbour, &packets, &speakers);
    set_state(neighbour, NEIGHBOUR_GONE);
    wheel_disarm(&links->core->wheel, &neighbour->timer);
    table_remove(&links->neighbours->table, &links->core->memory, &neighbour->entry);
    list_remove(&neighbour->node);
    if (neighbour->port->last_neighbour == neighbour)
        neighbour->port->last_neighbour = NULL;
    links->neighbours->count--;
    memory_release(&links->core->memory, neighbour, sizeof *neighbour);
    release_waiting(links, &packets, &speakers, error, counter);
}

void neighbours_flush(struct port *port, int error, bool all)
{
    struct neighbours *neighbours = port->links->neighbours;
    for (int manual = 0; manual <= all; manual++) {
        struct list *head = manual ? &neighbours->manual : &neighbours->used;
        // Callbacks of forget may change the list: begin again after each.
        for (struct list *node = head->next; node != head;) {
            struct neighbour *neighbour = CONTAINER_OF(node, struct neighbour, node);
            node = node->next;
            if (neighbour->port == port) {
                forget(neighbour, error, COUNTER_port_drop_down);
                node = head->next;
            }
        }
    }
}

void neighbours_free(struct links *links)
{
    struct neighbours *neighbours = links->neighbours;
    if (!neighbours)
        return;
    table_free(&neighbours->table, &links->core->memory);
    memory_release(&links->core->memory, neighbours, sizeof *neighbours);
    links->neighbours = NULL;
}

struct neighbour *neighbour_find(struct port *port, const struct strata_address *address)
{
    struct neighbour *last = port->last_neighbour;
    if (last && address_equal(&last->address, address))
        return last;
    struct neighbours *neighbours = port->links->neighbours;
    if (neighbours->count == 0)
        return NULL;
    struct key key = {port, address};
    struct table_entry *entry = table_find(&neighbours->table, hash_of(port, address), equal, &key);
    if (!entry)
        return NULL;
    return port->last_neighbour = CONTAINER_OF(entry, struct neighbour, entry);
}

/* Makes room for one more: the entry not used for longest goes, those with parked speakers are spared. */
static bool make_room(struct neighbours *neighbours)
{
    int looked = 0;
    for (struct list *node = neighbours->used.previous; node != &neighbours->used && looked < 32;
         node = node->previous, looked++) {
        struct neighbour *neighbour = CONTAINER_OF(node, struct neighbour, node);
        if (list_is_empty(&neighbour->speakers)) {
            forget(neighbour, -EHOSTUNREACH, COUNTER_arp_drop_table_full);
            return true;
        }
    }
    return false;
}

struct neighbour *neighbour_obtain(struct port *port, const struct strata_address *address)
{
    struct neighbour *neighbour = neighbour_find(port, address);
    if (neighbour)
        return neighbour;
    struct neighbours *neighbours = port->links->neighbours;
    struct core *core = port->links->core;
    // The callbacks of one that goes may make another: look at the count again.
    for (int i = 0; i < 4 && neighbours->count >= core->settings.neighbour_entries; i++)
        if (!make_room(neighbours))
            return NULL;
    if (neighbours->count >= core->settings.neighbour_entries)
        return NULL;
    neighbour = memory_allocate(&core->memory, sizeof *neighbour);
    if (!neighbour)
        return NULL;
    neighbour->port = port;
    neighbour->address = *address;
    timer_init(&neighbour->timer, fire);
    packet_queue_init(&neighbour->waiting, (uint32_t)core->settings.neighbour_queue_packets);
    list_init(&neighbour->speakers);
    list_init(&neighbour->node);
    if (table_insert(&neighbours->table, &core->memory, &neighbour->entry, hash_of(port, address)) < 0) {
        memory_release(&core->memory, neighbour, sizeof *neighbour);
        return NULL;
    }
    list_push_front(&neighbours->used, &neighbour->node);
    neighbours->count++;
    return neighbour;
}

static void touch(struct neighbour *neighbour)
{
    struct list *head = &neighbour->port->links->neighbours->used;
    if (head->next != &neighbour->node && !neighbour->manual) {
        list_remove(&neighbour->node);
        list_push_front(head, &neighbour->node);
    }
}

static void arm(struct neighbour *neighbour, int64_t ms)
{
    struct core *core = core_of(neighbour);
    wheel_arm(&core->wheel, &neighbour->timer, core->now + milliseconds(ms));
}

/* Begins to ask by broadcast. */
static void ask(struct neighbour *neighbour)
{
    set_state(neighbour, NEIGHBOUR_INCOMPLETE);
    neighbour->tries = 1;
    arp_ask(neighbour->port, &neighbour->address, NULL);
    arm(neighbour, core_of(neighbour)->settings.neighbour_retry_ms);
}

static void fail(struct neighbour *neighbour)
{
    struct links *links = neighbour->port->links;
    int64_t hold_ms = links->core->settings.neighbour_hold_ms;
    if (hold_ms == 0) {
        forget(neighbour, -EHOSTUNREACH, COUNTER_arp_drop_unresolved);
        return;
    }
    struct packet_queue packets;
    struct list speakers;
    take_waiting(neighbour, &packets, &speakers);
    set_state(neighbour, NEIGHBOUR_FAILED);
    neighbour->tries = 0;
    arm(neighbour, hold_ms);
    release_waiting(links, &packets, &speakers, -EHOSTUNREACH, COUNTER_arp_drop_unresolved);
}

static void fire_stale(struct neighbour *neighbour)
{
    const struct settings *settings = &core_of(neighbour)->settings;
    if (neighbour->tries == 0) {
        // RFC 826-5: nobody used it since it became stale.
        forget(neighbour, -EHOSTUNREACH, COUNTER_arp_drop_unresolved);
    } else if (neighbour->tries < settings->neighbour_retries) {
        neighbour->tries++;
        arp_ask(neighbour->port, &neighbour->address, neighbour->mac);
        arm(neighbour, settings->neighbour_retry_ms);
    } else {
        // The station is gone; perhaps another one has the address now.
        ask(neighbour);
    }
}

static void fire(struct timer *timer, strata_time now)
{
    struct neighbour *neighbour = CONTAINER_OF(timer, struct neighbour, timer);
    const struct settings *settings = &core_of(neighbour)->settings;
    strata_time stale = neighbour->confirmed + milliseconds(settings->neighbour_stale_ms);
    switch (neighbour->state) {
    case NEIGHBOUR_INCOMPLETE:
        if (neighbour->tries >= settings->neighbour_retries) {
            fail(neighbour);
            break;
        }
        neighbour->tries++;
        // RFC 826-6: one request for an address per second.
        arp_ask(neighbour->port, &neighbour->address, NULL);
        arm(neighbour, settings->neighbour_retry_ms);
        break;
    case NEIGHBOUR_REACHABLE:
        if (now < stale) {
            wheel_arm(&core_of(neighbour)->wheel, timer, stale);
            break;
        }
        set_state(neighbour, NEIGHBOUR_STALE);
        neighbour->tries = 0;
        arm(neighbour, settings->neighbour_stale_ms);
        break;
    case NEIGHBOUR_STALE:
        fire_stale(neighbour);
        break;
    default:
        forget(neighbour, -EHOSTUNREACH, COUNTER_arp_drop_unresolved);
    }
}

void neighbour_learn(struct neighbour *neighbour, const uint8_t mac[6])
{
    if (neighbour->manual)
        return;
    struct port *port = neighbour->port;
    memmove(neighbour->mac, mac, 6); // may be its own
    neighbour->confirmed = core_of(neighbour)->now;
    neighbour->tries = 0;
    set_state(neighbour, NEIGHBOUR_REACHABLE);
    arm(neighbour, core_of(neighbour)->settings.neighbour_stale_ms);
    struct packet *packet;
    while ((packet = packet_queue_pop(&neighbour->waiting)))
        port_queue_to(port, packet, mac);
    struct list *node;
    while ((node = list_first(&neighbour->speakers)))
        port_mark(port, CONTAINER_OF(node, struct speaker, node));
}

static enum neighbour_result resolve_unicast(struct port *port, const struct strata_address *next_hop,
                                             uint8_t mac[6])
{
    struct neighbour *neighbour = neighbour_find(port, next_hop);
    if (!neighbour) {
        // IPv6 has no way to ask yet: only what was set by hand is known.
        if (!address_is_ipv4(next_hop) || !port_first_address(port, next_hop))
            return NEIGHBOUR_UNREACHABLE;
        neighbour = neighbour_obtain(port, next_hop);
        if (!neighbour)
            return NEIGHBOUR_UNREACHABLE;
    }
    touch(neighbour);
    switch (neighbour->state) {
    case NEIGHBOUR_GONE:
        ask(neighbour);
        return NEIGHBOUR_PENDING;
    case NEIGHBOUR_INCOMPLETE:
        return NEIGHBOUR_PENDING;
    case NEIGHBOUR_STALE:
        if (neighbour->tries == 0) {
            neighbour->tries = 1;
            arp_ask(port, next_hop, neighbour->mac);
            arm(neighbour, port->links->core->settings.neighbour_retry_ms);
        }
        break;
    case NEIGHBOUR_FAILED:
        return NEIGHBOUR_UNREACHABLE;
    default:
        break;
    }
    memcpy(mac, neighbour->mac, 6);
    return NEIGHBOUR_RESOLVED;
}

enum neighbour_result neighbour_resolve(struct port *port, const struct strata_address *next_hop,
                                        bool broadcast, uint8_t mac[6])
{
    if (port->link != STRATA_LINK_ETHERNET) {
        memset(mac, 0, 6);
        return NEIGHBOUR_RESOLVED;
    }
    struct neighbour *last = port->last_neighbour;
    if (last && last->state == NEIGHBOUR_REACHABLE && address_equal(&last->address, next_hop)) {
        touch(last);
        memcpy(mac, last->mac, 6);
        return NEIGHBOUR_RESOLVED;
    }
    // RFC 1122-26: only what is broadcast or multicast for IP goes to a group of stations.
    if (broadcast) {
        memset(mac, 0xff, 6);
        return NEIGHBOUR_RESOLVED;
    }
    if (address_is_multicast(next_hop)) {
        ethernet_multicast(mac, next_hop);
        return NEIGHBOUR_RESOLVED;
    }
    return resolve_unicast(port, next_hop, mac);
}

void neighbour_wait(struct port *port, const struct strata_address *next_hop, struct packet *packet)
{
    struct core *core = port->links->core;
    struct neighbour *neighbour = neighbour_find(port, next_hop);
    if (!neighbour || neighbour->state != NEIGHBOUR_INCOMPLETE) {
        core_drop(core, COUNTER_arp_drop_unresolved, port->index, NULL, 0);
        packet_free(&core->memory, packet);
        return;
    }
    // RFC 826-7: the latest is kept, the oldest makes room. Short of memory only the latest is.
    struct packet_queue *waiting = &neighbour->waiting;
    while ((waiting->count > 0 && memory_is_short(&core->memory)) || !packet_queue_push(waiting, packet)) {
        core_drop(core, COUNTER_arp_drop_queue_full, port->index, NULL, 0);
        packet_free(&core->memory, packet_queue_pop(&neighbour->waiting));
    }
}

void neighbour_park(struct port *port, const struct strata_address *next_hop, struct speaker *speaker)
{
    struct neighbour *neighbour = neighbour_find(port, next_hop);
    if (!neighbour || neighbour->state != NEIGHBOUR_INCOMPLETE) {
        port_mark(port, speaker);
        return;
    }
    speaker_silence(speaker);
    list_push_back(&neighbour->speakers, &speaker->node);
}

void neighbour_confirm(struct port *port, const struct strata_address *next_hop)
{
    struct neighbour *neighbour = neighbour_find(port, next_hop);
    if (!neighbour || neighbour->manual)
        return;
    if (neighbour->state == NEIGHBOUR_REACHABLE) {
        neighbour->confirmed = port->links->core->now; // the timer looks again when it fires
    } else if (neighbour->state == NEIGHBOUR_STALE) {
        neighbour_learn(neighbour, neighbour->mac);
    }
}

int neighbour_set(struct port *port, const struct strata_address *next_hop, const uint8_t mac[6])
{
    struct neighbours *neighbours = port->links->neighbours;
    if (port->link != STRATA_LINK_ETHERNET || (mac && ethernet_is_group(mac)))
        return -EINVAL;
    if (!mac) {
        struct neighbour *old = neighbour_find(port, next_hop);
        if (!old)
            return -ENOENT;
        forget(old, -EHOSTUNREACH, COUNTER_arp_drop_unresolved);
        return 0;
    }
    struct neighbour *neighbour = neighbour_obtain(port, next_hop);
    if (!neighbour)
        return -ENOSPC;
    neighbour->manual = false;
    neighbour_learn(neighbour, mac);
    neighbour->manual = true;
    wheel_disarm(&port->links->core->wheel, &neighbour->timer);
    list_remove(&neighbour->node);
    list_push_back(&neighbours->manual, &neighbour->node);
    return 0;
}

unsigned neighbour_count(const struct links *links)
{
    return links->neighbours->count;
}
