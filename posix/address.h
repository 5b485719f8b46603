/**
 * Addresses as POSIX writes them (struct sockaddr of AF_INET and AF_INET6) and as Strata does.
 */
#ifndef POSIX_ADDRESS_H
#define POSIX_ADDRESS_H

#include <strata/strata.h>
#include <sys/socket.h>

/**
 * Reads the address that a call for a socket of `domain` was given.
 * @return 0, -EINVAL (too short, no pointer), -EAFNOSUPPORT (another family than the socket's).
 */
int address_from_posix(const struct sockaddr *address, socklen_t length, int domain, struct strata_endpoint *endpoint);

/**
 * Writes an address as a socket of `domain` would, cut to the room there is, and tells the whole length
 * (POSIX accept, getsockname). Does nothing where `address` or `length` is NULL.
 */
void address_to_posix(const struct strata_endpoint *endpoint, int domain, struct sockaddr *address, socklen_t *length);

#endif
