/*
 * Socket options of the kernel under our names. What counts in nanoseconds here counts in seconds or
 * milliseconds there; what exists per family there is one here.
 *
 * Kernels have no limits for slow peers (STRATA_OPTION_SEND_STALL_NS, STRATA_OPTION_RECEIVE_STALL_NS,
 * STRATA_OPTION_SEND_RATE, STRATA_OPTION_RECEIVE_RATE) and do not tell their user timeout
 * (STRATA_OPTION_ADVERTISED_TIMEOUT_NS).
 */
#include "rt/kernel.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73 /* RFC 5082, where the C library does not name it */
#endif

/** How a value is turned into the kernel's. */
enum unit { UNIT_NUMBER, UNIT_FLAG, UNIT_SECONDS, UNIT_MILLISECONDS, UNIT_DISCOVERY, UNIT_PROBE };

/** An option that is an int at one or two levels; name6 0: the same for both families. */
struct mapping {
    enum strata_option option;
    int level, name;
    int name6; /**< At IPPROTO_IPV6. */
    enum unit unit;
};

static const struct mapping mappings[] = {
    {STRATA_OPTION_SEND_BUFFER, SOL_SOCKET, SO_SNDBUF, 0, UNIT_NUMBER},
    {STRATA_OPTION_RECEIVE_BUFFER, SOL_SOCKET, SO_RCVBUF, 0, UNIT_NUMBER},
    {STRATA_OPTION_REUSE_ADDRESS, SOL_SOCKET, SO_REUSEADDR, 0, UNIT_FLAG},
    {STRATA_OPTION_REUSE_PORT, SOL_SOCKET, SO_REUSEPORT, 0, UNIT_FLAG},
    {STRATA_OPTION_V6ONLY, IPPROTO_IPV6, IPV6_V6ONLY, 0, UNIT_FLAG},
    {STRATA_OPTION_TTL, IPPROTO_IP, IP_TTL, IPV6_UNICAST_HOPS, UNIT_NUMBER},
    {STRATA_OPTION_TOS, IPPROTO_IP, IP_TOS, IPV6_TCLASS, UNIT_NUMBER},
    {STRATA_OPTION_NO_DELAY, IPPROTO_TCP, TCP_NODELAY, 0, UNIT_FLAG},
    {STRATA_OPTION_KEEP_ALIVE, SOL_SOCKET, SO_KEEPALIVE, 0, UNIT_FLAG},
    {STRATA_OPTION_KEEP_IDLE_NS, IPPROTO_TCP, TCP_KEEPIDLE, 0, UNIT_SECONDS},
    {STRATA_OPTION_KEEP_INTERVAL_NS, IPPROTO_TCP, TCP_KEEPINTVL, 0, UNIT_SECONDS},
    {STRATA_OPTION_KEEP_COUNT, IPPROTO_TCP, TCP_KEEPCNT, 0, UNIT_NUMBER},
    {STRATA_OPTION_USER_TIMEOUT_NS, IPPROTO_TCP, TCP_USER_TIMEOUT, 0, UNIT_MILLISECONDS},
    {STRATA_OPTION_MAX_SEGMENT, IPPROTO_TCP, TCP_MAXSEG, 0, UNIT_NUMBER},
    {STRATA_OPTION_URGENT_INLINE, SOL_SOCKET, SO_OOBINLINE, 0, UNIT_FLAG},
    {STRATA_OPTION_BROADCAST, SOL_SOCKET, SO_BROADCAST, 0, UNIT_FLAG},
    {STRATA_OPTION_MULTICAST_TTL, IPPROTO_IP, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, UNIT_NUMBER},
    {STRATA_OPTION_MULTICAST_LOOP, IPPROTO_IP, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, UNIT_FLAG},
    {STRATA_OPTION_DONT_FRAGMENT, IPPROTO_IP, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, UNIT_DISCOVERY},
    {STRATA_OPTION_PATH_MTU_PROBE, IPPROTO_IP, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, UNIT_PROBE},
    {STRATA_OPTION_NO_CHECKSUM, SOL_SOCKET, SO_NO_CHECK, 0, UNIT_FLAG},
    {STRATA_OPTION_RECEIVE_ERRORS, IPPROTO_IP, IP_RECVERR, IPV6_RECVERR, UNIT_FLAG},
    {STRATA_OPTION_TRANSPARENT, IPPROTO_IP, IP_TRANSPARENT, IPV6_TRANSPARENT, UNIT_FLAG},
    {STRATA_OPTION_FAST_OPEN, IPPROTO_TCP, TCP_FASTOPEN, 0, UNIT_NUMBER},
    {STRATA_OPTION_FAST_OPEN_CONNECT, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, UNIT_FLAG},
    {STRATA_OPTION_FAST_OPEN_NO_COOKIE, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 0, UNIT_FLAG},
    {STRATA_OPTION_DEFER_ACCEPT_NS, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, UNIT_SECONDS},
    {STRATA_OPTION_SYN_RETRIES, IPPROTO_TCP, TCP_SYNCNT, 0, UNIT_NUMBER},
    {STRATA_OPTION_CORK, IPPROTO_TCP, TCP_CORK, 0, UNIT_FLAG},
    {STRATA_OPTION_QUICK_ACK, IPPROTO_TCP, TCP_QUICKACK, 0, UNIT_FLAG},
    {STRATA_OPTION_UNSENT_LOW, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, UNIT_NUMBER},
    {STRATA_OPTION_RECEIVE_LOW, SOL_SOCKET, SO_RCVLOWAT, 0, UNIT_NUMBER},
    {STRATA_OPTION_WINDOW_CLAMP, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, UNIT_NUMBER},
    {STRATA_OPTION_MIN_TTL, IPPROTO_IP, IP_MINTTL, IPV6_MINHOPCOUNT, UNIT_NUMBER},
};

