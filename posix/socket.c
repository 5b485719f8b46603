/**
 * Sockets: open, name, connect, read, write, readiness, as Linux's manual pages describe them. Where Strata tells an
 * error as long as it lasts, a program on Linux hears of it once: after that reading is at the end and writing EPIPE.
 */
#include "posix/socket.h"
#include "posix/address.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static bool is_stream(const struct posix_socket *socket)
{
    return socket->type == SOCK_STREAM;
}

int posix_open(struct posix_socket *socket, struct strata_host *host, const struct posix_rules *rules, int domain,
               int type, int protocol)
{
    int kind = type & ~TYPE_FLAGS;
    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    strata_socket handle = strata_open(host, kind == SOCK_STREAM ? STRATA_STREAM : STRATA_DATAGRAM);
    if (handle < 0)
        return (int)handle;
    if (kind == SOCK_STREAM)
        (void)strata_set_option(host, handle, STRATA_OPTION_URGENT_INLINE, 0, 0); // SO_OOBINLINE is off at first
    *socket = (struct posix_socket){
        .host = host,
        .handle = handle,
        .rules = rules,
        .domain = domain,
        .type = kind,
        .receive_low_water = 1,
        .nonblocking = (type & SOCK_NONBLOCK) != 0,
    };
    return 0;
}

/** An AF_INET socket without a name speaks IPv4 only. */
static struct strata_endpoint any_of(int domain)
{
    struct strata_endpoint any = {.port = 0};
    if (domain == AF_INET)
        any.address = strata_ipv4(0, 0, 0, 0);
    return any;
}

int posix_bind(struct posix_socket *socket, const struct sockaddr *address, socklen_t length)
{
    struct strata_endpoint local;
    int error = address_from_posix(address, length, socket->domain, &local);
    return error ? error : strata_bind(socket->host, socket->handle, &local);
}

int posix_listen(struct posix_socket *socket, int backlog, strata_time now)
{
    if (!is_stream(socket))
        return -EOPNOTSUPP;
    if (!socket->listening) {
        // One that was bound before keeps its name, and says so with -EINVAL.
        struct strata_endpoint any = any_of(socket->domain);
        (void)strata_bind(socket->host, socket->handle, &any);
    }
    // A backlog of nothing still admits one (Linux counts from zero), a negative one is as large as may be.
    int most = backlog < 0 || backlog == INT_MAX ? INT_MAX : backlog + 1;
    int error = strata_listen(socket->host, socket->handle, most, now);
    if (error == -EISCONN)
        return -EINVAL;
    socket->listening |= error == 0;
    return error;
}

int posix_accept(struct posix_socket *listener, struct posix_socket *accepted, struct sockaddr *address,
                 socklen_t *length, strata_time now)
{
    if (!is_stream(listener))
        return -EOPNOTSUPP;
    if (!listener->listening)
        return -EINVAL;
    struct strata_endpoint peer;
    strata_socket handle = strata_accept(listener->host, listener->handle, &peer, now);
    if (handle < 0)
        return (int)handle;
    *accepted = (struct posix_socket){
        .host = listener->host,
        .handle = handle,
        .rules = listener->rules,
        .domain = listener->domain,
        .type = listener->type,
        .receive_timeout_ns = listener->receive_timeout_ns,
        .send_timeout_ns = listener->send_timeout_ns,
        .receive_low_water = listener->receive_low_water,
        .inquire = listener->inquire,
        .priority = listener->priority,
        .mark = listener->mark,
        .connected = true,
    };
    address_to_posix(&peer, listener->domain, address, length);
    return 0;
}

static enum strata_tcp_state state_of(const struct posix_socket *socket)
{
    struct strata_tcp_info info = {.size = sizeof info};
    (void)strata_tcp_info(socket->host, socket->handle, &info);
    return info.state;
}

int posix_connect_result(struct posix_socket *socket)
{
    int ready = strata_readiness(socket->host, socket->handle);
    if (ready < 0)
        return ready;
    int error = ready & STRATA_ERROR ? strata_take_error(socket->host, socket->handle) : 0;
    enum strata_tcp_state state = state_of(socket);
    if (error || state == STRATA_TCP_CLOSED) {
        socket->connecting = false;
        socket->reset_told = true;
        return error ? -error : -ECONNABORTED;
    }
    if (state == STRATA_TCP_SYN_SENT || state == STRATA_TCP_SYN_RECEIVED)
        return -EAGAIN;
    socket->connecting = false;
    socket->connected = true;
    return 0;
}

