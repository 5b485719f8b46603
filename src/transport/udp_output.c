/**
 * Datagrams that go out (RFC 768, RFC 1122 4.1.3 and 4.1.4).
 *
 * `udp_send` checks everything a program may get wrong, picks the route and the source address, and queues a
 * record. When the record's port asks, `speak` writes the frame straight into the driver's memory, checksum
 * and copy in one pass. A datagram larger than the path's MTU is sent as fragments made from the record, one
 * datagram finished before the next. If the next hop is not known yet the record steps aside and waits at the
 * neighbour by itself; when the neighbour answers, all that waited return to the head of the queue in their
 * order.
 */
#include "transport/udp_internal.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/udp.h"

#include <errno.h>

/** Both transport headers have 8 bytes. */
#define HEADER_BYTES 8u
_Static_assert(HEADER_BYTES == UDP_HEADER_BYTES && HEADER_BYTES == ICMP_HEADER_BYTES, "one length for both");

static struct udp_out *first_of(struct list *queue)
{
    return list_is_empty(queue) ? NULL : CONTAINER_OF(list_first(queue), struct udp_out, node);
}

/** Frees a record and tells a program that was refused that there is room again. */
static void drop(struct udp_out *out)
{
    struct udp_socket *socket = out->socket;
    struct udp *udp = socket->udp;
    uint32_t size = (uint32_t)sizeof *out + out->length;
    list_remove(&out->node);
    speaker_silence(&out->speaker);
    socket->out_bytes -= size;
    if (!socket->owner)
        udp->closing_bytes -= size;
    memory_release(&udp->core->memory, out, size);
    if (socket->blocked && socket->out_bytes <= socket->options.send_bytes / 2) {
        socket->blocked = false;
        udp_raise(socket, STRATA_WRITABLE);
    }
}

void udp_output_clear(struct udp_socket *socket)
{
    speaker_silence(&socket->speaker);
    while (!list_is_empty(&socket->out))
        drop(first_of(&socket->out));
    while (!list_is_empty(&socket->waiting))
        drop(first_of(&socket->waiting));
}

/** What was accepted cannot be sent: tells the program and forgets it. `error` is positive. */
static void give_up(struct udp_out *out, int error)
{
    struct udp_socket *socket = out->socket;
    struct core *core = socket->udp->core;
    struct udp_in in = {
        .peer = out->peer,
        .local = {out->source, 0, out->source_port},
        .error = error,
        .port = socket->path.port,
    };
    core_drop(core, COUNTER_udp_drop_unsent, socket->path.port, NULL, 0);
    udp_queue_error(socket, &in, out->bytes + HEADER_BYTES, out->length - HEADER_BYTES);
    if (socket->connected) {
        socket->error = error;
        udp_raise(socket, STRATA_ERROR);
    }
    drop(out);
}

/** Makes socket->path the way of a record. @return 0 or a negative errno. */
static int find_path(struct udp_socket *socket, const struct strata_endpoint *peer, int leave)
{
    struct net *net = socket->udp->net;
    struct net_path *path = &socket->path;
    if (path->port >= 0 && address_equal(&path->destination, &peer->address) && path->scope == peer->scope &&
        path->bound_port == leave && !net_path_is_stale(net, path))
        return 0;
    int error = net_path_find(net, path, &peer->address, peer->scope, leave);
    if (error)
        path->port = -1;
    else if (socket->options.path_mtu_probe) // whoever probes decides alone what fits (RFC 8899-1)
        path->mtu_bytes = links_port(net_links(net), path->port)->mtu_bytes;
    return error;
}

/* ---- frames ------------------------------------------------------------------------------------ */

/** Writes the transport header in front of the data of a record, checksum and all. */
static void finish_header(struct udp_out *out, bool echo)
{
    size_t size = out->length - HEADER_BYTES;
    bool ipv4 = strata_address_is_ipv4(&out->peer.address);
    if (echo) {
        struct icmp_header header = {.type = ipv4 ? ICMP_ECHO : ICMPV6_ECHO,
                                     .rest = (uint32_t)out->source_port << 16 | out->peer.port};
        uint64_t pseudo =
            ipv4 ? 0 : checksum_pseudo(&out->source, &out->peer.address, PROTOCOL_ICMPV6, out->length);
        icmp_emit(out->bytes, &header, size, pseudo);
        return;
    }
    struct udp_header header = {out->source_port, out->peer.port, (uint16_t)out->length, 0};
    udp_emit(out->bytes, &header);
    if (out->no_checksum)
        return;
    uint64_t sum = checksum_pseudo(&out->source, &out->peer.address, PROTOCOL_UDP, out->length);
    uint16_t checksum = checksum_finish(checksum_add(sum, out->bytes, out->length));
    header.checksum = checksum ? checksum : 0xffff; // RFC 768-1: zero would say that there is none
    udp_emit(out->bytes, &header);
}

