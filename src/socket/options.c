/**
 * Socket options, all of one shape: a row says which field of the engine's options it is and what its bounds
 * are. Streams keep theirs here, because they exist before their connection does and are inherited from a
 * listener; datagram sockets keep their own.
 */
#include "socket/socket.h"

#include <errno.h>

struct row {
    uint8_t option, width;
    uint16_t offset;
    int64_t minimum, maximum;
};

#define BUFFER_MIN 2048
#define BUFFER_MAX ((int64_t)1 << 30)
#define RATE_MAX ((int64_t)1 << 40)
#define TIME_MAX (((int64_t)1 << 31) * STRATA_SECOND)

#define STREAM(option, field, minimum, maximum)                                                              \
    {                                                                                                        \
        STRATA_OPTION_##option, sizeof(((struct tcp_socket_options *)0)->field),                             \
            offsetof(struct tcp_socket_options, field), minimum, maximum                                     \
    }
static const struct row stream_rows[] = {
    STREAM(SEND_BUFFER, send_bytes, BUFFER_MIN, BUFFER_MAX),
    STREAM(RECEIVE_BUFFER, receive_bytes, BUFFER_MIN, BUFFER_MAX),
    STREAM(REUSE_ADDRESS, reuse_address, 0, 1),
    STREAM(REUSE_PORT, reuse_port, 0, 1),
    STREAM(V6ONLY, v6only, 0, 1),
    STREAM(TTL, ttl, 1, 255),
    STREAM(TOS, tos, 0, 255),
    STREAM(NO_DELAY, no_delay, 0, 1),
    STREAM(KEEP_ALIVE, keep_alive, 0, 1),
    STREAM(KEEP_IDLE_NS, keep_idle_ns, STRATA_MILLISECOND, TIME_MAX),
    STREAM(KEEP_INTERVAL_NS, keep_interval_ns, STRATA_MILLISECOND, TIME_MAX),
    STREAM(KEEP_COUNT, keep_count, 1, 127),
    STREAM(USER_TIMEOUT_NS, user_timeout_ns, 0, TIME_MAX),
    STREAM(LINGER_NS, linger_ns, -1, TIME_MAX),
    STREAM(MAX_SEGMENT, max_segment, 64, 65535),
    STREAM(URGENT_INLINE, urgent_inline, 0, 1),
    STREAM(CONGESTION, congestion, 0, 255),
    STREAM(RECEIVE_ERRORS, receive_errors, 0, 1),
    STREAM(BIND_PORT, bind_port, 0, 32767),
    STREAM(FAST_OPEN, fast_open, 0, 65535),
    STREAM(FAST_OPEN_CONNECT, fast_open_connect, 0, 1),
    STREAM(FAST_OPEN_NO_COOKIE, fast_open_no_cookie, 0, 1),
    STREAM(DEFER_ACCEPT_NS, defer_accept_ns, 0, TIME_MAX),
    STREAM(SYN_RETRIES, syn_retries, 0, 127),
    STREAM(SEND_STALL_NS, send_stall_ns, 0, TIME_MAX),
    STREAM(RECEIVE_STALL_NS, receive_stall_ns, 0, TIME_MAX),
    STREAM(SEND_RATE, send_rate, 0, RATE_MAX),
    STREAM(RECEIVE_RATE, receive_rate, 0, RATE_MAX),
    STREAM(ADVERTISED_TIMEOUT_NS, advertised_timeout_ns, 0, TIME_MAX),
    STREAM(FILTER, filter, 0, 1),
    STREAM(TRANSPARENT, transparent, 0, 1),
    STREAM(CORK, cork, 0, 1),
    STREAM(QUICK_ACK, quick_ack, 0, 1),
    STREAM(UNSENT_LOW, unsent_low, 0, UINT32_MAX),
    STREAM(SEND_LOW, send_low, 0, BUFFER_MAX),
    STREAM(RECEIVE_LOW, receive_low, 1, BUFFER_MAX),
    STREAM(WINDOW_CLAMP, window_most, 0, BUFFER_MAX),
    STREAM(PACING_RATE, pacing_bytes, 0, INT64_MAX - 1),
    STREAM(MIN_TTL, ttl_least, 0, 255),
};

