/**
 * rdt 1.0: over a channel that loses nothing and flips no bit there is nothing to do.
 *
 *     sender    rdt_send(data)    packet = make_pkt(data), udt_send(packet)
 *     receiver  rdt_rcv(packet)   deliver_data(extract(packet))
 *
 * Over any other channel it delivers what comes: damaged, twice, or not at all.
 */
#include "app/rdt/rdt.h"

static void sent(struct rdt_sender *sender, uint64_t count)
{
    sender->base = count + 1; // nobody will ever say that it arrived
}

static enum rdt_verdict receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    rdt_deliver(receiver, packet->data, packet->size);
    return RDT_DELIVERED;
}

const struct rdt_version rdt_1_0 = {
    .name = "1.0",
    .help = "over a channel where nothing can go wrong",
    .numbers = 1,
    .sent = sent,
    .receive = receive,
};
