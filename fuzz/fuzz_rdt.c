/**
 * Packets of reliable data transfer: whatever comes, neither side breaks, and a packet that is believed is written the
 * same way again. The input is a list of packets, each after its length, whether its checksum is mended first, and the
 * side that gets it.
 */
#include "app/rdt/packet.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "wire/checksum.h"

#include <string.h>

static void send_nothing(void *self, const struct rdt_packet *packet)
{
    uint8_t bytes[RDT_PACKET_MAX];
    (void)self;
    ASSERT(rdt_emit(bytes, packet) <= sizeof bytes);
}

static void take_anything(void *self, uint32_t number, const uint8_t *data, size_t size)
{
    (void)self;
    (void)number;
    ASSERT(size == 0 || data[0] + data[size - 1] >= 0);
}

static void no_timer(void *self, uint64_t count)
{
    (void)self;
    (void)count;
}

static const struct rdt_calls calls = {send_nothing, take_anything, no_timer, no_timer};

static void give(struct rdt_sender *sender, struct rdt_receiver *receiver, const uint8_t *bytes, size_t size, bool up)
{
    struct rdt_packet packet;
    uint8_t again[RDT_PACKET_MAX];
    rdt_parse(&packet, bytes, size);
    if (!packet.corrupt) {
        ASSERT(rdt_emit(again, &packet) == size);
        ASSERT(memcmp(again + 4, bytes + 4, size - 4) == 0);
    }
    if (up)
        rdt_receive(receiver, &packet);
    else
        rdt_receive_feedback(sender, &packet);
    while (rdt_may_send(sender) && sender->next < 100)
        rdt_send(sender, "data", 4);
    if (sender->base < sender->next && size > 0)
        rdt_timeout(sender, sender->base + bytes[0] % (sender->next - sender->base));
    ASSERT(sender->next - sender->base <= sender->window);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const struct rdt_version *version = rdt_version(data[0] % 7);
    uint32_t window = version->pipelined ? data[1] % 8 + 1 : 0, numbers = version->pipelined ? window + data[2] % 9 : 0;
    struct rdt_sender sender;
    struct rdt_receiver receiver;
    ASSERT(rdt_sender_init(&sender, version, window, numbers, &calls, NULL) == 0);
    ASSERT(rdt_receiver_init(&receiver, version, window, numbers, &calls, NULL) == 0);
    for (size_t at = 3; at + 1 < size;) {
        size_t length = data[at] >> 2, left = size - at - 1;
        uint8_t bytes[64];
        if (length > left)
            length = left;
        memcpy(bytes, data + at + 1, length);
        if (data[at] & 2 && length >= RDT_HEADER_BYTES) {
            bytes_put16(bytes + 2, 0);
            bytes_put16(bytes + 2, checksum_finish(checksum_add(0, bytes, length)));
        }
        give(&sender, &receiver, bytes, length, data[at] & 1);
        at += 1 + length;
    }
    rdt_sender_free(&sender);
    rdt_receiver_free(&receiver);
    return 0;
}
