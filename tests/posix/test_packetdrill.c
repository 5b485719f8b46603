/*
 * libstrata_packetdrill.so as packetdrill uses it: through its table, in virtual time, in both families. It is loaded,
 * which a program for another machine, linked statically, cannot do under an emulator.
 *
 * ctest: label os
 */
#include "tests/posix/peer.h"
#include "tests/test.h"

#include <string.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sched.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SELF peer->call.userdata

static struct peer the_peer;

static int accepted(struct peer *peer)
{
    int listener = peer_listen(peer);
    peer_handshake(peer);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = peer->call.accept(SELF, listener, (struct sockaddr *)&address, &length);
    REQUIRE(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) >= 0); // a real descriptor
    CHECK_EQ(address.ss_family, peer->ipv6 ? AF_INET6 : AF_INET);
    CHECK_EQ(length, peer->ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    return fd;
}

static void exchange(bool ipv6, const char *flags)
{
    struct peer *peer = &the_peer;
    char data[3000] = {0};
    peer_begin(peer, flags, ipv6);
    int fd = accepted(peer);
    CHECK_EQ(peer->call.write(SELF, fd, data, 1500), 1500);
    EXPECT(peer, TCP_ACK, 1, 1, 1000);
    EXPECT(peer, TCP_ACK | TCP_PSH, 1001, 1, 500);
    peer_send(peer, TCP_ACK, 1, 1501, 257, NULL, 0);

    peer_send(peer, TCP_ACK | TCP_PSH, 1, 1501, 257, NULL, 700);
    EXPECT(peer, TCP_ACK, 1501, 701, 0);
    CHECK_EQ(peer->call.read(SELF, fd, data, sizeof data), 700);
    for (unsigned i = 0; i < 700; i++)
        REQUIRE((uint8_t)data[i] == (uint8_t)(i + 1));

    peer_send(peer, TCP_ACK | TCP_FIN, 701, 1501, 257, NULL, 0);
    EXPECT(peer, TCP_ACK, 1501, 702, 0);
    CHECK_EQ(peer->call.read(SELF, fd, data, sizeof data), 0);
    CHECK_EQ(peer->call.close(SELF, fd), 0);
    EXPECT(peer, TCP_ACK | TCP_FIN, 1501, 702, 0);
    peer_send(peer, TCP_ACK, 702, 1502, 257, NULL, 0);
    CHECK(!peer_receive(peer)); // nothing will ever come: no waiting
    peer_end(peer);
}

TEST(a_connection_over_ipv4)
{
    exchange(false, "profile=linux");
    exchange(false, "profile=freebsd,local=192.168.0.1,remote=192.0.2.1,mtu=1400");
}

TEST(a_connection_over_ipv6)
{
    exchange(true, "profile=linux,mtu=1520");
    exchange(true, "profile=freebsd,local=fd3d:a0b:17d6::1");
}

TEST(a_client_speaks_first)
{
    struct peer *peer = &the_peer;
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        peer_begin(peer, "profile=linux", ipv6);
        struct sockaddr_storage address;
        socklen_t length = peer_own_address(peer, &address);
        int error = -1, fd = peer->call.socket(SELF, ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
        socklen_t size = sizeof error;
        CHECK_EQ(peer->call.fcntl(SELF, fd, F_GETFL), O_RDWR);
        CHECK_EQ(peer->call.fcntl(SELF, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
        CHECK_EQ(peer->call.fcntl(SELF, fd, F_GETFL), O_RDWR | O_NONBLOCK);
        CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), -1);
        CHECK_EQ(errno, EINPROGRESS);
        CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), -1);
        CHECK_EQ(errno, EALREADY);
        EXPECT(peer, TCP_SYN, 0, 0, 0);
        // In Linux's order, at the time of the call.
        static const uint8_t order[] = {2, 4, 5, 0, 4, 2, 8, 10};
        const uint8_t *options = peer->data - (peer->header.header_bytes - 20);
        CHECK_EQ(peer->header.header_bytes, 40);
        CHECK_MEM(options, order, 3);
        CHECK_MEM(options + 4, order + 4, 4);
        CHECK_MEM(options + 16, "\x01\x03\x03", 3);
        struct tcp_options answer = {.has_mss = true, .mss = 1460, .sack_permitted = true};
        peer_send(peer, TCP_SYN | TCP_ACK, 0, 1, 5840, &answer, 0);
        EXPECT(peer, TCP_ACK, 1, 1, 0);
        CHECK_EQ(peer->call.getsockopt(SELF, fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
        CHECK_EQ(error, 0);
        CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), 0);
        CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), -1);
        CHECK_EQ(errno, EISCONN);
        peer_end(peer);
    }
}

