/**
 * Datagrams that come in: which socket they belong to, and receiving them (RFC 768, RFC 1122 4.1.3).
 *
 * A socket stands in one of three classes: connected (four-tuple), bound (local address and port) or wildcard
 * (port). A datagram asks for each class in this order and takes the first that answers, so its cost does not
 * depend on the number of sockets. Within a class a socket tied to a port (interface) comes before one that
 * is not, one that asked for IPv4 alone before one for both families; those still equal share by a keyed hash
 * of the flow if they said REUSE_PORT, so that a flow stays with one socket; otherwise the youngest has it.
 * Multicast goes to every member, broadcast to everybody who listens at that port.
 */
#include "transport/udp_internal.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

#include <errno.h>

/** What a datagram, or an error about one, says of the socket that it is for. */
struct flow {
    struct strata_endpoint local, peer;
    int port; /**< Arrival. */
    bool echo, foreign;
};

struct lookup {
    const struct udp *udp;
    const struct flow *flow;
    enum udp_class class;
    uint32_t best_rank;
    uint64_t best_draw;
    struct udp_socket *best;
    /** Called for everybody that matches instead of choosing one. */
    void (*visit)(struct udp_socket *socket, void *context);
    void *context;
};

/** Fields of a class are hashed byte by byte, so that every machine agrees. Room: the longest key. */
#define KEY_BYTES (2 + 2 + 16 + 2 + 16 + 4)

static size_t flow_key(uint8_t *key, enum udp_class class, bool echo, const struct strata_endpoint *local,
                       const struct strata_endpoint *peer)
{
    size_t size = 4;
    key[0] = (uint8_t) class;
    key[1] = echo;
    bytes_put16(key + 2, local->port);
    if (class == UDP_WILDCARD)
        return size;
    memcpy(key + size, &local->address, 16);
    size += 16;
    if (class == UDP_BOUND)
        return size;
    // An echo reply comes from the peer with any sequence number.
    bytes_put16(key + size, echo ? 0 : peer->port);
    memcpy(key + size + 2, &peer->address, 16);
    bytes_put32(key + size + 18, peer->scope);
    return size + 22;
}

static uint32_t flow_hash(const struct udp *udp, enum udp_class class, bool echo,
                          const struct strata_endpoint *local, const struct strata_endpoint *peer)
{
    uint8_t key[KEY_BYTES];
    return (uint32_t)siphash(&udp->key, key, flow_key(key, class, echo, local, peer));
}

static struct strata_endpoint local_of(const struct udp_socket *socket)
{
    struct strata_endpoint local;
    udp_endpoints(socket, &local, NULL);
    return local;
}

int udp_hash(struct udp_socket *socket)
{
    struct udp *udp = socket->udp;
    struct strata_endpoint local = local_of(socket);
    enum udp_class class = UDP_BOUND;
    if (socket->connected)
        class = UDP_CONNECTED;
    else if (address_is_unspecified(&local.address))
        class = UDP_WILDCARD;
    udp_unhash(socket);
    uint32_t hash = flow_hash(udp, class, socket->echo, &local, &socket->peer);
    int error = table_insert(&udp->table, &udp->core->memory, &socket->entry, hash);
    if (error)
        return error;
    socket->class = (uint8_t) class;
    udp->class_count[class]++;
    return 0;
}

void udp_unhash(struct udp_socket *socket)
{
    struct udp *udp = socket->udp;
    if (socket->class == UDP_NOWHERE)
        return;
    table_remove(&udp->table, &udp->core->memory, &socket->entry);
    udp->class_count[socket->class]--;
    socket->class = UDP_NOWHERE;
}

/** Whether the fields that the class fixes are those of the flow. */
static bool names_flow(const struct udp_socket *socket, const struct flow *flow, enum udp_class class)
{
    const struct strata_endpoint *bound = &socket->binding.local;
    if (socket->class != class || socket->echo != flow->echo || bound->port != flow->local.port)
        return false;
    if (class == UDP_CONNECTED)
        return address_equal(&socket->connected_local, &flow->local.address) &&
               address_equal(&socket->peer.address, &flow->peer.address) &&
               socket->peer.scope == flow->peer.scope && (flow->echo || socket->peer.port == flow->peer.port);
    if (class == UDP_BOUND)
        return address_equal(&bound->address, &flow->local.address) &&
               (bound->scope == 0 || bound->scope == flow->local.scope);
    bool ipv4 = strata_address_is_ipv4(&flow->local.address);
    return address_is_zero(&bound->address) ? !(ipv4 && socket->options.v6only) : ipv4;
}