int posix_connect(struct posix_socket *socket, const struct sockaddr *address, socklen_t length, strata_time now)
{
    struct strata_endpoint peer;
    int error = address_from_posix(address, length, socket->domain, &peer);
    if (error)
        return error;
    if (socket->listening)
        return -EISCONN;
    if (socket->connected && is_stream(socket))
        return -EISCONN;
    if (socket->connecting) {
        error = posix_connect_result(socket);
        return error == -EAGAIN ? -EALREADY : error;
    }
    if (socket->deferred)
        return -EISCONN;
    error = strata_connect(socket->host, socket->handle, &peer, now);
    socket->connecting = error == -EINPROGRESS;
    socket->deferred = error == 0 && is_stream(socket);
    return error;
}

/* ---- Messages ------------------------------------------------------------------------------------------ */

int64_t posix_message_size(const struct msghdr *message)
{
    size_t total = 0;
    if (message->msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        if (message->msg_iov[i].iov_len > SSIZE_MAX - total)
            return -EINVAL;
        if (!message->msg_iov[i].iov_base && message->msg_iov[i].iov_len > 0)
            return -EFAULT;
        total += message->msg_iov[i].iov_len;
    }
    return (int64_t)total;
}

/** What a stream says instead of data. */
static int64_t at_end(struct posix_socket *socket, int64_t error)
{
    bool told = socket->reset_told;
    if (error == -EAGAIN || error == 0)
        return socket->read_shut ? 0 : error;
    if (error == -ENOTCONN)
        return told ? 0 : error;
    (void)strata_take_error(socket->host, socket->handle);
    socket->reset_told = true;
    return told ? 0 : error;
}

/** Copies octets behind what was peeked at already, piece by piece. */
static int64_t peek(struct posix_socket *socket, const struct msghdr *message, size_t wanted)
{
    struct strata_iovec pieces[64];
    int count = strata_data(socket->host, socket->handle, pieces, 64);
    if (count <= 0)
        return count;
    size_t copied = 0, piece = 0, offset = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        char *to = message->msg_iov[i].iov_base;
        size_t room = message->msg_iov[i].iov_len;
        while (room > 0 && copied < wanted && piece < (size_t)count) {
            size_t run = pieces[piece].length - offset;
            run = run < room ? run : room;
            memcpy(to, (const char *)pieces[piece].base + offset, run);
            to += run;
            room -= run;
            copied += run;
            offset += run;
            if (offset == pieces[piece].length) {
                offset = 0;
                piece++;
            }
        }
    }
    return (int64_t)copied;
}

/** Octets that a read may give: it ends before the mark of urgent data, in line or not. */
static size_t until_mark(const struct posix_socket *socket, size_t wanted)
{
    int64_t mark = strata_urgent_mark(socket->host, socket->handle);
    return mark > 1 && (size_t)mark - 1 < wanted ? (size_t)mark - 1 : wanted;
}

static int64_t read_pieces(struct posix_socket *socket, const struct msghdr *message, size_t wanted, int flags,
                           strata_time now)
{
    int64_t done = 0;
    if (message->msg_iovlen == 0 || (message->msg_iovlen == 1 && message->msg_iov[0].iov_len == 0))
        return strata_read(socket->host, socket->handle, "", 0, now) < 0 ? -ENOTCONN : 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        size_t length = message->msg_iov[i].iov_len, left = wanted - (size_t)done;
        length = length < left ? length : left;
        if (length == 0)
            continue;
        int64_t got;
        if (flags & MSG_TRUNC) { // TCP throws the octets away
            struct strata_iovec piece;
            got = strata_data(socket->host, socket->handle, &piece, 1);
            if (got > 0) {
                got = (int64_t)(piece.length < length ? piece.length : length);
                (void)strata_consume(socket->host, socket->handle, (size_t)got, now);
            }
        } else {
            got = strata_read(socket->host, socket->handle, message->msg_iov[i].iov_base, length, now);
        }
        if (got <= 0)
            return done > 0 ? done : got;
        done += got;
        if ((size_t)got < length)
            break;
    }
    return done;
}

/** MSG_OOB: the last urgent octet, apart from the stream; never waits. */
static int64_t read_urgent(struct posix_socket *socket, struct msghdr *message, size_t wanted, int flags,
                           strata_time now)
{
    uint8_t octet;
    int got = strata_read_urgent(socket->host, socket->handle, &octet, (flags & MSG_PEEK) != 0, now);
    if (got <= 0)
        return got == -ENOTCONN ? -EINVAL : got;
    message->msg_flags |= wanted > 0 ? MSG_OOB : MSG_OOB | MSG_TRUNC;
    for (size_t i = 0; i < message->msg_iovlen && wanted > 0 && !(flags & MSG_TRUNC); i++)
        if (message->msg_iov[i].iov_len > 0) {
            *(uint8_t *)message->msg_iov[i].iov_base = octet;
            break;
        }
    message->msg_namelen = message->msg_controllen = 0;
    return wanted > 0;
}

