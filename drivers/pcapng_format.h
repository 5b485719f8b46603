/**
 * Numbers of the pcapng format that writer and reader share.
 */
#ifndef DRIVERS_PCAPNG_FORMAT_H
#define DRIVERS_PCAPNG_FORMAT_H

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BYTE_ORDER_SWAPPED 0x4d3c2b1au
/** No block is longer; a capture that says so is damaged. */
#define BLOCK_BYTES_MAX (16u << 20)

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_OLD_PACKET 2u
#define BLOCK_SIMPLE_PACKET 3u
#define BLOCK_STATISTICS 5u
#define BLOCK_ENHANCED_PACKET 6u

#define OPTION_END 0u
#define OPTION_COMMENT 1u
#define OPTION_INTERFACE_NAME 2u
#define OPTION_INTERFACE_DESCRIPTION 3u
#define OPTION_USER_APPLICATION 4u
#define OPTION_INTERFACE_RESOLUTION 9u
#define OPTION_INTERFACE_OFFSET 14u
#define OPTION_PACKET_FLAGS 2u
#define OPTION_STATISTICS_RECEIVED 4u
#define OPTION_STATISTICS_DROPPED 5u

#endif
