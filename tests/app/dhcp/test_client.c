/**
 * The DHCP client's state machine, message by message, with a server made of literals.
 */
#include "app/dhcp/client.h"
#include "tests/test.h"

#define S STRATA_SECOND

static struct dhcp_client client;
static struct dhcp_step step;

static void start(uint32_t previous, bool desynchronize)
{
    struct dhcp_client_config config = {.mac = {2, 0, 0, 0, 0, 1},
                                        .seed = {9},
                                        .host_name = "laptop",
                                        .previous = previous,
                                        .desynchronize = desynchronize};
    dhcp_client_init(&client, &config, 0);
}

/** The next step must be of this kind. */
static bool expect(enum dhcp_step_kind kind)
{
    return CHECK(dhcp_client_next(&client, &step)) && CHECK_EQ(step.kind, kind);
}

static void expect_nothing(void)
{
    CHECK(!dhcp_client_next(&client, &step));
}

/** A reply of the server 10.0.0.1 to what was sent last: 10.0.0.100/24 for `lease_s`. */
static struct dhcp_message reply(enum dhcp_type type, uint32_t lease_s)
{
    struct dhcp_message m = {.op = DHCP_BOOTREPLY,
                             .hardware_type = 1,
                             .hardware_length = 6,
                             .xid = client.xid,
                             .type = type,
                             .server_id = 0x0a000001};
    memcpy(m.chaddr, client.mac, 6);
    dhcp_set(&m, DHCP_OPTION_SERVER_ID);
    if (type == DHCP_NAK)
        return m;
    m.yiaddr = 0x0a000064;
    m.lease_s = lease_s;
    m.subnet_mask = 0xffffff00;
    m.routers = (struct dhcp_addresses){{0x0a0000fe}, 1};
    dhcp_set(&m, DHCP_OPTION_LEASE_TIME);
    dhcp_set(&m, DHCP_OPTION_SUBNET_MASK);
    dhcp_set(&m, DHCP_OPTION_ROUTER);
    return m;
}

static void receive(const struct dhcp_message *m, strata_time now)
{
    uint8_t bytes[DHCP_MESSAGE_BYTES];
    size_t size = dhcp_emit(bytes, sizeof bytes, m);
    dhcp_client_receive(&client, bytes, size, now);
}

static void receive_plain(enum dhcp_type type, uint32_t lease_s, strata_time now)
{
    struct dhcp_message m = reply(type, lease_s);
    receive(&m, now);
}

/** Goes from nothing to BOUND at time `now` with a lease of `lease_s`. */
static void bind(uint32_t lease_s, strata_time now)
{
    start(0, false);
    dhcp_client_advance(&client, now);
    expect(DHCP_STEP_SEND);
    receive_plain(DHCP_OFFER, lease_s, now);
    expect(DHCP_STEP_SEND);
    receive_plain(DHCP_ACK, lease_s, now);
    expect(DHCP_STEP_PROBE);
    dhcp_client_probed(&client, false, now);
    expect(DHCP_STEP_CONFIGURE);
    CHECK_EQ(client.state, DHCP_STATE_BOUND);
}

