/*
 * TAP and TUN: the kernel's virtual interfaces, whose other end we are. A TAP carries Ethernet frames, a TUN
 * bare IP datagrams. One read or write moves one frame; the descriptor does not block.
 */
#include "drivers/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static long tap_receive(struct strata_driver *driver, void *frame, size_t size)
{
    ssize_t got = read(driver->fd, frame, size);
    if (got >= 0)
        return (long)got;
    /* EIO: the interface is down. It may come up again, so there is just no frame now. */
    if (errno == EAGAIN || errno == EINTR || errno == EIO)
        return 0;
    return -errno;
}

static int tap_send(struct strata_driver *driver, const void *frame, size_t length)
{
    if (write(driver->fd, frame, length) >= 0)
        return 0;
    /* EIO: the kernel's end is down, and what is sent to a cable that leads nowhere is lost. */
    if (errno == EIO)
        return 0;
    return errno == EINTR ? -EAGAIN : -errno;
}

static const struct driver_ops tap_ops = {.receive = tap_receive, .send = tap_send};

int strata_tap_open(struct strata_driver **driver, const struct strata_tap_config *config)
{
    if (!config || config->size < sizeof *config || !config->name || !config->name[0] ||
        strlen(config->name) >= IFNAMSIZ)
        return -EINVAL;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct ifreq request = {0};
    strcpy(request.ifr_name, config->name);
    request.ifr_flags = (short)((config->link == STRATA_LINK_IP ? IFF_TUN : IFF_TAP) | IFF_NO_PI);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return driver_new(driver, &tap_ops, fd, config->link, request.ifr_name);
}
