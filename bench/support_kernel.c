/*
 * The kernel's end of a benchmark: a network namespace made by the benchmark itself, a TAP in it, and a small
 * sender or receiver on kernel sockets in a process of its own. Nothing is left behind: the namespace dies
 * with the last process in it.
 */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void bench_enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        bench_skip("a network namespace of its own needs root (%s)", strerror(errno));
}

int bench_open_tap(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = {0};
    strcpy(request.ifr_name, BENCH_TAP_NAME);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        bench_skip("no TAP device (%s)", strerror(errno));
    return fd;
}

static void interface_up(const char *name, int control)
{
    struct ifreq request = {0};
    strcpy(request.ifr_name, name);
    if (ioctl(control, SIOCGIFFLAGS, &request) != 0)
        bench_fail("interface %s: %s", name, strerror(errno));
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0)
        bench_fail("interface %s up: %s", name, strerror(errno));
}

void bench_configure_tap(void)
{
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};
    strcpy(request.ifr_name, BENCH_TAP_NAME);
    struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
    address->sin_family = AF_INET;
    inet_pton(AF_INET, BENCH_KERNEL_ADDRESS, &address->sin_addr);
    if (ioctl(control, SIOCSIFADDR, &request) != 0)
        bench_fail("address of %s: %s", BENCH_TAP_NAME, strerror(errno));
    inet_pton(AF_INET, "255.255.255.0", &address->sin_addr);
    if (ioctl(control, SIOCSIFNETMASK, &request) != 0)
        bench_fail("netmask of %s: %s", BENCH_TAP_NAME, strerror(errno));
    interface_up(BENCH_TAP_NAME, control);
    close(control);
}

/** Kernels may default to BBR, which measures its own pacing; cubic is what most peers speak. */
static void set_congestion(int fd)
{
    static const char *const wanted[] = {"cubic", "reno"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, wanted[i], (socklen_t)strlen(wanted[i])) == 0)
            return;
}

const char *bench_congestion(void)
{
    static char name[32];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_congestion(fd);
    socklen_t size = sizeof name - 1;
    if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) != 0)
        strcpy(name, "unknown");
    close(fd);
    return name;
}

static void kernel_send(uint16_t port)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, BENCH_STACK_ADDRESS, &peer.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    set_congestion(fd);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0)
        bench_fail("kernel connects: %s", strerror(errno));
    for (;;) {
        size_t sent = 0;
        while (sent < BENCH_MESSAGE_BYTES) {
            ssize_t got = write(fd, bench_message() + sent, BENCH_MESSAGE_BYTES - sent);
            if (got <= 0)
                _exit(0);
            sent += (size_t)got;
        }
    }
}

static void kernel_receive(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        bench_fail("kernel accepts: %s", strerror(errno));
    static uint8_t data[BENCH_MESSAGE_BYTES];
    size_t at = 0;
    for (;;) {
        // It never sleeps: otherwise waking it up, segment by segment, is most of what is measured.
        ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            continue;
        if (got <= 0)
            _exit(0);
        bench_verify(data, (size_t)got, &at);
    }
}

pid_t bench_start_kernel(enum bench_kernel what, uint16_t port)
{
    int listener = -1;
    if (what == BENCH_KERNEL_RECEIVES) {
        struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        set_congestion(listener);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
        if (bind(listener, (struct sockaddr *)&local, sizeof local) != 0 || listen(listener, 1) != 0)
            bench_fail("kernel listens: %s", strerror(errno));
    }
    fflush(stdout);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        bench_fail("fork: %s", strerror(errno));
    if (pid > 0) {
        if (listener >= 0)
            close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_IGN);
    if (what == BENCH_KERNEL_SENDS)
        kernel_send(port);
    else
        kernel_receive(listener);
    _exit(0);
}

void bench_stop_kernel(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