/** Writes a whole UDP datagram: copies and sums in one pass, or leaves the sum to whoever can do it for us.
 */
static void copy_datagram(const struct udp_out *out, uint8_t *payload, struct room *room, bool partial)
{
    struct udp_header header = {out->source_port, out->peer.port, (uint16_t)out->length, 0};
    uint64_t sum = checksum_pseudo(&out->source, &out->peer.address, PROTOCOL_UDP, out->length);
    size_t size = out->length - HEADER_BYTES;
    if (out->no_checksum) {
        memcpy(payload + HEADER_BYTES, out->bytes + HEADER_BYTES, size);
    } else if (partial) {
        header.checksum = checksum_fold(sum);
        memcpy(payload + HEADER_BYTES, out->bytes + HEADER_BYTES, size);
        room->meta->flags |= STRATA_META_PARTIAL;
        room->meta->checksum_start = (uint16_t)(payload - room->bytes);
        room->meta->checksum_offset = 6;
    } else {
        udp_emit(payload, &header);
        sum = checksum_add(sum, payload, HEADER_BYTES);
        uint16_t checksum =
            checksum_finish(checksum_copy(sum, payload + HEADER_BYTES, out->bytes + HEADER_BYTES, size));
        header.checksum = checksum ? checksum : 0xffff;
    }
    udp_emit(payload, &header);
}

static struct net_out net_out_of(const struct udp_out *out)
{
    bool ipv4 = strata_address_is_ipv4(&out->peer.address);
    uint8_t echo = ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    return (struct net_out){
        .source = out->source,
        .destination = out->peer.address,
        .protocol = out->socket->echo ? echo : PROTOCOL_UDP,
        .ttl = out->ttl,
        .tos = out->tos,
        .dont_fragment = out->dont_fragment,
        .loop = out->loop,
    };
}

/** The next frame of a record. @return its length, or what net_begin says. */
static long emit(struct udp_out *out, struct room *room)
{
    struct udp_socket *socket = out->socket;
    struct net *net = socket->udp->net;
    struct net_path *path = &socket->path;
    struct net_out how = net_out_of(out);
    size_t whole = net_path_payload(path), capacity;
    bool partial = room->meta->flags & STRATA_META_PARTIAL;
    uint8_t *payload;
    if (out->offset == 0 && out->length <= whole) {
        int error = net_begin(net, path, room, NULL, out->length, &payload, &capacity);
        if (error)
            return error;
        room->meta->flags &= ~STRATA_META_PARTIAL;
        if (socket->echo)
            memcpy(payload, out->bytes, out->length); // summed when it was sent
        else
            copy_datagram(out, payload, room, partial);
        out->offset = out->length;
        return (long)net_finish(net, path, room, &how, out->length);
    }
    size_t left = out->length - out->offset;
    size_t most = whole > 16 ? (whole - 8) & ~(size_t)7 : 8;
    int error = net_begin_fragment(net, path, room, NULL, left < most ? left : most, &payload, &capacity);
    if (error)
        return error;
    room->meta->flags &= ~STRATA_META_PARTIAL; // the sum is over the whole datagram, no port can finish it
    if (out->offset == 0) {
        out->identification = net_identification(net, &how);
        if (!socket->echo)
            finish_header(out, false);
    }
    size_t length = left < capacity ? left : capacity;
    memcpy(payload, out->bytes + out->offset, length);
    how.fragment = true;
    how.identification = out->identification;
    how.fragment_offset_bytes = (uint16_t)out->offset;
    how.more_fragments = length < left;
    out->offset += (uint32_t)length;
    return (long)net_finish(net, path, room, &how, length);
}

/** The record at the head waits for its next hop by itself. */
static void step_aside(struct udp_out *out)
{
    struct udp_socket *socket = out->socket;
    list_remove(&out->node);
    list_push_back(&socket->waiting, &out->node);
    neighbour_park(links_port(net_links(socket->udp->net), socket->path.port), &socket->path.next_hop,
                   &out->speaker);
}

