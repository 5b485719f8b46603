/**
 * Names to addresses, for every program that is given one.
 */
#ifndef APP_DNS_RESOLVE_H
#define APP_DNS_RESOLVE_H

#include <strata/rt.h>

/** Which addresses are wanted. */
enum {
    DNS_FAMILY_IPV4 = 1,
    DNS_FAMILY_IPV6 = 2,
};

/**
 * The addresses of `name`: read as an address if it is one ("localhost" too), else asked of the resolver that
 * strata_rt_resolver names. @return how many (at least 1, at most `room`), -ENOENT: no such name or no
 * address of a wanted family, -EHOSTUNREACH: no resolver known or none that answers, -ETIMEDOUT, -ECANCELED,
 * -EINVAL: no name.
 */
int dns_resolve(struct strata_rt *rt, const char *name, unsigned families, strata_time deadline,
                struct strata_address *addresses, int room);

#endif
