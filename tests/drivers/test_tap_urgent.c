/*
 * Urgent data between a Strata host and the kernel's TCP, over a TAP in a network namespace of its own: each
 * is what the other's means, in line and apart. Deadlines are only there so that a broken test ends.
 *
 * ctest: label os
 */
#include <strata/driver.h>

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#define PATIENCE (20 * STRATA_SECOND)
#define FULL_SEGMENT 1460u

static struct {
    struct strata_driver *driver;
    struct strata_host *host;
    int port;
    strata_socket listener, ours;
    int kernel;
} world;

static strata_time now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (strata_time)time.tv_sec * STRATA_SECOND + time.tv_nsec;
}

/** Carries frames between the kernel and the host, as many as there are; then waits for more, 10 ms at most.
 */
static void turn(void)
{
    static uint8_t frame[2048];
    long length;
    while ((length = strata_driver_receive(world.driver, frame, sizeof frame)) > 0)
        strata_host_input(world.host, world.port, frame, (size_t)length, NULL, now());
    strata_host_advance(world.host, now());
    while (strata_host_ready(world.host) >= 0) {
        size_t size = strata_host_output(world.host, world.port, frame, sizeof frame, NULL, now());
        if (size == 0)
            break;
        (void)strata_driver_send(world.driver, frame, size); // what is lost comes again
    }
    struct pollfd wanted = {.fd = strata_driver_fd(world.driver), .events = POLLIN};
    (void)poll(&wanted, 1, 10);
}

/** Lets time pass until something holds. */
#define UNTIL(condition)                                                                                     \
    do {                                                                                                     \
        strata_time end = now() + PATIENCE;                                                                  \
        bool holds;                                                                                          \
        while (!(holds = (condition)) && now() < end)                                                        \
            turn();                                                                                          \
        REQUIRE(holds);                                                                                      \
    } while (0)

static void make_wire(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        TEST_SKIP("a network namespace of its own needs root");
    struct strata_tap_config config = {.size = sizeof config, .name = "tap0", .link = STRATA_LINK_ETHERNET};
    if (strata_tap_open(&world.driver, &config) != 0)
        TEST_SKIP("no TAP");
    struct ifreq request = {.ifr_name = "tap0"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090001)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memcpy(&request.ifr_addr, &address, sizeof address);
    REQUIRE(ioctl(fd, SIOCSIFADDR, &request) == 0);
    address.sin_addr.s_addr = htonl(0xffffff00);
    memcpy(&request.ifr_netmask, &address, sizeof address);
    REQUIRE(ioctl(fd, SIOCSIFNETMASK, &request) == 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    REQUIRE(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
}

/** The kernel connects to the host. */
static void begin(bool urgent_inline)
{
    struct strata_config birth = {.size = sizeof birth, .seed = {7}};
    struct strata_port_config port = {
        .size = sizeof port, .link = STRATA_LINK_ETHERNET, .mac = {2, 0, 0, 0, 0, 9}};
    struct strata_address own = strata_ipv4(10, 9, 0, 2);
    struct strata_endpoint at = {.port = 80};
    make_wire();
    REQUIRE(strata_host_new(&world.host, &birth) == 0);
    world.port = strata_port_add(world.host, &port);
    REQUIRE(world.port > 0 && strata_address_add(world.host, world.port, &own, 24, now()) == 0);
    world.listener = strata_open(world.host, STRATA_STREAM);
    REQUIRE(strata_set_option(world.host, world.listener, STRATA_OPTION_URGENT_INLINE, urgent_inline,
                              now()) == 0);
    REQUIRE(strata_bind(world.host, world.listener, &at) == 0);
    REQUIRE(strata_listen(world.host, world.listener, 0, now()) == 0);
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0x0a090002)};
    world.kernel = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    REQUIRE(connect(world.kernel, (struct sockaddr *)&peer, sizeof peer) == -1 && errno == EINPROGRESS);
    UNTIL((world.ours = strata_accept(world.host, world.listener, NULL, now())) > 0);
}

static void end(void)
{
    close(world.kernel);
    strata_host_free(world.host);
    strata_driver_close(world.driver);
}

static uint32_t queued(void)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(world.host, world.ours, &info), 0);
    return info.receive_queue;
}