static long speak(struct speaker *speaker, struct room *room)
{
    struct udp_socket *socket = CONTAINER_OF(speaker, struct udp_socket, speaker);
    struct udp *udp = socket->udp;
    for (struct udp_out *out; (out = first_of(&socket->out)) != NULL;) {
        int error = find_path(socket, &out->peer, out->leave_port);
        if (error == 0 && socket->path.port != speaker->port) {
            port_mark(links_port(net_links(udp->net), socket->path.port), speaker);
            return 0;
        }
        if (error == 0 && out->dont_fragment && out->length > net_path_payload(&socket->path)) {
            give_up(out, EMSGSIZE); // the path has become narrower since it was accepted
            continue;
        }
        long length = error ? error : emit(out, room);
        if (length > 0 && out->offset == out->length) {
            core_count(udp->core, socket->echo ? COUNTER_echo_requests_sent : COUNTER_udp_sent);
            drop(out);
        }
        if (length > 0 || length == -EMSGSIZE)
            return length;
        if (length == -EINPROGRESS)
            step_aside(out);
        else // 0: its source may not leave by where its path leads now
            give_up(out, length == 0 ? EADDRNOTAVAIL : (int)-length);
    }
    if (!socket->owner && list_is_empty(&socket->waiting))
        udp_socket_free(socket);
    return 0;
}

/** The port it was listed at is gone: looks for another way, or gives up what has none. */
static void unreachable(struct speaker *speaker, int error)
{
    struct udp_socket *socket = CONTAINER_OF(speaker, struct udp_socket, speaker);
    for (struct udp_out *out; (out = first_of(&socket->out)) != NULL;) {
        if (find_path(socket, &out->peer, out->leave_port) == 0) {
            port_mark(links_port(net_links(socket->udp->net), socket->path.port), speaker);
            return;
        }
        give_up(out, -error);
    }
    if (!socket->owner && list_is_empty(&socket->waiting))
        udp_socket_free(socket);
}

const struct speaker_ops udp_speaker_ops = {speak, unreachable};

/** Puts a record that waited back to the head of the queue, behind one that was begun: one datagram finished
 * before the next. @return where the next one goes. */
static struct list *return_record(struct udp_out *out, struct list *position)
{
    struct udp_socket *socket = out->socket;
    struct udp_out *head = first_of(&socket->out);
    if (!position)
        position = head && head->offset > 0 ? head->node.next : socket->out.next;
    list_remove(&out->node);
    speaker_silence(&out->speaker);
    list_insert_before(position, &out->node);
    return position;
}

/** The neighbour answered: whatever of this socket waited goes back to the queue, in its order. */
static long record_speak(struct speaker *speaker, struct room *room)
{
    struct udp_out *released = CONTAINER_OF(speaker, struct udp_out, speaker);
    struct udp_socket *socket = released->socket;
    struct list *position = NULL;
    int port = speaker->port;
    (void)room;
    for (struct list *node = socket->waiting.next, *next; node != &socket->waiting; node = next) {
        struct udp_out *out = CONTAINER_OF(node, struct udp_out, node);
        next = node->next;
        if (out == released || out->speaker.port == port) // the others still wait
            position = return_record(out, position);
    }
    port_mark(links_port(net_links(socket->udp->net), port), &socket->speaker);
    return 0;
}

static void record_unreachable(struct speaker *speaker, int error)
{
    struct udp_out *out = CONTAINER_OF(speaker, struct udp_out, speaker);
    struct udp_socket *socket = out->socket;
    if (error == -ENETDOWN) { // there may be another way
        (void)return_record(out, NULL);
        if (socket->speaker.port < 0)
            unreachable(&socket->speaker, error);
        return;
    }
    give_up(out, -error);
    if (!socket->owner && list_is_empty(&socket->waiting) && list_is_empty(&socket->out))
        udp_socket_free(socket);
}

static const struct speaker_ops record_ops = {record_speak, record_unreachable};

/* ---- sending ----------------------------------------------------------------------------------- */

