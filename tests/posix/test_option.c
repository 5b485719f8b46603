/*
 * Socket options as POSIX and Linux have them: those of Strata's, those that are kept, those that are told, and none.
 */
#include "posix/socket.h"
#include "tests/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

static struct strata_host *host;
static struct posix_rules rules = {.double_buffers = true};
static struct posix_socket tcp, udp;

static void begin(void)
{
    struct strata_config config = {.size = sizeof config};
    REQUIRE(strata_host_new(&host, &config) == 0);
    REQUIRE(posix_open(&tcp, host, &rules, AF_INET, SOCK_STREAM, 0) == 0);
    REQUIRE(posix_open(&udp, host, &rules, AF_INET6, SOCK_DGRAM, 0) == 0);
}

static void end(void)
{
    CHECK_EQ(posix_close(&tcp, 0), 0);
    CHECK_EQ(posix_close(&udp, 0), 0);
    strata_host_free(host);
}

static int set(struct posix_socket *socket, int level, int name, int value)
{
    return posix_set_option(socket, level, name, &value, sizeof value, 0);
}

static int get(struct posix_socket *socket, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int error = posix_get_option(socket, level, name, &value, &length);
    return error ? error : value;
}

/** Numbers that are set and come back. */
TEST(numbers_come_back)
{
    static const struct {
        int level, name, set, got;
    } rows[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 7, 1},       {SOL_SOCKET, SO_SNDBUF, 10000, 20000},
        {SOL_SOCKET, SO_PRIORITY, 5, 5},        {SOL_SOCKET, SO_MARK, 77, 77},
        {IPPROTO_IP, IP_TTL, 33, 33},           {IPPROTO_IP, IP_TTL, -1, 64},
        {IPPROTO_TCP, TCP_NODELAY, 1, 1},       {IPPROTO_TCP, TCP_KEEPIDLE, 90, 90},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 15, 15}, {IPPROTO_TCP, 36, 1, 1},
        {SOL_SOCKET, SO_RCVLOWAT, 100, 100},
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_EQ(set(&tcp, rows[i].level, rows[i].name, rows[i].set), 0);
        CHECK_EQ(get(&tcp, rows[i].level, rows[i].name), rows[i].got);
    }
    CHECK_EQ(set(&tcp, IPPROTO_TCP, 36, 2), -EINVAL);
    CHECK(tcp.inquire);
    uint8_t octet = 3;
    CHECK_EQ(posix_set_option(&tcp, IPPROTO_IP, IP_TOS, &octet, 1, 0), 0); // one octet is enough for IP's
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_PRIORITY, &octet, 1, 0), -EINVAL);
    end();
}

TEST(times_and_names_come_back)
{
    begin();
    struct timeval time = {2, 500000}, told = {0};
    socklen_t length = sizeof time;
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time, 0), 0);
    CHECK_EQ(tcp.receive_timeout_ns, 2500 * STRATA_MILLISECOND);
    CHECK_EQ(tcp.send_timeout_ns, 0);
    CHECK_EQ(posix_get_option(&tcp, SOL_SOCKET, SO_RCVTIMEO, &told, &length), 0);
    CHECK(told.tv_sec == 2 && told.tv_usec == 500000);
    time.tv_usec = 1000000;
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time, 0), -EDOM);
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_SNDTIMEO, &time, 4, 0), -EINVAL);
    struct linger linger = {1, 20}, lingers = {0};
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger, 0), 0);
    length = sizeof lingers;
    CHECK_EQ(posix_get_option(&tcp, SOL_SOCKET, SO_LINGER, &lingers, &length), 0);
    CHECK(lingers.l_onoff && lingers.l_linger == 20);
    char name[16];
    length = sizeof name;
    CHECK_EQ(posix_set_option(&tcp, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5, 0), 0);
    CHECK_EQ(posix_get_option(&tcp, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
    CHECK_STR(name, "vegas");
    CHECK_EQ(posix_set_option(&tcp, IPPROTO_TCP, TCP_CONGESTION, "nobody", 6, 0), -ENOENT);
    end();
}

/** What a socket is can be asked, not changed. */
TEST(what_is_only_told)
{
    static const struct {
        int level, name, tcp, udp;
    } rows[] = {
        {SOL_SOCKET, SO_TYPE, SOCK_STREAM, SOCK_DGRAM},
        {SOL_SOCKET, SO_DOMAIN, AF_INET, AF_INET6},
        {SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP, IPPROTO_UDP},
        {SOL_SOCKET, SO_ACCEPTCONN, 0, 0},
        {SOL_SOCKET, SO_ERROR, 0, 0},
        {SOL_SOCKET, SO_SNDLOWAT, 1, 1},
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_EQ(get(&tcp, rows[i].level, rows[i].name), rows[i].tcp);
        CHECK_EQ(get(&udp, rows[i].level, rows[i].name), rows[i].udp);
        CHECK_EQ(set(&tcp, rows[i].level, rows[i].name, 1), -ENOPROTOOPT);
    }
    CHECK_EQ(get(&udp, IPPROTO_TCP, TCP_INFO), -EOPNOTSUPP);
    end();
}

TEST(what_does_nothing_and_what_is_none)
{
    begin();
    CHECK_EQ(set(&tcp, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
    CHECK_EQ(set(&tcp, IPPROTO_IP, IP_MTU_DISCOVER, 2), 0);
    CHECK_EQ(get(&tcp, SOL_SOCKET, SO_ZEROCOPY), -ENOPROTOOPT);
    CHECK_EQ(set(&tcp, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
    CHECK_EQ(get(&tcp, 9999, SO_TYPE), -ENOPROTOOPT);
    CHECK_EQ(set(&udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
    CHECK_EQ(set(&tcp, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), -ENOPROTOOPT); // a socket of IPv4
    CHECK_EQ(posix_set_option(&tcp, SOL_SOCKET, SO_MARK, NULL, 4, 0), -EFAULT);
    CHECK_EQ(posix_get_option(&tcp, SOL_SOCKET, SO_MARK, NULL, NULL), -EFAULT);
    end();
}

TEST_MAIN(TEST_ENTRY(numbers_come_back), TEST_ENTRY(times_and_names_come_back), TEST_ENTRY(what_is_only_told),
          TEST_ENTRY(what_does_nothing_and_what_is_none))