TEST(from_nothing_to_an_address)
{
    start(0, false);
    CHECK_EQ(dhcp_client_deadline(&client), 0);
    dhcp_client_advance(&client, 0);
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.message.type, DHCP_DISCOVER);
    CHECK_EQ(step.destination, 0xffffffff);
    CHECK_EQ(step.source, 0);
    CHECK(step.message.broadcast); // RFC 2131-10: it cannot take unicast yet.
    CHECK_STR(step.message.host_name.text, "laptop");
    struct dhcp_bytes id = step.message.client_id;
    CHECK_EQ(id.length, 7);
    expect_nothing();

    receive_plain(DHCP_OFFER, 3600, S);
    expect(DHCP_STEP_SEND);
    // RFC 2131-1: the server's id, the address offered, no ciaddr.
    CHECK_EQ(step.message.type, DHCP_REQUEST);
    CHECK_EQ(step.message.server_id, 0x0a000001);
    CHECK_EQ(step.message.requested, 0x0a000064);
    CHECK_EQ(step.message.ciaddr, 0);
    CHECK_EQ(step.message.seconds, 1);
    CHECK_EQ(step.destination, 0xffffffff);
    CHECK_MEM(&step.message.client_id, &id, sizeof id); // RFC 2131-4: the same id in every message.

    receive_plain(DHCP_ACK, 3600, 2 * S);
    expect(DHCP_STEP_PROBE); // RFC 2131-7: the link is asked before the address is used.
    CHECK_EQ(step.lease.address, 0x0a000064);
    expect_nothing();
    dhcp_client_probed(&client, false, 4 * S);
    expect(DHCP_STEP_CONFIGURE);
    CHECK_EQ(step.lease.address, 0x0a000064);
    CHECK_EQ(step.lease.subnet_mask, 0xffffff00);
    CHECK_EQ(step.lease.routers.address[0], 0x0a0000fe);
    // RFC 2131-8: T1 is half, T2 seven eighths, counted from the request.
    CHECK_EQ(step.lease.renew_at, S + 1800 * S);
    CHECK_EQ(step.lease.rebind_at, S + 3150 * S);
    CHECK_EQ(step.lease.end, S + 3600 * S);
    CHECK_EQ(dhcp_client_deadline(&client), S + 1800 * S);
    expect_nothing();
}

TEST(discover_backs_off)
{
    // RFC 2131-5: 4, 8, 16, 32, 64, 64 ... s, each give or take one, and not always the same.
    start(0, false);
    dhcp_client_advance(&client, 0);
    strata_time now = 0;
    unsigned uneven = 0;
    for (unsigned i = 0; i < 8; i++) {
        expect(DHCP_STEP_SEND);
        CHECK_EQ(step.message.type, DHCP_DISCOVER);
        strata_time wait = dhcp_client_deadline(&client) - now, middle = (4 << (i < 4 ? i : 4)) * S;
        CHECK(wait >= middle - S && wait <= middle + S);
        uneven += wait != middle;
        now += wait;
        dhcp_client_advance(&client, now - 1);
        expect_nothing();
        dhcp_client_advance(&client, now);
    }
    CHECK(uneven > 4);
}

TEST(the_first_wait)
{
    // RFC 2131-6: one to ten seconds, when asked to.
    start(0, true);
    strata_time wait = dhcp_client_deadline(&client);
    CHECK(wait >= S && wait <= 10 * S);
    dhcp_client_advance(&client, wait - 1);
    expect_nothing();
    dhcp_client_advance(&client, wait);
    expect(DHCP_STEP_SEND);
}

TEST(foreign_answers_are_ignored)
{
    start(0, false);
    dhcp_client_advance(&client, 0);
    expect(DHCP_STEP_SEND);
    struct dhcp_message m = reply(DHCP_OFFER, 3600);
    m.xid ^= 1; // RFC 2131-16
    receive(&m, S);
    expect_nothing();
    m = reply(DHCP_OFFER, 3600);
    m.chaddr[5] ^= 1;
    receive(&m, S);
    expect_nothing();
    m = reply(DHCP_OFFER, 3600);
    m.op = DHCP_BOOTREQUEST;
    receive(&m, S);
    expect_nothing();
    m = reply(DHCP_OFFER, 3600);
    m.yiaddr = 0xe0000001; // a group is no host's address
    receive(&m, S);
    expect_nothing();
    m = reply(DHCP_OFFER, 3600);
    m.present &= ~(1ull << DHCP_OPTION_SERVER_ID);
    receive(&m, S);
    expect_nothing();
    receive_plain(DHCP_ACK, 3600, S); // an ACK that nobody asked for
    expect_nothing();
    CHECK_EQ(client.state, DHCP_STATE_SELECTING);
    uint32_t first = client.xid;
    start(0, false);
    client.random.state[4] ^= 1; // another seed
    dhcp_client_advance(&client, 0);
    CHECK(client.xid != first); // RFC 2131-16: xids are drawn
}

