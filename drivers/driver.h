/**
 * What a driver is inside: a descriptor, and how frames go through it.
 */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H

#include <strata/driver.h>

struct driver_ops {
    long (*receive)(struct strata_driver *driver, void *frame, size_t size);
    int (*send)(struct strata_driver *driver, const void *frame, size_t length);
    int (*flush)(struct strata_driver *driver);  /**< NULL: it keeps nothing back. */
    void (*close)(struct strata_driver *driver); /**< Frees `state`; NULL: there is none. */
};
struct strata_driver {
    const struct driver_ops *ops;
    int fd;
    enum strata_link link;
    char name[16]; /**< Of the kernel's interface; empty: there is none. */
    void *state;   /**< The driver's own. */
};

/** A driver around a descriptor, which it owns from now on; closes it when out of memory. @return 0, -ENOMEM.
 */
int driver_new(struct strata_driver **driver, const struct driver_ops *ops, int fd, enum strata_link link,
               const char *name);

#endif
