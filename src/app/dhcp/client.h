/**
 * The DHCP client as an engine (RFC 2131 4.4): messages and time in, steps to take out.
 */
#ifndef APP_DHCP_CLIENT_H
#define APP_DHCP_CLIENT_H

#include "base/random.h"
#include "wire/dhcp.h"

enum dhcp_state {
    DHCP_STATE_INIT,       /**< Waits before it begins. */
    DHCP_STATE_SELECTING,  /**< Has sent DISCOVER. */
    DHCP_STATE_REQUESTING, /**< Has taken an offer. */
    DHCP_STATE_REBOOTING,  /**< Asks for the address it had. */
    DHCP_STATE_PROBING,    /**< Has an ACK; asks the link whether somebody uses the address. */
    DHCP_STATE_BOUND,
    DHCP_STATE_RENEWING,
    DHCP_STATE_REBINDING,
    DHCP_STATE_STOPPED,
};

/** What a server has lent us. */
struct dhcp_lease {
    uint32_t address, subnet_mask, server;
    struct dhcp_addresses routers, dns;
    struct dhcp_text domain;
    uint16_t mtu;                         /**< 0: not told. */
    strata_time renew_at, rebind_at, end; /**< STRATA_NEVER: without end. */
};

enum dhcp_step_kind {
    DHCP_STEP_SEND,        /**< `message` to `destination`; from 0.0.0.0 if `source` is 0. */
    DHCP_STEP_PROBE,       /**< Ask the link for `lease.address`, then call dhcp_client_probed. */
    DHCP_STEP_CONFIGURE,   /**< Use `lease` from now on (also when it was renewed with other parameters). */
    DHCP_STEP_UNCONFIGURE, /**< Stop using `lease` at once. */
};
struct dhcp_step {
    enum dhcp_step_kind kind;
    uint32_t source, destination;
    struct dhcp_message message;
    struct dhcp_lease lease;
};

struct dhcp_client_config {
    uint8_t mac[6];
    uint8_t seed[32];
    const char *host_name; /**< May be NULL. */
    uint32_t previous;     /**< An address to ask for again (INIT-REBOOT), or 0. */
    bool desynchronize;    /**< Wait 1 to 10 s before the first DISCOVER (RFC 2131 4.4.1). */
};

struct dhcp_client {
    enum dhcp_state state;
    uint8_t mac[6];
    struct random random;
    struct dhcp_text host_name;
    uint32_t previous;
    uint32_t xid;
    unsigned tries;
    strata_time deadline; /**< When the state's timer fires. */
    strata_time began;    /**< Of this acquisition, for the seconds field. */
    strata_time asked;    /**< When the first REQUEST of this exchange was sent: leases count from then. */
    struct dhcp_message offer;
    struct dhcp_lease lease; /**< In use in BOUND and after it; a candidate in PROBING. */
    struct dhcp_lease old;   /**< Of an UNCONFIGURE that is still to be taken. */
    bool configured;
    /* Steps to be taken, in this order. */
    bool wants_unconfigure, wants_send, wants_probe, wants_configure;
    struct dhcp_message message;
    uint32_t source, destination;
};

void dhcp_client_init(struct dhcp_client *client, const struct dhcp_client_config *config, strata_time now);
/** A datagram has come to the client port. What is not for us is ignored. */
void dhcp_client_receive(struct dhcp_client *client, const uint8_t *bytes, size_t size, strata_time now);
/** The answer to DHCP_STEP_PROBE. */
void dhcp_client_probed(struct dhcp_client *client, bool in_use, strata_time now);
/** Fires what is due. */
void dhcp_client_advance(struct dhcp_client *client, strata_time now);
strata_time dhcp_client_deadline(const struct dhcp_client *client);
/** Takes the next step. @return false: nothing to do now. */
bool dhcp_client_next(struct dhcp_client *client, struct dhcp_step *step);
/** Gives the lease back and stops. */
void dhcp_client_release(struct dhcp_client *client, strata_time now);

#endif