TEST(an_address_in_use_is_declined)
{
    start(0, false);
    dhcp_client_advance(&client, 0);
    expect(DHCP_STEP_SEND);
    receive_plain(DHCP_OFFER, 3600, 0);
    expect(DHCP_STEP_SEND);
    receive_plain(DHCP_ACK, 3600, 0);
    expect(DHCP_STEP_PROBE);
    dhcp_client_probed(&client, true, 2 * S);
    // RFC 2131-7: DECLINE, and ten seconds of silence.
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.message.type, DHCP_DECLINE);
    CHECK_EQ(step.message.requested, 0x0a000064);
    CHECK_EQ(step.message.server_id, 0x0a000001);
    CHECK_EQ(step.message.ciaddr, 0);
    expect_nothing();
    CHECK(dhcp_client_deadline(&client) >= 12 * S);
    dhcp_client_advance(&client, dhcp_client_deadline(&client));
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.message.type, DHCP_DISCOVER);
    CHECK(!dhcp_has(&step.message, DHCP_OPTION_REQUESTED));
}

TEST(a_lease_is_renewed)
{
    bind(3600, 0);
    strata_time renew = dhcp_client_deadline(&client);
    dhcp_client_advance(&client, renew);
    expect(DHCP_STEP_SEND);
    // RFC 2131-3: ciaddr, neither option, unicast to the server.
    CHECK_EQ(step.message.type, DHCP_REQUEST);
    CHECK_EQ(step.message.ciaddr, 0x0a000064);
    CHECK(!dhcp_has(&step.message, DHCP_OPTION_SERVER_ID) && !dhcp_has(&step.message, DHCP_OPTION_REQUESTED));
    CHECK_EQ(step.destination, 0x0a000001);
    CHECK_EQ(step.source, 0x0a000064);
    CHECK(!step.message.broadcast);
    receive_plain(DHCP_ACK, 3600, renew + S);
    expect(DHCP_STEP_CONFIGURE); // without another probe: the address is in use, by us
    CHECK_EQ(step.lease.end, renew + 3600 * S);
    CHECK_EQ(client.state, DHCP_STATE_BOUND);
    CHECK_EQ(dhcp_client_deadline(&client), renew + 1800 * S);
}

TEST(a_lease_is_rebound_and_runs_out)
{
    bind(3600, 0);
    dhcp_client_advance(&client, dhcp_client_deadline(&client));
    unsigned renewals = 0, rebindings = 0;
    strata_time now = 1800 * S;
    while (now < 3600 * S) {
        CHECK(dhcp_client_next(&client, &step));
        CHECK_EQ(step.kind, DHCP_STEP_SEND);
        bool rebinding = now >= 3150 * S;
        // RFC 2131-3: renewal by unicast, rebinding by broadcast.
        CHECK_EQ(step.destination, rebinding ? 0xffffffff : 0x0a000001);
        CHECK_EQ(step.message.ciaddr, 0x0a000064);
        CHECK(!dhcp_has(&step.message, DHCP_OPTION_SERVER_ID));
        renewals += !rebinding;
        rebindings += rebinding;
        expect_nothing();
        strata_time next = dhcp_client_deadline(&client);
        CHECK(next > now);
        if (now < 3150 * S && next >= 3150 * S)
            CHECK_EQ(next, 3150 * S);
        else if (next < 3600 * S)
            CHECK(next - now >= 60 * S);
        now = next;
        dhcp_client_advance(&client, now);
    }
    CHECK(renewals > 2 && rebindings > 1);
    CHECK_EQ(now, 3600 * S);
    // RFC 2131-9: the lease ends, and the address is given up at once; then it asks for it again.
    expect(DHCP_STEP_UNCONFIGURE);
    CHECK_EQ(step.lease.address, 0x0a000064);
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.source, 0);
    CHECK_EQ(client.state, DHCP_STATE_REBOOTING);
}

TEST(a_refusal_while_renewing)
{
    bind(3600, 0);
    dhcp_client_advance(&client, dhcp_client_deadline(&client));
    expect(DHCP_STEP_SEND);
    receive_plain(DHCP_NAK, 0, 1801 * S);
    expect(DHCP_STEP_UNCONFIGURE);
    dhcp_client_advance(&client, 1801 * S);
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.message.type, DHCP_DISCOVER);
}