/* STRATA_OPTION_FILTER, STRATA_OPTION_SEND_LOW and STRATA_OPTION_RECEIVED_TOS: the kernel has nothing of the kind that
 * can be set, or asked for, by an option. */

static const struct mapping *mapping_of(enum strata_option option)
{
    for (size_t i = 0; i < sizeof mappings / sizeof *mappings; i++)
        if (mappings[i].option == option)
            return &mappings[i];
    return NULL;
}

static int64_t divide_up(int64_t value, int64_t unit)
{
    return value / unit + (value % unit > 0);
}

static int to_kernel(enum unit unit, int64_t value, int *converted)
{
    switch (unit) {
    case UNIT_FLAG:
        value = value != 0;
        break;
    case UNIT_SECONDS:
        value = divide_up(value, STRATA_SECOND);
        break;
    case UNIT_MILLISECONDS:
        value = divide_up(value, STRATA_MILLISECOND);
        break;
    case UNIT_DISCOVERY:
        value = value ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT; /* the same numbers in IPv6 */
        break;
    case UNIT_PROBE:
        value = value ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
        break;
    case UNIT_NUMBER:
        break;
    }
    if (value < 0 || value > INT32_MAX)
        return -EINVAL;
    *converted = (int)value;
    return 0;
}

static int64_t from_kernel(enum unit unit, int value)
{
    switch (unit) {
    case UNIT_SECONDS:
        return value * STRATA_SECOND;
    case UNIT_MILLISECONDS:
        return value * STRATA_MILLISECOND;
    case UNIT_DISCOVERY:
        return value == IP_PMTUDISC_DO;
    case UNIT_PROBE:
        return value == IP_PMTUDISC_PROBE;
    case UNIT_FLAG:
        return value != 0;
    case UNIT_NUMBER:
        break;
    }
    return value;
}

static int set_int(const struct kernel_conn *conn, int level, int name, int value)
{
    return setsockopt(conn->fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int get_int(const struct kernel_conn *conn, int level, int name, int *value)
{
    socklen_t length = sizeof *value;
    *value = 0;
    return getsockopt(conn->fd, level, name, value, &length) < 0 ? -errno : 0;
}

static int set_linger(const struct kernel_conn *conn, int64_t value_ns)
{
    struct linger linger = {.l_onoff = value_ns >= 0,
                            .l_linger = value_ns > 0 ? (int)divide_up(value_ns, STRATA_SECOND) : 0};
    return setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0 ? -errno : 0;
}

static int get_linger(const struct kernel_conn *conn, int64_t *value_ns)
{
    struct linger linger;
    socklen_t length = sizeof linger;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, &length) < 0)
        return -errno;
    *value_ns = linger.l_onoff ? linger.l_linger * STRATA_SECOND : -1;
    return 0;
}

static int set_congestion(const struct kernel_conn *conn, int64_t index)
{
    const char *name = index >= 0 && index <= INT32_MAX ? strata_congestion_name((unsigned)index) : NULL;
    if (!name)
        return -EINVAL;
    return setsockopt(conn->fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0 ? -errno : 0;
}

static int get_congestion(const struct kernel_conn *conn, int64_t *value)
{
    char name[32] = {0};
    const char *known;
    socklen_t length = sizeof name - 1;
    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_CONGESTION, name, &length) < 0)
        return -errno;
    for (unsigned i = 0; (known = strata_congestion_name(i)); i++) {
        if (strcmp(known, name) == 0) {
            *value = i;
            return 0;
        }
    }
    return -ENOENT; /* the kernel uses one that we do not know */
}

static int set_pacing(const struct kernel_conn *conn, int64_t bytes)
{
    uint64_t most = bytes > 0 ? (uint64_t)bytes : UINT64_MAX;
    return setsockopt(conn->fd, SOL_SOCKET, SO_MAX_PACING_RATE, &most, sizeof most) < 0 ? -errno : 0;
}

static int get_pacing(const struct kernel_conn *conn, int64_t *bytes)
{
    uint64_t most = 0;
    socklen_t length = sizeof most;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_MAX_PACING_RATE, &most, &length) < 0)
        return -errno;
    bool none = most == (length == sizeof most ? UINT64_MAX : UINT32_MAX);
    *bytes = none ? 0 : (int64_t)most;
    return 0;
}

