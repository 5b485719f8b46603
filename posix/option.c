/**
 * Socket options by tables: which of POSIX's and Linux's is which of Strata's, and in what unit; and those that are
 * none of Strata's, with the field that keeps them or functions of their own. Options that have no meaning for a stack
 * in user space are kept and told again where programs set them routinely; others are -ENOPROTOOPT.
 */
#include "posix/address.h"
#include "posix/info.h"
#include "posix/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/time.h>

/** Names that older headers of the C library lack; the numbers are Linux's. */
enum { NAME_INQ = 36, NAME_CC_INFO = 26, NAME_MEMINFO = 55, NAME_FASTOPEN_KEY = 33, NAME_FASTOPEN_NO_COOKIE = 34 };

enum form { FORM_NUMBER, FORM_FLAG, FORM_BUFFER, FORM_OCTET };

struct row {
    int level, name;
    enum strata_option option;
    enum form form;
    int64_t unit; /**< Of the program, in units of Strata. */
};

static const struct row rows[] = {
    {SOL_SOCKET, SO_REUSEADDR, STRATA_OPTION_REUSE_ADDRESS, FORM_FLAG, 1},
    {SOL_SOCKET, SO_REUSEPORT, STRATA_OPTION_REUSE_PORT, FORM_FLAG, 1},
    {SOL_SOCKET, SO_KEEPALIVE, STRATA_OPTION_KEEP_ALIVE, FORM_FLAG, 1},
    {SOL_SOCKET, SO_OOBINLINE, STRATA_OPTION_URGENT_INLINE, FORM_FLAG, 1},
    {SOL_SOCKET, SO_BROADCAST, STRATA_OPTION_BROADCAST, FORM_FLAG, 1},
    {SOL_SOCKET, SO_SNDBUF, STRATA_OPTION_SEND_BUFFER, FORM_BUFFER, 1},
    {SOL_SOCKET, SO_RCVBUF, STRATA_OPTION_RECEIVE_BUFFER, FORM_BUFFER, 1},
    {IPPROTO_IP, IP_TTL, STRATA_OPTION_TTL, FORM_OCTET, 1},
    {IPPROTO_IP, IP_TOS, STRATA_OPTION_TOS, FORM_OCTET, 1},
    {IPPROTO_IP, IP_MULTICAST_TTL, STRATA_OPTION_MULTICAST_TTL, FORM_OCTET, 1},
    {IPPROTO_IP, IP_MULTICAST_LOOP, STRATA_OPTION_MULTICAST_LOOP, FORM_FLAG, 1},
    {IPPROTO_IP, IP_RECVERR, STRATA_OPTION_RECEIVE_ERRORS, FORM_FLAG, 1},
    {IPPROTO_IP, IP_TRANSPARENT, STRATA_OPTION_TRANSPARENT, FORM_FLAG, 1},
    {IPPROTO_IP, IP_FREEBIND, STRATA_OPTION_TRANSPARENT, FORM_FLAG, 1},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, STRATA_OPTION_TTL, FORM_NUMBER, 1},
    {IPPROTO_IPV6, IPV6_TCLASS, STRATA_OPTION_TOS, FORM_NUMBER, 1},
    {IPPROTO_IPV6, IPV6_V6ONLY, STRATA_OPTION_V6ONLY, FORM_FLAG, 1},
    {IPPROTO_IPV6, IPV6_RECVERR, STRATA_OPTION_RECEIVE_ERRORS, FORM_FLAG, 1},
    {IPPROTO_TCP, TCP_NODELAY, STRATA_OPTION_NO_DELAY, FORM_FLAG, 1},
    {IPPROTO_TCP, TCP_MAXSEG, STRATA_OPTION_MAX_SEGMENT, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, STRATA_OPTION_KEEP_IDLE_NS, FORM_NUMBER, STRATA_SECOND},
    {IPPROTO_TCP, TCP_KEEPINTVL, STRATA_OPTION_KEEP_INTERVAL_NS, FORM_NUMBER, STRATA_SECOND},
    {IPPROTO_TCP, TCP_KEEPCNT, STRATA_OPTION_KEEP_COUNT, FORM_NUMBER, 1},
    {SOL_SOCKET, SO_RCVLOWAT, STRATA_OPTION_RECEIVE_LOW, FORM_NUMBER, 1},
    {IPPROTO_IP, IP_MINTTL, STRATA_OPTION_MIN_TTL, FORM_OCTET, 1},
    {IPPROTO_TCP, TCP_CORK, STRATA_OPTION_CORK, FORM_FLAG, 1},
    {IPPROTO_TCP, TCP_QUICKACK, STRATA_OPTION_QUICK_ACK, FORM_FLAG, 1},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, STRATA_OPTION_WINDOW_CLAMP, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, STRATA_OPTION_UNSENT_LOW, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_SYNCNT, STRATA_OPTION_SYN_RETRIES, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, STRATA_OPTION_DEFER_ACCEPT_NS, FORM_NUMBER, STRATA_SECOND},
    {IPPROTO_TCP, TCP_FASTOPEN, STRATA_OPTION_FAST_OPEN, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, STRATA_OPTION_FAST_OPEN_CONNECT, FORM_NUMBER, 1},
    {IPPROTO_TCP, NAME_FASTOPEN_NO_COOKIE, STRATA_OPTION_FAST_OPEN_NO_COOKIE, FORM_NUMBER, 1},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, STRATA_OPTION_USER_TIMEOUT_NS, FORM_NUMBER, STRATA_MILLISECOND},
};