TEST(the_address_of_last_time)
{
    start(0x0a000064, false);
    dhcp_client_advance(&client, 0);
    expect(DHCP_STEP_SEND);
    // RFC 2131-2: the address, no server's id, no ciaddr.
    CHECK_EQ(step.message.type, DHCP_REQUEST);
    CHECK_EQ(step.message.requested, 0x0a000064);
    CHECK(!dhcp_has(&step.message, DHCP_OPTION_SERVER_ID));
    CHECK_EQ(step.message.ciaddr, 0);
    CHECK_EQ(step.destination, 0xffffffff);
    receive_plain(DHCP_ACK, 3600, S);
    expect(DHCP_STEP_PROBE);
    // Nobody answers: after four tries it discovers.
    start(0x0a000064, false);
    for (int i = 0; i < 4; i++) {
        dhcp_client_advance(&client, dhcp_client_deadline(&client));
        expect(DHCP_STEP_SEND);
        CHECK_EQ(step.message.type, DHCP_REQUEST);
    }
    dhcp_client_advance(&client, dhcp_client_deadline(&client));
    expect(DHCP_STEP_SEND);
    CHECK_EQ(step.message.type, DHCP_DISCOVER);
}

TEST(times_that_make_no_sense)
{
    // RFC 2131-8: T1 < T2 < lease, whatever the server says.
    static const struct {
        uint32_t lease, renewal, rebinding, t1, t2;
    } cases[] = {
        {1000, 300, 700, 300, 700},
        {1000, 700, 300, 700, 875},
        {1000, 2000, 3000, 500, 875},
        {1000, 900, 0, 500, 875},
        {1000, 0, 1000, 500, 875},
        {1000, 875, 875, 500, 875},
        {8, 0, 0, 4, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(0, false);
        dhcp_client_advance(&client, 0);
        expect(DHCP_STEP_SEND);
        receive_plain(DHCP_OFFER, cases[i].lease, 0);
        expect(DHCP_STEP_SEND);
        struct dhcp_message m = reply(DHCP_ACK, cases[i].lease);
        m.renewal_s = cases[i].renewal;
        m.rebinding_s = cases[i].rebinding;
        dhcp_set(&m, DHCP_OPTION_RENEWAL);
        dhcp_set(&m, DHCP_OPTION_REBINDING);
        receive(&m, 0);
        expect(DHCP_STEP_PROBE);
        CHECK_EQ(step.lease.renew_at, cases[i].t1 * S);
        CHECK_EQ(step.lease.rebind_at, cases[i].t2 * S);
        CHECK(step.lease.renew_at < step.lease.rebind_at && step.lease.rebind_at < step.lease.end);
    }
    bind(DHCP_FOREVER, 0);
    CHECK_EQ(dhcp_client_deadline(&client), STRATA_NEVER);
}

TEST(a_lease_is_given_back)
{
    bind(3600, 0);
    dhcp_client_release(&client, 100 * S);
    expect(DHCP_STEP_SEND); // By the address, so before it goes.
    CHECK_EQ(step.message.type, DHCP_RELEASE);
    CHECK_EQ(step.message.ciaddr, 0x0a000064);
    CHECK_EQ(step.destination, 0x0a000001);
    expect(DHCP_STEP_UNCONFIGURE);
    expect_nothing();
    CHECK_EQ(dhcp_client_deadline(&client), STRATA_NEVER);
}

TEST_MAIN(TEST_ENTRY(from_nothing_to_an_address), TEST_ENTRY(discover_backs_off), TEST_ENTRY(the_first_wait),
          TEST_ENTRY(foreign_answers_are_ignored), TEST_ENTRY(an_address_in_use_is_declined),
          TEST_ENTRY(a_lease_is_renewed), TEST_ENTRY(a_lease_is_rebound_and_runs_out),
          TEST_ENTRY(a_refusal_while_renewing), TEST_ENTRY(the_address_of_last_time),
          TEST_ENTRY(times_that_make_no_sense), TEST_ENTRY(a_lease_is_given_back))