static int set_bind_port(const struct kernel_conn *conn, int64_t value)
{
    char name[IF_NAMESIZE] = "";
    if (value != 0 && (value < 0 || value > INT32_MAX || !if_indextoname((unsigned)value, name)))
        return -ENODEV;
    socklen_t length = (socklen_t)strlen(name) + 1;
    return setsockopt(conn->fd, SOL_SOCKET, SO_BINDTODEVICE, name, length) < 0 ? -errno : 0;
}

static int get_bind_port(const struct kernel_conn *conn, int64_t *value)
{
    char name[IF_NAMESIZE] = "";
    socklen_t length = sizeof name;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length) < 0)
        return -errno;
    *value = name[0] ? if_nametoindex(name) : 0;
    return 0;
}

static int set_multicast_port(const struct kernel_conn *conn, int64_t value)
{
    struct ip_mreqn request = {.imr_ifindex = (int)value};
    if (setsockopt(conn->fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) < 0)
        return -errno;
    return conn->family == AF_INET6 ? set_int(conn, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)value) : 0;
}

/** Sets a mapped option for the families that the socket has. */
static int set_mapped(const struct kernel_conn *conn, const struct mapping *mapping, int64_t value)
{
    int converted;
    int error = to_kernel(mapping->unit, value, &converted);
    if (error < 0)
        return error;
    if (mapping->level == IPPROTO_IPV6 && conn->family != AF_INET6)
        return 0; /* V6ONLY where there is no IPv6 */
    error = set_int(conn, mapping->level, mapping->name, converted);
    if (error >= 0 && mapping->name6 && conn->family == AF_INET6)
        error = set_int(conn, IPPROTO_IPV6, mapping->name6, converted);
    return error;
}

int kernel_set_option(void *net, void *self, enum strata_option option, int64_t value)
{
    struct kernel_conn *conn = self;
    (void)net;
    int error;
    switch ((int)option) {
    case STRATA_OPTION_LINGER_NS:
        return set_linger(conn, value);
    case STRATA_OPTION_CONGESTION:
        return set_congestion(conn, value);
    case STRATA_OPTION_PACING_RATE:
        return set_pacing(conn, value);
    case STRATA_OPTION_BIND_PORT:
        error = set_bind_port(conn, value);
        break;
    case STRATA_OPTION_MULTICAST_PORT:
        error = set_multicast_port(conn, value);
        break;
    case STRATA_OPTION_FILTER:
        return value ? -ENOTSUP : 0;
    default: {
        const struct mapping *mapping = mapping_of(option);
        error = mapping ? set_mapped(conn, mapping, value) : -EINVAL;
    }
    }
    if (error < 0 || conn->type != STRATA_ECHO)
        return error;
    /* An echo socket may be exchanged for one of the other family: remember what was set, each once. */
    unsigned slot = 0;
    while (slot < conn->echo_option_count && conn->echo_options[slot].option != option)
        slot++;
    if (slot == sizeof conn->echo_options / sizeof *conn->echo_options)
        return -ENOSPC;
    conn->echo_options[slot].option = option;
    conn->echo_options[slot].value = value;
    if (slot == conn->echo_option_count)
        conn->echo_option_count++;
    return 0;
}

int kernel_get_option(void *net, void *self, enum strata_option option, int64_t *value)
{
    const struct kernel_conn *conn = self;
    (void)net;
    switch ((int)option) {
    case STRATA_OPTION_LINGER_NS:
        return get_linger(conn, value);
    case STRATA_OPTION_CONGESTION:
        return get_congestion(conn, value);
    case STRATA_OPTION_PACING_RATE:
        return get_pacing(conn, value);
    case STRATA_OPTION_BIND_PORT:
        return get_bind_port(conn, value);
    case STRATA_OPTION_FILTER:
        *value = 0;
        return 0;
    default:
        break;
    }
    const struct mapping *mapping = mapping_of(option);
    if (!mapping)
        return -EINVAL;
    int found = 0, error = 0;
    if (mapping->level != IPPROTO_IPV6 || conn->family == AF_INET6)
        error = get_int(conn, mapping->level, mapping->name, &found);
    if (error >= 0)
        *value = from_kernel(mapping->unit, found);
    return error;
}

int kernel_member(void *net, void *self, const struct strata_address *group, int port, bool join)
{
    const struct kernel_conn *conn = self;
    (void)net;
    if (strata_address_is_ipv4(group)) {
        struct ip_mreqn request = {.imr_ifindex = port};
        memcpy(&request.imr_multiaddr, group->bytes + 12, 4);
        int name = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
        return setsockopt(conn->fd, IPPROTO_IP, name, &request, sizeof request) < 0 ? -errno : 0;
    }
    if (conn->family != AF_INET6)
        return -EAFNOSUPPORT;
    struct ipv6_mreq request = {.ipv6mr_interface = (unsigned)port};
    memcpy(&request.ipv6mr_multiaddr, group->bytes, 16);
    int name = join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
    return setsockopt(conn->fd, IPPROTO_IPV6, name, &request, sizeof request) < 0 ? -errno : 0;
}
