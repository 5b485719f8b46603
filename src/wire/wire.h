/**
 * What each header looks like: one pair of `parse` and `emit` per protocol, between bytes and a plain struct
 * in host order. Only this room touches header bytes.
 *
 * A parser takes all the bytes there are and returns the bytes its header takes (positive), or minus the
 * `enum counter` that names what is wrong. It reads nothing beyond `size` and trusts no length field. An emitter
 * writes into room that is large enough (its length function says how much) and returns the bytes written.
 * parse(emit(x)) == x holds for every header, and a test shows it.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/counters.h"
#include "base/seq.h"

/** The result of a parser that found something wrong. */
#define WIRE_BAD(name) (-(int)COUNTER_##name)

/* Internet protocol numbers. */
enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_NONE = 59,
    PROTOCOL_DESTINATION_OPTIONS = 60,
};

/** The ECN field of both families' traffic class (RFC 3168 5). */
enum { ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3, ECN_FIELD = 3 };

#endif
