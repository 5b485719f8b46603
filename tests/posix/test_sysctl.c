/*
 * Names of other systems' sysctls and addresses as POSIX has them, to Strata's and back.
 */
#include "posix/address.h"
#include "posix/sysctl.h"
#include "tests/test.h"

#include <errno.h>
#include <netinet/in.h>

static struct strata_host *host;
static struct posix_rules rules;

static int set(const char *line)
{
    struct sysctl_target target = {host, &rules};
    return sysctl_line(&target, line);
}

static int64_t get(const char *name)
{
    int64_t value = -1;
    CHECK_EQ(strata_get(host, name, &value), 0);
    return value;
}

TEST(sysctls_have_many_forms)
{
    struct strata_config config = {.size = sizeof config};
    REQUIRE(strata_host_new(&host, &config) == 0);
    CHECK_EQ(set("net.ipv4.tcp_timestamps=0"), 0);
    CHECK_EQ(get("net.ipv4.tcp_timestamps"), 0);
    CHECK_EQ(set("  net.ipv4.ip_default_ttl =\t0x20 \n"), 0);
    CHECK_EQ(get("net.ipv4.ip_default_ttl"), 32);
    CHECK_EQ(set("net/ipv4/ip_default_ttl=33"), 0);
    CHECK_EQ(get("net.ipv4.ip_default_ttl"), 33);
    CHECK_EQ(set("net.ipv4.tcp_rmem=4096 540000 15728640"), 0);
    CHECK_EQ(get("net.ipv4.tcp_rmem.default"), 540000);
    CHECK_EQ(get("net.ipv4.tcp_rmem.max"), 15728640);
    CHECK_EQ(set("net.ipv4.ip_local_port_range=40000 50000"), 0);
    CHECK_EQ(get("net.ipv4.ip_local_port_range.last"), 50000);
    CHECK_EQ(set("net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"), 0);
    CHECK_EQ(get("net.ipv4.tcp_fastopen_key.3"), 0xd4d4d4d4);
    CHECK_EQ(set("net.ipv4.tcp_congestion_control=reno"), 0);
    CHECK_STR(strata_congestion_name((unsigned)get("strata.tcp_congestion")), "reno");
    // FreeBSD's, in other units and under other names.
    CHECK_EQ(set("net.inet.tcp.keepidle=15000"), 0);
    CHECK_EQ(get("net.ipv4.tcp_keepalive_time"), 15);
    CHECK_EQ(set("net.inet.tcp.rfc1323=1"), 0);
    CHECK_EQ(get("net.ipv4.tcp_timestamps"), 1);
    CHECK_EQ(set("net.inet.tcp.icmp_may_rst=0"), 0);
    CHECK_EQ(get("strata.tcp_icmp_ends_opening"), 3);
    CHECK_EQ(set("kern.ipc.maxsockbuf=4294967295"), 0);
    CHECK_EQ(get("net.ipv4.tcp_rmem.max"), 1 << 30);
    CHECK_EQ(set("posix.double_buffers=1"), 0);
    CHECK(rules.double_buffers);
    // What is none.
    CHECK_EQ(set(""), 0);
    CHECK_EQ(set("# a comment = 3"), 0);
    CHECK_EQ(set("no equals sign"), -EINVAL);
    CHECK_EQ(set("net.ipv4.no_such=1"), -ENOENT);
    CHECK_EQ(set("posix.no_such=1"), -ENOENT);
    CHECK_EQ(set("posix.double_buffers=2"), -EINVAL);
    CHECK_EQ(set("net.ipv4.tcp_timestamps=yes"), -EINVAL);
    CHECK_EQ(set("net.ipv4.tcp_timestamps=7"), -ERANGE);
    CHECK_EQ(set("net.ipv4.tcp_congestion_control=plan9"), -EINVAL);
    CHECK_EQ(set("net.ipv4.tcp_fastopen_key=1-2"), -EINVAL);
    strata_host_free(host);
}

TEST(every_row_of_a_profile_can_be_set)
{
    static const char *const names[] = {"linux", "freebsd"};
    for (size_t i = 0; i < 2; i++) {
        struct strata_config config = {.size = sizeof config};
        REQUIRE(strata_host_new(&host, &config) == 0);
        struct sysctl_target target = {host, &rules};
        const struct sysctl_row *row = sysctl_profile(names[i]);
        REQUIRE(row != NULL);
        for (; row->name; row++)
            CHECK_EQ(sysctl_set(&target, row->name, row->value), 0);
        strata_host_free(host);
    }
    CHECK(sysctl_profile("plan9") == NULL);
}

TEST(addresses_there_and_back)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)}, in_back;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_scope_id = 3}, in6_back;
    struct strata_endpoint endpoint;
    socklen_t length = sizeof in_back;
    in.sin_addr.s_addr = htonl(0xc0000201);
    in6.sin6_addr.s6_addr[0] = 0xfe;
    CHECK_EQ(address_from_posix((struct sockaddr *)&in, sizeof in, AF_INET, &endpoint), 0);
    CHECK_EQ(endpoint.port, 80);
    CHECK(strata_address_is_ipv4(&endpoint.address));
    address_to_posix(&endpoint, AF_INET, (struct sockaddr *)&in_back, &length);
    CHECK_MEM(&in_back, &in, sizeof in);
    CHECK_EQ(length, sizeof in);
    CHECK_EQ(address_from_posix((struct sockaddr *)&in6, sizeof in6, AF_INET6, &endpoint), 0);
    CHECK_EQ(endpoint.scope, 3);
    length = 8; // cut, and the whole length told
    address_to_posix(&endpoint, AF_INET6, (struct sockaddr *)&in6_back, &length);
    CHECK_MEM(&in6_back, &in6, 8);
    CHECK_EQ(length, sizeof in6);
    CHECK_EQ(address_from_posix((struct sockaddr *)&in6, 20, AF_INET6, &endpoint), -EINVAL);
    CHECK_EQ(address_from_posix((struct sockaddr *)&in, sizeof in, AF_INET6, &endpoint), -EAFNOSUPPORT);
    CHECK_EQ(address_from_posix(NULL, 0, AF_INET, &endpoint), -EINVAL);
}

TEST_MAIN(TEST_ENTRY(sysctls_have_many_forms), TEST_ENTRY(every_row_of_a_profile_can_be_set),
          TEST_ENTRY(addresses_there_and_back))
