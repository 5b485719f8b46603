/*
 * Reassembly of both families (RFC 791 3.2, RFC 815, RFC 8200 4.5).
 *
 * A datagram in progress keeps its fragments as they came and a map with a bit for each 8 octets: what RFC
 * 815 keeps as a list of holes. A fragment whose bits are all clear fits into the holes; when the last
 * fragment has said where the datagram ends and no bit before that is clear, it is complete, and is copied
 * together once. A fragment that meets bits already set is either an exact copy of one we hold, and is
 * dropped alone, or the datagram is a trick (RFC 5722) and is given up: its place is kept until the timeout
 * so that later fragments are dropped, too.
 *
 * Memory, count and age are bounded (RFC 815-3); the oldest datagram makes room.
 */
#include <errno.h>

#include "net/internal.h"
#include "wire/ethernet.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#define BLOCK_BYTES 8u
#define BLOCKS_MAX (65536u / BLOCK_BYTES)
#define DUPLICATES_MAX 64u /* copies looked for, before a datagram is taken for an attack */
#define TINY_TCP_BYTES 16u /* RFC 1858 3.2: flags and window must be in the first fragment */
#define KEY_BYTES 42

struct partial {
    struct table_entry entry;
    struct list node;
    struct timer timer;
    struct net *net;
    uint8_t key[KEY_BYTES];
    bool ipv4, given_up;
    uint8_t flags; /* NET_PACKET_* of any fragment */
    uint8_t ecn;   /* a bit for each value of the ECN field that a fragment had */
    int port;
    uint8_t protocol; /* IPv6: next header of the first fragment's fragment header */
    uint16_t next_at; /* IPv6: where the number of the fragment header stands in the first fragment */
    uint32_t total;   /* payload bytes, 0: the last fragment has not come */
    uint32_t end;     /* of the fragment that reaches farthest */
    uint32_t blocks;  /* bits set in held */
    uint32_t duplicates;
    struct packet *first; /* the fragment at offset 0 */
    struct list fragments;
    uint64_t held[BLOCKS_MAX / 64];
};

/* What both families say of a fragment. */
struct piece {
    uint8_t key[KEY_BYTES];
    bool ipv4, more;
    uint32_t offset, length; /* of the payload in the whole */
    size_t header;           /* bytes before it in its datagram */
};

void reassembly_init(struct net *net)
{
    list_init(&net->reassembly.datagrams);
}

static uint32_t hash_of(const struct net *net, const uint8_t key[KEY_BYTES])
{
    return (uint32_t)siphash(&net->core->hash_key, key, KEY_BYTES);
}

static bool equal(const struct table_entry *entry, const void *key)
{
    return memcmp(CONTAINER_OF(entry, const struct partial, entry)->key, key, KEY_BYTES) == 0;
}

static void drop_fragments(struct partial *partial)
{
    struct net *net = partial->net;
    struct list *node;
    while ((node = list_first(&partial->fragments))) {
        struct packet *packet = CONTAINER_OF(node, struct packet, node);
        list_remove(node);
        net->reassembly.bytes -= sizeof *packet + packet->room;
        packet_free(&net->core->memory, packet);
    }
    partial->first = NULL;
}

static void forget(struct partial *partial)
{
    struct net *net = partial->net;
    drop_fragments(partial);
    wheel_disarm(&net->core->wheel, &partial->timer);
    table_remove(&net->reassembly.table, &net->core->memory, &partial->entry);
    list_remove(&partial->node);
    net->reassembly.count--;
    net->reassembly.bytes -= sizeof *partial;
    memory_release(&net->core->memory, partial, sizeof *partial);
}

void reassembly_free(struct net *net)
{
    struct list *node;
    while ((node = list_first(&net->reassembly.datagrams)))
        forget(CONTAINER_OF(node, struct partial, node));
    table_free(&net->reassembly.table, &net->core->memory);
}

void reassembly_forget_port(struct net *net, int port)
{
    LIST_FOR_EACH_SAFE (node, &net->reassembly.datagrams) {
        struct partial *partial = CONTAINER_OF(node, struct partial, node);
        if (partial->port == port) {
            core_count(net->core, COUNTER_port_drop_down);
            forget(partial);
        }
    }
}

