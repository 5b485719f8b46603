/**
 * dhcp-client: gives its host an address, a default route and a name server, and keeps the lease (RFC
 * 2131 4.4).
 *
 * The engine decides; here its steps become datagrams from port 68, probes on the link, and settings of the
 * host.
 */
#include "app/dhcp/client.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBES 3
/** No answer to DISCOVER for so long, and --once gives up. */
#define ONCE_PATIENCE_S 60

struct program {
    struct strata_rt *rt;
    struct strata_host *host;
    struct strata_conn *conn;
    int64_t port, probe_ms, seconds, timeout_s;
    bool once;
    struct dhcp_client client;
    struct dhcp_lease applied; /**< What the host was told; address 0: nothing. */
    bool bound;
};

static unsigned prefix_length(uint32_t mask)
{
    unsigned length = 0;
    while (length < 32 && mask >> (31 - length) & 1)
        length++;
    return length;
}

static void format(uint32_t ipv4, char text[STRATA_ADDRESS_TEXT])
{
    struct strata_address address = address_from_v4(ipv4);
    strata_address_format(&address, text, STRATA_ADDRESS_TEXT);
}

static struct strata_route default_route(const struct program *self, const struct dhcp_lease *lease)
{
    return (struct strata_route){.destination = strata_ipv4(0, 0, 0, 0),
                                 .gateway = address_from_v4(lease->routers.address[0]),
                                 .port = (int)self->port};
}

/* ---- Steps --------------------------------------------------------------------------------------- */

static void unconfigure(struct program *self, bool keep_address)
{
    struct dhcp_lease *lease = &self->applied;
    struct strata_endpoint nobody = {0};
    if (lease->address == 0)
        return;
    if (lease->routers.count > 0) {
        struct strata_route route = default_route(self, lease);
        strata_route_remove(self->host, &route);
    }
    if (lease->dns.count > 0)
        strata_rt_set_resolver(self->rt, &nobody);
    if (!keep_address) {
        struct strata_address address = address_from_v4(lease->address);
        strata_address_remove(self->host, (int)self->port, &address, strata_rt_now(self->rt));
    }
    lease->address = 0;
}

static void print_lease(struct program *self, const struct dhcp_lease *lease)
{
    char address[STRATA_ADDRESS_TEXT], server[STRATA_ADDRESS_TEXT],
        router[STRATA_ADDRESS_TEXT] = "none", dns[STRATA_ADDRESS_TEXT] = "none", duration[32] = "ever";
    format(lease->address, address);
    format(lease->server, server);
    if (lease->routers.count > 0)
        format(lease->routers.address[0], router);
    if (lease->dns.count > 0)
        format(lease->dns.address[0], dns);
    if (lease->end != STRATA_NEVER)
        snprintf(duration, sizeof duration, "%lld s",
                 (long long)((lease->end - strata_rt_now(self->rt) + STRATA_SECOND / 2) / STRATA_SECOND));
    strata_rt_print(self->rt, "dhcp-client: %s/%u for %s from %s, router %s, name server %s\n", address,
                    prefix_length(lease->subnet_mask), duration, server, router, dns);
}

static void configure(struct program *self, const struct dhcp_lease *lease)
{
    bool renewed = self->applied.address == lease->address;
    unconfigure(self, renewed);
    struct strata_address address = address_from_v4(lease->address);
    int result = strata_address_add(self->host, (int)self->port, &address, prefix_length(lease->subnet_mask),
                                    strata_rt_now(self->rt));
    if (result < 0 && result != -EEXIST)
        strata_rt_complain(self->rt, "dhcp-client: cannot use the address: %s\n", error_text(result));
    self->applied = *lease;
    if (lease->routers.count > 0) {
        struct strata_route route = default_route(self, lease);
        result = strata_route_add(self->host, &route);
        if (result < 0 && result != -EEXIST)
            strata_rt_complain(self->rt, "dhcp-client: cannot use the router: %s\n", error_text(result));
    }
    if (lease->dns.count > 0) {
        struct strata_endpoint resolver = {.address = address_from_v4(lease->dns.address[0]), .port = 53};
        strata_rt_set_resolver(self->rt, &resolver);
    }
    self->bound = true;
    if (!renewed)
        print_lease(self, lease);
}

static void send_message(struct program *self, const struct dhcp_step *step)
{
    uint8_t bytes[DHCP_MESSAGE_BYTES];
    size_t size = dhcp_emit(bytes, sizeof bytes, &step->message);
    struct strata_envelope envelope = {.size = sizeof envelope};
    envelope.peer =
        (struct strata_endpoint){.address = address_from_v4(step->destination), .port = DHCP_SERVER_PORT};
    envelope.port = (int)self->port;
    if (step->source)
        envelope.local.address = address_from_v4(step->source);
    // What is lost on the way is sent again; so is what could not be sent.
    strata_rt_send(self->conn, bytes, size, &envelope, strata_rt_now(self->rt) + STRATA_SECOND);
}

/** Asks the link whether somebody has the address. @return 0, or -ECANCELED. */
static int probe(struct program *self, const struct dhcp_lease *lease)
{
    struct strata_address address = address_from_v4(lease->address);
    strata_time pause = self->probe_ms * STRATA_MILLISECOND / PROBES;
    bool in_use = false;
    for (int i = 0; i < PROBES && !in_use && self->probe_ms > 0; i++) {
        strata_probe_address(self->host, (int)self->port, &address, strata_rt_now(self->rt));
        if (strata_rt_sleep(self->rt, strata_rt_now(self->rt) + pause) < 0)
            return -ECANCELED;
        in_use = strata_probe_answered(self->host, (int)self->port, &address) == 1;
    }
    if (in_use) {
        char text[STRATA_ADDRESS_TEXT];
        format(lease->address, text);
        strata_rt_print(self->rt, "dhcp-client: %s is in use by somebody else, declined\n", text);
    }
    dhcp_client_probed(&self->client, in_use, strata_rt_now(self->rt));
    return 0;
}