TEST(a_lost_segment_comes_again_in_virtual_time)
{
    struct peer *peer = &the_peer;
    peer_begin(peer, "profile=linux", false);
    int listener = peer_listen(peer);
    struct tcp_options options = {.has_mss = true, .mss = 1000};
    peer_send(peer, TCP_SYN, 0, 0, 32792, &options, 0);
    EXPECT(peer, TCP_SYN | TCP_ACK, 0, 1, 0);
    long long first_us = peer->sent_us;
    EXPECT(peer, TCP_SYN | TCP_ACK, 0, 1, 0);
    CHECK_EQ(peer->sent_us - first_us, 1000000);
    EXPECT(peer, TCP_SYN | TCP_ACK, 0, 1, 0);
    CHECK_EQ(peer->sent_us - first_us, 3000000);
    // The clock stands where the last segment left, and goes on by a microsecond each time somebody looks.
    long long now = peer_clock(peer);
    CHECK(now >= peer->sent_us && now <= peer->sent_us + 2);
    CHECK_EQ(peer_clock(peer), now + 1);
    peer_wait_until(peer, now + 500000);
    CHECK_EQ(peer_clock(peer), now + 500001);
    CHECK_EQ(peer->call.close(SELF, listener), 0);
    peer_end(peer);
}

/* ---- Calls that block ------------------------------------------------------------------------------------------ */

struct blocked {
    _Atomic pid_t id; /**< Of the thread, once it runs. */
    struct peer *peer;
    int fd, result, error;
    size_t size;
    long long woken_us;
    int (*call)(struct blocked *blocked);
    pthread_t thread;
    char data[8192];
};

static void *run_blocked(void *argument)
{
    struct blocked *blocked = argument;
    blocked->id = (pid_t)syscall(SYS_gettid);
    blocked->result = blocked->call(blocked);
    blocked->error = errno;
    blocked->woken_us = peer_clock(blocked->peer);
    return NULL;
}

/** Whether the thread sleeps, as packetdrill finds it out. */
static bool sleeps(const struct blocked *blocked)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)blocked->id);
    FILE *file = blocked->id ? fopen(path, "r") : NULL;
    if (!file)
        return false;
    const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static void start(struct blocked *blocked, struct peer *peer, int fd, int (*call)(struct blocked *), size_t size)
{
    memset(blocked, 0, sizeof *blocked);
    blocked->peer = peer;
    blocked->fd = fd;
    blocked->size = size;
    blocked->call = call;
    REQUIRE(pthread_create(&blocked->thread, NULL, run_blocked, blocked) == 0);
    while (!sleeps(blocked))
        sched_yield();
}

static int block_accept(struct blocked *blocked)
{
    return blocked->peer->call.accept(blocked->peer->call.userdata, blocked->fd, NULL, NULL);
}

static int block_read(struct blocked *blocked)
{
    return (int)blocked->peer->call.read(blocked->peer->call.userdata, blocked->fd, blocked->data, blocked->size);
}

static int block_write(struct blocked *blocked)
{
    return (int)blocked->peer->call.write(blocked->peer->call.userdata, blocked->fd, blocked->data, blocked->size);
}

TEST(who_waits_is_told_when_it_was_over)
{
    struct peer *peer = &the_peer;
    static struct blocked blocked;
    peer_begin(peer, "profile=linux", false);
    int listener = peer_listen(peer);
    start(&blocked, peer, listener, block_accept, 0);
    peer_wait_until(peer, 100000);
    peer_handshake(peer);
    long long at = peer_clock(peer);
    peer_wait_until(peer, 200000); // the clock goes on before the other thread has looked at it
    pthread_join(blocked.thread, NULL);
    REQUIRE(blocked.result >= 0);
    CHECK(blocked.woken_us >= 100000 && blocked.woken_us <= at);

    int fd = blocked.result;
    start(&blocked, peer, fd, block_read, 100);
    peer_wait_until(peer, 300000);
    peer_send(peer, TCP_ACK | TCP_PSH, 1, 1, 257, NULL, 40);
    pthread_join(blocked.thread, NULL);
    CHECK_EQ(blocked.result, 40);
    CHECK_EQ(blocked.woken_us, 300000);
    EXPECT(peer, TCP_ACK, 1, 41, 0);

    // With a timeout it is over at that time.
    struct timeval timeout = {.tv_usec = 250000};
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    at = peer_clock(peer);
    start(&blocked, peer, fd, block_read, 100);
    peer_wait_until(peer, at + 500000);
    pthread_join(blocked.thread, NULL);
    CHECK_EQ(blocked.result, -1);
    CHECK_EQ(blocked.error, EAGAIN);
    CHECK(blocked.woken_us - at >= 250000 && blocked.woken_us - at < 250010);
    peer_end(peer);
}

TEST(a_write_waits_for_room)
{
    struct peer *peer = &the_peer;
    static struct blocked blocked;
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer), bytes = 2304, got = 0;
    socklen_t size = sizeof got;
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    CHECK_EQ(peer->call.getsockopt(SELF, fd, SOL_SOCKET, SO_SNDBUF, &got, &size), 0);
    CHECK_EQ(got, 2 * bytes); // as Linux counts
    start(&blocked, peer, fd, block_write, 8000);
    uint32_t acked = 1;
    while (acked < 8001) {
        REQUIRE(peer_receive(peer));
        REQUIRE(peer->payload > 0);
        acked = peer->header.seq - peer->host_isn + (uint32_t)peer->payload;
        peer_wait_until(peer, peer_clock(peer) + 10000);
        peer_send(peer, TCP_ACK, 1, acked, 257, NULL, 0);
    }
    pthread_join(blocked.thread, NULL);
    CHECK_EQ(blocked.result, 8000);
    CHECK(blocked.woken_us < peer_clock(peer));
    peer_end(peer);
}

