/*
 * The cached way to a peer.
 *
 * Of a net_path's 52 bytes the destination, its scope and the port that a program asked for stand in the
 * connection already, and a next hop is the peer itself or has few bytes of its own. A connection that idles
 * should not hold them twice; one that speaks puts them together on the stack.
 */
#include "transport/tcp/way.h"
#include "transport/tcp/connection.h"

#include <errno.h>

static const uint8_t link_local[8] = {0xfe, 0x80};

static void complete(const struct tcp_connection *c, struct net_path *path)
{
    path->destination = c->record.remote;
    path->scope = (uint32_t)c->record.scope;
    path->bound_port = (int16_t)c->tuning->bind_port;
}

void connection_get_path(const struct tcp_connection *c, struct net_path *path)
{
    const struct tcp_way *way = &c->way;
    if (way->kind == HOP_OTHER &&
        net_path_find(c->tcp->net, path, &c->record.remote, (uint32_t)c->record.scope, c->tuning->bind_port) == 0) {
        path->generation = way->generation; // whether it is news is still to be asked
        return;
    }
    complete(c, path);
    path->generation = way->generation;
    path->mtu_bytes = way->mtu_bytes;
    path->port = way->port;
    path->broadcast = way->broadcast;
    if (way->kind == HOP_IPV4) {
        path->next_hop = strata_ipv4(way->hop[0], way->hop[1], way->hop[2], way->hop[3]);
    } else if (way->kind == HOP_LINK_LOCAL) {
        memcpy(path->next_hop.bytes, link_local, sizeof link_local);
        memcpy(path->next_hop.bytes + 8, way->hop, 8);
    } else {
        path->next_hop = c->record.remote;
    }
}

void connection_keep_path(struct tcp_connection *c, const struct net_path *path)
{
    struct tcp_way *way = &c->way;
    *way = (struct tcp_way){.generation = path->generation, .mtu_bytes = path->mtu_bytes, .port = path->port,
                            .broadcast = path->broadcast};
    if (address_equal(&path->next_hop, &c->record.remote)) {
        way->kind = HOP_PEER;
    } else if (strata_address_is_ipv4(&path->next_hop)) {
        way->kind = HOP_IPV4;
        memcpy(way->hop, path->next_hop.bytes + 12, 4);
    } else if (memcmp(path->next_hop.bytes, link_local, sizeof link_local) == 0) {
        way->kind = HOP_LINK_LOCAL;
        memcpy(way->hop, path->next_hop.bytes + 8, 8);
    } else {
        way->kind = HOP_OTHER;
    }
}

int connection_find_path(struct tcp_connection *c)
{
    struct net_path path;
    int error = net_path_find(c->tcp->net, &path, &c->record.remote, (uint32_t)c->record.scope, c->tuning->bind_port);
    // RFC 1122-3: while its address is not ours it is silent; when that comes back it goes on.
    if (error == 0 && !(c->flags & FLAG_TRANSPARENT) && !net_is_own(c->tcp->net, &c->record.local))
        error = -EADDRNOTAVAIL;
    connection_keep_path(c, &path);
    if (error == 0)
        connection_update_mss(c);
    else
        c->way.port = -1;
    return error;
}
