/**
 * Addresses: AF_INET and AF_INET6 to endpoints and back. An IPv4 address is v4-mapped in an endpoint, as it is in an
 * AF_INET6 socket (RFC 3493 3.7), so the latter needs no change.
 */
#include "posix/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

int address_from_posix(const struct sockaddr *address, socklen_t length, int domain, struct strata_endpoint *endpoint)
{
    *endpoint = (struct strata_endpoint){.port = 0};
    if (!address || length < sizeof(sa_family_t))
        return -EINVAL;
    sa_family_t family;
    memcpy(&family, (const char *)address + offsetof(struct sockaddr, sa_family), sizeof family);
    if (family != domain)
        return -EAFNOSUPPORT;
    if (family == AF_INET) {
        struct sockaddr_in in;
        if (length < sizeof in)
            return -EINVAL;
        memcpy(&in, address, sizeof in);
        const uint8_t *octets = (const uint8_t *)&in.sin_addr;
        endpoint->address = strata_ipv4(octets[0], octets[1], octets[2], octets[3]);
        endpoint->port = ntohs(in.sin_port);
        return 0;
    }
    struct sockaddr_in6 in6;
    if (family != AF_INET6)
        return -EAFNOSUPPORT;
    if (length < sizeof in6)
        return -EINVAL;
    memcpy(&in6, address, sizeof in6);
    memcpy(endpoint->address.bytes, &in6.sin6_addr, sizeof endpoint->address.bytes);
    endpoint->scope = in6.sin6_scope_id;
    endpoint->port = ntohs(in6.sin6_port);
    return 0;
}

void address_to_posix(const struct strata_endpoint *endpoint, int domain, struct sockaddr *address, socklen_t *length)
{
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } whole;
    socklen_t size;
    if (!address || !length)
        return;
    memset(&whole, 0, sizeof whole);
    if (domain == AF_INET) {
        size = sizeof whole.in;
        whole.in.sin_family = AF_INET;
        whole.in.sin_port = htons(endpoint->port);
        memcpy(&whole.in.sin_addr, endpoint->address.bytes + 12, 4);
    } else {
        size = sizeof whole.in6;
        whole.in6.sin6_family = AF_INET6;
        whole.in6.sin6_port = htons(endpoint->port);
        whole.in6.sin6_scope_id = endpoint->scope;
        memcpy(&whole.in6.sin6_addr, endpoint->address.bytes, 16);
    }
    memcpy(address, &whole, *length < size ? *length : size);
    *length = size;
}