static const struct row *find(int level, int name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].level == level && rows[i].name == name)
            return &rows[i];
    return NULL;
}

/** What of Fast Open may be set when. @return 0 or a negative errno. */
static int check_fast_open(const struct posix_socket *socket, const struct row *row, int number)
{
    int64_t allowed = 0;
    if (row->option != STRATA_OPTION_FAST_OPEN_CONNECT && row->option != STRATA_OPTION_FAST_OPEN)
        return 0;
    (void)strata_get(socket->host, "net.ipv4.tcp_fastopen", &allowed);
    if (row->option == STRATA_OPTION_FAST_OPEN_CONNECT) {
        if (number > 1 || number < 0)
            return -EINVAL;
        if (!(allowed & 1))
            return -EOPNOTSUPP;
    }
    return socket->connected || socket->connecting || socket->deferred ? -EINVAL : 0;
}

/** An int; IP's options of one octet may also be given as one. */
static int take_int(const void *value, socklen_t length, bool octet, int *number)
{
    if (!value)
        return -EFAULT;
    if (octet && length >= 1 && length < sizeof *number) {
        *number = *(const uint8_t *)value;
        return 0;
    }
    if (length < sizeof *number)
        return -EINVAL;
    memcpy(number, value, sizeof *number);
    return 0;
}

static int give_bytes(const void *from, size_t size, void *value, socklen_t *length)
{
    if (*length > size)
        *length = (socklen_t)size;
    memcpy(value, from, *length);
    return 0;
}

static int give_int(int64_t number, void *value, socklen_t *length)
{
    int told = number > INT32_MAX ? INT32_MAX : (int)number;
    return give_bytes(&told, sizeof told, value, length);
}

static int set_row(struct posix_socket *socket, const struct row *row, const void *value, socklen_t length,
                   strata_time now)
{
    int number;
    int error = take_int(value, length, row->form == FORM_OCTET, &number);
    if (error)
        return error;
    if ((error = check_fast_open(socket, row, number)) != 0)
        return error;
    int64_t wanted = (int64_t)number * row->unit;
    if (row->form == FORM_FLAG)
        wanted = number != 0;
    if (row->option == STRATA_OPTION_RECEIVE_LOW) {
        wanted = number > 0 ? number : number < 0 ? INT32_MAX : 1;
        socket->receive_low_water = (uint32_t)wanted;
    }
    if (row->option == STRATA_OPTION_UNSENT_LOW)
        wanted = (uint32_t)number;
    if (row->form == FORM_BUFFER) {
        // Linux: the program's number is for its data, as much again is for bookkeeping; never less than a minimum.
        bool doubles = socket->rules->double_buffers;
        wanted = number < 0 || number > INT32_MAX / 2 ? INT32_MAX - 1 : doubles ? number * 2ll : number;
        if (wanted < 2304)
            wanted = 2304;
    }
    if (row->option == STRATA_OPTION_TTL && number == -1)
        wanted = 64;
    return strata_set_option(socket->host, socket->handle, row->option, wanted, now);
}