/** Where a datagram is to go. */
static int choose_peer(const struct udp_socket *socket, const struct strata_envelope *envelope,
                       struct strata_endpoint *peer)
{
    if (envelope && !(address_is_zero(&envelope->peer.address) && envelope->peer.port == 0))
        *peer = envelope->peer;
    else if (socket->connected)
        *peer = socket->peer;
    else
        return -EDESTADDRREQ;
    if (socket->connected && address_is_zero(&peer->address)) // a sequence number alone
        peer->address = socket->peer.address, peer->scope = socket->peer.scope;
    if (address_is_unspecified(&peer->address) || (peer->port == 0 && !socket->echo))
        return -EINVAL;
    bool ipv4 = strata_address_is_ipv4(&peer->address);
    const struct strata_address *bound = &socket->binding.local.address;
    if ((ipv4 && socket->options.v6only) ||
        (!address_is_zero(bound) && ipv4 != strata_address_is_ipv4(bound)))
        return -EAFNOSUPPORT;
    return 0;
}

static int choose_port(const struct udp_socket *socket, const struct strata_envelope *envelope,
                       const struct strata_endpoint *peer, int *leave)
{
    *leave = socket->options.bind_port;
    if (envelope && envelope->port != 0) {
        if (*leave != 0 && *leave != envelope->port)
            return -EINVAL;
        *leave = envelope->port;
    } else if (*leave == 0 && address_is_multicast(&peer->address)) {
        *leave = socket->options.multicast_port;
    }
    return *leave == 0 || (*leave > 0 && links_port(net_links(socket->udp->net), *leave)) ? 0 : -ENODEV;
}

/** Whether a socket may send under an address the way its path goes now (RFC 1122-3, RFC 1122-6). */
static bool may_speak_as(const struct udp_socket *socket, const struct strata_address *address)
{
    if (net_is_own(socket->udp->net, address))
        return !address_is_loopback(address) || socket->path.port == STRATA_PORT_LOOPBACK;
    return socket->options.transparent;
}

/** The source address: the program's choice, the socket's, or the stack's (RFC 1122-23). */
static int choose_source(struct udp_socket *socket, const struct strata_envelope *envelope,
                         struct strata_endpoint *source)
{
    struct net *net = socket->udp->net;
    *source = socket->binding.local;
    if (socket->connected)
        source->address = socket->connected_local;
    if (envelope && envelope->local.port != 0 && envelope->local.port != source->port) {
        if (!socket->options.transparent)
            return -EINVAL;
        source->port = envelope->local.port;
    }
    if (envelope && !address_is_unspecified(&envelope->local.address)) {
        source->address = envelope->local.address;
        if (strata_address_is_ipv4(&source->address) != strata_address_is_ipv4(&socket->path.destination))
            return -EAFNOSUPPORT;
        return may_speak_as(socket, &source->address) ? 0 : -EADDRNOTAVAIL;
    }
    const struct strata_address *address = &source->address;
    if (!address_is_unspecified(address) && !address_is_multicast(address) && !net_is_broadcast(net, address))
        return may_speak_as(socket, address) ? 0 : -EADDRNOTAVAIL; // it may have gone since it was bound
    const struct port *leaving = links_port(net_links(net), socket->path.port);
    if (address_is_limited_broadcast(&socket->path.destination) &&
        !port_first_address(leaving, &socket->path.destination)) {
        source->address = strata_ipv4(0, 0, 0, 0); // a host that is asking for its address (RFC 1122 3.2.1.3)
        return 0;
    }
    return net_source(net, &socket->path, &source->address);
}

/** Whether a datagram of this size can be sent at all, and now. */
static int admit(struct udp_socket *socket, size_t size)
{
    bool ipv4 = strata_address_is_ipv4(&socket->path.destination);
    size_t most = ipv4 ? 65535 - 20 - HEADER_BYTES : 65535 - HEADER_BYTES;
    if (size > most)
        return -EMSGSIZE;
    bool whole = socket->options.dont_fragment || socket->options.path_mtu_probe;
    if (whole && size + HEADER_BYTES > net_path_payload(&socket->path))
        return -EMSGSIZE;
    // One datagram always fits, however small the buffer is.
    size_t bytes = sizeof(struct udp_out) + HEADER_BYTES + size;
    if (socket->out_bytes > 0 && socket->out_bytes + bytes > socket->options.send_bytes) {
        socket->blocked = true;
        return -EAGAIN;
    }
    return 0;
}

