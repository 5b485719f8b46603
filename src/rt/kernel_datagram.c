/*
 * Datagrams of the kernel with their envelopes: source and destination address, arrival port, TTL and traffic
 * class come and go as control messages, ICMP errors by the error queue (ip(7), ipv6(7), IP_RECVERR).
 *
 * On an AF_INET6 socket a datagram of IPv4 has control messages of IPv4, but for its addresses, which come as
 * IPV6_PKTINFO in their v4-mapped form.
 *
 * ICMP echo: our sockets carry the data of echo messages; the kernel's want the 8 bytes of the ICMP header in
 * front. The sequence number stands in the peer's port number.
 */
#include "rt/kernel.h"

#include "base/bytes.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/uio.h>

enum { ECHO_HEADER_BYTES = 8, ECHO_REQUEST = 8, ECHO_REQUEST_6 = 128 };

/** Room for all control messages that one datagram has. */
enum { CONTROL_BYTES = 512 };

static int switch_on(const struct kernel_conn *conn, int level, int name)
{
    int on = 1;
    return setsockopt(conn->fd, level, name, &on, sizeof on) < 0 ? -errno : 0;
}

int kernel_datagram_prepare(struct kernel_conn *conn)
{
    int error = switch_on(conn, IPPROTO_IP, IP_PKTINFO);
    if (error >= 0)
        error = switch_on(conn, IPPROTO_IP, IP_RECVTTL);
    if (error >= 0)
        error = switch_on(conn, IPPROTO_IP, IP_RECVTOS);
    if (conn->family == AF_INET)
        return error;
    if (error >= 0)
        error = switch_on(conn, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    if (error >= 0)
        error = switch_on(conn, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    if (error >= 0)
        error = switch_on(conn, IPPROTO_IPV6, IPV6_RECVTCLASS);
    return error;
}

/* ---- Sending ------------------------------------------------------------------------------------- */

static void control_add(struct msghdr *message, int level, int type, const void *data, size_t size)
{
    struct cmsghdr *header =
        (struct cmsghdr *)(void *)((char *)message->msg_control + message->msg_controllen);
    memset(header, 0, CMSG_SPACE(size));
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), data, size);
    message->msg_controllen += CMSG_SPACE(size);
}

/** Source address and port to leave by. */
static void control_add_source(const struct kernel_conn *conn, struct msghdr *message,
                               const struct strata_envelope *envelope, bool to_ipv4)
{
    static const struct strata_address none, any4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
    bool named = memcmp(&envelope->local.address, &none, sizeof none) != 0;
    if (!named && envelope->port <= 0)
        return;
    const struct strata_address *source = named ? &envelope->local.address : to_ipv4 ? &any4 : &none;
    if (conn->family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)envelope->port};
        memcpy(&info.ipi6_addr, source->bytes, 16);
        control_add(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_ifindex = envelope->port};
        memcpy(&info.ipi_spec_dst, source->bytes + 12, 4);
        control_add(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

static void control_add_all(const struct kernel_conn *conn, struct msghdr *message,
                            const struct strata_envelope *envelope, bool to_ipv4)
{
    control_add_source(conn, message, envelope, to_ipv4);
    int value = envelope->ttl;
    if (value)
        control_add(message, to_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, to_ipv4 ? IP_TTL : IPV6_HOPLIMIT, &value,
                    sizeof value);
    value = envelope->tos;
    if (value)
        control_add(message, to_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, to_ipv4 ? IP_TOS : IPV6_TCLASS, &value,
                    sizeof value);
}

/** Makes the ICMP header; the kernel fills in identifier and checksum. */
static void echo_header(struct kernel_conn *conn, const struct strata_envelope *envelope,
                        uint8_t header[ECHO_HEADER_BYTES])
{
    memset(header, 0, ECHO_HEADER_BYTES);
    header[0] = conn->family == AF_INET ? ECHO_REQUEST : ECHO_REQUEST_6;
    uint16_t sequence =
        envelope && envelope->peer.port ? envelope->peer.port : (uint16_t)(conn->echo_sequence + 1);
    conn->echo_sequence = sequence;
    bytes_put16(header + 6, sequence);
}

int64_t kernel_send(void *net, void *self, const void *data, size_t size,
                    const struct strata_envelope *envelope)
{
    static const struct strata_address none;
    struct kernel_conn *conn = self;
    union kernel_address address;
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    uint8_t header[ECHO_HEADER_BYTES];
    struct iovec pieces[2] = {{.iov_base = header, .iov_len = sizeof header},
                              {.iov_base = (void *)(uintptr_t)data, .iov_len = size}};
    struct msghdr message = {.msg_iov = pieces + 1, .msg_iovlen = 1, .msg_control = control};
    (void)net;
    if (envelope && memcmp(&envelope->peer.address, &none, sizeof none) != 0) {
        int error = kernel_echo_family(conn, &envelope->peer.address);
        int length = error < 0 ? error : kernel_address_from(conn, &envelope->peer, &address);
        if (length < 0)
            return length;
        message.msg_name = &address;
        message.msg_namelen = (socklen_t)length;
    }
    bool to_ipv4 = conn->family == AF_INET ||
                   (message.msg_name ? strata_address_is_ipv4(&envelope->peer.address) : conn->peer_is_ipv4);
    if (conn->type == STRATA_ECHO) {
        echo_header(conn, envelope, header);
        message.msg_iov = pieces;
        message.msg_iovlen = 2;
    }
    if (envelope)
        control_add_all(conn, &message, envelope, to_ipv4);
    if (message.msg_controllen == 0)
        message.msg_control = NULL;
    ssize_t sent;
    do
        sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? (int64_t)size : -errno;
}

/* ---- Receiving ----------------------------------------------------------------------------------- */

/** What a control message says of a datagram. */
static void control_read(const struct cmsghdr *header, struct strata_envelope *envelope)
{
    const uint8_t *data = CMSG_DATA(header);
    int value = 0;
    if (header->cmsg_len >= CMSG_LEN(sizeof value))
        memcpy(&value, data, sizeof value);
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, data, sizeof info);
        memcpy(envelope->local.address.bytes, &info.ipi6_addr, 16);
        envelope->port = (int)info.ipi6_ifindex;
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, data, sizeof info);
        const uint8_t *bytes = (const uint8_t *)&info.ipi_addr;
        envelope->local.address = strata_ipv4(bytes[0], bytes[1], bytes[2], bytes[3]);
        envelope->port = info.ipi_ifindex;
    } else if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
               (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT)) {
        envelope->ttl = (uint8_t)value;
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS) {
        envelope->tos = data[0]; /* one byte in this direction */
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS) {
        envelope->tos = (uint8_t)value;
    }
}

