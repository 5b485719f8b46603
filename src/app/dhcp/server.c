/**
 * The DHCP server's answers (RFC 2131 3, 4.1, 4.3; RFC 6842 on the client identifier).
 *
 * A binding is an address of the range with the client that has it or had it last; a client that comes back
 * gets its address again as long as nobody else needed it. Bindings live in memory only: after a restart a
 * client that asks for its address is unknown, hears nothing, and discovers us anew.
 */
#include "app/dhcp/server.h"

#include <errno.h>

#define BROADCAST 0xffffffffu
#define OFFER_NS (60 * STRATA_SECOND)
/** How long an address is left alone that a client found in use. */
#define DECLINED_NS (3600 * STRATA_SECOND)
#define LEASE_LEAST_S 60u

int dhcp_server_bindings(const struct dhcp_server_config *config)
{
    uint32_t mask = config->subnet_mask, inverse = ~mask;
    if (config->first > config->last || config->last - config->first >= DHCP_SERVER_LEASES_MAX)
        return -EINVAL;
    if ((inverse & (inverse + 1)) != 0 || (config->first & mask) != (config->last & mask))
        return -EINVAL;
    if (mask != 0xffffffff && ((config->first & inverse) == 0 || (config->last & inverse) == inverse))
        return -EINVAL; // The subnet's own and its broadcast address.
    return (int)(config->last - config->first + 1);
}

void dhcp_server_init(struct dhcp_server *server, const struct dhcp_server_config *config,
                      struct dhcp_binding *bindings)
{
    *server = (struct dhcp_server){*config, bindings, config->last - config->first + 1};
    for (uint32_t i = 0; i < server->count; i++) { // What has an owner is not lent.
        uint32_t address = config->first + i;
        bool taken = address == config->server;
        for (unsigned r = 0; r < config->routers.count; r++)
            taken |= address == config->routers.address[r];
        for (unsigned d = 0; d < config->dns.count; d++)
            taken |= address == config->dns.address[d];
        if (taken)
            bindings[i] = (struct dhcp_binding){.state = DHCP_BINDING_DECLINED, .expires = STRATA_NEVER};
    }
}

/* ---- Bindings ------------------------------------------------------------------------------------ */

struct key {
    uint8_t length;
    uint8_t bytes[1 + DHCP_CLIENT_ID_MAX];
};

/** RFC 2131-4: the client identifier, else the hardware address. */
static struct key key_of(const struct dhcp_message *m)
{
    struct key key = {0, {0}};
    if (dhcp_has(m, DHCP_OPTION_CLIENT_ID)) {
        key.length = (uint8_t)(1 + m->client_id.length);
        key.bytes[0] = 'i';
        memcpy(key.bytes + 1, m->client_id.bytes, m->client_id.length);
    } else {
        key.length = (uint8_t)(1 + m->hardware_length);
        key.bytes[0] = 'h';
        memcpy(key.bytes + 1, m->chaddr, m->hardware_length);
    }
    return key;
}

static bool belongs_to(const struct dhcp_binding *binding, const struct key *key)
{
    return binding->key_length == key->length && memcmp(binding->key, key->bytes, key->length) == 0;
}

/** What has run out is free again, and keeps its client's name. */
static void expire(struct dhcp_server *server, strata_time now)
{
    for (uint32_t i = 0; i < server->count; i++) {
        struct dhcp_binding *binding = &server->bindings[i];
        if (binding->state != DHCP_BINDING_FREE && now >= binding->expires)
            binding->state = DHCP_BINDING_FREE;
    }
}

static struct dhcp_binding *find_client(struct dhcp_server *server, const struct key *key)
{
    for (uint32_t i = 0; i < server->count; i++)
        if (server->bindings[i].state != DHCP_BINDING_DECLINED && belongs_to(&server->bindings[i], key))
            return &server->bindings[i];
    return NULL;
}

static struct dhcp_binding *find_address(struct dhcp_server *server, uint32_t address)
{
    bool inside = address >= server->config.first && address <= server->config.last;
    return inside ? &server->bindings[address - server->config.first] : NULL;
}

static uint32_t address_of(const struct dhcp_server *server, const struct dhcp_binding *binding)
{
    return server->config.first + (uint32_t)(binding - server->bindings);
}

/** The address for a new client (RFC 2131 4.3.1): its own, the one it asks for, one that nobody ever had, the
 * one that was given up longest ago. */
static struct dhcp_binding *choose(struct dhcp_server *server, const struct key *key,
                                   const struct dhcp_message *m)
{
    struct dhcp_binding *binding = find_client(server, key);
    if (binding)
        return binding;
    binding = dhcp_has(m, DHCP_OPTION_REQUESTED) ? find_address(server, m->requested) : NULL;
    if (binding && binding->state == DHCP_BINDING_FREE)
        return binding;
    struct dhcp_binding *oldest = NULL;
    for (uint32_t i = 0; i < server->count; i++) {
        binding = &server->bindings[i];
        if (binding->state != DHCP_BINDING_FREE)
            continue;
        if (binding->key_length == 0)
            return binding;
        if (!oldest || binding->expires < oldest->expires)
            oldest = binding;
    }
    return oldest;
}

