/**
 * The DHCP server's answers, request by request.
 */
#include "app/dhcp/server.h"
#include "tests/test.h"

#define S STRATA_SECOND
#define SERVER 0x0a000001u
#define FIRST 0x0a000064u
#define BROADCAST 0xffffffffu

static struct dhcp_server server;
static struct dhcp_binding bindings[4];
static struct dhcp_reply out;

static void start(unsigned addresses)
{
    struct dhcp_server_config config = {.server = SERVER,
                                        .first = FIRST,
                                        .last = FIRST + addresses - 1,
                                        .subnet_mask = 0xffffff00,
                                        .lease_s = 3600,
                                        .routers = {{0x0a0000fe}, 1},
                                        .dns = {{0x0a000035}, 1}};
    REQUIRE(dhcp_server_bindings(&config) == (int)addresses);
    memset(bindings, 0, sizeof bindings);
    dhcp_server_init(&server, &config, bindings);
}

/** A message of the client with this number, which is its hardware address and its id. */
static struct dhcp_message from(uint8_t number, enum dhcp_type type)
{
    struct dhcp_message m = {.op = DHCP_BOOTREQUEST,
                             .hardware_type = 1,
                             .hardware_length = 6,
                             .xid = 0x1000u + number,
                             .chaddr = {2, 0, 0, 0, 0, number},
                             .type = type,
                             .broadcast = true};
    m.client_id = (struct dhcp_bytes){2, {7, number}};
    dhcp_set(&m, DHCP_OPTION_CLIENT_ID);
    return m;
}

static bool receive(const struct dhcp_message *m, strata_time now)
{
    uint8_t bytes[DHCP_MESSAGE_BYTES];
    size_t size = dhcp_emit(bytes, sizeof bytes, m);
    return dhcp_server_receive(&server, bytes, size, &out, now);
}

static struct dhcp_message selecting(uint8_t number, uint32_t address, uint32_t id)
{
    struct dhcp_message m = from(number, DHCP_REQUEST);
    m.requested = address;
    m.server_id = id;
    dhcp_set(&m, DHCP_OPTION_REQUESTED);
    dhcp_set(&m, DHCP_OPTION_SERVER_ID);
    return m;
}

static struct dhcp_message rebooting(uint8_t number, uint32_t address)
{
    struct dhcp_message m = from(number, DHCP_REQUEST);
    m.requested = address;
    dhcp_set(&m, DHCP_OPTION_REQUESTED);
    return m;
}

static struct dhcp_message renewing(uint8_t number, uint32_t address)
{
    struct dhcp_message m = from(number, DHCP_REQUEST);
    m.ciaddr = address;
    m.broadcast = false;
    return m;
}

/** Takes a client from DISCOVER to ACK. @return its address, or 0. */
static uint32_t lend(uint8_t number, strata_time now)
{
    struct dhcp_message m = from(number, DHCP_DISCOVER);
    if (!receive(&m, now) || out.message.type != DHCP_OFFER)
        return 0;
    m = selecting(number, out.message.yiaddr, SERVER);
    return receive(&m, now) && out.message.type == DHCP_ACK ? out.message.yiaddr : 0;
}

TEST(an_address_is_lent)
{
    start(4);
    struct dhcp_message m = from(1, DHCP_DISCOVER);
    REQUIRE(receive(&m, 0));
    CHECK_EQ(out.message.type, DHCP_OFFER);
    CHECK_EQ(out.message.op, DHCP_BOOTREPLY);
    CHECK_EQ(out.message.xid, m.xid);
    CHECK_EQ(out.message.yiaddr, FIRST);
    CHECK_EQ(out.message.server_id, SERVER);
    CHECK_EQ(out.message.lease_s, 3600);
    CHECK_EQ(out.message.renewal_s, 1800);
    CHECK_EQ(out.message.rebinding_s, 3150);
    CHECK_EQ(out.message.subnet_mask, 0xffffff00);
    CHECK_EQ(out.message.routers.address[0], 0x0a0000fe);
    CHECK_EQ(out.message.dns.address[0], 0x0a000035);
    CHECK_MEM(out.message.chaddr, m.chaddr, 16);
    CHECK_MEM(&out.message.client_id, &m.client_id, sizeof m.client_id);
    CHECK(out.message.broadcast); // RFC 2131-10: the bit is honoured.
    CHECK_EQ(out.address, BROADCAST);
    CHECK_EQ(out.port, DHCP_CLIENT_PORT);
    m = selecting(1, FIRST, SERVER);
    REQUIRE(receive(&m, S));
    CHECK_EQ(out.message.type, DHCP_ACK);
    CHECK_EQ(out.message.yiaddr, FIRST);
    CHECK_EQ(lend(2, S), FIRST + 1);
    // The first comes back and gets what it has.
    CHECK_EQ(lend(1, 2 * S), FIRST);
}

