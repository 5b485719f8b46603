/**
 * Socket options by table: which of POSIX's and Linux's is which of Strata's, and in what unit. What is not in the
 * table has a function of its own below it. Options that have no meaning for a stack in user space are kept and told
 * again where programs set them routinely; others are -ENOPROTOOPT.
 */
#include "posix/address.h"
#include "posix/info.h"
#include "posix/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

/* ---- Options that are more than a number ------------------------------------------------------------------ */

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

static int set_timeout(strata_time *timeout, const void *value, socklen_t length)
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

static int get_timeout(strata_time timeout, void *value, socklen_t *length)
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

static int set_own(struct posix_socket *socket, int level, int name, const void *value, socklen_t length,
                   strata_time now)
{
    int number = 0;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(socket, value, length, now);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return set_timeout(&socket->receive_timeout_ns, value, length);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return set_timeout(&socket->send_timeout_ns, value, length);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return set_congestion(socket, value, length, now);
    if (level == IPPROTO_TCP && name == NAME_FASTOPEN_KEY)
        return length != 16 && length != 32
                   ? -EINVAL
                   : strata_set_fast_open_keys(socket->host, socket->handle, value, length / 16);
    int error = take_int(value, length, level == IPPROTO_IP, &number);
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_PRIORITY:
            socket->priority = error ? socket->priority : (uint32_t)number;
            return error;
        case SO_MARK:
            socket->mark = error ? socket->mark : (uint32_t)number;
            return error;
        case SO_ZEROCOPY: // writing copies, as Linux's may too
        case SO_DEBUG:
        case SO_DONTROUTE:
        case SO_TIMESTAMP:
            return error;
        default:
            return -ENOPROTOOPT;
        }
    }
    if (level == IPPROTO_TCP && name == NAME_INQ) {
        if (!error && number != 0 && number != 1)
            return -EINVAL;
        socket->inquire = error ? socket->inquire : number != 0;
        return error;
    }
    bool accepted = (level == IPPROTO_IP && (name == IP_MTU_DISCOVER || name == IP_PKTINFO)) ||
                    (level == IPPROTO_IPV6 && (name == IPV6_MTU_DISCOVER || name == IPV6_RECVPKTINFO));
    return accepted ? error : -ENOPROTOOPT;
}

int posix_set_option(struct posix_socket *socket, int level, int name, const void *value, socklen_t length,
                     strata_time now)
{
    const struct row *row = find(level, name);
    if (!value && length > 0)
        return -EFAULT;
    if (level == IPPROTO_IPV6 && socket->domain != AF_INET6)
        return -ENOPROTOOPT;
    return row ? set_row(socket, row, value, length, now) : set_own(socket, level, name, value, length, now);
}

/* ---- Asking ------------------------------------------------------------------------------------------------ */

static int get_info(struct posix_socket *socket, int level, int name, void *value, socklen_t *length)
{
    struct strata_tcp_info info = {.size = sizeof info};
    int64_t receive = 0, send = 0;
    int error = strata_tcp_info(socket->host, socket->handle, &info);
    if (error)
        return error;
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_RECEIVE_BUFFER, &receive);
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_SEND_BUFFER, &send);
    if (level == SOL_SOCKET)
        info_memory(&info, (uint32_t)receive, (uint32_t)send, value, length);
    else if (name == TCP_INFO)
        return info_tcp(socket->host, socket->handle, value, length);
    else
        info_congestion(&info, value, length);
    return 0;
}

static int get_own(struct posix_socket *socket, int level, int name, void *value, socklen_t *length)
{
    if (level == IPPROTO_TCP) {
        switch (name) {
        case TCP_INFO:
        case NAME_CC_INFO:
            return socket->type == SOCK_STREAM ? get_info(socket, level, name, value, length) : -EOPNOTSUPP;
        case TCP_CONGESTION:
            return get_congestion(socket, value, length);
        case NAME_INQ:
            return give_int(socket->inquire, value, length);
        default:
            return -ENOPROTOOPT;
        }
    }
    if (level != SOL_SOCKET)
        return -ENOPROTOOPT;
    switch (name) {
    case NAME_MEMINFO:
        return socket->type == SOCK_STREAM ? get_info(socket, level, name, value, length) : -EOPNOTSUPP;
    case SO_LINGER:
        return get_linger(socket, value, length);
    case SO_RCVTIMEO:
        return get_timeout(socket->receive_timeout_ns, value, length);
    case SO_SNDTIMEO:
        return get_timeout(socket->send_timeout_ns, value, length);
    case SO_ERROR: {
        int error = strata_take_error(socket->host, socket->handle);
        if (error > 0) {
            socket->reset_told = true;
            socket->connecting = false;
        }
        return error < 0 ? error : give_int(error, value, length);
    }
    case SO_TYPE:
        return give_int(socket->type, value, length);
    case SO_DOMAIN:
        return give_int(socket->domain, value, length);
    case SO_PROTOCOL:
        return give_int(socket->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP, value, length);
    case SO_ACCEPTCONN:
        return give_int(socket->listening, value, length);
    case SO_PRIORITY:
        return give_int(socket->priority, value, length);
    case SO_MARK:
        return give_int(socket->mark, value, length);
    case SO_SNDLOWAT:
        return give_int(1, value, length);
    default:
        return -ENOPROTOOPT;
    }
}

int posix_get_option(struct posix_socket *socket, int level, int name, void *value, socklen_t *length)
{
    if (!length || (!value && *length > 0))
        return -EFAULT;
    if (*length > INT32_MAX)
        return -EINVAL;
    const struct row *row = find(level, name);
    if (level == IPPROTO_IPV6 && socket->domain != AF_INET6)
        return -ENOPROTOOPT;
    if (!row)
        return get_own(socket, level, name, value, length);
    int64_t number;
    int error = strata_get_option(socket->host, socket->handle, row->option, &number);
    return error ? error : give_int(number / row->unit, value, length);
}
