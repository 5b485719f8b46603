/*
 * Packets and their queues.
 */
#include "base/packet.h"
#include "base/assert.h"

#include <string.h>

struct packet *packet_new(struct memory *memory, size_t headroom, size_t length)
{
    size_t room = headroom + length;
    struct packet *packet = memory_allocate_reserved(memory, sizeof *packet + room);
    if (!packet)
        return NULL;
    *packet = (struct packet){
        .references = 1,
        .room = (uint32_t)room,
        .offset = (uint32_t)headroom,
        .length = (uint32_t)length,
        .port = -1,
    };
    list_init(&packet->node);
    return packet;
}

struct packet *packet_copy(struct memory *memory, size_t headroom, const void *data, size_t length)
{
    struct packet *packet = packet_new(memory, headroom, length);
    if (packet && length > 0)
        memcpy(packet_data(packet), data, length);
    return packet;
}

void packet_free(struct memory *memory, struct packet *packet)
{
    if (!packet)
        return;
    ASSERT(packet->references > 0);
    if (--packet->references > 0)
        return;
    ASSERT(!list_is_linked(&packet->node));
    memory_release(memory, packet, sizeof *packet + packet->room);
}

uint8_t *packet_push(struct packet *packet, size_t bytes)
{
    // Whoever makes room in front is about to write there, which is not for shared bytes.
    ASSERT(packet->references == 1 && bytes <= packet->offset);
    packet->offset -= (uint32_t)bytes;
    packet->length += (uint32_t)bytes;
    return packet_data(packet);
}

uint8_t *packet_pull(struct packet *packet, size_t bytes)
{
    ASSERT(bytes <= packet->length);
    packet->offset += (uint32_t)bytes;
    packet->length -= (uint32_t)bytes;
    return packet_data(packet);
}

void packet_queue_init(struct packet_queue *queue, uint32_t limit)
{
    *queue = (struct packet_queue){.limit = limit};
    list_init(&queue->packets);
}

bool packet_queue_push(struct packet_queue *queue, struct packet *packet)
{
    if (queue->count >= queue->limit)
        return false;
    ASSERT(!list_is_linked(&packet->node));
    list_push_back(&queue->packets, &packet->node);
    queue->count++;
    queue->bytes += packet->length;
    return true;
}

struct packet *packet_queue_first(struct packet_queue *queue)
{
    struct list *link = list_first(&queue->packets);
    return link ? CONTAINER_OF(link, struct packet, node) : NULL;
}

struct packet *packet_queue_pop(struct packet_queue *queue)
{
    struct packet *packet = packet_queue_first(queue);
    if (!packet)
        return NULL;
    list_remove(&packet->node);
    queue->count--;
    // A packet's length is not to change while it waits.
    ASSERT(queue->bytes >= packet->length);
    queue->bytes -= packet->length;
    return packet;
}

void packet_queue_clear(struct packet_queue *queue, struct memory *memory)
{
    struct packet *packet;
    while ((packet = packet_queue_pop(queue)))
        packet_free(memory, packet);
}
