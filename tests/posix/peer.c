/*
 * packetdrill's part.
 */
#include "tests/posix/peer.h"
#include "tests/test.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <arpa/inet.h>
#include <dlfcn.h>

void peer_begin(struct peer *peer, const char *flags, bool ipv6)
{
    char path[512];
    const char *build = getenv("STRATA_BUILD");
    *peer = (struct peer){.ipv6 = ipv6, .local_port = 8080, .remote_port = 40000, .peer_isn = 0xfffffff0};
    REQUIRE(strata_address_parse(ipv6 ? "fd3d:a0b:17d6::1" : "192.168.0.1", &peer->local) == 0);
    REQUIRE(strata_address_parse(ipv6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1", &peer->remote) == 0);
    snprintf(path, sizeof path, "%s/libstrata_packetdrill.so", build ? build : "build");
    peer->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!peer->library)
        printf("    %s\n", dlerror());
    REQUIRE(peer->library != NULL);
    void (*init)(const char *, struct packetdrill_table *) =
        (void (*)(const char *, struct packetdrill_table *))dlsym(peer->library, "packetdrill_interface_init");
    REQUIRE(init != NULL);
    init(flags, &peer->call);
    peer->begun_us = peer_clock(peer);
}

void peer_end(struct peer *peer)
{
    peer->call.free(peer->call.userdata);
    dlclose(peer->library);
}

long long peer_clock(struct peer *peer)
{
    struct timeval now;
    CHECK_EQ(peer->call.gettimeofday(peer->call.userdata, &now, NULL), 0);
    return now.tv_sec * 1000000ll + now.tv_usec - peer->begun_us;
}

void peer_wait_until(struct peer *peer, long long us)
{
    long long now = peer_clock(peer);
    if (us - now > 20)
        CHECK_EQ(peer->call.usleep(peer->call.userdata, (useconds_t)(us - now - 20)), 0);
    while (peer_clock(peer) < us)
        continue;
}

static socklen_t put_address(bool ipv6, const struct strata_address *address, uint16_t port,
                             struct sockaddr_storage *storage)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in.sin_addr, address->bytes + 12, 4);
    memcpy(&in6.sin6_addr, address->bytes, 16);
    memset(storage, 0, sizeof *storage);
    if (ipv6)
        memcpy(storage, &in6, sizeof in6);
    else
        memcpy(storage, &in, sizeof in);
    return ipv6 ? sizeof in6 : sizeof in;
}

socklen_t peer_host_address(const struct peer *peer, struct sockaddr_storage *address)
{
    return put_address(peer->ipv6, &peer->local, peer->local_port, address);
}

socklen_t peer_own_address(const struct peer *peer, struct sockaddr_storage *address)
{
    return put_address(peer->ipv6, &peer->remote, peer->remote_port, address);
}

void peer_send(struct peer *peer, uint16_t flags, uint32_t seq, uint32_t ack, uint16_t window,
               const struct tcp_options *options, size_t payload)
{
    uint8_t bytes[2048] = {0};
    size_t ip = peer->ipv6 ? 40 : 20;
    struct tcp_header header = {
        .source_port = peer->remote_port,
        .destination_port = peer->local_port,
        .seq = peer->peer_isn + seq,
        .ack = flags & TCP_ACK ? peer->host_isn + ack : 0,
        .flags = flags,
        .window = window,
        .urgent = flags & TCP_URG ? peer->urgent : 0,
    };
    if (options)
        header.options = *options;
    size_t length = tcp_emit(bytes + ip, &header);
    REQUIRE(ip + length + payload <= sizeof bytes);
    for (size_t i = 0; i < payload; i++)
        bytes[ip + length + i] = (uint8_t)(seq + i);
    length += payload;
    uint64_t sum = checksum_pseudo(&peer->remote, &peer->local, IPPROTO_TCP, (uint32_t)length);
    tcp_put_checksum(bytes + ip, checksum_finish(checksum_add(sum, bytes + ip, length)));
    if (peer->ipv6) {
        struct ipv6_header ipv6 = {.payload_bytes = (uint16_t)length, .next_header = IPPROTO_TCP, .hop_limit = 255,
                                   .source = peer->remote, .destination = peer->local};
        ipv6_emit(bytes, &ipv6);
    } else {
        struct ipv4_header ipv4 = {.header_bytes = 20, .total_bytes = (uint16_t)(ip + length), .ttl = 255,
                                   .protocol = IPPROTO_TCP, .source = peer->remote, .destination = peer->local};
        ipv4_emit(bytes, &ipv4);
    }
    CHECK_EQ(peer->call.netdev_send(peer->call.userdata, bytes, ip + length), 0);
}