#define DATAGRAM(option, field, minimum, maximum)                                                            \
    {                                                                                                        \
        STRATA_OPTION_##option, sizeof(((struct udp_options *)0)->field),                                    \
            offsetof(struct udp_options, field), minimum, maximum                                            \
    }
static const struct row datagram_rows[] = {
    DATAGRAM(SEND_BUFFER, send_bytes, BUFFER_MIN, BUFFER_MAX),
    DATAGRAM(RECEIVE_BUFFER, receive_bytes, BUFFER_MIN, BUFFER_MAX),
    DATAGRAM(REUSE_ADDRESS, reuse_address, 0, 1),
    DATAGRAM(REUSE_PORT, reuse_port, 0, 1),
    DATAGRAM(V6ONLY, v6only, 0, 1),
    DATAGRAM(TTL, ttl, 1, 255),
    DATAGRAM(TOS, tos, 0, 255),
    DATAGRAM(BROADCAST, broadcast, 0, 1),
    DATAGRAM(MULTICAST_TTL, multicast_ttl, 1, 255),
    DATAGRAM(MULTICAST_LOOP, multicast_loop, 0, 1),
    DATAGRAM(MULTICAST_PORT, multicast_port, 0, 32767),
    DATAGRAM(DONT_FRAGMENT, dont_fragment, 0, 1),
    DATAGRAM(PATH_MTU_PROBE, path_mtu_probe, 0, 1),
    DATAGRAM(NO_CHECKSUM, no_checksum, 0, 1),
    DATAGRAM(RECEIVE_ERRORS, receive_errors, 0, 1),
    DATAGRAM(BIND_PORT, bind_port, 0, 32767),
    DATAGRAM(TRANSPARENT, transparent, 0, 1),
};

static const struct row *find_row(const struct socket *socket, enum strata_option option)
{
    bool datagram = socket->kind == SOCKET_DATAGRAM;
    const struct row *rows = datagram ? datagram_rows : stream_rows;
    size_t count = datagram ? sizeof datagram_rows / sizeof *rows : sizeof stream_rows / sizeof *rows;
    for (size_t i = 0; i < count; i++)
        if (rows[i].option == (int64_t)option)
            return &rows[i];
    return NULL;
}

static int64_t row_load(const struct row *row, const void *options)
{
    const uint8_t *field = (const uint8_t *)options + row->offset;
    uint16_t narrow;
    uint32_t word;
    int64_t wide;
    switch (row->width) {
    case 1:
        return *field;
    case 2:
        memcpy(&narrow, field, sizeof narrow);
        return narrow;
    case 4:
        memcpy(&word, field, sizeof word);
        return word;
    default:
        memcpy(&wide, field, sizeof wide);
        return wide;
    }
}

static void row_store(const struct row *row, void *options, int64_t value)
{
    uint8_t *field = (uint8_t *)options + row->offset;
    uint16_t narrow = (uint16_t)value;
    uint32_t word = (uint32_t)value;
    switch (row->width) {
    case 1:
        *field = (uint8_t)value;
        break;
    case 2:
        memcpy(field, &narrow, sizeof narrow);
        break;
    case 4:
        memcpy(field, &word, sizeof word);
        break;
    default:
        memcpy(field, &value, sizeof value);
    }
}

/* ---- streams ----------------------------------------------------------------------------------- */

void stream_get_options(const struct sockets *sockets, const struct socket *socket,
                        struct tcp_socket_options *options)
{
    if (socket->options)
        *options = socket->options->options;
    else
        tcp_default_options(sockets->tcp, options);
}