/* The kernel sends, the host reads: apart, ... */
TEST(what_the_kernel_sends_is_read_apart)
{
    char got[32] = "";
    begin(false);
    CHECK_EQ(send(world.kernel, "before!", 7, MSG_OOB), 7);
    CHECK_EQ(send(world.kernel, "after", 5, 0), 5);
    UNTIL(queued() == 12);
    CHECK(strata_readiness(world.host, world.ours) & STRATA_URGENT);
    CHECK_EQ(strata_urgent_mark(world.host, world.ours), 7);
    CHECK_EQ(strata_read_urgent(world.host, world.ours, got, 0, now()), 1);
    CHECK_EQ(got[0], '!');
    CHECK_EQ(strata_read(world.host, world.ours, got, sizeof got, now()), 6);
    CHECK_MEM(got, "before", 6);
    CHECK_EQ(strata_urgent_mark(world.host, world.ours), 1);
    CHECK_EQ(strata_read(world.host, world.ours, got, sizeof got, now()), 5);
    CHECK_MEM(got, "after", 5);
    CHECK_EQ(strata_urgent_mark(world.host, world.ours), 0);
    end();
}

/* ... and in line. */
TEST(what_the_kernel_sends_is_read_in_line)
{
    char got[32] = "";
    begin(true);
    CHECK_EQ(send(world.kernel, "before!", 7, MSG_OOB), 7);
    CHECK_EQ(send(world.kernel, "after", 5, 0), 5);
    UNTIL(queued() == 12);
    CHECK(strata_readiness(world.host, world.ours) & STRATA_URGENT);
    CHECK_EQ(strata_urgent_mark(world.host, world.ours), 7);
    CHECK_EQ(strata_read_urgent(world.host, world.ours, got, 0, now()), -EINVAL);
    CHECK_EQ(strata_read(world.host, world.ours, got, sizeof got, now()), 12);
    CHECK_MEM(got, "before!after", 12);
    end();
}

/** The kernel sends a little more. @return whether the window takes no full segment. */
static bool send_on(int64_t *sent)
{
    static const char piece[1000];
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(world.host, world.ours, &info), 0);
    if (info.receive_window < FULL_SEGMENT)
        return true; // for less the kernel waits, longer each time
    ssize_t taken = send(world.kernel, piece, sizeof piece, 0);
    *sent += taken > 0 ? taken : 0;
    return false;
}

/** Reads what there is. */
static bool read_on(int64_t *read)
{
    static char got[65536];
    int64_t bytes = strata_read(world.host, world.ours, got, sizeof got, now());
    *read += bytes > 0 ? bytes : 0;
    return true;
}

/* Announced by a pointer while the window is shut, it comes when there is room. */
TEST(the_kernels_pointer_comes_through_a_closed_window)
{
    char octet = 0;
    int64_t sent = 0, read = 0;
    begin(false);
    CHECK_EQ(strata_set_option(world.host, world.ours, STRATA_OPTION_RECEIVE_BUFFER, 4096, now()), 0);
    UNTIL(send_on(&sent));
    CHECK_EQ(send(world.kernel, "!", 1, MSG_OOB), 1);
    UNTIL(strata_urgent_mark(world.host, world.ours) == sent + 1);
    CHECK_EQ(strata_read_urgent(world.host, world.ours, &octet, 0, now()), -EAGAIN);
    UNTIL(read_on(&read) && strata_urgent_mark(world.host, world.ours) == 1 && queued() == 1);
    CHECK_EQ(read, sent);
    CHECK_EQ(strata_read_urgent(world.host, world.ours, &octet, 0, now()), 1);
    CHECK_EQ(octet, '!');
    end();
}

/* The host sends, the kernel reads. */
TEST(what_we_send_is_urgent_to_the_kernel)
{
    char got[32] = "";
    int at_mark = -1, queue = 0;
    begin(true);
    CHECK_EQ(strata_write_urgent(world.host, world.ours, "before!", 7, now()), 7);
    CHECK_EQ(strata_write(world.host, world.ours, "after", 5, now()), 5);
    struct pollfd wanted = {.fd = world.kernel, .events = POLLPRI};
    UNTIL(poll(&wanted, 1, 0) == 1 && wanted.revents & POLLPRI);
    CHECK_EQ(recv(world.kernel, got, 1, MSG_OOB), 1);
    CHECK_EQ(got[0], '!');
    UNTIL(recv(world.kernel, got, sizeof got, 0) == 6);
    CHECK_MEM(got, "before", 6);
    CHECK_EQ(ioctl(world.kernel, SIOCATMARK, &at_mark), 0);
    CHECK_EQ(at_mark, 1);
    UNTIL(recv(world.kernel, got, sizeof got, 0) == 5);
    CHECK_MEM(got, "after", 5);
    CHECK_EQ(ioctl(world.kernel, SIOCINQ, &queue), 0);
    CHECK_EQ(queue, 0);
    end();
}

TEST_MAIN(TEST_ENTRY(what_the_kernel_sends_is_read_apart), TEST_ENTRY(what_the_kernel_sends_is_read_in_line),
          TEST_ENTRY(the_kernels_pointer_comes_through_a_closed_window),
          TEST_ENTRY(what_we_send_is_urgent_to_the_kernel))