/** Whether the socket takes what arrives at that port, and foreign datagrams if it is one. */
static bool admits(const struct udp_socket *socket, const struct flow *flow)
{
    return (socket->options.bind_port == 0 || socket->options.bind_port == flow->port) &&
           (!flow->foreign || socket->options.transparent);
}

/** Draws lots among sockets that share a port: each has a number per flow, the highest has it. */
static uint64_t draw(const struct udp *udp, const struct udp_socket *socket, const struct flow *flow)
{
    if (!socket->options.reuse_port)
        return socket->serial;
    uint8_t key[KEY_BYTES + 4];
    size_t size = flow_key(key, UDP_CONNECTED, flow->echo, &flow->local, &flow->peer);
    bytes_put32(key + size, socket->serial);
    return siphash(&udp->key, key, size + 4);
}

/** The table's question whether an entry is the one: notes it if it is better, and looks on. */
static bool consider(const struct table_entry *entry, const void *key)
{
    struct lookup *lookup = *(struct lookup *const *)key;
    struct udp_socket *socket = CONTAINER_OF(entry, struct udp_socket, entry);
    if (!names_flow(socket, lookup->flow, lookup->class) || !admits(socket, lookup->flow))
        return false;
    if (lookup->visit) {
        lookup->visit(socket, lookup->context);
        return false;
    }
    uint32_t rank =
        1 + (socket->options.bind_port ? 2u : 0u) +
        (strata_address_is_ipv4(&socket->binding.local.address) || socket->options.v6only ? 1u : 0u);
    if (rank < lookup->best_rank)
        return false;
    uint64_t drawn = draw(lookup->udp, socket, lookup->flow);
    if (rank > lookup->best_rank || drawn > lookup->best_draw) {
        lookup->best_rank = rank;
        lookup->best_draw = drawn;
        lookup->best = socket;
    }
    return false;
}

static void look(struct lookup *lookup)
{
    const struct udp *udp = lookup->udp;
    const struct flow *flow = lookup->flow;
    for (enum udp_class class = UDP_CONNECTED; class < UDP_CLASSES && !lookup->best; class ++) {
        if (udp->class_count[class] == 0)
            continue;
        lookup->class = class;
        uint32_t hash = flow_hash(udp, class, flow->echo, &flow->local, &flow->peer);
        (void)table_find(&udp->table, hash, consider, &lookup);
    }
}

/** The socket a flow belongs to, or NULL. */
static struct udp_socket *find(struct udp *udp, const struct flow *flow)
{
    struct lookup lookup = {.udp = udp, .flow = flow};
    look(&lookup);
    if (lookup.best || !flow->foreign)
        return lookup.best;
    // A transparent socket without an address takes every destination, without a port every port.
    LIST_FOR_EACH (node, &udp->transparent) {
        struct udp_socket *socket = CONTAINER_OF(node, struct udp_socket, transparent_node);
        const struct strata_address *bound = &socket->binding.local.address;
        if (socket->class == UDP_WILDCARD && socket->any_port && socket->echo == flow->echo &&
            admits(socket, flow) && (address_is_zero(bound) || strata_address_is_ipv4(&flow->local.address)))
            return socket;
    }
    return NULL;
}

static struct flow flow_of(const struct net_packet *packet, uint16_t local_port, uint16_t peer_port)
{
    return (struct flow){
        .local = {packet->destination, udp_scope(&packet->destination, packet->port), local_port},
        .peer = {packet->source, udp_scope(&packet->source, packet->port), peer_port},
        .port = packet->port,
        .foreign = packet->flags & NET_PACKET_FOREIGN,
    };
}

