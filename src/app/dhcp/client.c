/**
 * The DHCP client's state machine (RFC 2131 3, 4.1, 4.4; figure 5).
 *
 * The first offer that is whole is taken. Until it has an address the client cannot take unicast, so it asks
 * for broadcasts. A lease counts from the time its REQUEST was first sent, so that ours never outlives the
 * server's.
 */
#include "app/dhcp/client.h"

#define BROADCAST 0xffffffffu
/** REQUESTs without an answer until it begins anew: 4 + 8 + 16 + 32 s. */
#define REQUEST_TRIES 4u
/** While renewing, half of what is left, but at least this (RFC 2131 4.4.5). */
#define RENEW_LEAST_NS (60 * STRATA_SECOND)
#define DECLINE_WAIT_NS (10 * STRATA_SECOND)
/** What a sane server lends; shorter leases would only make noise. */
#define LEASE_LEAST_S 8u

static strata_time between(struct dhcp_client *client, strata_time least, strata_time most)
{
    return least + (strata_time)random_below(&client->random, (uint64_t)(most - least) + 1);
}

/** The delay before the next retransmission: 4, 8, 16, 32, 64 s, each give or take a second. RFC 2131-5 */
static strata_time backoff(struct dhcp_client *client)
{
    unsigned doublings = client->tries < 4 ? client->tries : 4;
    strata_time delay = ((strata_time)4 << doublings) * STRATA_SECOND;
    client->tries++;
    return between(client, delay - STRATA_SECOND, delay + STRATA_SECOND);
}

/* ---- Messages ------------------------------------------------------------------------------------ */

static const uint8_t parameters[] = {DHCP_OPTION_SUBNET_MASK, DHCP_OPTION_ROUTER,  DHCP_OPTION_DNS,
                                     DHCP_OPTION_DOMAIN,      DHCP_OPTION_MTU,     DHCP_OPTION_BROADCAST,
                                     DHCP_OPTION_LEASE_TIME,  DHCP_OPTION_RENEWAL, DHCP_OPTION_REBINDING};

/** Begins a message: what all have in common. RFC 2131-4: the same client id in every one. */
static struct dhcp_message *begin(struct dhcp_client *client, enum dhcp_type type, strata_time now)
{
    struct dhcp_message *m = &client->message;
    *m = (struct dhcp_message){.op = DHCP_BOOTREQUEST,
                               .hardware_type = 1,
                               .hardware_length = 6,
                               .xid = client->xid,
                               .type = type,
                               .max_size = DHCP_MESSAGE_BYTES + 28};
    memcpy(m->chaddr, client->mac, 6);
    strata_time seconds = (now - client->began) / STRATA_SECOND;
    m->seconds = (uint16_t)(seconds < 65535 ? seconds : 65535);
    m->client_id.length = 7;
    m->client_id.bytes[0] = 1;
    memcpy(m->client_id.bytes + 1, client->mac, 6);
    dhcp_set(m, DHCP_OPTION_CLIENT_ID);
    if (type == DHCP_DISCOVER || type == DHCP_REQUEST) {
        m->parameters.length = sizeof parameters;
        memcpy(m->parameters.bytes, parameters, sizeof parameters);
        dhcp_set(m, DHCP_OPTION_PARAMETERS);
        dhcp_set(m, DHCP_OPTION_MAX_SIZE);
        m->host_name = client->host_name;
        if (m->host_name.length > 0)
            dhcp_set(m, DHCP_OPTION_HOST_NAME);
    }
    client->source = 0;
    client->destination = BROADCAST;
    client->wants_send = true;
    return m;
}

static void set_address(struct dhcp_message *m, unsigned option, uint32_t *field, uint32_t address)
{
    *field = address;
    dhcp_set(m, option);
}

static void send_discover(struct dhcp_client *client, strata_time now)
{
    struct dhcp_message *m = begin(client, DHCP_DISCOVER, now);
    m->broadcast = true; // RFC 2131-10
    if (client->previous)
        set_address(m, DHCP_OPTION_REQUESTED, &m->requested, client->previous);
    client->deadline = now + backoff(client);
}

