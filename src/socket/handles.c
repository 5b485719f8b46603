/**
 * Handles: a number that names a socket as long as it lives and nothing afterwards.
 *
 * The lower 24 bits say where the record is, the rest is a generation that no two sockets of a host share
 * until four thousand million were opened. Finding a socket takes two loads and a compare. Chunks of 64
 * records come when they are needed and go when they are empty, unless no other has room.
 */
#include "socket/socket.h"

#include <errno.h>

#define INDEX_BITS 24
#define CHUNKS_MAX ((1u << INDEX_BITS) / CHUNK_SOCKETS)

void sockets_init(struct sockets *sockets, struct core *core)
{
    *sockets = (struct sockets){.core = core, .event_first = NO_SOCKET, .event_last = NO_SOCKET};
    list_init(&sockets->partial);
}

void sockets_free(struct sockets *sockets)
{
    struct memory *memory = &sockets->core->memory;
    for (uint32_t i = 0; i < sockets->chunk_room; i++) {
        struct socket_chunk *chunk = sockets->chunks[i];
        if (!chunk)
            continue;
        for (uint32_t j = 0; j < CHUNK_SOCKETS; j++) {
            struct socket *socket = &chunk->sockets[j];
            if (!(chunk->used >> j & 1))
                continue;
            if (socket->kind == SOCKET_LISTENER) // it refers to its binding
                tcp_listener_close(socket->listener);
            stream_unbind(sockets, socket);
            stream_drop_options(sockets, socket);
        }
        memory_release(memory, chunk, sizeof *chunk);
    }
    memory_release(memory, sockets->chunks, sockets->chunk_room * sizeof *sockets->chunks);
    sockets->chunks = NULL;
    sockets->chunk_room = sockets->count = 0;
}

strata_socket socket_handle(const struct socket *socket)
{
    return (strata_socket)((uint64_t)socket->generation << INDEX_BITS | socket->index);
}

struct socket *socket_find(const struct sockets *sockets, strata_socket handle)
{
    uint32_t index = (uint32_t)handle & ((1u << INDEX_BITS) - 1);
    uint32_t number = index / CHUNK_SOCKETS;
    if (handle <= 0 || number >= sockets->chunk_room || !sockets->chunks[number])
        return NULL;
    struct socket *socket = &sockets->chunks[number]->sockets[index % CHUNK_SOCKETS];
    return socket->generation != 0 && (uint64_t)handle >> INDEX_BITS == socket->generation ? socket : NULL;
}

/** A chunk more, at the first number that has none. @return it, or NULL. */
static struct socket_chunk *chunk_new(struct sockets *sockets)
{
    struct memory *memory = &sockets->core->memory;
    uint32_t number = sockets->first_hole;
    while (number < sockets->chunk_room && sockets->chunks[number])
        number++;
    if (number >= CHUNKS_MAX)
        return NULL;
    if (number == sockets->chunk_room) {
        uint32_t room = number ? number * 2 : 4;
        size_t each = sizeof *sockets->chunks;
        void *moved = memory_resize(memory, sockets->chunks, number * each, room * each);
        if (!moved)
            return NULL;
        sockets->chunks = moved;
        sockets->chunk_room = room;
    }
    struct socket_chunk *chunk = memory_allocate(memory, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->number = number;
    list_push_back(&sockets->partial, &chunk->partial);
    sockets->chunks[number] = chunk;
    sockets->first_hole = number + 1;
    return chunk;
}

struct socket *socket_new(struct sockets *sockets, enum strata_socket_type type, int *error)
{
    *error = -EMFILE;
    if (sockets->count >= sockets->core->settings.sockets)
        return NULL;
    struct list *first = list_first(&sockets->partial);
    struct socket_chunk *chunk =
        first ? CONTAINER_OF(first, struct socket_chunk, partial) : chunk_new(sockets);
    *error = -ENOMEM;
    if (!chunk)
        return NULL;
    uint32_t slot = (uint32_t)__builtin_ctzll(~chunk->used);
    chunk->used |= (uint64_t)1 << slot;
    if (chunk->used == UINT64_MAX)
        list_remove(&chunk->partial);
    if (++sockets->generation == 0)
        sockets->generation = 1;
    sockets->count++;
    struct socket *socket = &chunk->sockets[slot];
    *socket = (struct socket){
        .generation = sockets->generation,
        .index = chunk->number * CHUNK_SOCKETS + slot,
        .event_next = NO_SOCKET,
        .event_previous = NO_SOCKET,
        .type = (uint8_t)type,
    };
    *error = 0;
    return socket;
}

void socket_free(struct sockets *sockets, struct socket *socket)
{
    struct socket_chunk *chunk = sockets->chunks[socket->index / CHUNK_SOCKETS];
    uint32_t slot = socket->index % CHUNK_SOCKETS;
    socket_forget_events(sockets, socket);
    stream_unbind(sockets, socket);
    stream_drop_options(sockets, socket);
    socket->generation = 0;
    sockets->count--;
    if (chunk->used == UINT64_MAX)
        list_push_front(&sockets->partial, &chunk->partial);
    chunk->used &= ~((uint64_t)1 << slot);
    bool only = sockets->partial.next == sockets->partial.previous;
    if (chunk->used != 0 || only)
        return;
    list_remove(&chunk->partial);
    sockets->chunks[chunk->number] = NULL;
    if (chunk->number < sockets->first_hole)
        sockets->first_hole = chunk->number;
    memory_release(&sockets->core->memory, chunk, sizeof *chunk);
}