TEST(clients_are_known_by_their_id)
{
    // RFC 2131-4: the id counts, the hardware address only without one.
    start(4);
    CHECK_EQ(lend(1, 0), FIRST);
    struct dhcp_message m = from(1, DHCP_DISCOVER);
    m.chaddr[5] = 9; // the same id from another card
    REQUIRE(receive(&m, S));
    CHECK_EQ(out.message.yiaddr, FIRST);
    m = from(1, DHCP_DISCOVER);
    m.present = 1ull << DHCP_OPTION_TYPE; // the same card without id
    REQUIRE(receive(&m, S));
    CHECK_EQ(out.message.yiaddr, FIRST + 1);
    m.xid++;
    REQUIRE(receive(&m, 2 * S));
    CHECK_EQ(out.message.yiaddr, FIRST + 1);
}

TEST(another_servers_offer_is_taken)
{
    start(1);
    struct dhcp_message m = from(1, DHCP_DISCOVER);
    REQUIRE(receive(&m, 0));
    m = from(2, DHCP_DISCOVER);
    CHECK(!receive(&m, 0)); // the one address is offered
    m = selecting(1, 0x0a000077, 0x0a000002);
    CHECK(!receive(&m, S));
    CHECK_EQ(lend(2, S), FIRST); // and free again
}

TEST(requests_for_what_was_not_offered)
{
    start(4);
    struct dhcp_message m = from(1, DHCP_DISCOVER);
    REQUIRE(receive(&m, 0));
    m = selecting(1, FIRST + 2, SERVER);
    REQUIRE(receive(&m, 0));
    CHECK_EQ(out.message.type, DHCP_NAK);
    CHECK_EQ(out.message.yiaddr, 0);
    CHECK(!dhcp_has(&out.message, DHCP_OPTION_LEASE_TIME));
    // An offer is kept for a minute.
    m = from(2, DHCP_DISCOVER);
    REQUIRE(receive(&m, 0));
    CHECK_EQ(out.message.yiaddr, FIRST + 1);
    m = selecting(2, FIRST + 1, SERVER);
    REQUIRE(receive(&m, 61 * S));
    CHECK_EQ(out.message.type, DHCP_NAK);
}

TEST(clients_that_reboot)
{
    start(4);
    CHECK_EQ(lend(1, 0), FIRST);
    struct dhcp_message m = rebooting(1, FIRST);
    REQUIRE(receive(&m, 10 * S));
    CHECK_EQ(out.message.type, DHCP_ACK);
    CHECK_EQ(out.message.yiaddr, FIRST);
    m = rebooting(1, FIRST + 1); // not what it has
    REQUIRE(receive(&m, 10 * S));
    CHECK_EQ(out.message.type, DHCP_NAK);
    m = rebooting(5, FIRST + 1); // RFC 2131-12: of this client we know nothing
    CHECK(!receive(&m, 10 * S));
    m = rebooting(5, FIRST); // RFC 2131-12
    CHECK(!receive(&m, 10 * S));
    m = rebooting(5, 0xc0a80001); // on another network than this
    REQUIRE(receive(&m, 10 * S));
    CHECK_EQ(out.message.type, DHCP_NAK);
}

TEST(where_a_refusal_goes)
{
    // RFC 2131-11: broadcast without a relay, else to the relay with the broadcast bit.
    start(4);
    CHECK_EQ(lend(1, 0), FIRST);
    CHECK_EQ(lend(2, 0), FIRST + 1);
    struct dhcp_message m = renewing(2, FIRST);
    REQUIRE(receive(&m, S));
    CHECK_EQ(out.message.type, DHCP_NAK);
    CHECK_EQ(out.address, BROADCAST);
    CHECK_EQ(out.port, DHCP_CLIENT_PORT);
    m = rebooting(1, FIRST + 1);
    m.giaddr = 0x0a000102;
    m.broadcast = false;
    REQUIRE(receive(&m, S));
    CHECK_EQ(out.message.type, DHCP_NAK);
    CHECK(out.message.broadcast);
    CHECK_EQ(out.address, 0x0a000102);
    CHECK_EQ(out.port, DHCP_SERVER_PORT);
}