/* ---- Options that are more than a number, or no option of Strata's ----------------------------------------- */

static int set_linger(struct posix_socket *socket, const void *value, socklen_t length, strata_time now)
{
    struct linger linger;
    if (length < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    int64_t wait = linger.l_onoff ? (linger.l_linger < 0 ? INT32_MAX : linger.l_linger) * STRATA_SECOND : -1;
    return strata_set_option(socket->host, socket->handle, STRATA_OPTION_LINGER_NS, wait, now);
}

static int get_linger(struct posix_socket *socket, void *value, socklen_t *length)
{
    int64_t wait;
    int error = strata_get_option(socket->host, socket->handle, STRATA_OPTION_LINGER_NS, &wait);
    struct linger linger = {.l_onoff = wait >= 0, .l_linger = wait >= 0 ? (int)(wait / STRATA_SECOND) : 0};
    return error ? error : give_bytes(&linger, sizeof linger, value, length);
}

/** A wait as a timeval; what is negative is as short as can be. */
static int take_time(strata_time *timeout, const void *value, socklen_t length)
{
    struct timeval tv;
    if (length < sizeof tv)
        return -EINVAL;
    memcpy(&tv, value, sizeof tv);
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    *timeout = tv.tv_sec < 0 ? 1 : tv.tv_sec * STRATA_SECOND + tv.tv_usec * STRATA_MICROSECOND;
    return 0;
}

static int give_time(strata_time timeout, void *value, socklen_t *length)
{
    struct timeval tv = {.tv_sec = timeout / STRATA_SECOND, .tv_usec = timeout % STRATA_SECOND / STRATA_MICROSECOND};
    return give_bytes(&tv, sizeof tv, value, length);
}

static int set_congestion(struct posix_socket *socket, const void *value, socklen_t length, strata_time now)
{
    char name[16] = "";
    if (length < 1)
        return -EINVAL;
    memcpy(name, value, length < sizeof name - 1 ? length : sizeof name - 1);
    for (unsigned i = 0; strata_congestion_name(i); i++)
        if (strcmp(strata_congestion_name(i), name) == 0)
            return strata_set_option(socket->host, socket->handle, STRATA_OPTION_CONGESTION, i, now);
    return -ENOENT;
}

static int get_congestion(struct posix_socket *socket, void *value, socklen_t *length)
{
    int64_t index;
    int error = strata_get_option(socket->host, socket->handle, STRATA_OPTION_CONGESTION, &index);
    char name[16] = "";
    if (error)
        return error;
    const char *known = strata_congestion_name((unsigned)index);
    for (size_t i = 0; known && known[i] && i < sizeof name - 1; i++)
        name[i] = known[i];
    return give_bytes(name, sizeof name, value, length);
}

static int set_keys(struct posix_socket *socket, const void *value, socklen_t length, strata_time now)
{
    (void)now;
    if (length != 16 && length != 32)
        return -EINVAL;
    return strata_set_fast_open_keys(socket->host, socket->handle, value, length / 16);
}

static int get_info(struct posix_socket *socket, void *value, socklen_t *length)
{
    if (socket->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    return info_tcp(socket->host, socket->handle, value, length);
}

static int tcp_info(struct posix_socket *socket, struct strata_tcp_info *info)
{
    return socket->type == SOCK_STREAM ? strata_tcp_info(socket->host, socket->handle, info) : -EOPNOTSUPP;
}

static int get_congestion_info(struct posix_socket *socket, void *value, socklen_t *length)
{
    return info_congestion(socket->host, socket->handle, value, length);
}

static int get_memory_info(struct posix_socket *socket, void *value, socklen_t *length)
{
    struct strata_tcp_info info = {.size = sizeof info};
    int64_t receive = 0, send = 0;
    int error = tcp_info(socket, &info);
    if (error)
        return error;
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_RECEIVE_BUFFER, &receive);
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_SEND_BUFFER, &send);
    info_memory(&info, (uint32_t)receive, (uint32_t)send, value, length);
    return 0;
}

