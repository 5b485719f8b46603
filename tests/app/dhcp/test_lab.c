/**
 * DHCP between hosts of the lab: client and server programs over Strata's UDP, from 0.0.0.0 to an address and
 * back.
 */
#include "tests/app/stage.h"

#define SERVER "dhcp-server --range 10.0.0.100-10.0.0.102 --router 10.0.0.254 --dns 10.0.0.53 "

/** The only address of a host's port 1 as text, or "". */
static const char *address_of(struct strata_node *node)
{
    static char text[STRATA_ADDRESS_TEXT];
    struct strata_address address;
    unsigned length;
    text[0] = 0;
    if (strata_address_get(strata_node_host(node), 1, 0, &address, &length) == 0)
        strata_address_format(&address, text, sizeof text);
    CHECK(strata_address_get(strata_node_host(node), 1, 1, &address, &length) < 0);
    return text;
}

static bool has_default_route(struct strata_node *node)
{
    struct strata_route route;
    for (unsigned i = 0; strata_route_get(strata_node_host(node), i, &route) == 0; i++)
        if (route.prefix_length == 0 && strata_address_is_ipv4(&route.destination))
            return true;
    return false;
}

TEST(a_host_gets_an_address)
{
    struct stage *stage = stage_new(1);
    struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
    struct strata_node *laptop = stage_host(stage, "laptop", NULL), *phone = stage_host(stage, "phone", NULL);
    int first, second;
    stage_start(server, SERVER "--lease 600 --domain test.lab", true, NULL);
    stage_start(laptop, "dhcp-client --once --name laptop", false, &first);
    stage_start(phone, "dhcp-client --once", false, &second);
    CHECK(stage_finish(stage, 30));
    CHECK_EQ(first, 0);
    CHECK_EQ(second, 0);
    CHECK(stage_said(stage, "laptop: dhcp-client: 10.0.0.10"));
    CHECK(stage_said(stage, "/24 for 599 s from 10.0.0.1, router 10.0.0.254, name server 10.0.0.53"));
    char one[STRATA_ADDRESS_TEXT];
    snprintf(one, sizeof one, "%s", address_of(laptop));
    CHECK(strncmp(one, "10.0.0.10", 9) == 0 && strncmp(address_of(phone), "10.0.0.10", 9) == 0);
    CHECK(strcmp(one, address_of(phone)) != 0);
    CHECK(has_default_route(laptop));
    struct strata_endpoint resolver;
    CHECK_EQ(strata_rt_resolver(strata_node_rt(laptop), &resolver), 0);
    CHECK(resolver.port == 53 && resolver.address.bytes[15] == 53);
    // And the address works.
    int status;
    stage_start(laptop, "ping 10.0.0.1 -c 2", false, &status);
    CHECK(stage_finish(stage, 30));
    CHECK_EQ(status, 0);
    stage_free(stage);
}

TEST(a_lease_is_kept_and_given_back)
{
    struct stage *stage = stage_new(2);
    struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
    struct strata_node *laptop = stage_host(stage, "laptop", NULL);
    int status;
    stage_start(server, SERVER "--lease 60", true, NULL);
    stage_start(laptop, "dhcp-client --seconds 300", false, &status);
    stage_run(stage, 290);
    CHECK_STR(address_of(laptop), "10.0.0.100"); // RFC 2131-3: renewed again and again
    CHECK(stage_finish(stage, 60));
    CHECK_EQ(status, 0);
    CHECK_STR(address_of(laptop), "");
    CHECK(!has_default_route(laptop));
    unsigned renewals = 0;
    for (const char *at = stage->said; (at = strstr(at, "server: dhcp-server: 10.0.0.100 to ")) != NULL; at++)
        renewals++;
    CHECK(renewals >= 8 && renewals <= 12);
    stage_free(stage);
}

TEST(an_address_that_somebody_uses_is_declined)
{
    // RFC 2131-7: the link is asked; the squatter answers; the next address is taken.
    struct stage *stage = stage_new(3);
    struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
    struct strata_node *laptop = stage_host(stage, "laptop", NULL);
    stage_host(stage, "squatter", "10.0.0.100/24");
    int status;
    stage_start(server, SERVER, true, NULL);
    stage_start(laptop, "dhcp-client --once", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK_EQ(status, 0);
    CHECK(stage_said(stage, "10.0.0.100 is in use by somebody else, declined"));
    CHECK_STR(address_of(laptop), "10.0.0.101");
    CHECK(strata_world_now(stage->world) >= 10 * STRATA_SECOND);
    stage_free(stage);
}

TEST(the_server_goes_away)
{
    // RFC 2131-9: at the end of the lease the address is given up.
    struct stage *stage = stage_new(4);
    struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
    struct strata_node *laptop = stage_host(stage, "laptop", NULL);
    stage_start(server, SERVER "--lease 120", true, NULL);
    stage_start(laptop, "dhcp-client", true, NULL);
    stage_run(stage, 10);
    CHECK_STR(address_of(laptop), "10.0.0.100");
    REQUIRE(strata_node_crash(server) == 0);
    stage_run(stage, 100);
    CHECK_STR(address_of(laptop), "10.0.0.100");
    stage_run(stage, 15);
    CHECK_STR(address_of(laptop), "");
    CHECK(stage_said(stage, "laptop: dhcp-client: the address is given up"));
    // It comes back with nothing in memory, and the laptop finds it.
    REQUIRE(strata_node_restart(server) == 0);
    stage_start(server, SERVER "--lease 120", true, NULL);
    stage_run(stage, 200);
    CHECK_STR(address_of(laptop), "10.0.0.100");
    stage_free(stage);
}

TEST(nobody_answers)
{
    struct stage *stage = stage_new(5);
    struct strata_node *laptop = stage_host(stage, "laptop", NULL);
    int status;
    stage_start(laptop, "dhcp-client --once --timeout 30", false, &status);
    CHECK(stage_finish(stage, 60));
    CHECK_EQ(status, 1);
    CHECK(stage_said(stage, "no server has lent an address"));
    stage_free(stage);
}

TEST(what_the_server_is_told_wrongly)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"dhcp-server", "--range FIRST-LAST"},
        {"dhcp-server --range 10.0.0.5", "not a range"},
        {"dhcp-server --range 10.0.1.5-10.0.1.6", "not inside our subnet"},
        {"dhcp-server --range 10.0.0.9-10.0.0.8", "not inside our subnet"},
        {"dhcp-server --range 10.0.0.5-10.0.0.8 --router x", "not an address"},
        {"dhcp-server --range 10.0.0.5-10.0.0.8 --interface 7", "no address on the link"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage *stage = stage_new(1);
        struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
        int status;
        stage_start(server, cases[i].line, false, &status);
        CHECK(stage_finish(stage, 5));
        CHECK_EQ(status, 2);
        CHECK(stage_said(stage, cases[i].says));
        stage_free(stage);
    }
}

TEST_MAIN(TEST_ENTRY(a_host_gets_an_address), TEST_ENTRY(a_lease_is_kept_and_given_back),
          TEST_ENTRY(an_address_that_somebody_uses_is_declined), TEST_ENTRY(the_server_goes_away),
          TEST_ENTRY(nobody_answers), TEST_ENTRY(what_the_server_is_told_wrongly))