TEST(the_clock_jumps_for_a_driver_that_waits)
{
    struct peer *peer = &the_peer;
    char data[100];
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    struct timeval timeout = {.tv_sec = 5};
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    long long at = peer_clock(peer);
    CHECK_EQ(peer->call.read(SELF, fd, data, sizeof data), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK(peer_clock(peer) - at >= 5000000);
    // Nobody else is there to let anything happen.
    timeout.tv_sec = 0;
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    CHECK_EQ(peer->call.read(SELF, fd, data, sizeof data), -1);
    CHECK_EQ(errno, EDEADLK);
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    at = peer_clock(peer);
    CHECK_EQ(peer->call.poll(SELF, &entry, 1, 1500), 0);
    CHECK(peer_clock(peer) - at >= 1500000);
    peer_end(peer);
}

/* ---- Options, flags, bad calls ---------------------------------------------------------------------------------- */

TEST(poll_tells_what_is_ready)
{
    struct peer *peer = &the_peer;
    char data[100];
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    struct pollfd entries[] = {{.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP}, {.fd = -1}, {.fd = 900}};
    CHECK_EQ(peer->call.poll(SELF, entries, 3, 0), 2);
    CHECK_EQ(entries[0].revents, POLLOUT);
    CHECK_EQ(entries[1].revents, 0);
    CHECK_EQ(entries[2].revents, POLLNVAL);
    peer_send(peer, TCP_ACK | TCP_PSH, 1, 1, 257, NULL, 10);
    CHECK_EQ(peer->call.poll(SELF, entries, 1, -1), 1);
    CHECK_EQ(entries[0].revents, POLLIN | POLLOUT);
    CHECK_EQ(peer->call.recv(SELF, fd, data, sizeof data, 0), 10);
    peer_send(peer, TCP_ACK | TCP_FIN, 11, 1, 257, NULL, 0);
    CHECK_EQ(peer->call.poll(SELF, entries, 1, -1), 1);
    CHECK_EQ(entries[0].revents, POLLIN | POLLOUT | POLLRDHUP);
    CHECK_EQ(peer->call.shutdown(SELF, fd, SHUT_WR), 0);
    CHECK_EQ(peer->call.poll(SELF, entries, 1, 0), 1);
    CHECK_EQ(entries[0].revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    peer_end(peer);
}

TEST(epoll_tells_levels_edges_and_once)
{
    struct peer *peer = &the_peer;
    char data[100];
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer), epoll = peer->call.epoll_create(SELF, 1);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd}, got[2];
    REQUIRE(epoll >= 0);
    CHECK_EQ(peer->call.epoll_ctl(SELF, epoll, EPOLL_CTL_MOD, fd, &event), -1);
    CHECK_EQ(errno, ENOENT);
    CHECK_EQ(peer->call.epoll_ctl(SELF, epoll, EPOLL_CTL_ADD, fd, &event), 0);
    CHECK_EQ(peer->call.epoll_ctl(SELF, epoll, EPOLL_CTL_ADD, fd, &event), -1);
    CHECK_EQ(errno, EEXIST);
    long long at = peer_clock(peer);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 20), 0);
    CHECK(peer_clock(peer) - at >= 20000);
    peer_send(peer, TCP_ACK | TCP_PSH, 1, 1, 257, NULL, 10);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 1);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 1); // still so
    CHECK_EQ(got[0].events, EPOLLIN);
    CHECK_EQ(got[0].data.fd, fd);
    event.events = EPOLLIN | EPOLLET;
    CHECK_EQ(peer->call.epoll_ctl(SELF, epoll, EPOLL_CTL_MOD, fd, &event), 0);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 1);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 0); // nothing new
    peer_send(peer, TCP_ACK | TCP_PSH, 11, 1, 257, NULL, 10);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 1);
    event.events = EPOLLOUT | EPOLLONESHOT;
    CHECK_EQ(peer->call.epoll_ctl(SELF, epoll, EPOLL_CTL_MOD, fd, &event), 0);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 1);
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 0);
    CHECK_EQ(peer->call.read(SELF, fd, data, sizeof data), 20);
    CHECK_EQ(peer->call.close(SELF, fd), 0); // and it is forgotten
    CHECK_EQ(peer->call.epoll_wait(SELF, epoll, got, 2, 0), 0);
    CHECK_EQ(peer->call.close(SELF, epoll), 0);
    peer_end(peer);
}