TEST(leases_are_renewed_and_run_out)
{
    start(1);
    CHECK_EQ(lend(1, 0), FIRST);
    struct dhcp_message m = renewing(1, FIRST);
    REQUIRE(receive(&m, 1800 * S));
    CHECK_EQ(out.message.type, DHCP_ACK);
    CHECK_EQ(out.message.ciaddr, FIRST);
    CHECK_EQ(out.address, FIRST);   // it has an address, so by unicast
    CHECK_EQ(lend(2, 5399 * S), 0); // no room yet
    CHECK_EQ(lend(2, 5400 * S), FIRST);
    m = renewing(1, FIRST);
    REQUIRE(receive(&m, 5401 * S));
    CHECK_EQ(out.message.type, DHCP_NAK);
}

TEST(declined_addresses_are_left_alone)
{
    // RFC 2131-15
    start(2);
    CHECK_EQ(lend(1, 0), FIRST);
    struct dhcp_message m = from(2, DHCP_DECLINE); // not its own
    m.requested = FIRST;
    m.server_id = SERVER;
    dhcp_set(&m, DHCP_OPTION_REQUESTED);
    dhcp_set(&m, DHCP_OPTION_SERVER_ID);
    CHECK(!receive(&m, S));
    CHECK_EQ(lend(1, S), FIRST);
    m.client_id = from(1, DHCP_DECLINE).client_id;
    CHECK(!receive(&m, S));
    CHECK_EQ(lend(1, 2 * S), FIRST + 1);
    CHECK_EQ(lend(2, 3 * S), 0);
}

TEST(released_addresses_keep_their_client)
{
    // RFC 2131-15
    start(2);
    CHECK_EQ(lend(1, 0), FIRST);
    struct dhcp_message m = from(1, DHCP_RELEASE);
    m.ciaddr = FIRST;
    m.server_id = SERVER;
    dhcp_set(&m, DHCP_OPTION_SERVER_ID);
    CHECK(!receive(&m, S));
    CHECK_EQ(lend(2, 2 * S), FIRST + 1); // one that nobody ever had comes first
    CHECK_EQ(lend(1, 3 * S), FIRST);     // and so the old client finds its own
    CHECK(!receive(&m, 4 * S));
    CHECK_EQ(lend(3, 5 * S), FIRST); // but need comes before memory
}

TEST(inform_is_answered_without_a_lease)
{
    // RFC 2131-14: unicast to ciaddr, no lease time, yiaddr not set.
    start(2);
    struct dhcp_message m = from(7, DHCP_INFORM);
    m.ciaddr = 0x0a000099;
    REQUIRE(receive(&m, 0));
    CHECK_EQ(out.message.type, DHCP_ACK);
    CHECK_EQ(out.message.yiaddr, 0);
    CHECK(!dhcp_has(&out.message, DHCP_OPTION_LEASE_TIME));
    CHECK_EQ(out.message.routers.address[0], 0x0a0000fe);
    CHECK_EQ(out.address, 0x0a000099);
    CHECK_EQ(out.port, DHCP_CLIENT_PORT);
}

TEST(ranges_and_what_is_not_lent)
{
    struct dhcp_server_config config = {
        .server = SERVER, .first = FIRST, .last = FIRST, .subnet_mask = 0xffffff00};
    CHECK_EQ(dhcp_server_bindings(&config), 1);
    config.last = FIRST - 1;
    CHECK(dhcp_server_bindings(&config) < 0);
    config.last = 0x0a000101; // in the next subnet
    CHECK(dhcp_server_bindings(&config) < 0);
    config.last = 0x0a0000ff; // its broadcast address
    CHECK(dhcp_server_bindings(&config) < 0);
    config.first = 0x0a000001;
    config.last = 0x0a000002; // our own address lies inside
    memset(bindings, 0, sizeof bindings);
    REQUIRE(dhcp_server_bindings(&config) == 2);
    config.lease_s = 60;
    dhcp_server_init(&server, &config, bindings);
    CHECK_EQ(lend(1, 0), 0x0a000002);
    CHECK_EQ(lend(2, 0), 0);
}

TEST_MAIN(TEST_ENTRY(an_address_is_lent), TEST_ENTRY(clients_are_known_by_their_id),
          TEST_ENTRY(another_servers_offer_is_taken), TEST_ENTRY(requests_for_what_was_not_offered),
          TEST_ENTRY(clients_that_reboot), TEST_ENTRY(where_a_refusal_goes),
          TEST_ENTRY(leases_are_renewed_and_run_out), TEST_ENTRY(declined_addresses_are_left_alone),
          TEST_ENTRY(released_addresses_keep_their_client), TEST_ENTRY(inform_is_answered_without_a_lease),
          TEST_ENTRY(ranges_and_what_is_not_lent))