static void give(struct dhcp_binding *binding, enum dhcp_binding_state state, const struct key *key,
                 const struct dhcp_message *m, strata_time expires)
{
    binding->state = (uint8_t)state;
    binding->key_length = key->length;
    memcpy(binding->key, key->bytes, key->length);
    binding->expires = expires;
    binding->host_name = m->host_name;
}

/* ---- Replies ------------------------------------------------------------------------------------- */

static void begin_reply(const struct dhcp_server *server, const struct dhcp_message *m, enum dhcp_type type,
                        struct dhcp_reply *reply)
{
    struct dhcp_message *out = &reply->message;
    *out = (struct dhcp_message){.op = DHCP_BOOTREPLY,
                                 .hardware_type = m->hardware_type,
                                 .hardware_length = m->hardware_length,
                                 .xid = m->xid,
                                 .broadcast = m->broadcast,
                                 .giaddr = m->giaddr,
                                 .type = type,
                                 .server_id = server->config.server,
                                 .client_id = m->client_id};
    memcpy(out->chaddr, m->chaddr, sizeof out->chaddr);
    dhcp_set(out, DHCP_OPTION_SERVER_ID);
    if (dhcp_has(m, DHCP_OPTION_CLIENT_ID))
        dhcp_set(out, DHCP_OPTION_CLIENT_ID);
    // Without a way to set the link's address for a host that has none yet, unicast to yiaddr is not
    // possible, and broadcast is what RFC 2131 4.1 allows then (RFC 2131-10).
    reply->address = BROADCAST;
    reply->port = DHCP_CLIENT_PORT;
    if (m->giaddr) {
        reply->address = m->giaddr;
        reply->port = DHCP_SERVER_PORT;
    } else if (m->ciaddr) {
        reply->address = m->ciaddr;
    }
}

static void add_parameters(const struct dhcp_server *server, struct dhcp_message *out)
{
    const struct dhcp_server_config *config = &server->config;
    out->subnet_mask = config->subnet_mask;
    dhcp_set(out, DHCP_OPTION_SUBNET_MASK);
    out->broadcast_address = config->server | ~config->subnet_mask;
    dhcp_set(out, DHCP_OPTION_BROADCAST);
    out->routers = config->routers;
    if (config->routers.count > 0)
        dhcp_set(out, DHCP_OPTION_ROUTER);
    out->dns = config->dns;
    if (config->dns.count > 0)
        dhcp_set(out, DHCP_OPTION_DNS);
    out->domain = config->domain;
    if (config->domain.length > 0)
        dhcp_set(out, DHCP_OPTION_DOMAIN);
}

/** The lease of this client: what it asks for, within what we lend. */
static uint32_t lease_for(const struct dhcp_server *server, const struct dhcp_message *m)
{
    uint32_t lease_s = server->config.lease_s;
    if (dhcp_has(m, DHCP_OPTION_LEASE_TIME) && m->lease_s < lease_s)
        lease_s = m->lease_s > LEASE_LEAST_S || lease_s < LEASE_LEAST_S ? m->lease_s : LEASE_LEAST_S;
    return lease_s > 0 ? lease_s : server->config.lease_s;
}

static void add_lease(const struct dhcp_server *server, const struct dhcp_message *m, uint32_t address,
                      struct dhcp_message *out)
{
    uint32_t lease_s = lease_for(server, m);
    out->yiaddr = address;
    out->lease_s = lease_s;
    out->renewal_s = lease_s == DHCP_FOREVER ? lease_s : lease_s / 2;
    out->rebinding_s = lease_s == DHCP_FOREVER ? lease_s : (uint32_t)((uint64_t)lease_s * 7 / 8);
    dhcp_set(out, DHCP_OPTION_LEASE_TIME);
    dhcp_set(out, DHCP_OPTION_RENEWAL);
    dhcp_set(out, DHCP_OPTION_REBINDING);
    add_parameters(server, out);
}

static bool answer_nak(const struct dhcp_server *server, const struct dhcp_message *m, const char *why,
                       struct dhcp_reply *reply)
{
    begin_reply(server, m, DHCP_NAK, reply);
    // RFC 2131-11: broadcast on the client's link, by the relay if there is one.
    if (m->giaddr)
        reply->message.broadcast = true;
    else
        reply->address = BROADCAST;
    reply->message.message.length = (uint8_t)strlen(why);
    memcpy(reply->message.message.text, why, reply->message.message.length);
    dhcp_set(&reply->message, DHCP_OPTION_MESSAGE);
    return true;
}