void stream_share_options(struct socket *socket, const struct socket *with)
{
    socket->options = with->options;
    if (socket->options)
        socket->options->references++;
}

void stream_drop_options(struct sockets *sockets, struct socket *socket)
{
    struct stream_options *options = socket->options;
    socket->options = NULL;
    if (options && --options->references == 0)
        memory_release(&sockets->core->memory, options, sizeof *options);
}

/** Gives a stream options of its own. @return 0, -ENOMEM. */
static int own_options(struct sockets *sockets, struct socket *socket)
{
    if (socket->options && socket->options->references == 1)
        return 0;
    struct stream_options *own = memory_allocate(&sockets->core->memory, sizeof *own);
    if (!own)
        return -ENOMEM;
    stream_get_options(sockets, socket, &own->options);
    stream_drop_options(sockets, socket);
    own->references = 1;
    socket->options = own;
    return 0;
}

/** What may not change any more, or never be. @return 0 or a negative errno. */
static int stream_may_set(struct sockets *sockets, const struct socket *socket, enum strata_option option,
                          int64_t value)
{
    bool fresh = socket->kind == SOCKET_FRESH && !socket->binding;
    switch ((int)option) {
    case STRATA_OPTION_V6ONLY:
        return fresh ? 0 : -EINVAL;
    case STRATA_OPTION_BIND_PORT:
        if (value && !links_port(net_links(sockets->net), (int)value))
            return -ENODEV;
        return fresh ? 0 : -EINVAL;
    case STRATA_OPTION_MAX_SEGMENT:
        return socket->kind == SOCKET_CONNECTION ? -EISCONN : 0;
    case STRATA_OPTION_FAST_OPEN_CONNECT:
        return value && !tcp_may_open_fast(sockets->tcp) ? -EOPNOTSUPP : 0;
    case STRATA_OPTION_CONGESTION:
        return tcp_congestion_name((unsigned)value) ? 0 : -ENOENT;
    default:
        return 0;
    }
}

/** Makes changed options hold. */
static int stream_change(struct sockets *sockets, struct socket *socket, const struct tcp_socket_options *changed)
{
    int error = own_options(sockets, socket);
    if (error)
        return error;
    if (socket->binding) {
        uint32_t flags = stream_binding_flags(changed) | (socket->binding->flags & BINDING_LISTENING);
        if (flags != socket->binding->flags)
            error = ports_rebind(tcp_ports(sockets->tcp), socket->binding, flags);
        if (error)
            return error;
    }
    socket->options->options = *changed;
    if (socket->kind == SOCKET_LISTENER)
        tcp_listener_set_options(socket->listener, changed);
    if (socket->kind == SOCKET_CONNECTION)
        tcp_set_options(socket->connection, changed);
    return 0;
}

static int stream_set(struct sockets *sockets, struct socket *socket, const struct row *row, int64_t value)
{
    int error = stream_may_set(sockets, socket, (enum strata_option)row->option, value);
    if (error)
        return error;
    struct tcp_socket_options changed;
    stream_get_options(sockets, socket, &changed);
    row_store(row, &changed, value);
    changed.send_fixed |= row->option == STRATA_OPTION_SEND_BUFFER;
    changed.receive_fixed |= row->option == STRATA_OPTION_RECEIVE_BUFFER;
    error = stream_change(sockets, socket, &changed);
    if (error < 0 || socket->kind != SOCKET_CONNECTION)
        return error;
    if (row->option == STRATA_OPTION_NO_DELAY && value)
        tcp_push(socket->connection); // what a cork holds back as well
    else if (row->option == STRATA_OPTION_QUICK_ACK)
        tcp_quick_ack(socket->connection, value);
    return 0;
}