/** REQUEST as each state makes it (RFC 2131 4.3.2). */
static void send_request(struct dhcp_client *client, strata_time now)
{
    if (client->tries == 0)
        client->asked = now;
    struct dhcp_message *m = begin(client, DHCP_REQUEST, now);
    switch (client->state) {
    case DHCP_STATE_REQUESTING: // RFC 2131-1
        set_address(m, DHCP_OPTION_SERVER_ID, &m->server_id, client->offer.server_id);
        set_address(m, DHCP_OPTION_REQUESTED, &m->requested, client->offer.yiaddr);
        m->broadcast = true;
        break;
    case DHCP_STATE_REBOOTING: // RFC 2131-2
        set_address(m, DHCP_OPTION_REQUESTED, &m->requested, client->previous);
        m->broadcast = true;
        break;
    default: // RFC 2131-3
        m->ciaddr = client->lease.address;
        client->source = client->lease.address;
        if (client->state == DHCP_STATE_RENEWING)
            client->destination = client->lease.server;
    }
}

/* ---- States -------------------------------------------------------------------------------------- */

static void go(struct dhcp_client *client, enum dhcp_state state)
{
    client->state = state;
    client->tries = 0;
}

/** Begins anew after a wait. */
static void restart(struct dhcp_client *client, strata_time wait, strata_time now)
{
    go(client, DHCP_STATE_INIT);
    client->deadline = now + wait;
    client->wants_probe = client->wants_configure = false;
}

static void stop_using(struct dhcp_client *client)
{
    if (!client->configured)
        return;
    client->configured = false;
    client->old = client->lease;
    client->wants_unconfigure = true;
}

static void begin_exchange(struct dhcp_client *client, strata_time now)
{
    client->xid = random_u32(&client->random); // RFC 2131-16
    client->began = now;
}

void dhcp_client_init(struct dhcp_client *client, const struct dhcp_client_config *config, strata_time now)
{
    *client = (struct dhcp_client){.previous = config->previous};
    memcpy(client->mac, config->mac, 6);
    random_init(&client->random, config->seed);
    for (const char *c = config->host_name; c && *c && client->host_name.length < DHCP_TEXT_MAX; c++)
        client->host_name.text[client->host_name.length++] = *c;
    strata_time wait = 0;
    if (config->desynchronize) // RFC 2131-6
        wait = between(client, STRATA_SECOND, 10 * STRATA_SECOND);
    restart(client, wait, now);
}

strata_time dhcp_client_deadline(const struct dhcp_client *client)
{
    return client->deadline;
}

/** The time between two tries at renewal: half of what is left until `limit`. */
static strata_time renewal_wait(strata_time limit, strata_time now)
{
    strata_time half = (limit - now) / 2;
    strata_time wait = half > RENEW_LEAST_NS ? half : RENEW_LEAST_NS;
    return now + wait < limit ? now + wait : limit;
}

/** A timer of BOUND, RENEWING or REBINDING has fired. */
static void advance_lease(struct dhcp_client *client, strata_time now)
{
    const struct dhcp_lease *lease = &client->lease;
    if (now >= lease->end) { // RFC 2131-9
        client->previous = lease->address;
        stop_using(client);
        restart(client, 0, now);
        dhcp_client_advance(client, now);
        return;
    }
    enum dhcp_state due = now >= lease->rebind_at ? DHCP_STATE_REBINDING : DHCP_STATE_RENEWING;
    if (client->state == DHCP_STATE_BOUND)
        begin_exchange(client, now);
    if (client->state == DHCP_STATE_BOUND || client->state != due)
        go(client, due);
    send_request(client, now);
    client->tries++;
    client->deadline = renewal_wait(due == DHCP_STATE_REBINDING ? lease->end : lease->rebind_at, now);
}

