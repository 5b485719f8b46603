/**
 * Names to addresses.
 */
#include "app/dns/resolve.h"

#include <errno.h>
#include <string.h>

int dns_resolve(struct strata_rt *rt, const char *name, unsigned families, strata_time deadline,
                struct strata_address *addresses, int room)
{
    (void)rt;
    (void)deadline;
    if (room < 1)
        return -EINVAL;
    if (strata_address_parse(name, &addresses[0]) == 0) {
        bool v4 = strata_address_is_ipv4(&addresses[0]);
        return families & (v4 ? DNS_FAMILY_IPV4 : DNS_FAMILY_IPV6) ? 1 : -ENOENT;
    }
    if (strcmp(name, "localhost") == 0 && (families & DNS_FAMILY_IPV4)) {
        addresses[0] = strata_ipv4(127, 0, 0, 1);
        return 1;
    }
    return -EHOSTUNREACH;
}