bool udp_wants(void *context, const struct net_packet *packet)
{
    struct udp *udp = context;
    struct udp_header header;
    if (list_is_empty(&udp->transparent) || udp_parse_quoted(&header, packet->payload, packet->length) < 0)
        return false;
    struct flow flow = flow_of(packet, header.destination_port, header.source_port);
    flow.foreign = true;
    return find(udp, &flow) != NULL;
}

/** What is delivered, to one or to many. */
struct delivery {
    const struct net_packet *packet;
    const struct flow *flow;
    const uint8_t *data;
    size_t length;
    unsigned count; /**< Sockets that it was for. */
};

/** The IPv4 options of a datagram (RFC 768-6): `options` has room for 40 bytes. @return how many. */
static uint8_t options_of(const struct net_packet *packet, uint8_t *options)
{
    struct ipv4_header header;
    if (packet->datagram_length - packet->length <= IPV4_HEADER_BYTES ||
        !strata_address_is_ipv4(&packet->source) ||
        ipv4_parse_quoted(&header, packet->datagram, packet->datagram_length) < 0)
        return 0;
    memcpy(options, header.options, sizeof header.options);
    return (uint8_t)(header.header_bytes - IPV4_HEADER_BYTES);
}

static size_t record_bytes(const struct udp_in *in)
{
    return sizeof *in + in->options_length + in->length;
}

static void deliver(struct udp_socket *socket, void *context)
{
    uint8_t options[40];
    struct delivery *delivery = context;
    const struct net_packet *packet = delivery->packet;
    struct core *core = socket->udp->core;
    if ((packet->flags & NET_PACKET_MULTICAST) && !udp_is_member(socket, &packet->destination, packet->port))
        return;
    delivery->count++;
    uint8_t options_length = options_of(packet, options);
    size_t size = sizeof(struct udp_in) + options_length + delivery->length;
    // One datagram always fits, however small the buffer is, or the memory that is left.
    bool most = socket->in_bytes + size > socket->options.receive_bytes || memory_is_short(&core->memory);
    bool full = socket->in_bytes > 0 && most;
    struct udp_in *in = full ? NULL : memory_allocate_raw(&core->memory, size);
    if (!in) {
        core_drop(core, COUNTER_udp_drop_buffer_full, packet->port, packet->datagram,
                  packet->datagram_length);
        return;
    }
    memset(in, 0, sizeof *in);
    in->peer = delivery->flow->peer;
    in->local = delivery->flow->local;
    in->length = (uint32_t)delivery->length;
    in->port = (int16_t)packet->port;
    in->ttl = packet->ttl;
    in->tos = packet->tos; // RFC 1122-8: what came is passed up
    in->options_length = options_length;
    if (options_length)
        memcpy(in->bytes, options, options_length);
    if (delivery->length)
        memcpy(in->bytes + options_length, delivery->data, delivery->length);
    list_push_back(&socket->in, &in->node);
    socket->in_bytes += (uint32_t)size;
    core_count(core, COUNTER_udp_delivered);
    udp_raise(socket, STRATA_READABLE);
}

static void echo_input(struct udp *udp, const struct net_packet *packet)
{
    struct icmp_header header;
    // The room below has verified the checksum: it alone knows which ICMP messages are its own business.
    if (icmp_parse_quoted(&header, packet->payload, packet->length) < 0)
        return;
    uint8_t reply = packet->protocol == PROTOCOL_ICMP ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
    if (header.type != reply)
        return;
    struct flow flow = flow_of(packet, (uint16_t)(header.rest >> 16), (uint16_t)header.rest);
    flow.echo = true;
    struct udp_socket *socket = find(udp, &flow);
    if (!socket) {
        core_drop(udp->core, COUNTER_echo_drop_no_socket, packet->port, packet->datagram,
                  packet->datagram_length);
        return;
    }
    struct delivery delivery = {packet, &flow, packet->payload + ICMP_HEADER_BYTES,
                                packet->length - ICMP_HEADER_BYTES, 0};
    deliver(socket, &delivery);
}