static int get_error(struct posix_socket *socket, void *value, socklen_t *length)
{
    int error = strata_take_error(socket->host, socket->handle);
    if (error > 0) {
        socket->reset_told = true;
        socket->connecting = false;
    }
    return error < 0 ? error : give_int(error, value, length);
}

static int get_protocol(struct posix_socket *socket, void *value, socklen_t *length)
{
    return give_int(socket->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP, value, length);
}

static int get_send_low_water(struct posix_socket *socket, void *value, socklen_t *length)
{
    (void)socket;
    return give_int(1, value, length);
}

/** How an option is that is no option of Strata's: with functions of its own, or a field of the socket's record. */
enum own_form {
    OWN_FUNCTIONS,
    OWN_TIME,    /**< A strata_time, to the program a timeval. */
    OWN_NUMBER,  /**< A uint32_t. */
    OWN_BIT,     /**< A bool that is set to 0 or 1. */
    TOLD_NUMBER, /**< An int that cannot be set. */
    TOLD_BIT,    /**< A bool, likewise. */
    IGNORED,     /**< Nothing: what programs set as a matter of course. */
};

struct own_row {
    int level, name;
    enum own_form form;
    size_t field;
    /** NULL: -ENOPROTOOPT. */
    int (*set)(struct posix_socket *socket, const void *value, socklen_t length, strata_time now);
    int (*get)(struct posix_socket *socket, void *value, socklen_t *length);
};

#define FIELD(name) offsetof(struct posix_socket, name)
static const struct own_row own_rows[] = {
    {SOL_SOCKET, SO_RCVTIMEO, OWN_TIME, FIELD(receive_timeout_ns), NULL, NULL},
    {SOL_SOCKET, SO_SNDTIMEO, OWN_TIME, FIELD(send_timeout_ns), NULL, NULL},
    {SOL_SOCKET, SO_PRIORITY, OWN_NUMBER, FIELD(priority), NULL, NULL},
    {SOL_SOCKET, SO_MARK, OWN_NUMBER, FIELD(mark), NULL, NULL},
    {IPPROTO_TCP, NAME_INQ, OWN_BIT, FIELD(inquire), NULL, NULL},
    {SOL_SOCKET, SO_TYPE, TOLD_NUMBER, FIELD(type), NULL, NULL},
    {SOL_SOCKET, SO_DOMAIN, TOLD_NUMBER, FIELD(domain), NULL, NULL},
    {SOL_SOCKET, SO_ACCEPTCONN, TOLD_BIT, FIELD(listening), NULL, NULL},
    {SOL_SOCKET, SO_ZEROCOPY, IGNORED, 0, NULL, NULL}, // writing copies, as Linux's may too
    {SOL_SOCKET, SO_DEBUG, IGNORED, 0, NULL, NULL},
    {SOL_SOCKET, SO_DONTROUTE, IGNORED, 0, NULL, NULL},
    {SOL_SOCKET, SO_TIMESTAMP, IGNORED, 0, NULL, NULL},
    {IPPROTO_IP, IP_MTU_DISCOVER, IGNORED, 0, NULL, NULL},
    {IPPROTO_IP, IP_PKTINFO, IGNORED, 0, NULL, NULL},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IGNORED, 0, NULL, NULL},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, IGNORED, 0, NULL, NULL},
    {SOL_SOCKET, SO_LINGER, OWN_FUNCTIONS, 0, set_linger, get_linger},
    {SOL_SOCKET, SO_ERROR, OWN_FUNCTIONS, 0, NULL, get_error},
    {SOL_SOCKET, SO_PROTOCOL, OWN_FUNCTIONS, 0, NULL, get_protocol},
    {SOL_SOCKET, SO_SNDLOWAT, OWN_FUNCTIONS, 0, NULL, get_send_low_water},
    {SOL_SOCKET, NAME_MEMINFO, OWN_FUNCTIONS, 0, NULL, get_memory_info},
    {IPPROTO_TCP, TCP_INFO, OWN_FUNCTIONS, 0, NULL, get_info},
    {IPPROTO_TCP, NAME_CC_INFO, OWN_FUNCTIONS, 0, NULL, get_congestion_info},
    {IPPROTO_TCP, TCP_CONGESTION, OWN_FUNCTIONS, 0, set_congestion, get_congestion},
    {IPPROTO_TCP, NAME_FASTOPEN_KEY, OWN_FUNCTIONS, 0, set_keys, NULL},
};

