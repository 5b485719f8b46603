/**
 * The DHCP server as an engine (RFC 2131 4.3): a request and the time in, a reply and where it goes out.
 */
#ifndef APP_DHCP_SERVER_H
#define APP_DHCP_SERVER_H

#include "wire/dhcp.h"

/** Addresses that one server can lend. */
#define DHCP_SERVER_LEASES_MAX 4096u

struct dhcp_server_config {
    uint32_t server; /**< Our own address: the server identifier. */
    uint32_t first, last;
    uint32_t subnet_mask;
    uint32_t lease_s;
    struct dhcp_addresses routers, dns;
    struct dhcp_text domain;
};

enum dhcp_binding_state {
    DHCP_BINDING_FREE, /**< Of its last client, if it has one, until somebody else needs it. */
    DHCP_BINDING_OFFERED,
    DHCP_BINDING_BOUND,
    DHCP_BINDING_DECLINED, /**< Somebody uses it who is not our client. */
};
/** One address of the range. */
struct dhcp_binding {
    uint8_t state;
    uint8_t key_length; /**< 0: it never had a client. */
    uint8_t key[1 + DHCP_CLIENT_ID_MAX];
    strata_time expires;
    struct dhcp_text host_name;
};
struct dhcp_server {
    struct dhcp_server_config config;
    struct dhcp_binding *bindings; /**< The caller's memory: config.last - config.first + 1, zeroed. */
    uint32_t count;
};

/** @return how many bindings a range needs, or -EINVAL: not a range inside the subnet, or too large. */
int dhcp_server_bindings(const struct dhcp_server_config *config);
void dhcp_server_init(struct dhcp_server *server, const struct dhcp_server_config *config,
                      struct dhcp_binding *bindings);
/** Where a reply goes. */
struct dhcp_reply {
    struct dhcp_message message;
    uint32_t address; /**< 0xffffffff: broadcast on the link. */
    uint16_t port;
};
/** A datagram has come to the server port. @return whether there is a reply. */
bool dhcp_server_receive(struct dhcp_server *server, const uint8_t *bytes, size_t size,
                         struct dhcp_reply *reply, strata_time now);

#endif
