/**
 * Selective Repeat: every packet has an ACK and a timer of its own, and the receiver keeps what comes early, up to a
 * window beyond what is expected. Only what was lost goes again.
 *
 * The receiver acknowledges packets of the window before, too: their ACKs may have been lost, and without them the
 * sender would never go on. So a number must not mean a new packet and an old one at once: the window is at most half
 * of the numbers. With 4 numbers and a window of 3 an old packet 0 is taken for the fifth; with 2 it is not.
 */
#include "app/rdt/rdt.h"

#include <string.h>

static void sent(struct rdt_sender *sender, uint64_t count)
{
    sender->calls->start_timer(sender->self, count);
}

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (packet->corrupt)
        return RDT_DAMAGED;
    uint64_t count = sender->base + rdt_ahead(packet->number, sender->base, sender->numbers);
    if (count >= sender->next || sender->copies[count % sender->window].acknowledged)
        return RDT_NOTHING_NEW;
    sender->copies[count % sender->window].acknowledged = true;
    sender->calls->stop_timer(sender->self, count);
    while (sender->base < sender->next && sender->copies[sender->base % sender->window].acknowledged)
        sender->base++;
    return RDT_ACKNOWLEDGED;
}

static void timeout(struct rdt_sender *sender, uint64_t count)
{
    if (count < sender->base || count >= sender->next || sender->copies[count % sender->window].acknowledged)
        return;
    rdt_transmit(sender, count);
    sender->calls->start_timer(sender->self, count);
}

/** Everything that is there without a gap goes up. */
static void deliver_all(struct rdt_receiver *receiver)
{
    struct rdt_copy *copy;
    while ((copy = &receiver->copies[receiver->expected % receiver->window])->there) {
        copy->there = false;
        rdt_deliver(receiver, copy->data, copy->size);
    }
}

static enum rdt_verdict receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    if (packet->corrupt)
        return RDT_DAMAGED;
    uint32_t ahead = rdt_ahead(packet->number, receiver->expected, receiver->numbers);
    if (ahead >= receiver->window) {
        if (receiver->numbers - ahead <= receiver->window) // of the window before: its ACK may be lost
            rdt_answer(receiver, RDT_ACK, packet->number);
        return RDT_DISCARDED;
    }
    rdt_answer(receiver, RDT_ACK, packet->number);
    struct rdt_copy *copy = &receiver->copies[(receiver->expected + ahead) % receiver->window];
    if (copy->there || packet->size > sizeof copy->data)
        return RDT_DISCARDED;
    copy->there = true;
    copy->size = packet->size;
    memcpy(copy->data, packet->data, packet->size);
    if (ahead > 0)
        return RDT_BUFFERED;
    deliver_all(receiver);
    return RDT_DELIVERED;
}

const struct rdt_version rdt_selective_repeat = {
    .name = "sr",
    .help = "Selective Repeat: a window, a timer and an ACK for each packet",
    .numbers = 65536,
    .pipelined = true,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .timeout = timeout,
    .sent = sent,
    .receive = receive,
};
