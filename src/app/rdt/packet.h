/**
 * The packets of reliable data transfer on the wire: kind, checksum, number, data. The checksum is the Internet's, over
 * everything.
 */
#ifndef APP_RDT_PACKET_H
#define APP_RDT_PACKET_H

#include "app/rdt/rdt.h"

#define RDT_HEADER_BYTES 8u
#define RDT_PACKET_MAX   (RDT_HEADER_BYTES + RDT_DATA_MAX)
#define RDT_PORT         5002

/** Writes a packet. @return its length. */
size_t rdt_emit(uint8_t bytes[RDT_PACKET_MAX], const struct rdt_packet *packet);
/** Reads one; `corrupt` says whether it is to be believed. Data are borrowed. */
void rdt_parse(struct rdt_packet *packet, const uint8_t *bytes, size_t size);

#endif