TEST(messages_in_pieces)
{
    struct peer *peer = &the_peer;
    char one[600], two[700], got[2000];
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer), left = -1;
    memset(one, 1, sizeof one);
    memset(two, 2, sizeof two);
    struct iovec out[] = {{one, 0}, {one, sizeof one}, {NULL, 0}, {two, sizeof two}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 4};
    CHECK_EQ(peer->call.sendmsg(SELF, fd, &message, 0), 1300);
    CHECK_EQ(peer->call.ioctl(SELF, fd, SIOCOUTQ, &left), 0);
    CHECK_EQ(left, 1300);
    EXPECT(peer, TCP_ACK, 1, 1, 1000);
    EXPECT(peer, TCP_ACK | TCP_PSH, 1001, 1, 300);
    peer_send(peer, TCP_ACK, 1, 1301, 257, NULL, 0);

    peer_send(peer, TCP_ACK, 1, 1301, 257, NULL, 1000);
    EXPECT(peer, TCP_ACK, 1301, 1001, 0);
    CHECK_EQ(peer->call.ioctl(SELF, fd, SIOCINQ, &left), 0);
    CHECK_EQ(left, 1000);
    CHECK_EQ(peer->call.recv(SELF, fd, got, sizeof got, MSG_PEEK), 1000);
    struct iovec in[] = {{got, 300}, {got + 300, 0}, {got + 300, 1000}};
    CHECK_EQ(peer->call.readv(SELF, fd, in, 3), 1000);
    CHECK_EQ(got[0], 1);
    CHECK_EQ((uint8_t)got[999], (uint8_t)1000);
    CHECK_EQ(peer->call.recv(SELF, fd, got, sizeof got, MSG_DONTWAIT), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(peer->call.recv(SELF, fd, got, sizeof got, MSG_ERRQUEUE), -1);
    CHECK_EQ(errno, EAGAIN);
    peer_end(peer);
}

TEST(a_record_shares_no_segment)
{
    struct peer *peer = &the_peer;
    char data[1000] = {0};
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    CHECK_EQ(peer->call.write(SELF, fd, data, 300), 300);
    EXPECT(peer, TCP_ACK | TCP_PSH, 1, 1, 300);
    // Nothing is joined, whenever it goes.
    CHECK_EQ(peer->call.send(SELF, fd, data, 200, MSG_EOR), 200);
    EXPECT(peer, TCP_ACK | TCP_PSH, 301, 1, 200);
    CHECK_EQ(peer->call.send(SELF, fd, data, 100, MSG_EOR), 100);
    CHECK_EQ(peer->call.write(SELF, fd, data, 50), 50);
    EXPECT(peer, TCP_ACK | TCP_PSH, 501, 1, 100);
    peer_send(peer, TCP_ACK, 1, 601, 257, NULL, 0);
    EXPECT(peer, TCP_ACK | TCP_PSH, 601, 1, 50);
    peer_end(peer);
}

TEST(inquiry_comes_with_the_data)
{
    struct peer *peer = &the_peer;
    char data[400];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer), on = 1, left;
    CHECK_EQ(peer->call.setsockopt(SELF, fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on), 0);
    peer_send(peer, TCP_ACK, 1, 1, 257, NULL, 1000);
    struct iovec piece = {data, sizeof data};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    CHECK_EQ(peer->call.recvmsg(SELF, fd, &message, 0), 400);
    REQUIRE(message.msg_controllen == CMSG_SPACE(sizeof left));
    CHECK_EQ(control.header.cmsg_level, IPPROTO_TCP);
    CHECK_EQ(control.header.cmsg_type, TCP_INQ);
    memcpy(&left, CMSG_DATA(&control.header), sizeof left);
    CHECK_EQ(left, 600);
    message.msg_controllen = 4;
    CHECK_EQ(peer->call.recvmsg(SELF, fd, &message, 0), 400);
    CHECK_EQ(message.msg_flags, MSG_CTRUNC);
    peer_end(peer);
}