static const struct own_row *find_own(int level, int name)
{
    for (size_t i = 0; i < sizeof own_rows / sizeof *own_rows; i++)
        if (own_rows[i].level == level && own_rows[i].name == name)
            return &own_rows[i];
    return NULL;
}

static int set_own(struct posix_socket *socket, const struct own_row *row, const void *value, socklen_t length,
                   strata_time now)
{
    char *field = (char *)socket + row->field;
    if (row->form == OWN_FUNCTIONS)
        return row->set ? row->set(socket, value, length, now) : -ENOPROTOOPT;
    if (row->form == OWN_TIME)
        return take_time((strata_time *)(void *)field, value, length);
    if (row->form == TOLD_NUMBER || row->form == TOLD_BIT)
        return -ENOPROTOOPT;
    int number, error = take_int(value, length, row->level == IPPROTO_IP, &number);
    if (error)
        return error;
    if (row->form == OWN_NUMBER)
        *(uint32_t *)(void *)field = (uint32_t)number;
    if (row->form == OWN_BIT) {
        if (number != 0 && number != 1)
            return -EINVAL;
        *(bool *)field = number;
    }
    return 0;
}

static int get_own(struct posix_socket *socket, const struct own_row *row, void *value, socklen_t *length)
{
    const char *field = (const char *)socket + row->field;
    switch (row->form) {
    case OWN_TIME:
        return give_time(*(const strata_time *)(const void *)field, value, length);
    case OWN_NUMBER:
        return give_int(*(const uint32_t *)(const void *)field, value, length);
    case TOLD_NUMBER:
        return give_int(*(const int *)(const void *)field, value, length);
    case OWN_BIT:
    case TOLD_BIT:
        return give_int(*(const bool *)field, value, length);
    default:
        return row->get ? row->get(socket, value, length) : -ENOPROTOOPT;
    }
}

/* ---- Both ------------------------------------------------------------------------------------------------- */

int posix_set_option(struct posix_socket *socket, int level, int name, const void *value, socklen_t length,
                     strata_time now)
{
    const struct row *row = find(level, name);
    const struct own_row *own = find_own(level, name);
    if (!value && length > 0)
        return -EFAULT;
    if (level == IPPROTO_IPV6 && socket->domain != AF_INET6)
        return -ENOPROTOOPT;
    if (row)
        return set_row(socket, row, value, length, now);
    return own ? set_own(socket, own, value, length, now) : -ENOPROTOOPT;
}

int posix_get_option(struct posix_socket *socket, int level, int name, void *value, socklen_t *length)
{
    const struct row *row = find(level, name);
    const struct own_row *own = find_own(level, name);
    if (!length || (!value && *length > 0))
        return -EFAULT;
    if (*length > INT32_MAX)
        return -EINVAL;
    if (level == IPPROTO_IPV6 && socket->domain != AF_INET6)
        return -ENOPROTOOPT;
    if (!row)
        return own ? get_own(socket, own, value, length) : -ENOPROTOOPT;
    int64_t number;
    int error = strata_get_option(socket->host, socket->handle, row->option, &number);
    return error ? error : give_int(number / row->unit, value, length);
}