static int take_steps(struct program *self)
{
    struct dhcp_step step;
    while (dhcp_client_next(&self->client, &step)) {
        switch (step.kind) {
        case DHCP_STEP_SEND:
            send_message(self, &step);
            break;
        case DHCP_STEP_PROBE:
            if (probe(self, &step.lease) < 0)
                return -ECANCELED;
            break;
        case DHCP_STEP_CONFIGURE:
            configure(self, &step.lease);
            break;
        case DHCP_STEP_UNCONFIGURE:
            unconfigure(self, false);
            strata_rt_print(self->rt, "dhcp-client: the address is given up\n");
            break;
        }
    }
    return 0;
}

/* ---- The program --------------------------------------------------------------------------------- */

static int open_socket(struct program *self)
{
    struct strata_endpoint local = {.address = strata_ipv4(0, 0, 0, 0), .port = DHCP_CLIENT_PORT};
    int result = strata_rt_open(self->rt, 0, STRATA_DATAGRAM, &self->conn);
    if (result == 0)
        result = strata_rt_set_option(self->conn, STRATA_OPTION_BROADCAST, 1);
    if (result == 0)
        result = strata_rt_set_option(self->conn, STRATA_OPTION_BIND_PORT, self->port);
    if (result == 0)
        result = strata_rt_bind(self->conn, &local);
    return result;
}

static int run(struct program *self)
{
    uint8_t bytes[1500];
    strata_time begin = strata_rt_now(self->rt);
    strata_time give_up = self->timeout_s ? begin + self->timeout_s * STRATA_SECOND : STRATA_NEVER;
    strata_time leave = self->seconds ? begin + self->seconds * STRATA_SECOND : STRATA_NEVER;
    for (;;) {
        dhcp_client_advance(&self->client, strata_rt_now(self->rt));
        if (take_steps(self) < 0)
            return 1;
        if (self->once && self->bound)
            return 0;
        strata_time now = strata_rt_now(self->rt);
        if (!self->bound && now >= give_up) {
            strata_rt_complain(self->rt, "dhcp-client: no server has lent an address\n");
            return 1;
        }
        if (now >= leave) {
            dhcp_client_release(&self->client, now);
            take_steps(self);
            return 0;
        }
        strata_time until = dhcp_client_deadline(&self->client);
        until = !self->bound && give_up < until ? give_up : until;
        until = leave < until ? leave : until;
        if (until <= now)
            continue;
        struct strata_envelope envelope = {.size = sizeof envelope};
        int64_t got = strata_rt_receive(self->conn, bytes, sizeof bytes, &envelope, until);
        if (got == -ECANCELED)
            return 1;
        if (got > 0 && envelope.peer.port == DHCP_SERVER_PORT)
            dhcp_client_receive(&self->client, bytes, (size_t)got, strata_rt_now(self->rt));
    }
}

int program_dhcp_client(struct strata_rt *rt, int argc, char **argv)
{
    struct program *self = calloc(1, sizeof *self);
    const char *name = NULL;
    bool desynchronize = false;
    if (!self)
        return 1;
    *self = (struct program){.rt = rt, .host = strata_rt_host(rt, 0), .port = 1, .probe_ms = 600};
    const struct option_entry entries[] = {
        {"--interface", OPTION_NUMBER, &self->port, 1, 65535},
        {"--once", OPTION_FLAG, &self->once, 0, 0},
        {"--probe-ms", OPTION_NUMBER, &self->probe_ms, 0, 60000},
        {"--timeout", OPTION_NUMBER, &self->timeout_s, 1, 86400},
        {"--seconds", OPTION_NUMBER, &self->seconds, 1, INT64_C(1) << 32},
        {"--name", OPTION_TEXT, &name, 0, 0},
        {"--desynchronize", OPTION_FLAG, &desynchronize, 0, 0},
    };
    const char *usage =
        "dhcp-client [--interface N] [--once] [--timeout S] [--seconds N] [--probe-ms N] [--name NAME]"
        " [--desynchronize]";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, NULL, 0);
    int status = 2, result = words < 0 ? words : self->host ? 0 : -ENODEV;
    struct strata_port_info info = {.size = sizeof info};
    if (result == 0)
        result = strata_port_info(self->host, (int)self->port, &info);
    if (result == 0)
        result = open_socket(self);
    if (result == 0) {
        struct dhcp_client_config config = {.host_name = name, .desynchronize = desynchronize};
        memcpy(config.mac, info.mac, 6);
        strata_rt_random(rt, config.seed, sizeof config.seed);
        dhcp_client_init(&self->client, &config, strata_rt_now(rt));
        if (self->once && self->timeout_s == 0)
            self->timeout_s = ONCE_PATIENCE_S;
        status = run(self);
    } else if (words >= 0) {
        status = 1;
        strata_rt_complain(rt, "dhcp-client: interface %d: %s\n", (int)self->port, error_text(result));
    }
    strata_rt_close(self->conn);
    free(self);
    return status;
}
