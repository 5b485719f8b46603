/**
 * dhcp-server: lends the addresses of a range on one link (RFC 2131 4.3).
 */
#include "app/dhcp/server.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct program {
    struct strata_rt *rt;
    struct strata_conn *conn;
    int64_t port, lease_s;
    const char *range, *router, *dns, *domain, *address;
    struct dhcp_server_config config;
    struct dhcp_server server;
};

static int complain(struct program *self, const char *what, const char *text)
{
    strata_rt_complain(self->rt, "dhcp-server: %s: %s\n", what, text);
    return -EINVAL;
}

/** Reads an IPv4 address of `length` characters. */
static bool read_address(const char *text, size_t length, uint32_t *ipv4)
{
    char room[STRATA_ADDRESS_TEXT];
    struct strata_address address;
    if (length >= sizeof room)
        return false;
    memcpy(room, text, length);
    room[length] = 0;
    if (strata_address_parse(room, &address) < 0 || !strata_address_is_ipv4(&address))
        return false;
    *ipv4 = address_v4(&address);
    return true;
}

/** Reads "A,B,C". */
static bool read_addresses(const char *text, struct dhcp_addresses *addresses)
{
    while (text && *text) {
        size_t length = strcspn(text, ",");
        if (addresses->count == DHCP_ADDRESSES_MAX ||
            !read_address(text, length, &addresses->address[addresses->count]))
            return false;
        addresses->count++;
        text += length + (text[length] == ',');
    }
    return true;
}

/** Our own address on the link: what was given, else the first one of the host's port. */
static int own_address(struct program *self)
{
    struct strata_host *host = strata_rt_host(self->rt, 0);
    struct strata_address address;
    unsigned length = 0;
    if (self->address) {
        if (strata_prefix_parse(self->address, &address, &length) < 0)
            return complain(self, "not an address with prefix length", self->address);
    } else {
        int result = host ? -ENOENT : -ENODEV;
        for (unsigned i = 0;
             host && (result = strata_address_get(host, (int)self->port, i, &address, &length)) == 0; i++)
            if (strata_address_is_ipv4(&address))
                break;
        if (result < 0)
            return complain(self, "no address on the link", "use --address A/LEN");
    }
    if (!strata_address_is_ipv4(&address) || length < 1 || length > 30)
        return complain(self, "no IPv4 subnet with room", self->address ? self->address : "");
    self->config.server = address_v4(&address);
    self->config.subnet_mask = 0xffffffffu << (32 - length);
    return 0;
}

static int read_config(struct program *self)
{
    struct dhcp_server_config *config = &self->config;
    int result = own_address(self);
    if (result < 0)
        return result;
    if (!self->range)
        return complain(self, "which addresses", "use --range FIRST-LAST");
    size_t first = strcspn(self->range, "-");
    const char *last = self->range + first + (self->range[first] == '-');
    if (!read_address(self->range, first, &config->first) || !read_address(last, strlen(last), &config->last))
        return complain(self, "not a range FIRST-LAST", self->range);
    if (dhcp_server_bindings(config) < 0 ||
        (config->first & config->subnet_mask) != (config->server & config->subnet_mask))
        return complain(self, "the range is not inside our subnet, or too large", self->range);
    if (!read_addresses(self->router, &config->routers))
        return complain(self, "not an address", self->router);
    if (!read_addresses(self->dns, &config->dns))
        return complain(self, "not an address", self->dns);
    for (const char *c = self->domain; c && *c && config->domain.length < DHCP_TEXT_MAX; c++)
        config->domain.text[config->domain.length++] = *c;
    config->lease_s = (uint32_t)self->lease_s;
    return 0;
}

static int open_socket(struct program *self)
{
    struct strata_endpoint local = {.address = strata_ipv4(0, 0, 0, 0), .port = DHCP_SERVER_PORT};
    int result = strata_rt_open(self->rt, 0, STRATA_DATAGRAM, &self->conn);
    if (result == 0)
        result = strata_rt_set_option(self->conn, STRATA_OPTION_BROADCAST, 1);
    if (result == 0 && strata_rt_host(self->rt, 0))
        result = strata_rt_set_option(self->conn, STRATA_OPTION_BIND_PORT, self->port);
    if (result == 0)
        result = strata_rt_bind(self->conn, &local);
    if (result < 0)
        complain(self, "port 67", error_text(result));
    return result;
}

