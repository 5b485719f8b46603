/**
 * rdt 2.1: feedback may be damaged as well. When in doubt the sender sends again, and a number in the packet, 0 or 1,
 * tells the receiver whether it is a new one. Two states of the textbook's machine become four: the number doubles
 * them.
 */
#include "app/rdt/rdt.h"

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (sender->base == sender->next)
        return RDT_NOTHING_NEW; // wait for call 0 or 1 from above
    if (packet->corrupt || packet->kind == RDT_NAK) {
        rdt_transmit(sender, sender->base);
        return packet->corrupt ? RDT_DAMAGED : RDT_REFUSED;
    }
    sender->base++;
    return RDT_ACKNOWLEDGED;
}

static enum rdt_verdict receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    if (packet->corrupt) {
        rdt_answer(receiver, RDT_NAK, 0);
        return RDT_DAMAGED;
    }
    bool expected = packet->number == rdt_number(receiver->expected, receiver->numbers);
    if (expected)
        rdt_deliver(receiver, packet->data, packet->size);
    rdt_answer(receiver, RDT_ACK, 0); // for one that was here already, too: its ACK was damaged
    return expected ? RDT_DELIVERED : RDT_DISCARDED;
}

const struct rdt_version rdt_2_1 = {
    .name = "2.1",
    .help = "feedback may be damaged, too: packets are numbered 0 and 1",
    .numbers = 2,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .receive = receive,
};
