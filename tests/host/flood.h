/**
 * SYN segments from forged addresses: raw IPv4 datagrams with good checksums, each from another address and port.
 */
#ifndef TESTS_HOST_FLOOD_H
#define TESTS_HOST_FLOOD_H

#include <stdint.h>
#include <string.h>

#define FLOOD_BYTES 60u

static inline uint32_t flood_sum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

static inline uint16_t flood_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/** The number-th SYN to 10.0.0.2:`port`, as Linux sends them: from 198.18.0.0/15 (RFC 2544). */
static inline void flood_syn(uint8_t frame[FLOOD_BYTES], uint32_t number, uint16_t port)
{
    static const uint8_t like[FLOOD_BYTES] = {
        0x45, 0, 0, FLOOD_BYTES, 0, 0, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 0, 10, 0, 0, 2, // IPv4
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 2, 0xfa, 0xf0, 0, 0, 0, 0,             // TCP: SYN
        2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7};                 // options
    uint32_t mixed = number * 2654435761u;
    memcpy(frame, like, FLOOD_BYTES);
    frame[13] = (uint8_t)(18 + (mixed & 1));
    frame[14] = (uint8_t)(mixed >> 8);
    frame[15] = (uint8_t)(1 + (mixed >> 16) % 254);
    frame[20] = (uint8_t)(4 + (number >> 8) % 250);
    frame[21] = (uint8_t)number;
    frame[22] = (uint8_t)(port >> 8);
    frame[23] = (uint8_t)port;
    memcpy(frame + 24, &mixed, sizeof mixed);
    uint16_t sum = flood_fold(flood_sum(frame, 20, 0));
    frame[10] = (uint8_t)(sum >> 8);
    frame[11] = (uint8_t)sum;
    sum = flood_fold(flood_sum(frame + 12, FLOOD_BYTES - 12, 6 + FLOOD_BYTES - 20));
    frame[36] = (uint8_t)(sum >> 8);
    frame[37] = (uint8_t)sum;
}

#endif