void dhcp_client_advance(struct dhcp_client *client, strata_time now)
{
    if (now < client->deadline)
        return;
    switch (client->state) {
    case DHCP_STATE_INIT:
        begin_exchange(client, now);
        go(client, client->previous ? DHCP_STATE_REBOOTING : DHCP_STATE_SELECTING);
        if (client->previous) {
            send_request(client, now);
            client->deadline = now + backoff(client);
        } else {
            send_discover(client, now);
        }
        break;
    case DHCP_STATE_SELECTING:
        send_discover(client, now);
        break;
    case DHCP_STATE_REQUESTING:
    case DHCP_STATE_REBOOTING:
        if (client->tries == REQUEST_TRIES) { // Nobody answers: forget the offer, or the address we had.
            client->previous = 0;
            restart(client, 0, now);
            dhcp_client_advance(client, now);
            break;
        }
        send_request(client, now);
        client->deadline = now + backoff(client);
        break;
    case DHCP_STATE_BOUND:
    case DHCP_STATE_RENEWING:
    case DHCP_STATE_REBINDING:
        advance_lease(client, now);
        break;
    default:
        client->deadline = STRATA_NEVER;
    }
}

/* ---- Answers ------------------------------------------------------------------------------------- */

static bool is_host_address(uint32_t address)
{
    return address >> 24 != 0 && address >> 24 != 127 && address < 0xe0000000u;
}

/** The time `seconds` after the request; "for ever" stays for ever. */
static strata_time lease_time(const struct dhcp_client *client, uint32_t seconds)
{
    return seconds == DHCP_FOREVER ? STRATA_NEVER : client->asked + (strata_time)seconds * STRATA_SECOND;
}

/** A whole lease from an ACK. @return false: something is missing or impossible. */
static bool take_lease(const struct dhcp_client *client, const struct dhcp_message *m,
                       struct dhcp_lease *lease)
{
    if (!dhcp_has(m, DHCP_OPTION_LEASE_TIME) || !dhcp_has(m, DHCP_OPTION_SERVER_ID) ||
        !is_host_address(m->yiaddr) || m->lease_s < LEASE_LEAST_S)
        return false;
    *lease = (struct dhcp_lease){.address = m->yiaddr,
                                 .subnet_mask = m->subnet_mask,
                                 .server = m->server_id,
                                 .routers = m->routers,
                                 .dns = m->dns,
                                 .domain = m->domain,
                                 .mtu = m->mtu};
    uint32_t inverse = ~m->subnet_mask;
    if (!dhcp_has(m, DHCP_OPTION_SUBNET_MASK) || (inverse & (inverse + 1)) != 0) // no mask, or one with holes
        lease->subnet_mask = 0xffffff00;
    // RFC 2131-8: T1 < T2 < lease; what a server says otherwise is not believed.
    uint32_t renew = m->lease_s / 2, rebind = (uint32_t)((uint64_t)m->lease_s * 7 / 8);
    if (dhcp_has(m, DHCP_OPTION_REBINDING) && m->rebinding_s < m->lease_s && m->rebinding_s > renew)
        rebind = m->rebinding_s;
    if (dhcp_has(m, DHCP_OPTION_RENEWAL) && m->renewal_s < rebind && m->renewal_s > 0)
        renew = m->renewal_s;
    lease->end = lease_time(client, m->lease_s);
    lease->renew_at = m->lease_s == DHCP_FOREVER ? STRATA_NEVER : lease_time(client, renew);
    lease->rebind_at = m->lease_s == DHCP_FOREVER ? STRATA_NEVER : lease_time(client, rebind);
    return true;
}

static void become_bound(struct dhcp_client *client)
{
    go(client, DHCP_STATE_BOUND);
    client->previous = client->lease.address;
    client->deadline = client->lease.renew_at;
    client->configured = client->wants_configure = true;
}

static void take_ack(struct dhcp_client *client, const struct dhcp_message *m, strata_time now)
{
    struct dhcp_lease lease;
    if (!take_lease(client, m, &lease) || lease.end <= now)
        return;
    if (client->state == DHCP_STATE_REQUESTING &&
        (m->yiaddr != client->offer.yiaddr || m->server_id != client->offer.server_id))
        return;
    bool same = client->configured && lease.address == client->lease.address;
    if (same) { // Renewed.
        client->lease = lease;
        become_bound(client);
        return;
    }
    stop_using(client);
    client->lease = lease;
    go(client, DHCP_STATE_PROBING); // RFC 2131-7
    client->deadline = STRATA_NEVER;
    client->wants_probe = true;
}