/** Header, length and checksum. @return COUNTER_NONE, or why it is dropped. */
static enum counter verify(struct udp *udp, const struct net_packet *packet, struct udp_header *header)
{
    int parsed = udp_parse(header, packet->payload, packet->length);
    if (parsed < 0)
        return (enum counter)(-parsed); // RFC 768-4
    if (address_is_multicast(&packet->source) || address_is_limited_broadcast(&packet->source) ||
        net_is_broadcast(udp->net, &packet->source))
        return COUNTER_udp_drop_source; // RFC 768-7
    if (header->checksum == 0) // RFC 768-2: the sender over IPv4 made none; RFC 768-3: over IPv6 it must
        return strata_address_is_ipv4(&packet->source) ? COUNTER_NONE : COUNTER_udp_drop_checksum;
    if (!(packet->flags & NET_PACKET_REASSEMBLED) &&
        (packet->meta->flags & (STRATA_META_VERIFIED | STRATA_META_PARTIAL)))
        return COUNTER_NONE;
    uint64_t sum = checksum_pseudo(&packet->source, &packet->destination, PROTOCOL_UDP, header->length);
    sum = checksum_add(sum, packet->payload, header->length);
    return checksum_valid(sum) ? COUNTER_NONE : COUNTER_udp_drop_checksum;
}