/* The datagram that a held fragment came in, from its IP header on. */
static struct net_packet as_packet(const struct partial *partial, const struct packet *fragment)
{
    struct net_packet packet = {.port = partial->port,
                                .protocol = partial->protocol,
                                .flags = partial->flags,
                                .datagram = fragment->bytes,
                                .datagram_length = fragment->room};
    memcpy(&packet.source, partial->key, 16);
    memcpy(&packet.destination, partial->key + 16, 16);
    packet.payload = fragment->bytes + fragment->offset;
    packet.length = fragment->length;
    return packet;
}

/* RFC 1122-18, RFC 8200-11: the time is up. */
static void expire(struct timer *timer, strata_time now)
{
    (void)now;
    struct partial *partial = CONTAINER_OF(timer, struct partial, timer);
    struct net *net = partial->net;
    if (!partial->given_up) {
        core_count(net->core, COUNTER_reassembly_timeouts);
        if (partial->first) { // RFC 1122-19: only who heard the beginning can say what is missing
            struct net_packet packet = as_packet(partial, partial->first);
            icmp_send_error(net, &packet, partial->ipv4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED, 1, 0);
        }
    }
    forget(partial);
}

static struct partial *obtain(struct net *net, const struct piece *piece, const struct net_packet *packet)
{
    struct reassembly *reassembly = &net->reassembly;
    uint32_t hash = hash_of(net, piece->key);
    struct table_entry *entry = table_find(&reassembly->table, hash, equal, piece->key);
    if (entry)
        return CONTAINER_OF(entry, struct partial, entry);
    if (reassembly->count >= net->core->settings.reassembly_datagrams) {
        core_count(net->core, COUNTER_reassembly_drop_memory);
        forget(CONTAINER_OF(list_first(&reassembly->datagrams), struct partial, node));
    }
    struct partial *partial = memory_allocate(&net->core->memory, sizeof *partial);
    if (!partial)
        return NULL;
    partial->net = net;
    memcpy(partial->key, piece->key, KEY_BYTES);
    partial->ipv4 = piece->ipv4;
    partial->port = packet->port;
    partial->protocol = packet->protocol;
    list_init(&partial->fragments);
    timer_init(&partial->timer, expire);
    if (table_insert(&reassembly->table, &net->core->memory, &partial->entry, hash) < 0) {
        memory_release(&net->core->memory, partial, sizeof *partial);
        return NULL;
    }
    list_push_back(&reassembly->datagrams, &partial->node);
    reassembly->count++;
    reassembly->bytes += sizeof *partial;
    wheel_arm(&net->core->wheel, &partial->timer,
              net->core->now + net->core->settings.reassembly_timeout_ms * STRATA_MILLISECOND);
    return partial;
}

/* Counts the bits of [from, to) that are set, and sets them all if `set`. */
static uint32_t map_range(struct partial *partial, uint32_t from, uint32_t to, bool set)
{
    uint32_t count = 0;
    while (from < to) {
        uint32_t bit = from % 64, bits = 64 - bit < to - from ? 64 - bit : to - from;
        uint64_t mask = (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) << bit;
        count += (uint32_t)__builtin_popcountll(partial->held[from / 64] & mask);
        if (set)
            partial->held[from / 64] |= mask;
        from += bits;
    }
    return count;
}

/* Offsets of held fragments are in packet->flags, in blocks. */
static const struct packet *find_copy(const struct partial *partial, const struct piece *piece,
                                      const uint8_t *payload)
{
    LIST_FOR_EACH (node, &partial->fragments) {
        const struct packet *packet = CONTAINER_OF(node, const struct packet, node);
        if (packet->flags == piece->offset / BLOCK_BYTES && packet->length == piece->length)
            return memcmp(packet->bytes + packet->offset, payload, piece->length) == 0 ? packet : NULL;
    }
    return NULL;
}

/* RFC 5722-2, RFC 8200-12: all of it, what comes later too, and not a word about it. */
static void give_up(struct partial *partial, enum counter reason, const struct net_packet *packet)
{
    net_drop(partial->net, reason, packet);
    drop_fragments(partial);
    partial->given_up = true;
}

/* What all fragments may take: as set, but never more of a small host than an eighth. */
static size_t most_bytes(const struct net *net)
{
    size_t set = (size_t)net->core->settings.reassembly_bytes, eighth = net->core->memory.budget_bytes / 8;
    return set < eighth ? set : eighth;
}

