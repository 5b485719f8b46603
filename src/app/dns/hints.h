/**
 * Where the root's servers live, as users say it.
 */
#ifndef APP_DNS_HINTS_H
#define APP_DNS_HINTS_H

#include "app/dns/resolver.h"

/** Reads "198.41.0.4,2001:503:ba3e::2:30" into a resolver. @return how many, or -EINVAL. */
static inline int dns_hints_read(const char *text, struct dns_resolver *resolver)
{
    resolver->hint_count = 0;
    while (text && *text) {
        char room[STRATA_ADDRESS_TEXT];
        size_t length = strcspn(text, ",");
        if (length >= sizeof room || resolver->hint_count == DNS_RESOLVER_HINTS_MAX)
            return -1;
        memcpy(room, text, length);
        room[length] = 0;
        if (strata_address_parse(room, &resolver->hints[resolver->hint_count]) < 0)
            return -1;
        resolver->hint_count++;
        text += length + (text[length] == ',');
    }
    return (int)resolver->hint_count;
}

#endif