static void fill(struct udp_out *out, struct udp_socket *socket, const struct strata_endpoint *source,
                 const struct strata_endpoint *peer, const struct strata_envelope *envelope)
{
    const struct udp_options *options = &socket->options;
    bool multicast = address_is_multicast(&peer->address);
    speaker_init(&out->speaker, &record_ops);
    out->socket = socket;
    out->peer = *peer;
    out->source = source->address;
    out->source_port = source->port;
    out->ttl = multicast ? options->multicast_ttl : options->ttl; // RFC 1122-10
    out->tos = options->tos;                                      // RFC 1122-8
    if (envelope && envelope->ttl)
        out->ttl = envelope->ttl;
    if (envelope && envelope->tos)
        out->tos = envelope->tos;
    out->dont_fragment = options->dont_fragment || options->path_mtu_probe;
    out->loop = multicast && options->multicast_loop;
    out->no_checksum = options->no_checksum && strata_address_is_ipv4(&peer->address); // RFC 768-3: not over IPv6
    if (socket->echo && out->peer.port == 0) {
        if (++socket->sequence == 0)
            socket->sequence = 1;
        out->peer.port = socket->sequence;
    }
}

/** Lists the socket where its head will look for its own way: it may be listed at a port that died since. */
static void mark(struct udp_socket *socket, bool idle)
{
    struct links *links = net_links(socket->udp->net);
    struct port *listed = socket->speaker.port < 0 ? NULL : links_port(links, socket->speaker.port);
    if (idle || !listed || !listed->up)
        port_mark(links_port(links, socket->path.port), &socket->speaker);
}

/** With IPv4 options it goes at once, as a packet: the way through the queue knows none (RFC 768-6). */
static int64_t send_with_options(struct udp_out *out, const struct strata_envelope *envelope, size_t bytes)
{
    struct udp_socket *socket = out->socket;
    struct net_out how = net_out_of(out);
    how.options = envelope->options;
    how.options_length = envelope->options_length;
    finish_header(out, socket->echo);
    int error = net_send(socket->udp->net, &how, out->peer.scope, out->leave_port, out->bytes, out->length);
    int64_t sent = error ? error : (int64_t)(out->length - HEADER_BYTES);
    if (error == 0)
        core_count(socket->udp->core, socket->echo ? COUNTER_echo_requests_sent : COUNTER_udp_sent);
    memory_release(&socket->udp->core->memory, out, bytes);
    return sent;
}

static bool options_fit(const struct strata_envelope *envelope, const struct strata_endpoint *peer)
{
    if (!envelope || envelope->options_length == 0)
        return true;
    return envelope->options_length <= sizeof envelope->options && envelope->options_length % 4 == 0 &&
           strata_address_is_ipv4(&peer->address);
}

int64_t udp_send(struct udp_socket *socket, const void *data, size_t size,
                 const struct strata_envelope *envelope)
{
    struct udp *udp = socket->udp;
    if (socket->error) {
        int pending = socket->error;
        socket->error = 0;
        return -pending;
    }
    int error = udp_autobind(socket);
    if (error)
        return error;
    struct strata_endpoint peer, source;
    int leave;
    if ((error = choose_peer(socket, envelope, &peer)) != 0 ||
        (error = choose_port(socket, envelope, &peer, &leave)) != 0 ||
        (error = find_path(socket, &peer, leave)) != 0)
        return error;
    if (socket->path.broadcast && !socket->options.broadcast)
        return -EACCES;
    if (!options_fit(envelope, &peer))
        return -EINVAL;
    if ((error = choose_source(socket, envelope, &source)) != 0 || (error = admit(socket, size)) != 0)
        return error;
    size_t bytes = sizeof(struct udp_out) + HEADER_BYTES + size;
    struct udp_out *out = memory_allocate_raw(&udp->core->memory, bytes);
    if (!out)
        return -ENOBUFS;
    memset(out, 0, sizeof *out);
    fill(out, socket, &source, &peer, envelope);
    out->leave_port = (int16_t)leave;
    out->length = (uint32_t)(HEADER_BYTES + size);
    if (size)
        memcpy(out->bytes + HEADER_BYTES, data, size);
    if (envelope && envelope->options_length)
        return send_with_options(out, envelope, bytes);
    if (socket->echo)
        finish_header(out, true);
    if (out->length >= UDP_LARGE && !socket->connected)
        udp_remember(udp, &peer.address);
    bool idle = list_is_empty(&socket->out);
    list_push_back(&socket->out, &out->node);
    socket->out_bytes += (uint32_t)bytes;
    mark(socket, idle);
    return (int64_t)size;
}
