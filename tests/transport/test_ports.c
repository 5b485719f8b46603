/**
 * Port numbers: claims and conflicts, and ports nobody can guess (RFC 6056).
 */
#include "base/address.h"
#include "tests/test.h"
#include "transport/ports.h"

#include <errno.h>

static struct core core;
static struct ports ports;

static void begin(uint8_t seed)
{
    struct strata_config config = {.size = sizeof config, .seed = {seed}};
    REQUIRE(core_init(&core, &config, 0) == 0);
    ports_init(&ports, &core);
}
static void end(void)
{
    ports_free(&ports);
    core_free(&core);
}

/** Whether a second claim is taken beside a first one at the same port. */
static bool both(const char *a, uint32_t a_flags, int a_port, const char *b, uint32_t b_flags, int b_port)
{
    struct binding first = {.flags = a_flags, .bound_port = a_port}, second = {.flags = b_flags, .bound_port = b_port};
    begin(1);
    if (a)
        strata_address_parse(a, &first.local.address);
    if (b)
        strata_address_parse(b, &second.local.address);
    first.local.port = second.local.port = 80;
    REQUIRE(ports_bind(&ports, &first) == 0);
    int error = ports_bind(&ports, &second);
    CHECK(error == 0 || error == -EADDRINUSE);
    ports_release(&ports, &first);
    ports_release(&ports, &second);
    end();
    return error == 0;
}

TEST(claims_and_conflicts)
{
    CHECK(!both("10.0.0.1", 0, 0, "10.0.0.1", 0, 0));
    CHECK(both("10.0.0.1", 0, 0, "10.0.0.2", 0, 0));
    CHECK(!both("10.0.0.1", 0, 0, "0.0.0.0", 0, 0));
    CHECK(!both("10.0.0.1", 0, 0, NULL, 0, 0));
    CHECK(!both(NULL, 0, 0, "0.0.0.0", 0, 0));
    CHECK(both("2001:db8::1", 0, 0, "0.0.0.0", 0, 0));
    CHECK(both(NULL, BINDING_V6ONLY, 0, "0.0.0.0", 0, 0));
    CHECK(both(NULL, BINDING_V6ONLY, 0, "10.0.0.1", 0, 0));
    CHECK(!both(NULL, BINDING_V6ONLY, 0, "2001:db8::1", 0, 0));
    CHECK(both("10.0.0.1", 0, 1, "10.0.0.1", 0, 2));
    CHECK(!both("10.0.0.1", 0, 1, "10.0.0.1", 0, 0));
    CHECK(both(NULL, BINDING_REUSE_PORT, 0, NULL, BINDING_REUSE_PORT, 0));
    CHECK(!both(NULL, BINDING_REUSE_PORT, 0, NULL, 0, 0));
    CHECK(both(NULL, BINDING_REUSE_ADDRESS, 0, NULL, BINDING_REUSE_ADDRESS, 0));
    CHECK(!both(NULL, BINDING_REUSE_ADDRESS, 0, NULL, 0, 0));
    CHECK(!both(NULL, BINDING_REUSE_ADDRESS | BINDING_LISTENING, 0, NULL, BINDING_REUSE_ADDRESS, 0));
}

TEST(claims_that_change)
{
    begin(1);
    struct binding first = {.flags = BINDING_REUSE_ADDRESS, .local.port = 80};
    struct binding second = {.flags = BINDING_REUSE_ADDRESS, .local.port = 80};
    CHECK_EQ(ports_bind(&ports, &first), 0);
    CHECK_EQ(ports_bind(&ports, &second), 0);
    CHECK_EQ(ports_rebind(&ports, &first, 0), -EADDRINUSE);
    CHECK_EQ(first.flags, BINDING_REUSE_ADDRESS);
    CHECK_EQ(ports_rebind(&ports, &first, BINDING_REUSE_ADDRESS | BINDING_LISTENING), 0);
    CHECK_EQ(ports_rebind(&ports, &second, BINDING_REUSE_ADDRESS | BINDING_LISTENING), -EADDRINUSE);
    CHECK(ports_is_held(&ports, 80));
    ports_release(&ports, &first);
    ports_release(&ports, &first); // harmless
    CHECK_EQ(ports_rebind(&ports, &second, 0), 0);
    ports_release(&ports, &second);
    CHECK(!ports_is_held(&ports, 80));
    end();
}

TEST(a_port_is_chosen)
{
    begin(1);
    CHECK_EQ(settings_set(&core.settings, "net.ipv4.ip_local_port_range.first", 50000), 0);
    CHECK_EQ(settings_set(&core.settings, "net.ipv4.ip_local_port_range.last", 50049), 0);
    struct binding bindings[51] = {{.held = false}};
    bool seen[50] = {false};
    bool ascending = true;
    for (int i = 0; i < 50; i++) {
        REQUIRE(ports_bind(&ports, &bindings[i]) == 0);
        unsigned port = bindings[i].local.port;
        REQUIRE(port >= 50000 && port < 50050 && !seen[port - 50000]);
        seen[port - 50000] = true;
        ascending = ascending && (i == 0 || port > bindings[i - 1].local.port);
    }
    CHECK(!ascending);
    CHECK_EQ(ports_bind(&ports, &bindings[50]), -EADDRINUSE);
    CHECK_EQ(bindings[50].local.port, 0);
    for (int i = 0; i < 50; i++)
        ports_release(&ports, &bindings[i]);
    end();
}

/* RFC 6056 3.3.3: where the sequence begins depends on the peer and on a secret; it does not repeat itself
 * soon. */
TEST(ephemeral_ports)
{
    struct strata_address local = strata_ipv4(10, 0, 0, 1);
    struct strata_endpoint peer = {.address = strata_ipv4(10, 0, 0, 2), .port = 80};
    uint16_t first[2][2];
    for (uint8_t seed = 0; seed < 2; seed++) {
        begin(seed);
        first[seed][0] = ports_ephemeral(&ports, &local, &peer, 0);
        CHECK(first[seed][0] >= 32768 && first[seed][0] <= 60999);
        CHECK(ports_ephemeral(&ports, &local, &peer, 0) != first[seed][0]);
        peer.port = 81;
        first[seed][1] = ports_ephemeral(&ports, &local, &peer, 0);
        peer.port = 80;
        bool seen[65536] = {false};
        for (uint32_t attempt = 0; attempt < 60999 - 32768 + 1; attempt++) {
            uint16_t port = ports_ephemeral(&ports, &local, &peer, attempt + 1);
            REQUIRE(port >= 32768 && port <= 60999 && !seen[port]); // all of them are tried
            seen[port] = true;
        }
        end();
    }
    CHECK(first[0][0] != first[1][0]);
    int apart = first[0][1] - first[0][0];
    CHECK(apart > 10 || apart < -10);
}

TEST_MAIN(TEST_ENTRY(claims_and_conflicts), TEST_ENTRY(claims_that_change), TEST_ENTRY(a_port_is_chosen),
          TEST_ENTRY(ephemeral_ports))