/* Makes room for so many bytes at the expense of older datagrams. */
static bool make_room(struct partial *partial, size_t bytes)
{
    struct net *net = partial->net;
    struct reassembly *reassembly = &net->reassembly;
    while (reassembly->bytes + bytes > most_bytes(net)) {
        struct partial *oldest = CONTAINER_OF(list_first(&reassembly->datagrams), struct partial, node);
        if (oldest == partial && partial->node.next == &reassembly->datagrams)
            return false;
        if (oldest == partial)
            oldest = CONTAINER_OF(partial->node.next, struct partial, node);
        core_count(net->core, COUNTER_reassembly_drop_memory);
        forget(oldest);
    }
    return true;
}

/* Whether a fragment contradicts what others said about the end. */
static bool contradicts(const struct partial *partial, const struct piece *piece)
{
    uint32_t end = piece->offset + piece->length;
    if (!piece->more)
        return partial->total ? end != partial->total : end < partial->end;
    return partial->total && end >= partial->total;
}

/* RFC 815-1: keeps a fragment where a hole is. @return false: it is not kept, and counted. */
static bool keep(struct partial *partial, const struct piece *piece, const struct net_packet *packet)
{
    struct net *net = partial->net;
    uint32_t from = piece->offset / BLOCK_BYTES,
             to = (piece->offset + piece->length + BLOCK_BYTES - 1) / BLOCK_BYTES;
    if (partial->given_up) {
        net_drop(net, COUNTER_reassembly_drop_overlap, packet);
        return false;
    }
    if (contradicts(partial, piece)) {
        give_up(partial, COUNTER_reassembly_drop_inconsistent, packet);
        return false;
    }
    if (map_range(partial, from, to, false) > 0) {
        if (partial->duplicates < DUPLICATES_MAX && find_copy(partial, piece, packet->payload)) {
            partial->duplicates++;
            net_drop(net, COUNTER_reassembly_drop_duplicate, packet);
        } else {
            give_up(partial, COUNTER_reassembly_drop_overlap, packet);
        }
        return false;
    }
    size_t room = piece->header + piece->length;
    struct packet *copy = NULL;
    if (make_room(partial, sizeof *copy + room))
        copy = packet_copy(&net->core->memory, 0, packet->datagram, room);
    if (!copy) {
        net_drop(net, COUNTER_reassembly_drop_memory, packet);
        return false;
    }
    packet_pull(copy, piece->header);
    copy->flags = (uint16_t)from;
    list_push_back(&partial->fragments, &copy->node);
    net->reassembly.bytes += sizeof *copy + room;
    map_range(partial, from, to, true);
    partial->blocks += to - from;
    partial->flags |= packet->flags;
    partial->ecn |= (uint8_t)(1u << (packet->tos & ECN_FIELD));
    if (piece->offset == 0)
        partial->first = copy;
    if (piece->offset + piece->length > partial->end)
        partial->end = piece->offset + piece->length;
    if (!piece->more)
        partial->total = partial->end; // RFC 815-2: the infinite tail is gone
    return true;
}

/* Whether the whole would be longer than its length field can say: the first fragment's headers may be longer
 * than those of the others, which passed alone. */
static bool too_long(const struct partial *partial, size_t header)
{
    return header + partial->total > UINT16_MAX;
}