/** TCP_INQ: how much more there is to read. */
static void tell_inquiry(struct posix_socket *socket, struct msghdr *message)
{
    struct strata_tcp_info info = {.size = sizeof info};
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (strata_tcp_info(socket->host, socket->handle, &info) != 0)
        return;
    if (!control || message->msg_controllen < CMSG_SPACE(sizeof(int))) {
        message->msg_flags |= MSG_CTRUNC;
        message->msg_controllen = 0;
        return;
    }
    bool end = strata_readiness(socket->host, socket->handle) & STRATA_PEER_CLOSED;
    int left = (int)info.receive_queue + (info.receive_queue == 0 && end ? 1 : 0);
    control->cmsg_level = IPPROTO_TCP;
    control->cmsg_type = TCP_INQ;
    control->cmsg_len = CMSG_LEN(sizeof left);
    memcpy(CMSG_DATA(control), &left, sizeof left);
    message->msg_controllen = CMSG_SPACE(sizeof left);
}

static int64_t receive_datagram(struct posix_socket *socket, struct msghdr *message, strata_time now)
{
    struct strata_envelope envelope = {.size = sizeof envelope};
    // One piece is what datagram programs use; more are filled from a buffer of the greatest datagram's size.
    struct iovec *first = message->msg_iov;
    int64_t got;
    if (message->msg_iovlen == 1) {
        got = strata_receive(socket->host, socket->handle, first->iov_base, first->iov_len, &envelope, now);
    } else {
        uint8_t whole[65536];
        got = strata_receive(socket->host, socket->handle, whole, sizeof whole, &envelope, now);
        size_t offset = 0;
        for (size_t i = 0; got >= 0 && i < message->msg_iovlen && offset < (size_t)got; i++) {
            size_t run = (size_t)got - offset;
            run = run < first[i].iov_len ? run : first[i].iov_len;
            memcpy(first[i].iov_base, whole + offset, run);
            offset += run;
        }
        envelope.truncated |= got >= 0 && offset < (size_t)got;
        got = got < 0 ? got : (int64_t)offset;
    }
    if (got < 0)
        return got;
    message->msg_flags |= envelope.truncated ? MSG_TRUNC : 0;
    address_to_posix(&envelope.peer, socket->domain, message->msg_name, &message->msg_namelen);
    return got;
}

int64_t posix_receive(struct posix_socket *socket, struct msghdr *message, int flags, strata_time now)
{
    int64_t wanted = posix_message_size(message);
    if (wanted < 0)
        return wanted;
    message->msg_flags = 0;
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN; // no queue of errors: it is always empty
    if (!is_stream(socket))
        return flags & (MSG_OOB | MSG_PEEK) ? -EOPNOTSUPP : receive_datagram(socket, message, now);
    if (socket->listening)
        return -ENOTCONN;
    if (flags & MSG_OOB)
        return read_urgent(socket, message, (size_t)wanted, flags, now);
    if (socket->connecting && posix_connect_result(socket) == -EAGAIN)
        return -EAGAIN;
    bool control = message->msg_control != NULL;
    size_t most = until_mark(socket, (size_t)wanted);
    int64_t got = flags & MSG_PEEK ? peek(socket, message, most) : read_pieces(socket, message, most, flags, now);
    if (got <= 0 && wanted > 0)
        got = at_end(socket, got);
    if (got >= 0 && socket->inquire && control)
        tell_inquiry(socket, message);
    else if (got >= 0)
        message->msg_controllen = 0;
    if (got >= 0)
        message->msg_namelen = 0;
    return got;
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

static int64_t send_datagram(struct posix_socket *socket, const struct msghdr *message, strata_time now)
{
    struct strata_envelope envelope = {.size = sizeof envelope};
    if (message->msg_name) {
        int error = address_from_posix(message->msg_name, message->msg_namelen, socket->domain, &envelope.peer);
        if (error)
            return error;
    }
    if (message->msg_iovlen == 1)
        return strata_send(socket->host, socket->handle, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len,
                           &envelope, now);
    uint8_t whole[65536];
    size_t length = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        if (message->msg_iov[i].iov_len > sizeof whole - length)
            return -EMSGSIZE;
        memcpy(whole + length, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        length += message->msg_iov[i].iov_len;
    }
    return strata_send(socket->host, socket->handle, whole, length, &envelope, now);
}

static int64_t write_error(struct posix_socket *socket, int64_t error)
{
    bool told = socket->reset_told;
    if (error == -EAGAIN)
        return error;
    if (error == -ENOTCONN || error == -EPIPE)
        return -EPIPE;
    (void)strata_take_error(socket->host, socket->handle);
    socket->reset_told = true;
    return told ? -EPIPE : error;
}

/** MSG_FASTOPEN: connects as with TCP_FASTOPEN_CONNECT. @return 0: what is written may go with the SYN. */
static int connect_fast(struct posix_socket *socket, const struct msghdr *message, strata_time now)
{
    int64_t allowed = 0, before = 0;
    sa_family_t family = AF_UNSPEC;
    if (message->msg_name && message->msg_namelen >= sizeof family)
        memcpy(&family, (const char *)message->msg_name + offsetof(struct sockaddr, sa_family), sizeof family);
    (void)strata_get(socket->host, "net.ipv4.tcp_fastopen", &allowed);
    if (!(allowed & 1) || (message->msg_name && family == AF_UNSPEC))
        return -EOPNOTSUPP;
    if (socket->deferred)
        return 0;
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_FAST_OPEN_CONNECT, &before);
    int error = strata_set_option(socket->host, socket->handle, STRATA_OPTION_FAST_OPEN_CONNECT, 1, now);
    if (!error)
        error = posix_connect(socket, message->msg_name, message->msg_namelen, now);
    (void)strata_set_option(socket->host, socket->handle, STRATA_OPTION_FAST_OPEN_CONNECT, before, now);
    return error;
}