TEST(options_are_told_as_they_were_set)
{
    static const struct {
        int level, name, value, told;
    } rows[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 7, 1},     {SOL_SOCKET, SO_RCVBUF, 20000, 40000}, {SOL_SOCKET, SO_PRIORITY, 3, 3},
        {SOL_SOCKET, SO_MARK, 9, 9},          {SOL_SOCKET, SO_RCVLOWAT, 5, 5},       {IPPROTO_TCP, TCP_NODELAY, 2, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 77, 77},  {IPPROTO_TCP, TCP_KEEPINTVL, 8, 8},    {IPPROTO_TCP, TCP_KEEPCNT, 4, 4},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 1500, 1500}, {IPPROTO_IP, IP_TTL, 33, 33},   {IPPROTO_IP, IP_TOS, 0x10, 0x10},
    };
    struct peer *peer = &the_peer;
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int told = -1;
        socklen_t length = sizeof told;
        CHECK_EQ(peer->call.setsockopt(SELF, fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(int)), 0);
        CHECK_EQ(peer->call.getsockopt(SELF, fd, rows[i].level, rows[i].name, &told, &length), 0);
        CHECK_EQ(told, rows[i].told);
        CHECK_EQ(length, sizeof told);
    }
    struct linger linger = {.l_onoff = 1, .l_linger = 4}, told = {0};
    socklen_t length = sizeof told;
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    CHECK_EQ(peer->call.getsockopt(SELF, fd, SOL_SOCKET, SO_LINGER, &told, &length), 0);
    CHECK_EQ(told.l_linger, 4);
    char name[16] = "";
    length = sizeof name;
    CHECK_EQ(peer->call.setsockopt(SELF, fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    CHECK_EQ(peer->call.getsockopt(SELF, fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
    CHECK_STR(name, "reno");
    CHECK_EQ(peer->call.setsockopt(SELF, fd, IPPROTO_TCP, TCP_CONGESTION, "no such", 7), -1);
    CHECK_EQ(errno, ENOENT);
    peer_end(peer);
}

TEST(what_linux_tells_of_a_connection)
{
    struct peer *peer = &the_peer;
    uint8_t info[256], memory[36], more[64];
    socklen_t length = sizeof info, memory_length = sizeof memory, more_length = sizeof more;
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    // Through the C library's name, which the library answers where it stands before the C library.
    int (*preloaded)(int, int, int, void *, socklen_t *) =
        (int (*)(int, int, int, void *, socklen_t *))dlsym(peer->library, "getsockopt");
    REQUIRE(preloaded != NULL);
    CHECK_EQ(preloaded(fd, IPPROTO_TCP, TCP_INFO, info, &length), 0);
    CHECK(length >= 232);
    CHECK_EQ(info[0], 1);       // tcpi_state: ESTABLISHED
    CHECK_EQ(info[5] & 5, 4);   // tcpi_options: window scale, no timestamps
    CHECK_EQ(info[6] & 15, 7);  // tcpi_snd_wscale
    uint32_t mss, cwnd;
    memcpy(&mss, info + 16, sizeof mss);
    memcpy(&cwnd, info + 80, sizeof cwnd);
    CHECK_EQ(mss, 1000);
    CHECK_EQ(cwnd, 10);
    CHECK_EQ(preloaded(fd, SOL_SOCKET, 55 /* SO_MEMINFO */, memory, &memory_length), 0);
    CHECK_EQ(memory_length, 36);
    CHECK_EQ(preloaded(fd, IPPROTO_TCP, TCP_CC_INFO, more, &more_length), 0);
    // Descriptors of others are the C library's.
    int value, other = socket(AF_INET, SOCK_DGRAM, 0);
    length = sizeof value;
    REQUIRE(other >= 0);
    CHECK_EQ(preloaded(other, SOL_SOCKET, SO_TYPE, &value, &length), 0);
    CHECK_EQ(value, SOCK_DGRAM);
    close(other);
    CHECK_EQ(preloaded(other, SOL_SOCKET, SO_TYPE, &value, &length), -1);
    CHECK_EQ(errno, EBADF);
    peer_end(peer);
}

/* TCP_CC_INFO as Linux lays it out: after one round trip of 100 ms, in which ten segments of 1000 octets arrived. */
TEST(what_congestion_control_tells)
{
    struct peer *peer = &the_peer;
    static const char *const names[] = {"cubic", "vegas", "bbr"};
    static const socklen_t lengths[] = {0, 16, 20};
    char data[20000] = {0};
    for (int i = 0; i < 3; i++) {
        uint32_t words[8] = {0};
        socklen_t length = sizeof words;
        peer_begin(peer, "profile=linux", false);
        int fd = accepted(peer);
        int (*preloaded)(int, int, int, void *, socklen_t *) =
            (int (*)(int, int, int, void *, socklen_t *))dlsym(peer->library, "getsockopt");
        socklen_t name = (socklen_t)strlen(names[i]);
        CHECK_EQ(peer->call.setsockopt(SELF, fd, IPPROTO_TCP, TCP_CONGESTION, names[i], name), 0);
        CHECK_EQ(peer->call.write(SELF, fd, data, sizeof data), (ssize_t)sizeof data);
        peer_wait_until(peer, peer_clock(peer) + 100000);
        peer_send(peer, TCP_ACK, 1, 10001, 257, NULL, 0);
        CHECK_EQ(preloaded(fd, IPPROTO_TCP, TCP_CC_INFO, words, &length), 0);
        CHECK_EQ(length, lengths[i]);
        if (i == 1) {
            CHECK_EQ(words[0], 1); // enabled
            CHECK_EQ(words[1], 0); // of the round that begins now
            CHECK(words[2] >= 100000 && words[2] < 101000);
            CHECK_EQ(words[3], INT32_MAX);
        } else if (i == 2) {
            CHECK(words[0] > 50000 && words[0] <= 100100); // octets a second
            CHECK_EQ(words[1], 0);
            CHECK(words[2] < 101000);
            CHECK_EQ(words[3], 277 * 256 / 100); // STARTUP
            CHECK_EQ(words[4], 2 * 256);
        }
        length = 4;
        CHECK_EQ(preloaded(fd, IPPROTO_TCP, TCP_CC_INFO, words, &length), 0);
        CHECK_EQ(length, i ? 4 : 0);
        peer_end(peer);
    }
}

/* What a card has merged is no larger segment; a flag says of which size they were. */
TEST(merged_segments)
{
    struct peer *peer = &the_peer;
    struct tcp_info info;
    for (int told = 0; told < 2; told++) {
        socklen_t length = sizeof info;
        peer_begin(peer, told ? "profile=linux,merged=1000" : "profile=linux", false);
        int fd = accepted(peer);
        int (*preloaded)(int, int, int, void *, socklen_t *) =
            (int (*)(int, int, int, void *, socklen_t *))dlsym(peer->library, "getsockopt");
        peer_send(peer, TCP_ACK, 1, 1, 257, NULL, 1900);
        EXPECT(peer, TCP_ACK, 1, 1901, 0);
        CHECK_EQ(preloaded(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
        CHECK_EQ(info.tcpi_rcv_mss, told ? 1000 : 1460);
        peer_end(peer);
    }
}

TEST(bad_calls_get_their_errno)
{
    struct peer *peer = &the_peer;
    struct sockaddr_storage address;
    char data[10];
    int value = 1;
    peer_begin(peer, "profile=linux", false);
    socklen_t length = peer_own_address(peer, &address);
#define FAILS(expression, expected)                                                                                    \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        CHECK_EQ(peer->call.expression, -1);                                                                           \
        CHECK_EQ(errno, expected);                                                                                     \
    } while (0)
    FAILS(socket(SELF, AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(socket(SELF, AF_INET, SOCK_RAW, 0), ESOCKTNOSUPPORT);
    FAILS(socket(SELF, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    FAILS(close(SELF, 900), EBADF);
    FAILS(close(SELF, -1), EBADF);
    FAILS(read(SELF, 0, data, 1), EBADF); // a descriptor, but none of ours
    int fd = peer->call.socket(SELF, AF_INET, SOCK_STREAM, 0);
    FAILS(read(SELF, fd, data, 1), ENOTCONN);
    FAILS(write(SELF, fd, data, 1), EPIPE);
    FAILS(accept(SELF, fd, NULL, NULL), EINVAL);
    FAILS(shutdown(SELF, fd, SHUT_WR), ENOTCONN);
    FAILS(connect(SELF, fd, (struct sockaddr *)&address, 3), EINVAL);
    FAILS(connect(SELF, fd, NULL, 0), EINVAL);
    address.ss_family = AF_INET6;
    FAILS(connect(SELF, fd, (struct sockaddr *)&address, sizeof address), EAFNOSUPPORT);
    FAILS(setsockopt(SELF, fd, SOL_SOCKET, SO_KEEPALIVE, &value, 1), EINVAL);
    FAILS(setsockopt(SELF, fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), EFAULT);
    FAILS(setsockopt(SELF, fd, SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
    FAILS(getsockopt(SELF, fd, SOL_SOCKET, SO_ERROR, &value, NULL), EFAULT);
    FAILS(ioctl(SELF, fd, 0x1234, &value), ENOTTY);
    FAILS(epoll_create(SELF, 0), EINVAL);
    FAILS(epoll_ctl(SELF, fd, EPOLL_CTL_ADD, fd, NULL), EBADF);
    FAILS(epoll_wait(SELF, fd, NULL, 0, 0), EINVAL);
    FAILS(splice(SELF, fd, NULL, fd, NULL, 1, 0), ENOSYS);
    CHECK_EQ(peer->call.close(SELF, fd), 0);
    FAILS(close(SELF, fd), EBADF);

    fd = accepted(peer);
    FAILS(write(SELF, fd, NULL, 100), EFAULT);
    FAILS(read(SELF, fd, NULL, 100), EFAULT);
    FAILS(shutdown(SELF, fd, 9), EINVAL);
    CHECK_EQ(peer->call.send(SELF, fd, data, 0, 0), 0);
    length = peer_own_address(peer, &address);
    FAILS(connect(SELF, fd, (struct sockaddr *)&address, length), EISCONN);
    peer_send(peer, TCP_RST | TCP_ACK, 1, 1, 257, NULL, 0);
    FAILS(read(SELF, fd, data, 1), ECONNRESET);
    CHECK_EQ(peer->call.read(SELF, fd, data, 1), 0); // told once, as on Linux
    FAILS(write(SELF, fd, data, 1), EPIPE);
    peer_end(peer);
}

TEST(datagrams_find_their_way)
{
    struct peer *peer = &the_peer;
    struct sockaddr_storage address;
    uint8_t packet[1500];
    size_t size = sizeof packet;
    long long at;
    peer_begin(peer, "profile=linux", false);
    socklen_t length = peer_host_address(peer, &address);
    int fd = peer->call.socket(SELF, AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(peer->call.bind(SELF, fd, (struct sockaddr *)&address, length), 0);
    length = peer_own_address(peer, &address);
    CHECK_EQ(peer->call.sendto(SELF, fd, "hello", 5, 0, (struct sockaddr *)&address, length), 5);
    CHECK_EQ(peer->call.netdev_receive(SELF, packet, &size, &at), 0);
    CHECK_EQ(size, 33);
    CHECK_MEM(packet + 28, "hello", 5);
    // Turned round it comes back.
    uint8_t turned[33];
    memcpy(turned, packet, sizeof turned);
    memcpy(turned + 12, packet + 16, 4);
    memcpy(turned + 16, packet + 12, 4);
    memcpy(turned + 20, packet + 22, 2);
    memcpy(turned + 22, packet + 20, 2);
    CHECK_EQ(peer->call.netdev_send(SELF, turned, sizeof turned), 0);
    char got[10];
    length = sizeof address;
    CHECK_EQ(peer->call.recvfrom(SELF, fd, got, sizeof got, 0, (struct sockaddr *)&address, &length), 5);
    CHECK_EQ(address.ss_family, AF_INET);
    struct iovec pieces[] = {{"ab", 2}, {"cd", 2}};
    length = peer_own_address(peer, &address);
    struct msghdr message = {.msg_name = &address, .msg_namelen = length, .msg_iov = pieces, .msg_iovlen = 2};
    CHECK_EQ(peer->call.sendmsg(SELF, fd, &message, 0), 4);
    peer_end(peer);
}

TEST(wrong_flags_make_no_host)
{
    struct peer *peer = &the_peer;
    static const char *const wrong[] = {NULL, "", "profile=plan9", "local=1.2.3.4", "profile=linux,mtu=5",
                                        "profile=linux,local=nowhere", "profile=linux,speed=9", "profile",
                                        "profile=linux,merged=0"};
    struct timeval now;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        peer_begin(peer, wrong[i], false);
        CHECK(peer->call.userdata == NULL);
        FAILS(socket(SELF, AF_INET, SOCK_STREAM, 0), ENODEV);
        FAILS(close(SELF, 3), ENODEV);
        CHECK_EQ(peer->call.gettimeofday(SELF, &now, NULL), 0);
        CHECK(!peer_receive(peer));
        peer_end(peer);
    }
}

TEST(sysctls_are_heeded_when_they_come)
{
    struct peer *peer = &the_peer;
    char path[] = "/tmp/strata-sysctl-XXXXXX";
    int file = mkstemp(path);
    REQUIRE(file >= 0);
    setenv("STRATA_SYSCTL_FILE", path, 1);
    peer_begin(peer, "profile=linux", false);
    // After initialization, before the first call; an unknown name harms nobody.
    static const char lines[] = "net.ipv4.tcp_timestamps=0\nnet.ipv4.no_such_thing=1\n# a comment\n\n"
                                " net.ipv4.ip_default_ttl = 0x21 \n";
    REQUIRE(write(file, lines, strlen(lines)) == (ssize_t)strlen(lines));
    struct sockaddr_storage address;
    socklen_t length = peer_own_address(peer, &address);
    int fd = peer->call.socket(SELF, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), -1);
    EXPECT(peer, TCP_SYN, 0, 0, 0);
    CHECK(!peer->header.options.has_timestamps);
    CHECK_EQ(peer->bytes[8], 0x21); // the TTL of the IPv4 header
    // What is appended later holds from then on.
    static const char more[] = "net.ipv4.tcp_timestamps=1\n";
    REQUIRE(write(file, more, strlen(more)) == (ssize_t)strlen(more));
    peer->remote_port++;
    length = peer_own_address(peer, &address);
    fd = peer->call.socket(SELF, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(peer->call.connect(SELF, fd, (struct sockaddr *)&address, length), -1);
    EXPECT(peer, TCP_SYN, 0, 0, 0);
    CHECK(peer->header.options.has_timestamps);
    peer_end(peer);
    unsetenv("STRATA_SYSCTL_FILE");
    close(file);
    unlink(path);
}

/* As Linux has it: apart from the stream where SO_OOBINLINE is off, as it is at first; a read ends before the mark. */
TEST(urgent_data_is_read_apart)
{
    struct peer *peer = &the_peer;
    char data[100];
    int value = -1, one = 1;
    socklen_t length = sizeof value;
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    CHECK_EQ(peer->call.getsockopt(SELF, fd, SOL_SOCKET, SO_OOBINLINE, &value, &length), 0);
    CHECK_EQ(value, 0);
    CHECK(peer->call.recv(SELF, fd, data, 1, MSG_OOB) == -1 && errno == EINVAL);
    peer->urgent = 15;
    peer_send(peer, TCP_ACK | TCP_PSH | TCP_URG, 1, 1, 257, NULL, 10);
    CHECK(peer->call.recv(SELF, fd, data, 1, MSG_OOB) == -1 && errno == EAGAIN); // though the socket may wait
    struct pollfd wanted = {.fd = fd, .events = POLLIN | POLLPRI};
    CHECK_EQ(peer->call.poll(SELF, &wanted, 1, 0), 1);
    CHECK_EQ(wanted.revents, POLLIN);
    peer->urgent = 5;
    peer_send(peer, TCP_ACK | TCP_PSH | TCP_URG, 11, 1, 257, NULL, 10);
    CHECK_EQ(peer->call.poll(SELF, &wanted, 1, 0), 1);
    CHECK_EQ(wanted.revents, POLLIN | POLLPRI);
    CHECK_EQ(peer->call.ioctl(SELF, fd, FIONREAD, &value), 0);
    CHECK_EQ(value, 14);
    CHECK_EQ(peer->call.recv(SELF, fd, data, 1, MSG_OOB | MSG_PEEK), 1);
    struct iovec pieces[2] = {{data, 0}, {data, 10}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    CHECK_EQ(peer->call.recvmsg(SELF, fd, &message, MSG_OOB), 1);
    CHECK_EQ(message.msg_flags & MSG_OOB, MSG_OOB);
    CHECK_EQ(data[0], 15);
    CHECK(peer->call.recv(SELF, fd, data, 1, MSG_OOB) == -1 && errno == EINVAL);
    // In two pieces too a read ends at the mark.
    pieces[0].iov_len = 4;
    pieces[1] = (struct iovec){data + 4, 90};
    CHECK_EQ(peer->call.recvmsg(SELF, fd, &message, 0), 14);
    CHECK(data[0] == 1 && data[13] == 14);
    CHECK_EQ(peer->call.ioctl(SELF, fd, SIOCATMARK, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(peer->call.ioctl(SELF, fd, FIONREAD, &value), 0);
    CHECK_EQ(value, 0);
    CHECK_EQ(peer->call.recv(SELF, fd, data, sizeof data, 0), 5);
    CHECK_EQ(data[0], 16);
    CHECK_EQ(peer->call.ioctl(SELF, fd, SIOCATMARK, &value), 0);
    CHECK_EQ(value, 0);
    // In line the octet is data, and a read ends before it as well.
    CHECK_EQ(peer->call.setsockopt(SELF, fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one), 0);
    peer->urgent = 10;
    peer_send(peer, TCP_ACK | TCP_PSH | TCP_URG, 21, 1, 257, NULL, 20);
    CHECK(peer->call.recv(SELF, fd, data, 1, MSG_OOB) == -1 && errno == EINVAL);
    CHECK_EQ(peer->call.recv(SELF, fd, data, sizeof data, 0), 9);
    CHECK_EQ(peer->call.ioctl(SELF, fd, SIOCATMARK, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(peer->call.recv(SELF, fd, data, sizeof data, 0), 11);
    CHECK_EQ(data[0], 30);
    // Written with MSG_OOB, the last octet is the urgent one.
    peer->call.ioctl(SELF, fd, FIONREAD, &value);
    while (peer_receive(peer))
        continue;
    CHECK_EQ(peer->call.send(SELF, fd, "abc", 3, MSG_OOB), 3);
    EXPECT(peer, TCP_ACK | TCP_PSH | TCP_URG, 1, 41, 3);
    CHECK_EQ(peer->header.urgent, 3);
    peer_end(peer);
}

/* A queueing discipline that holds nothing: nothing leaves until another takes its place. */
TEST(a_full_link)
{
    struct peer *peer = &the_peer;
    char path[] = "/tmp/strata-sysctl-XXXXXX", data[1000] = {0};
    int file = mkstemp(path);
    REQUIRE(file >= 0);
    setenv("STRATA_SYSCTL_FILE", path, 1);
    peer_begin(peer, "profile=linux", false);
    int fd = accepted(peer);
    REQUIRE(write(file, "posix.link_full=1\n", 18) == 18);
    CHECK_EQ(peer->call.write(SELF, fd, data, 1000), 1000);
    peer_wait_until(peer, peer_clock(peer) + 1000000);
    REQUIRE(write(file, "posix.link_full=0\n", 18) == 18);
    long long began_us = peer_clock(peer);
    peer_wait_until(peer, began_us + 1000);
    EXPECT(peer, TCP_ACK | TCP_PSH, 1, 1, 1000);
    CHECK(peer->sent_us > began_us && peer->sent_us < began_us + 500000);
    peer_end(peer);
    unsetenv("STRATA_SYSCTL_FILE");
    close(file);
    unlink(path);
}

TEST_MAIN(TEST_ENTRY(urgent_data_is_read_apart), TEST_ENTRY(a_connection_over_ipv4), TEST_ENTRY(a_connection_over_ipv6),
          TEST_ENTRY(a_client_speaks_first),
          TEST_ENTRY(a_lost_segment_comes_again_in_virtual_time), TEST_ENTRY(who_waits_is_told_when_it_was_over),
          TEST_ENTRY(a_write_waits_for_room), TEST_ENTRY(the_clock_jumps_for_a_driver_that_waits),
          TEST_ENTRY(poll_tells_what_is_ready), TEST_ENTRY(epoll_tells_levels_edges_and_once),
          TEST_ENTRY(messages_in_pieces), TEST_ENTRY(inquiry_comes_with_the_data),
          TEST_ENTRY(a_record_shares_no_segment),
          TEST_ENTRY(options_are_told_as_they_were_set), TEST_ENTRY(what_linux_tells_of_a_connection),
          TEST_ENTRY(bad_calls_get_their_errno), TEST_ENTRY(datagrams_find_their_way),
          TEST_ENTRY(wrong_flags_make_no_host), TEST_ENTRY(sysctls_are_heeded_when_they_come),
          TEST_ENTRY(merged_segments), TEST_ENTRY(a_full_link), TEST_ENTRY(what_congestion_control_tells))