static bool complete(const struct partial *partial)
{
    return partial->total != 0 && partial->blocks == (partial->total + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

/* RFC 815-3, RFC 8200-10. */
static void refuse(struct partial *partial, const struct net_packet *packet)
{
    net_drop(partial->net, COUNTER_reassembly_drop_too_long, packet);
    forget(partial);
}

/* RFC 3168 5.3: a mark on any fragment is one on the whole; but where another fragment says that nobody would
 * understand it, the whole goes instead. @return false: it has gone. */
static bool combine_ecn(struct partial *partial, const struct net_packet *last, uint8_t *tos)
{
    if (!(partial->ecn & 1u << ECN_CE))
        return true;
    if (partial->ecn & 1u) {
        net_drop(partial->net, COUNTER_reassembly_drop_ecn, last);
        forget(partial);
        return false;
    }
    *tos |= ECN_CE;
    return true;
}

/* Copies all pieces behind `header` bytes of room. The datagram in progress is gone afterwards. */
static struct packet *assemble(struct partial *partial, size_t header)
{
    struct net *net = partial->net;
    struct packet *whole = packet_new(&net->core->memory, 0, header + partial->total);
    if (whole) {
        LIST_FOR_EACH (node, &partial->fragments) {
            struct packet *piece = CONTAINER_OF(node, struct packet, node);
            memcpy(packet_data(whole) + header + (size_t)piece->flags * BLOCK_BYTES, packet_data(piece),
                   piece->length);
        }
        core_count(net->core, COUNTER_reassembly_completed);
    } else {
        core_drop(net->core, COUNTER_reassembly_drop_memory, partial->port, NULL, 0);
    }
    forget(partial);
    return whole;
}

/* ---- IPv4 ------------------------------------------------------------------------------------------------ */

static void deliver_ipv4(struct partial *partial, const struct net_packet *last)
{
    static const struct strata_meta none;
    struct net *net = partial->net;
    struct ipv4_header header;
    int bytes = ipv4_parse_quoted(&header, partial->first->bytes, partial->first->room);
    uint8_t flags = partial->flags | NET_PACKET_REASSEMBLED;
    uint32_t total = partial->total;
    if (!combine_ecn(partial, last, &header.tos))
        return;
    struct packet *whole = assemble(partial, (size_t)bytes);
    if (!whole)
        return;
    header.more_fragments = false;
    header.total_bytes = (uint16_t)((size_t)bytes + total);
    ipv4_emit(packet_data(whole), &header);
    struct net_packet packet = {.source = header.source,
                                .destination = header.destination,
                                .port = last->port,
                                .protocol = header.protocol,
                                .ttl = header.ttl,
                                .tos = header.tos,
                                .flags = flags,
                                .payload = packet_data(whole) + bytes,
                                .length = total,
                                .datagram = packet_data(whole),
                                .datagram_length = whole->length,
                                .meta = &none};
    ipv4_deliver(net, &packet);
    packet_free(&net->core->memory, whole);
}

void reassembly_ipv4(struct net *net, const struct net_packet *packet, const struct ipv4_header *header)
{
    struct piece piece = {.ipv4 = true,
                          .more = header->more_fragments,
                          .offset = header->fragment_offset_bytes,
                          .length = (uint32_t)packet->length,
                          .header = header->header_bytes};
    enum counter reason = COUNTER_NONE;
    if ((piece.more && piece.length % BLOCK_BYTES != 0) || piece.length == 0)
        reason = COUNTER_reassembly_drop_alignment;
    else if (piece.header + piece.offset + piece.length > UINT16_MAX) // RFC 815-3
        reason = COUNTER_reassembly_drop_too_long;
    else if (header->protocol == PROTOCOL_TCP && ((piece.offset == 0 && piece.length < TINY_TCP_BYTES) ||
                                                  piece.offset == BLOCK_BYTES)) // RFC 815-4
        reason = COUNTER_reassembly_drop_tiny;
    if (reason != COUNTER_NONE) {
        net_drop(net, reason, packet);
        return;
    }
    // RFC 791-6: source, destination, protocol, identification.
    memcpy(piece.key, packet->source.bytes, 16);
    memcpy(piece.key + 16, packet->destination.bytes, 16);
    bytes_put32(piece.key + 32, header->identification);
    piece.key[36] = header->protocol;
    piece.key[37] = 4;
    struct partial *partial = obtain(net, &piece, packet);
    if (!partial)
        net_drop(net, COUNTER_reassembly_drop_memory, packet);
    else if (keep(partial, &piece, packet) && complete(partial)) {
        if (too_long(partial, partial->first->offset))
            refuse(partial, packet);
        else
            deliver_ipv4(partial, packet);
    }
}

/* ---- IPv6 ------------------------------------------------------------------------------------------------ */

static void deliver_ipv6(struct partial *partial, const struct net_packet *last)
{
    static const struct strata_meta none;
    struct net *net = partial->net;
    // What stands before the fragment header is the first fragment's.
    size_t head = partial->first->offset - IPV6_FRAGMENT_BYTES, next_at = partial->next_at;
    uint8_t flags = partial->flags | NET_PACKET_REASSEMBLED, next = partial->protocol, kept[256];
    struct ipv6_header header;
    uint32_t total = partial->total;
    if (head > sizeof kept || ipv6_parse_quoted(&header, partial->first->bytes, partial->first->room) < 0) {
        core_drop(net->core, COUNTER_ipv6_drop_extension, partial->port, NULL, 0);
        forget(partial);
        return;
    }
    memcpy(kept, partial->first->bytes, head);
    if (!combine_ecn(partial, last, &header.traffic_class))
        return;
    struct packet *whole = assemble(partial, head);
    if (!whole)
        return;
    uint8_t *bytes = packet_data(whole);
    memcpy(bytes, kept, head);
    header.payload_bytes = (uint16_t)(head - IPV6_HEADER_BYTES + total);
    ipv6_emit(bytes, &header);
    bytes[next_at] = next;
    struct net_packet packet = {.source = header.source,
                                .destination = header.destination,
                                .port = last->port,
                                .ttl = header.hop_limit,
                                .tos = header.traffic_class,
                                .flags = flags,
                                .datagram = bytes,
                                .datagram_length = whole->length,
                                .meta = &none};
    ipv6_continue(net, &packet, next, next_at, head);
    packet_free(&net->core->memory, whole);
}

/* RFC 8200-8: the first fragment holds every header through the upper layer's. */
static bool holds_headers(const struct net_packet *packet)
{
    uint8_t protocol;
    size_t offset, least = 0;
    if (!ipv6_find_upper(packet->datagram, packet->datagram_length, &protocol, &offset))
        return false;
    if (protocol == PROTOCOL_TCP)
        least = TCP_HEADER_BYTES;
    else if (protocol == PROTOCOL_UDP)
        least = UDP_HEADER_BYTES;
    else if (protocol == PROTOCOL_ICMPV6)
        least = ICMP_HEADER_BYTES;
    return packet->datagram_length - offset >= least;
}

void reassembly_ipv6(struct net *net, const struct net_packet *packet, const struct ipv6_fragment *fragment,
                     size_t next_at, size_t offset)
{
    struct piece piece = {.more = fragment->more_fragments,
                          .offset = fragment->offset_bytes,
                          .header = offset + IPV6_FRAGMENT_BYTES};
    piece.length = (uint32_t)(packet->datagram_length - piece.header);
    if (piece.length == 0 || (piece.more && piece.length % BLOCK_BYTES != 0)) { // RFC 8200-9
        net_drop(net, COUNTER_reassembly_drop_alignment, packet);
        icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, 0, 4);
        return;
    }
    if (offset - IPV6_HEADER_BYTES + piece.offset + piece.length > UINT16_MAX) { // RFC 8200-10
        net_drop(net, COUNTER_reassembly_drop_too_long, packet);
        icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, 0, (uint32_t)offset + 2);
        return;
    }
    if (piece.offset == 0 && !holds_headers(packet)) {
        net_drop(net, COUNTER_reassembly_drop_tiny, packet);
        icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, 3, 0);
        return;
    }
    // The source, the destination and the identification: later fragments may name another next header.
    memcpy(piece.key, packet->source.bytes, 16);
    memcpy(piece.key + 16, packet->destination.bytes, 16);
    bytes_put32(piece.key + 32, fragment->identification);
    piece.key[37] = 6;
    if (address_is_link_local(&packet->source))
        bytes_put32(piece.key + 38, (uint32_t)packet->port);
    struct partial *partial = obtain(net, &piece, packet);
    struct net_packet whole = *packet;
    whole.payload = packet->datagram + piece.header;
    whole.length = piece.length;
    if (!partial) {
        net_drop(net, COUNTER_reassembly_drop_memory, packet);
        return;
    }
    if (!keep(partial, &piece, &whole))
        return;
    if (piece.offset == 0) {
        partial->protocol = fragment->next_header;
        partial->next_at = (uint16_t)next_at;
    }
    if (!complete(partial))
        return;
    if (too_long(partial, partial->first->offset - IPV6_FRAGMENT_BYTES - IPV6_HEADER_BYTES)) {
        refuse(partial, packet);
        icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, 0, (uint32_t)offset + 2);
    } else {
        deliver_ipv6(partial, packet);
    }
}