/** What is written first where the SYN waits for it. */
static int64_t write_with_syn(struct posix_socket *socket, const struct msghdr *message, strata_time now)
{
    char data[2048]; // a SYN is one segment
    size_t length = 0;
    for (size_t i = 0; i < message->msg_iovlen && length < sizeof data; i++) {
        size_t run = message->msg_iov[i].iov_len < sizeof data - length ? message->msg_iov[i].iov_len
                                                                        : sizeof data - length;
        if (run > 0)
            memcpy(data + length, message->msg_iov[i].iov_base, run);
        length += run;
    }
    int64_t taken = strata_write(socket->host, socket->handle, data, length, now);
    socket->deferred = false;
    socket->connecting = true;
    return taken == -EAGAIN ? -EINPROGRESS : taken;
}

/** BSD: writing to an address connects, with Fast Open where TCP_FASTOPEN asks for it, and what is written is kept. */
static int64_t connect_implied(struct posix_socket *socket, const struct msghdr *message, strata_time now)
{
    int64_t fast = 0;
    (void)strata_get_option(socket->host, socket->handle, STRATA_OPTION_FAST_OPEN, &fast);
    (void)strata_set_option(socket->host, socket->handle, STRATA_OPTION_FAST_OPEN_CONNECT, fast != 0, now);
    int error = posix_connect(socket, message->msg_name, message->msg_namelen, now);
    if (error && error != -EINPROGRESS)
        return error;
    if (socket->deferred)
        return write_with_syn(socket, message, now);
    int64_t done = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        int64_t taken = strata_write(socket->host, socket->handle, message->msg_iov[i].iov_base,
                                     message->msg_iov[i].iov_len, now);
        if (taken < 0)
            return done > 0 ? done : taken;
        done += taken;
    }
    return done;
}

