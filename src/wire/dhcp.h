/**
 * DHCP messages (RFC 2131 2, RFC 2132, RFC 3396 on long options).
 *
 * One struct holds the BOOTP fields and the options we know; an option that is there has its bit in
 * `present`. Addresses are IPv4 in host order.
 */
#ifndef WIRE_DHCP_H
#define WIRE_DHCP_H

#include "wire/wire.h"

#include "base/text.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCP_FIXED_BYTES 240u /* with the magic cookie */
/** Every client must take messages of this size (RFC 2131 2), and some relays drop shorter ones than 300. */
#define DHCP_MESSAGE_BYTES 548u
#define DHCP_MESSAGE_LEAST_BYTES 300u
#define DHCP_ADDRESSES_MAX 4u
#define DHCP_TEXT_MAX 63u
#define DHCP_CLIENT_ID_MAX 64u
#define DHCP_PARAMETERS_MAX 32u
#define DHCP_FOREVER 0xffffffffu /* a lease without end */

enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER,
    DHCP_REQUEST,
    DHCP_DECLINE,
    DHCP_ACK,
    DHCP_NAK,
    DHCP_RELEASE,
    DHCP_INFORM,
};
enum {
    DHCP_BOOTREQUEST = 1,
    DHCP_BOOTREPLY = 2,
};
/** Option codes. */
enum {
    DHCP_OPTION_PAD = 0,
    DHCP_OPTION_SUBNET_MASK = 1,
    DHCP_OPTION_ROUTER = 3,
    DHCP_OPTION_DNS = 6,
    DHCP_OPTION_HOST_NAME = 12,
    DHCP_OPTION_DOMAIN = 15,
    DHCP_OPTION_MTU = 26,
    DHCP_OPTION_BROADCAST = 28,
    DHCP_OPTION_REQUESTED = 50,
    DHCP_OPTION_LEASE_TIME = 51,
    DHCP_OPTION_OVERLOAD = 52,
    DHCP_OPTION_TYPE = 53,
    DHCP_OPTION_SERVER_ID = 54,
    DHCP_OPTION_PARAMETERS = 55,
    DHCP_OPTION_MESSAGE = 56,
    DHCP_OPTION_MAX_SIZE = 57,
    DHCP_OPTION_RENEWAL = 58,
    DHCP_OPTION_REBINDING = 59,
    DHCP_OPTION_CLIENT_ID = 61,
    DHCP_OPTION_END = 255,
};

struct dhcp_addresses {
    uint32_t address[DHCP_ADDRESSES_MAX];
    uint8_t count;
};
struct dhcp_bytes {
    uint8_t length;
    uint8_t bytes[DHCP_CLIENT_ID_MAX];
};
struct dhcp_text {
    uint8_t length;
    char text[DHCP_TEXT_MAX + 1]; /**< NUL behind it. */
};

struct dhcp_message {
    uint8_t op, hardware_type, hardware_length, hops;
    uint32_t xid;
    uint16_t seconds;
    bool broadcast;
    uint32_t ciaddr, yiaddr, siaddr, giaddr;
    uint8_t chaddr[16];
    /** Bit n: option n is there (n < 64). */
    uint64_t present;
    enum dhcp_type type;
    uint32_t subnet_mask, broadcast_address, requested, server_id;
    uint32_t lease_s, renewal_s, rebinding_s;
    uint16_t max_size, mtu;
    struct dhcp_addresses routers, dns;
    struct dhcp_bytes client_id, parameters; /**< At most DHCP_PARAMETERS_MAX of the latter. */
    struct dhcp_text host_name, domain, message;
};

static inline bool dhcp_has(const struct dhcp_message *message, unsigned option)
{
    return message->present >> option & 1;
}
static inline void dhcp_set(struct dhcp_message *message, unsigned option)
{
    message->present |= (uint64_t)1 << option;
}

/** Reads options from the options field, then file, then sname if they are overloaded (RFC 2131 4.1).
 * @return 0, or -EBADMSG: no DHCP message, or an option with an impossible length. */
int dhcp_parse(struct dhcp_message *message, const uint8_t *bytes, size_t size);
/** Writes a message, padded to DHCP_MESSAGE_LEAST_BYTES. @return its length; 0: it does not fit into `size`.
 */
size_t dhcp_emit(uint8_t *room, size_t size, const struct dhcp_message *message);
/** "DISCOVER" ... */
const char *dhcp_type_name(enum dhcp_type type);
/** One line: "DHCP OFFER xid=3903f326 yours=10.0.0.100 server=10.0.0.1 lease=3600". */
void dhcp_print(struct text *text, const uint8_t *bytes, size_t size);

#endif
