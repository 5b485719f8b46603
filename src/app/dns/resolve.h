/**
 * Names to addresses, for every program that is given one.
 */
#ifndef APP_DNS_RESOLVE_H
#define APP_DNS_RESOLVE_H

#include <strata/rt.h>

/** Which addresses are wanted; with both, IPv6 is asked for only where there is no IPv4. */
enum {
    DNS_FAMILY_IPV4 = 1,
    DNS_FAMILY_IPV6 = 2,
};

/**
 * The addresses of `name`: read as an address if it is one ("localhost" too), else asked of the name server
 * that dns_find_server finds. @return how many (at least 1, at most `room`), -ENOENT: no such name or no
 * address of a wanted family, -EHOSTUNREACH: no resolver known or none that answers, -ETIMEDOUT, -ECANCELED,
 * -EINVAL: no name.
 */
int dns_resolve(struct strata_rt *rt, const char *name, unsigned families, strata_time deadline,
                struct strata_address *addresses, int room);

/** The name server that is asked: the runtime's, on the kernel else the system's. @return 0, -EHOSTUNREACH.
 */
int dns_find_server(struct strata_rt *rt, struct strata_endpoint *server);

#endif