void dhcp_client_probed(struct dhcp_client *client, bool in_use, strata_time now)
{
    if (client->state != DHCP_STATE_PROBING)
        return;
    if (!in_use) {
        become_bound(client);
        return;
    }
    // RFC 2131-7: tell the server, and begin anew after ten seconds at least.
    struct dhcp_message *m = begin(client, DHCP_DECLINE, now);
    set_address(m, DHCP_OPTION_SERVER_ID, &m->server_id, client->lease.server);
    set_address(m, DHCP_OPTION_REQUESTED, &m->requested, client->lease.address);
    m->seconds = 0;
    client->previous = 0;
    restart(client, DECLINE_WAIT_NS, now);
}

static void take_nak(struct dhcp_client *client, strata_time now)
{
    client->previous = 0;
    stop_using(client);
    restart(client, 0, now);
}

void dhcp_client_receive(struct dhcp_client *client, const uint8_t *bytes, size_t size, strata_time now)
{
    struct dhcp_message m;
    if (dhcp_parse(&m, bytes, size) < 0 || m.op != DHCP_BOOTREPLY)
        return;
    // RFC 2131-16: another's answer, or one to what we asked before.
    if (m.xid != client->xid || memcmp(m.chaddr, client->mac, 6) != 0)
        return;
    bool asks = client->state == DHCP_STATE_REQUESTING || client->state == DHCP_STATE_REBOOTING ||
                client->state == DHCP_STATE_RENEWING || client->state == DHCP_STATE_REBINDING;
    if (m.type == DHCP_OFFER && client->state == DHCP_STATE_SELECTING) {
        if (!dhcp_has(&m, DHCP_OPTION_SERVER_ID) || !is_host_address(m.yiaddr))
            return;
        client->offer = m;
        go(client, DHCP_STATE_REQUESTING);
        send_request(client, now);
        client->deadline = now + backoff(client);
    } else if (m.type == DHCP_ACK && asks) {
        take_ack(client, &m, now);
    } else if (m.type == DHCP_NAK && asks) {
        // The server that was chosen has the say; while others are asked, any.
        if (client->state != DHCP_STATE_REQUESTING || m.server_id == client->offer.server_id)
            take_nak(client, now);
    }
}

void dhcp_client_release(struct dhcp_client *client, strata_time now)
{
    if (client->configured) {
        begin_exchange(client, now);
        struct dhcp_message *m = begin(client, DHCP_RELEASE, now);
        set_address(m, DHCP_OPTION_SERVER_ID, &m->server_id, client->lease.server);
        m->ciaddr = client->lease.address;
        client->source = client->lease.address;
        client->destination = client->lease.server;
    }
    stop_using(client);
    go(client, DHCP_STATE_STOPPED);
    client->deadline = STRATA_NEVER;
    client->wants_probe = client->wants_configure = false;
}

bool dhcp_client_next(struct dhcp_client *client, struct dhcp_step *step)
{
    // A RELEASE goes out by the address that is then given up; what is sent otherwise comes after it.
    bool release = client->wants_send && client->message.type == DHCP_RELEASE;
    if (client->wants_unconfigure && !release) {
        client->wants_unconfigure = false;
        *step = (struct dhcp_step){.kind = DHCP_STEP_UNCONFIGURE, .lease = client->old};
        return true;
    }
    if (client->wants_send) {
        client->wants_send = false;
        *step = (struct dhcp_step){.kind = DHCP_STEP_SEND,
                                   .source = client->source,
                                   .destination = client->destination,
                                   .message = client->message,
                                   .lease = client->lease};
        return true;
    }
    if (client->wants_probe || client->wants_configure) {
        enum dhcp_step_kind kind = client->wants_probe ? DHCP_STEP_PROBE : DHCP_STEP_CONFIGURE;
        client->wants_probe = client->wants_configure = false;
        *step = (struct dhcp_step){.kind = kind, .lease = client->lease};
        return true;
    }
    return false;
}
