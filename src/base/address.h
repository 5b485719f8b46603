/**
 * Addresses: 16 bytes, IPv4 as v4-mapped. What kind an address is (RFC 6890, RFC 4291), comparing, prefixes.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <strata/strata.h>
#include <string.h>

/** Offset of an IPv4 prefix inside the 128 bits: a /24 is kept as 120. An IPv4 lookup never matches less. */
#define ADDRESS_V4_BITS 96u

static inline bool address_equal(const struct strata_address *a, const struct strata_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
/** strata_address_is_ipv4 in two comparisons, for where it is asked per packet. */
static inline bool address_is_ipv4(const struct strata_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}
static inline bool endpoint_equal(const struct strata_endpoint *a, const struct strata_endpoint *b)
{
    return a->port == b->port && a->scope == b->scope && address_equal(&a->address, &b->address);
}
/** The IPv4 address in host order; 0 for IPv6. */
uint32_t address_v4(const struct strata_address *address);
struct strata_address address_from_v4(uint32_t ipv4);
/** All 128 bits zero. */
bool address_is_zero(const struct strata_address *address);
/** ::, or 0.0.0.0 mapped. */
bool address_is_unspecified(const struct strata_address *address);
bool address_is_loopback(const struct strata_address *address);  /**< ::1, 127/8. */
bool address_is_multicast(const struct strata_address *address); /**< ff00::/8, 224/4. */
bool address_is_link_local(const struct strata_address *address); /**< fe80::/10, 169.254/16. */
/** 255.255.255.255. */
bool address_is_limited_broadcast(const struct strata_address *address);
/** 240/4 but not the limited broadcast. */
bool address_is_reserved(const struct strata_address *address);
/** Whether the first `bits` (0 to 128) are equal. */
bool address_matches(const struct strata_address *a, const struct strata_address *b, unsigned bits);
/** Keeps the first `bits`, zeroes the others. */
struct strata_address address_mask(const struct strata_address *address, unsigned bits);
/** The directed broadcast address of an IPv4 subnet; bits counted of 128. */
struct strata_address address_broadcast(const struct strata_address *address, unsigned bits);

#endif