static bool answer_ack(struct dhcp_server *server, const struct dhcp_message *m, struct dhcp_binding *binding,
                       const struct key *key, struct dhcp_reply *reply, strata_time now)
{
    uint32_t lease_s = lease_for(server, m);
    strata_time end = lease_s == DHCP_FOREVER ? STRATA_NEVER : now + (strata_time)lease_s * STRATA_SECOND;
    give(binding, DHCP_BINDING_BOUND, key, m, end);
    begin_reply(server, m, DHCP_ACK, reply);
    reply->message.ciaddr = m->ciaddr;
    add_lease(server, m, address_of(server, binding), &reply->message);
    return true;
}

/* ---- Requests ------------------------------------------------------------------------------------ */

static bool discover(struct dhcp_server *server, const struct dhcp_message *m, const struct key *key,
                     struct dhcp_reply *reply, strata_time now)
{
    struct dhcp_binding *binding = choose(server, key, m);
    if (!binding)
        return false;
    if (binding->state != DHCP_BINDING_BOUND)
        give(binding, DHCP_BINDING_OFFERED, key, m, now + OFFER_NS);
    begin_reply(server, m, DHCP_OFFER, reply);
    reply->address = m->giaddr ? m->giaddr : BROADCAST;
    add_lease(server, m, address_of(server, binding), &reply->message);
    return true;
}

static bool on_our_net(const struct dhcp_server *server, uint32_t address)
{
    return (address & server->config.subnet_mask) == (server->config.server & server->config.subnet_mask);
}

static bool request(struct dhcp_server *server, const struct dhcp_message *m, const struct key *key,
                    struct dhcp_reply *reply, strata_time now)
{
    struct dhcp_binding *own = find_client(server, key);
    bool selecting = dhcp_has(m, DHCP_OPTION_SERVER_ID);
    if (selecting && m->server_id != server->config.server) { // It takes another's offer.
        if (own && own->state == DHCP_BINDING_OFFERED)
            own->state = DHCP_BINDING_FREE;
        return false;
    }
    uint32_t wanted = m->ciaddr ? m->ciaddr : dhcp_has(m, DHCP_OPTION_REQUESTED) ? m->requested : 0;
    struct dhcp_binding *binding = find_address(server, wanted);
    bool held = own && own == binding;
    if (selecting) {
        bool offered = held && (own->state == DHCP_BINDING_OFFERED || own->state == DHCP_BINDING_BOUND);
        return offered ? answer_ack(server, m, own, key, reply, now)
                       : answer_nak(server, m, "this address was not offered", reply);
    }
    if (held)
        return answer_ack(server, m, own, key, reply, now);
    if (!m->giaddr && !on_our_net(server, wanted) && wanted != 0)
        return answer_nak(server, m, "this address is not of this network", reply);
    if (own)
        return answer_nak(server, m, "this address is not yours", reply);
    if (binding && binding->state == DHCP_BINDING_BOUND && m->ciaddr)
        return answer_nak(server, m, "this address is somebody else's", reply);
    return false; // RFC 2131-12: of whom we know nothing, another server may know.
}

static bool inform(struct dhcp_server *server, const struct dhcp_message *m, struct dhcp_reply *reply)
{
    if (m->ciaddr == 0)
        return false;
    begin_reply(server, m, DHCP_ACK, reply);
    reply->message.ciaddr = m->ciaddr;
    reply->address = m->ciaddr; // RFC 2131-14
    reply->port = DHCP_CLIENT_PORT;
    add_parameters(server, &reply->message);
    return true;
}

bool dhcp_server_receive(struct dhcp_server *server, const uint8_t *bytes, size_t size,
                         struct dhcp_reply *reply, strata_time now)
{
    struct dhcp_message m;
    if (dhcp_parse(&m, bytes, size) < 0 || m.op != DHCP_BOOTREQUEST)
        return false;
    struct key key = key_of(&m);
    bool ours = !dhcp_has(&m, DHCP_OPTION_SERVER_ID) || m.server_id == server->config.server;
    struct dhcp_binding *binding;
    expire(server, now);
    switch (m.type) {
    case DHCP_DISCOVER:
        return discover(server, &m, &key, reply, now);
    case DHCP_REQUEST:
        return request(server, &m, &key, reply, now);
    case DHCP_INFORM:
        return inform(server, &m, reply);
    case DHCP_DECLINE: // RFC 2131-15
        binding = find_address(server, m.requested);
        if (ours && binding && belongs_to(binding, &key)) {
            binding->state = DHCP_BINDING_DECLINED;
            binding->expires = now + DECLINED_NS;
            binding->key_length = 0;
        }
        return false;
    case DHCP_RELEASE: // RFC 2131-15
        binding = find_address(server, m.ciaddr);
        if (ours && binding && belongs_to(binding, &key) && binding->state == DHCP_BINDING_BOUND) {
            binding->state = DHCP_BINDING_FREE;
            binding->expires = now;
        }
        return false;
    default:
        return false;
    }
}