int64_t posix_send(struct posix_socket *socket, const struct msghdr *message, size_t skip, int flags, strata_time now)
{
    int64_t size = posix_message_size(message);
    if (size < 0)
        return size;
    if (!is_stream(socket))
        return flags & MSG_OOB ? -EOPNOTSUPP : send_datagram(socket, message, now);
    if (socket->listening)
        return -EPIPE;
    bool fresh = !socket->connected && !socket->connecting;
    if (flags & MSG_FASTOPEN && !socket->connected) {
        int error = connect_fast(socket, message, now);
        if (error)
            return error;
    } else if (fresh && !socket->deferred && message->msg_name && socket->rules->implied_connect) {
        return connect_implied(socket, message, now);
    }
    if (socket->deferred)
        return write_with_syn(socket, message, now);
    if (socket->connecting) {
        int error = posix_connect_result(socket);
        if (error)
            return error;
    }
    int64_t done = 0;
    size_t pieces = message->msg_iovlen;
    while (pieces > 0 && message->msg_iov[pieces - 1].iov_len == 0)
        pieces--; // the last one that has something says that it is the last
    for (size_t i = 0; i < pieces; i++) {
        size_t length = message->msg_iov[i].iov_len;
        if (skip >= length) {
            skip -= length;
            continue;
        }
        const char *from = (const char *)message->msg_iov[i].iov_base + skip;
        length -= skip;
        skip = 0;
        bool last = i + 1 == pieces;
        bool more = flags & MSG_MORE || !last;
        int64_t taken = flags & MSG_OOB && last ? strata_write_urgent(socket->host, socket->handle, from, length, now)
                        : flags & MSG_EOR && last
                            ? strata_write_record(socket->host, socket->handle, from, length, now)
                        : more ? strata_write_more(socket->host, socket->handle, from, length, now)
                               : strata_write(socket->host, socket->handle, from, length, now);
        if (taken < 0)
            return done > 0 ? done : write_error(socket, taken);
        done += taken;
        if ((size_t)taken < length)
            break;
    }
    return done;
}

/* ---- The rest ------------------------------------------------------------------------------------------ */

int posix_shutdown(struct posix_socket *socket, int how, strata_time now)
{
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    enum strata_tcp_state state = is_stream(socket) ? state_of(socket) : STRATA_TCP_CLOSED;
    if (state == STRATA_TCP_CLOSED || state == STRATA_TCP_LISTEN || state == STRATA_TCP_SYN_SENT)
        return -ENOTCONN;
    // Linux closes the program's end of reading only: what comes is acknowledged, and there to be read.
    socket->read_shut |= how != SHUT_WR;
    socket->write_shut |= how != SHUT_RD;
    return how == SHUT_RD ? 0 : strata_shutdown(socket->host, socket->handle, STRATA_SHUTDOWN_WRITE, now);
}

int posix_close(struct posix_socket *socket, strata_time now)
{
    return strata_close(socket->host, socket->handle, now);
}

int posix_ioctl(struct posix_socket *socket, unsigned long request, int *value)
{
    struct strata_tcp_info info = {.size = sizeof info};
    if (!value)
        return -EFAULT;
    if (request == FIONBIO) {
        socket->nonblocking = *value != 0;
        return 0;
    }
    if (!is_stream(socket))
        return -ENOTTY;
    if (socket->listening)
        return -EINVAL;
    int error = strata_tcp_info(socket->host, socket->handle, &info);
    if (error)
        return error;
    int64_t mark = strata_urgent_mark(socket->host, socket->handle), urgent_inline;
    uint32_t flight = info.flight < info.send_queue ? info.flight : info.send_queue;
    switch (request) {
    case FIONREAD: // SIOCINQ is the same number
        *value = (int)info.receive_queue;
        if (strata_get_option(socket->host, socket->handle, STRATA_OPTION_URGENT_INLINE, &urgent_inline) == 0 &&
            urgent_inline == 0 && mark > 0 && mark <= (int64_t)info.receive_queue)
            *value = (int)mark - 1;
        return 0;
    case SIOCOUTQ:
        *value = (int)info.send_queue;
        return 0;
    case SIOCOUTQNSD:
        *value = (int)(info.send_queue - flight);
        return 0;
    case SIOCATMARK:
        *value = mark == 1;
        return 0;
    default:
        return -ENOTTY;
    }
}

short posix_poll(const struct posix_socket *socket, short events)
{
    int ready = strata_readiness(socket->host, socket->handle);
    int told = 0;
    if (ready < 0)
        return POLLNVAL;
    if (ready & STRATA_READABLE)
        told |= POLLIN | POLLRDNORM;
    if (ready & STRATA_WRITABLE)
        told |= POLLOUT | POLLWRNORM;
    if (ready & STRATA_URGENT)
        told |= POLLPRI;
    bool closed = ready & STRATA_PEER_CLOSED || socket->read_shut;
    if (closed)
        told |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (ready & STRATA_HANGUP || (closed && socket->write_shut))
        told |= POLLHUP | POLLRDHUP;
    if (ready & STRATA_ERROR)
        told |= POLLERR;
    // A stream that is neither connected nor listening is at its end already.
    if (socket->deferred)
        told |= POLLOUT | POLLWRNORM;
    else if (is_stream(socket) && !socket->listening && !socket->connecting && !socket->connected)
        told |= POLLHUP | POLLOUT | POLLWRNORM;
    return (short)(told & (events | POLLERR | POLLHUP | POLLNVAL));
}
