/**
 * Events: which sockets became ready since somebody asked. A socket is in the queue at most once, however
 * much happens to it; what happened is collected in the record. One that is closed leaves the queue.
 */
#include "socket/socket.h"

static struct socket *at(const struct sockets *sockets, uint32_t index)
{
    return &sockets->chunks[index / CHUNK_SOCKETS]->sockets[index % CHUNK_SOCKETS];
}

void socket_note(struct sockets *sockets, struct socket *socket, uint32_t ready)
{
    if (ready == 0)
        return;
    if (socket->events == 0) {
        socket->event_next = NO_SOCKET;
        socket->event_previous = sockets->event_last;
        if (sockets->event_last == NO_SOCKET)
            sockets->event_first = socket->index;
        else
            at(sockets, sockets->event_last)->event_next = socket->index;
        sockets->event_last = socket->index;
    }
    socket->events |= (uint8_t)ready;
}

void socket_forget_events(struct sockets *sockets, struct socket *socket)
{
    if (socket->events == 0)
        return;
    if (socket->event_previous == NO_SOCKET)
        sockets->event_first = socket->event_next;
    else
        at(sockets, socket->event_previous)->event_next = socket->event_next;
    if (socket->event_next == NO_SOCKET)
        sockets->event_last = socket->event_previous;
    else
        at(sockets, socket->event_next)->event_previous = socket->event_previous;
    socket->event_next = socket->event_previous = NO_SOCKET;
    socket->events = 0;
}

int strata_event_next(struct strata_host *host, struct strata_event *event)
{
    struct sockets *sockets = sockets_of(host);
    if (sockets->event_first == NO_SOCKET)
        return 0;
    struct socket *socket = at(sockets, sockets->event_first);
    *event = (struct strata_event){
        .socket = socket_handle(socket),
        .user = socket->user,
        .ready = socket->events,
    };
    socket_forget_events(sockets, socket);
    return 1;
}

static void on_event(void *context, void *owner, uint32_t ready)
{
    socket_note(context, owner, ready);
}

void sockets_tcp_events(struct sockets *sockets, struct tcp_events *events)
{
    *events = (struct tcp_events){.context = sockets, .connection = on_event, .listener = on_event};
}

void sockets_udp_events(struct sockets *sockets, struct udp_events *events)
{
    *events = (struct udp_events){.context = sockets, .socket = on_event};
}
