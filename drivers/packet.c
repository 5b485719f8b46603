/*
 * Packet sockets: all frames of an existing kernel interface, in and out (packet(7)).
 */
#include "drivers/driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static long packet_receive(struct strata_driver *driver, void *frame, size_t size)
{
    ssize_t got = recv(driver->fd, frame, size, MSG_DONTWAIT);
    if (got >= 0)
        return (long)got;
    return errno == EAGAIN || errno == EINTR || errno == ENETDOWN ? 0 : -errno;
}

static int packet_send(struct strata_driver *driver, const void *frame, size_t length)
{
    if (send(driver->fd, frame, length, MSG_DONTWAIT) >= 0)
        return 0;
    /* An interface that is down takes nothing, and may come up again. */
    if (errno == ENETDOWN)
        return 0;
    return errno == EINTR || errno == ENOBUFS ? -EAGAIN : -errno;
}

static const struct driver_ops packet_ops = {.receive = packet_receive, .send = packet_send};

/** Whether frames of the interface begin with an Ethernet header. */
static int packet_link(int fd, const char *interface, enum strata_link *link)
{
    struct ifreq request = {0};
    strcpy(request.ifr_name, interface);
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
        return -errno;
    unsigned type = request.ifr_hwaddr.sa_family;
    *link = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? STRATA_LINK_ETHERNET : STRATA_LINK_IP;
    return 0;
}

int strata_packet_open(struct strata_driver **driver, const char *interface)
{
    if (!interface || !interface[0] || strlen(interface) >= IFNAMSIZ)
        return -EINVAL;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (fd < 0)
        return -errno;
    enum strata_link link = STRATA_LINK_ETHERNET;
    int error = packet_link(fd, interface, &link);
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    if (!error && bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        error = -errno;
    if (error) {
        close(fd);
        return error;
    }
    return driver_new(driver, &packet_ops, fd, link, interface);
}