bool peer_receive(struct peer *peer)
{
    size_t size = sizeof peer->bytes, ip, length;
    long long at;
    CHECK_EQ(peer->call.netdev_receive(peer->call.userdata, peer->bytes, &size, &at), 0);
    if (size == 0)
        return false;
    peer->sent_us = at - peer->begun_us;
    struct strata_address source, destination;
    if (peer->ipv6) {
        struct ipv6_header header;
        REQUIRE(ipv6_parse(&header, peer->bytes, size) > 0);
        CHECK_EQ(header.next_header, IPPROTO_TCP);
        ip = 40;
        length = header.payload_bytes;
        source = header.source;
        destination = header.destination;
    } else {
        struct ipv4_header header;
        REQUIRE(ipv4_parse(&header, peer->bytes, size) > 0); // with its checksum
        CHECK_EQ(header.protocol, IPPROTO_TCP);
        ip = header.header_bytes;
        length = header.total_bytes - ip;
        source = header.source;
        destination = header.destination;
    }
    CHECK_EQ(ip + length, size);
    CHECK_MEM(&destination, &peer->remote, sizeof destination);
    uint64_t sum = checksum_pseudo(&source, &destination, IPPROTO_TCP, (uint32_t)length);
    CHECK(checksum_valid(checksum_add(sum, peer->bytes + ip, length)));
    int header_bytes = tcp_parse(&peer->header, peer->bytes + ip, length);
    REQUIRE(header_bytes > 0);
    if (peer->header.flags & TCP_SYN) {
        peer->host_isn = peer->header.seq;
        peer->local = source;
        peer->local_port = peer->header.source_port;
    }
    CHECK_EQ(peer->header.source_port, peer->local_port);
    CHECK_EQ(peer->header.destination_port, peer->remote_port);
    peer->payload = length - (size_t)header_bytes;
    peer->data = peer->bytes + ip + header_bytes;
    return true;
}

void peer_expect(struct peer *peer, uint16_t flags, uint32_t seq, uint32_t ack, size_t payload, const char *file,
                 int line)
{
    if (!peer_receive(peer)) {
        test_check(false, "a segment comes", file, line);
        return;
    }
    test_equal(peer->header.flags, flags, "flags", file, line);
    test_equal(peer->header.seq - peer->host_isn, seq, "seq", file, line);
    if (flags & TCP_ACK)
        test_equal(peer->header.ack - peer->peer_isn, ack, "ack", file, line);
    test_equal((int64_t)peer->payload, (int64_t)payload, "payload", file, line);
}

int peer_listen(struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t length = peer_host_address(peer, &address);
    int one = 1, fd = peer->call.socket(peer->call.userdata, peer->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
    REQUIRE(fd >= 0);
    CHECK_EQ(peer->call.setsockopt(peer->call.userdata, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    CHECK_EQ(peer->call.bind(peer->call.userdata, fd, (struct sockaddr *)&address, length), 0);
    CHECK_EQ(peer->call.listen(peer->call.userdata, fd, 1), 0);
    return fd;
}

void peer_handshake(struct peer *peer)
{
    struct tcp_options options = {.has_mss = true, .mss = 1000, .sack_permitted = true, .has_scale = true, .scale = 7};
    peer_send(peer, TCP_SYN, 0, 0, 32792, &options, 0);
    EXPECT(peer, TCP_SYN | TCP_ACK, 0, 1, 0);
    peer_send(peer, TCP_ACK, 1, 1, 257, NULL, 0);
}