int strata_set_fast_open_keys(struct strata_host *host, strata_socket handle, const uint8_t *keys, unsigned count)
{
    struct sockets *sockets = sockets_of(host);
    struct socket *socket = socket_find(sockets, handle);
    struct tcp_socket_options changed;
    if (!socket)
        return -EBADF;
    if (socket->kind == SOCKET_DATAGRAM)
        return -ENOPROTOOPT;
    if (count > 2 || (count > 0 && !keys))
        return -EINVAL;
    stream_get_options(sockets, socket, &changed);
    changed.fast_open_keys = (uint8_t)count;
    if (count > 0)
        memcpy(changed.fast_open_key, keys, (size_t)count * 16);
    return stream_change(sockets, socket, &changed);
}

/* ---- both -------------------------------------------------------------------------------------- */

static int datagram_set(struct sockets *sockets, struct socket *socket, const struct row *row, int64_t value)
{
    bool names_port = row->option == STRATA_OPTION_BIND_PORT || row->option == STRATA_OPTION_MULTICAST_PORT;
    if (names_port && value && !links_port(net_links(sockets->net), (int)value))
        return -ENODEV;
    struct udp_options options;
    udp_get_options(socket->datagram, &options);
    row_store(row, &options, value);
    return udp_set_options(socket->datagram, &options);
}

/** What only a connection can say. @return whether it did. */
static bool connection_says(const struct socket *socket, enum strata_option option, int64_t *value)
{
    if (socket->kind != SOCKET_CONNECTION)
        return false;
    struct strata_tcp_info info = {.size = sizeof info};
    switch ((int)option) {
    case STRATA_OPTION_MAX_SEGMENT:
        tcp_info(socket->connection, &info);
        *value = info.mss_send;
        return true;
    case STRATA_OPTION_QUICK_ACK:
        *value = tcp_is_quick_ack(socket->connection);
        return true;
    case STRATA_OPTION_RECEIVED_TOS:
        *value = tcp_received_tos(socket->connection);
        return true;
    default:
        return false;
    }
}

int strata_set_option(struct strata_host *host, strata_socket handle, enum strata_option option,
                      int64_t value, strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    const struct row *row = find_row(socket, option);
    if (!row)
        return -ENOPROTOOPT;
    if (value < row->minimum || value > row->maximum)
        return -EINVAL;
    return socket->kind == SOCKET_DATAGRAM ? datagram_set(sockets, socket, row, value)
                                           : stream_set(sockets, socket, row, value);
}

int strata_get_option(struct strata_host *host, strata_socket handle, enum strata_option option,
                      int64_t *value)
{
    struct sockets *sockets = sockets_of(host);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    if (connection_says(socket, option, value))
        return 0;
    const struct row *row = find_row(socket, option);
    if (!row)
        return -ENOPROTOOPT;
    if (socket->kind == SOCKET_DATAGRAM) {
        struct udp_options options;
        udp_get_options(socket->datagram, &options);
        *value = row_load(row, &options);
        return 0;
    }
    bool buffer = option == STRATA_OPTION_SEND_BUFFER || option == STRATA_OPTION_RECEIVE_BUFFER;
    if (buffer && socket->kind == SOCKET_CONNECTION) {
        *value = tcp_buffer_bytes(socket->connection, option == STRATA_OPTION_SEND_BUFFER);
        return 0;
    }
    struct tcp_socket_options options;
    stream_get_options(sockets, socket, &options);
    *value = row_load(row, &options);
    return 0;
}

int strata_set_congestion(struct strata_host *host, strata_socket handle, const char *name, strata_time now)
{
    const char *known;
    for (unsigned i = 0; (known = tcp_congestion_name(i)); i++)
        if (name && strcmp(known, name) == 0)
            return strata_set_option(host, handle, STRATA_OPTION_CONGESTION, i, now);
    return -ENOENT;
}

const char *strata_get_congestion(struct strata_host *host, strata_socket handle)
{
    int64_t index;
    return strata_get_option(host, handle, STRATA_OPTION_CONGESTION, &index) == 0 ? tcp_congestion_name((unsigned)index)
                                                                                 : NULL;
}
