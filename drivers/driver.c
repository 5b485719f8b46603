/*
 * Drivers, as far as they are alike: a descriptor with a kernel interface behind it, and the clock they
 * share.
 */
#include "drivers/driver.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int driver_new(struct strata_driver **driver, const struct driver_ops *ops, int fd, enum strata_link link,
               const char *name)
{
    struct strata_driver *made = calloc(1, sizeof *made);
    if (!made) {
        close(fd);
        return -ENOMEM;
    }
    made->ops = ops;
    made->fd = fd;
    made->link = link;
    strncpy(made->name, name, sizeof made->name - 1);
    *driver = made;
    return 0;
}

void strata_driver_close(struct strata_driver *driver)
{
    if (!driver)
        return;
    if (driver->ops->close)
        driver->ops->close(driver);
    close(driver->fd);
    free(driver);
}

int strata_driver_mtu(struct strata_driver *driver)
{
    if (!driver->name[0])
        return -EOPNOTSUPP;
    struct ifreq request = {0};
    memcpy(request.ifr_name, driver->name, sizeof driver->name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int result = ioctl(fd, SIOCGIFMTU, &request) < 0 ? -errno : request.ifr_mtu;
    close(fd);
    return result;
}

enum strata_link strata_driver_link(const struct strata_driver *driver)
{
    return driver->link;
}

int strata_driver_fd(const struct strata_driver *driver)
{
    return driver->fd;
}

long strata_driver_receive(struct strata_driver *driver, void *frame, size_t size)
{
    return driver->ops->receive(driver, frame, size);
}

int strata_driver_send(struct strata_driver *driver, const void *frame, size_t length)
{
    return driver->ops->send(driver, frame, length);
}

int strata_driver_flush(struct strata_driver *driver)
{
    return driver->ops->flush ? driver->ops->flush(driver) : 0;
}

strata_time strata_clock_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (strata_time)now.tv_sec * STRATA_SECOND + now.tv_nsec;
}