static void log_reply(struct program *self, const struct dhcp_message *m)
{
    char text[STRATA_ADDRESS_TEXT];
    struct strata_address address = address_from_v4(m->yiaddr);
    strata_address_format(&address, text, sizeof text);
    if (m->type == DHCP_ACK && m->yiaddr)
        strata_rt_print(self->rt, "dhcp-server: %s to %02x:%02x:%02x:%02x:%02x:%02x for %lu s\n", text,
                        m->chaddr[0], m->chaddr[1], m->chaddr[2], m->chaddr[3], m->chaddr[4], m->chaddr[5],
                        (unsigned long)m->lease_s);
    if (m->type == DHCP_NAK)
        strata_rt_print(self->rt, "dhcp-server: refused %02x:%02x:%02x:%02x:%02x:%02x: %s\n", m->chaddr[0],
                        m->chaddr[1], m->chaddr[2], m->chaddr[3], m->chaddr[4], m->chaddr[5],
                        m->message.text);
}

static void send_reply(struct program *self, const struct dhcp_reply *reply)
{
    uint8_t bytes[DHCP_MESSAGE_BYTES];
    size_t size = dhcp_emit(bytes, sizeof bytes, &reply->message);
    struct strata_envelope envelope = {.size = sizeof envelope};
    envelope.peer = (struct strata_endpoint){.address = address_from_v4(reply->address), .port = reply->port};
    envelope.local.address = address_from_v4(self->config.server);
    envelope.port = strata_rt_host(self->rt, 0) ? (int)self->port : 0;
    int64_t sent =
        strata_rt_send(self->conn, bytes, size, &envelope, strata_rt_now(self->rt) + STRATA_SECOND);
    if (sent < 0)
        strata_rt_complain(self->rt, "dhcp-server: cannot send: %s\n", error_text((int)sent));
    else
        log_reply(self, &reply->message);
}

static int serve(struct program *self)
{
    uint8_t bytes[1500];
    struct dhcp_reply reply;
    strata_rt_print(self->rt, "dhcp-server: lending %s\n", self->range);
    for (;;) {
        struct strata_envelope envelope = {.size = sizeof envelope};
        int64_t got = strata_rt_receive(self->conn, bytes, sizeof bytes, &envelope, STRATA_NEVER);
        if (got == -ECANCELED)
            return 0;
        if (got > 0 &&
            dhcp_server_receive(&self->server, bytes, (size_t)got, &reply, strata_rt_now(self->rt)))
            send_reply(self, &reply);
    }
}

int program_dhcp_server(struct strata_rt *rt, int argc, char **argv)
{
    struct program *self = calloc(1, sizeof *self);
    if (!self)
        return 1;
    *self = (struct program){.rt = rt, .port = 1, .lease_s = 3600};
    const struct option_entry entries[] = {
        {"--range", OPTION_TEXT, &self->range, 0, 0},
        {"--lease", OPTION_NUMBER, &self->lease_s, 8, 0xfffffffe},
        {"--router", OPTION_TEXT, &self->router, 0, 0},
        {"--dns", OPTION_TEXT, &self->dns, 0, 0},
        {"--domain", OPTION_TEXT, &self->domain, 0, 0},
        {"--interface", OPTION_NUMBER, &self->port, 1, 65535},
        {"--address", OPTION_TEXT, &self->address, 0, 0},
    };
    const char *usage = "dhcp-server --range FIRST-LAST [--lease S] [--router A] [--dns A,B] [--domain D]"
                        " [--interface N] [--address A/LEN]";
    int status = 2;
    struct dhcp_binding *bindings = NULL;
    if (options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, NULL, 0) >= 0 &&
        read_config(self) == 0) {
        status = 1;
        bindings = calloc((size_t)dhcp_server_bindings(&self->config), sizeof *bindings);
        if (bindings && open_socket(self) == 0) {
            dhcp_server_init(&self->server, &self->config, bindings);
            status = serve(self);
        }
    }
    strata_rt_close(self->conn);
    free(bindings);
    free(self);
    return status;
}