void udp_input(void *context, const struct net_packet *packet)
{
    struct udp *udp = context;
    if (packet->protocol != PROTOCOL_UDP) {
        echo_input(udp, packet);
        return;
    }
    struct udp_header header;
    enum counter bad = verify(udp, packet, &header);
    if (bad != COUNTER_NONE) {
        core_drop(udp->core, bad, packet->port, packet->datagram, packet->datagram_length);
        return;
    }
    struct flow flow = flow_of(packet, header.destination_port, header.source_port);
    struct delivery delivery = {packet, &flow, packet->payload + UDP_HEADER_BYTES,
                                (size_t)header.length - UDP_HEADER_BYTES, 0};
    if (packet->flags & (NET_PACKET_MULTICAST | NET_PACKET_BROADCAST)) {
        struct lookup lookup = {.udp = udp, .flow = &flow, .visit = deliver, .context = &delivery};
        look(&lookup);
    } else {
        struct udp_socket *socket = find(udp, &flow);
        if (socket)
            deliver(socket, &delivery);
    }
    if (delivery.count > 0)
        return;
    core_drop(udp->core, COUNTER_udp_drop_no_socket, packet->port, packet->datagram, packet->datagram_length);
    // RFC 768-5; net knows when an answer is out of place (RFC 792-4)
    net_send_error(udp->net, packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
}

/* ---- errors ------------------------------------------------------------------------------------ */

void udp_queue_error(struct udp_socket *socket, const struct udp_in *what, const void *data, size_t size)
{
    struct core *core = socket->udp->core;
    if (!socket->owner || !socket->options.receive_errors || socket->error_count >= core->settings.udp_errors)
        return;
    // Only the beginning: more than any ICMP error quotes of a datagram (RFC 1812-13: 576 bytes).
    size = size < 576 ? size : 576;
    struct udp_in *in = memory_allocate(&core->memory, sizeof *in + size);
    if (!in)
        return;
    *in = *what;
    in->length = (uint32_t)size;
    if (size)
        memcpy(in->bytes, data, size);
    list_push_back(&socket->errors, &in->node);
    socket->error_count++;
    udp_raise(socket, STRATA_ERROR);
}

/** The socket that sent what an error quotes, or NULL; `skip` is the quoted header's length. */
static struct udp_socket *find_sender(struct udp *udp, const struct net_error *error, struct flow *flow,
                                      size_t *skip)
{
    *flow = (struct flow){
        .local = {error->source, udp_scope(&error->source, error->port), 0},
        .peer = {error->destination, udp_scope(&error->destination, error->port), 0},
        .port = error->port,
    };
    if (error->protocol == PROTOCOL_UDP) {
        struct udp_header header;
        if (udp_parse_quoted(&header, error->quoted, error->quoted_length) < 0)
            return NULL;
        flow->local.port = header.source_port;
        flow->peer.port = header.destination_port;
        *skip = UDP_HEADER_BYTES;
    } else {
        struct icmp_header header;
        if (icmp_parse_quoted(&header, error->quoted, error->quoted_length) < 0 ||
            header.type != (error->ipv6 ? ICMPV6_ECHO : ICMP_ECHO))
            return NULL;
        flow->echo = true;
        flow->local.port = (uint16_t)(header.rest >> 16);
        flow->peer.port = (uint16_t)header.rest;
        *skip = ICMP_HEADER_BYTES;
    }
    struct udp_socket *socket = find(udp, flow);
    if (!socket && !net_is_own(udp->net, &flow->local.address)) { // sent under a source that is not ours
        flow->foreign = true;
        socket = find(udp, flow);
    }
    return socket;
}

bool udp_owns(void *context, const struct net_error *error)
{
    struct flow flow;
    size_t skip;
    const struct udp_socket *socket = find_sender(context, error, &flow, &skip);
    if (!socket)
        return false;
    // RFC 8899-1, RFC 8201-4: of a socket with a peer both ends are quoted; of another one's datagrams it is known
    // at least whom some were sent to.
    return socket->connected || address_equal(&socket->path.destination, &error->destination) ||
           udp_remembers(socket->udp, &error->destination);
}

void udp_error(void *context, const struct net_error *error)
{
    struct udp *udp = context;
    struct flow flow;
    size_t skip;
    struct udp_socket *socket = find_sender(udp, error, &flow, &skip);
    if (!socket) {
        core_count(udp->core, COUNTER_icmp_drop_quote);
        return;
    }
    struct udp_in in = {
        .peer = flow.peer,
        .local = flow.local,
        .reporter = error->reporter,
        .info = error->info,
        .error = error->error,
        .port = (int16_t)error->port,
        .icmp_type = error->type,
        .icmp_code = error->code,
    };
    udp_queue_error(socket, &in, error->quoted + skip, error->quoted_length - skip); // RFC 768-6
    // Without a queue only a connected socket knows whom an error is about; soft ones may pass (RFC
    // 1122 4.2.3.9).
    if (socket->connected && error->hard) {
        socket->error = error->error;
        udp_raise(socket, STRATA_ERROR);
    }
}

/* ---- receiving --------------------------------------------------------------------------------- */

/** Takes the first of a queue into the program's memory. */
static int64_t take(struct udp_socket *socket, struct list *queue, void *data, size_t size,
                    struct strata_envelope *envelope)
{
    struct udp_in *in = CONTAINER_OF(list_first(queue), struct udp_in, node);
    size_t length = in->length < size ? in->length : size;
    if (length)
        memcpy(data, in->bytes + in->options_length, length);
    if (envelope) {
        *envelope = (struct strata_envelope){
            .size = sizeof *envelope,
            .peer = in->peer,
            .local = in->local,
            .port = in->port,
            .ttl = in->ttl,
            .tos = in->tos,
            .truncated = in->length > size,
            .error = in->error,
            .icmp_type = in->icmp_type,
            .icmp_code = in->icmp_code,
            .icmp_info = in->info,
            .reporter = in->reporter,
            .options_length = in->options_length,
        };
        if (in->options_length)
            memcpy(envelope->options, in->bytes, in->options_length);
    }
    list_remove(&in->node);
    memory_release(&socket->udp->core->memory, in, record_bytes(in));
    return (int64_t)length;
}

int64_t udp_receive(struct udp_socket *socket, void *data, size_t size, struct strata_envelope *envelope)
{
    if (socket->error) {
        int error = socket->error;
        socket->error = 0;
        return -error;
    }
    if (list_is_empty(&socket->in))
        return -EAGAIN;
    struct udp_in *in = CONTAINER_OF(list_first(&socket->in), struct udp_in, node);
    socket->in_bytes -= (uint32_t)record_bytes(in);
    return take(socket, &socket->in, data, size, envelope);
}

int64_t udp_receive_error(struct udp_socket *socket, void *data, size_t size,
                          struct strata_envelope *envelope)
{
    if (list_is_empty(&socket->errors))
        return -EAGAIN;
    socket->error_count--;
    return take(socket, &socket->errors, data, size, envelope);
}