/** The port number that the socket is bound to, or an echo socket's identifier. */
static uint16_t local_port(struct kernel_conn *conn)
{
    union kernel_address address;
    socklen_t length = sizeof address;
    if (conn->local_port == 0 && getsockname(conn->fd, &address.any, &length) == 0) {
        struct strata_endpoint local;
        kernel_address_to(&address, &local);
        conn->local_port = local.port;
    }
    return conn->local_port;
}

/** A received datagram and all that came with it. */
struct arrival {
    struct msghdr message;
    struct iovec pieces[2];
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    union kernel_address address;
    uint8_t header[ECHO_HEADER_BYTES]; /**< Of an echo message. */
    uint8_t nothing;
};

/** @return the length of the datagram's data, or a negative errno. */
static int64_t arrive(struct kernel_conn *conn, struct arrival *arrival, void *data, size_t size, int flags)
{
    bool echo = conn->type == STRATA_ECHO;
    ssize_t length;
    do {
        arrival->pieces[0] = (struct iovec){.iov_base = arrival->header, .iov_len = ECHO_HEADER_BYTES};
        arrival->pieces[1] = (struct iovec){.iov_base = size ? data : &arrival->nothing, .iov_len = size};
        arrival->address.any.sa_family = AF_UNSPEC;
        arrival->message = (struct msghdr){
            .msg_name = &arrival->address,
            .msg_namelen = sizeof arrival->address,
            .msg_iov = echo ? arrival->pieces : arrival->pieces + 1,
            .msg_iovlen = echo ? 2 : 1,
            .msg_control = arrival->control,
            .msg_controllen = sizeof arrival->control,
        };
        length = recvmsg(conn->fd, &arrival->message, flags);
    } while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    return !echo ? length : length > ECHO_HEADER_BYTES ? length - ECHO_HEADER_BYTES : 0;
}

/** The addresses of an envelope, as far as they do not come by control messages. */
static void envelope_addresses(struct kernel_conn *conn, const struct arrival *arrival,
                               struct strata_envelope *envelope)
{
    size_t size = envelope->size;
    memset(envelope, 0, sizeof *envelope);
    envelope->size = size;
    kernel_address_to(&arrival->address, &envelope->peer);
    if (conn->type == STRATA_ECHO)
        envelope->peer.port = bytes_get16(arrival->header + 6);
    envelope->local.port = local_port(conn);
    envelope->truncated = arrival->message.msg_flags & MSG_TRUNC;
}

int64_t kernel_receive(void *net, void *self, void *data, size_t size, struct strata_envelope *envelope)
{
    struct kernel_conn *conn = self;
    struct arrival arrival;
    (void)net;
    int64_t length = arrive(conn, &arrival, data, size, 0);
    if (length < 0 || !envelope)
        return length;
    envelope_addresses(conn, &arrival, envelope);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&arrival.message); header;
         header = CMSG_NXTHDR(&arrival.message, header))
        control_read(header, envelope);
    return length;
}

/* ---- The error queue ----------------------------------------------------------------------------- */

static void error_read(const struct cmsghdr *header, struct strata_envelope *envelope)
{
    struct sock_extended_err error;
    union kernel_address reporter;
    struct strata_endpoint endpoint;
    memcpy(&error, CMSG_DATA(header), sizeof error);
    envelope->error = (int)error.ee_errno;
    envelope->icmp_info = error.ee_info;
    if (error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6) {
        envelope->icmp_type = error.ee_type;
        envelope->icmp_code = error.ee_code;
    }
    /* Behind it stands the address of who reported it. */
    size_t room = header->cmsg_len - CMSG_LEN(sizeof error);
    memset(&reporter, 0, sizeof reporter);
    memcpy(&reporter, CMSG_DATA(header) + sizeof error, room < sizeof reporter ? room : sizeof reporter);
    kernel_address_to(&reporter, &endpoint);
    envelope->reporter = endpoint.address;
}

int64_t kernel_receive_error(void *net, void *self, void *data, size_t size, struct strata_envelope *envelope)
{
    struct kernel_conn *conn = self;
    struct arrival arrival;
    (void)net;
    int64_t length = arrive(conn, &arrival, data, size, MSG_ERRQUEUE);
    if (length < 0 || !envelope)
        return length;
    envelope_addresses(conn, &arrival, envelope);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&arrival.message); header;
         header = CMSG_NXTHDR(&arrival.message, header)) {
        if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
            (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR))
            error_read(header, envelope);
        else
            control_read(header, envelope);
    }
    return length;
}
