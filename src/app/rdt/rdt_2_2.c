/**
 * rdt 2.2: as 2.1, without NAK. An ACK carries the number of the last packet that arrived well; that of the packet
 * before says the same as a NAK.
 */
#include "app/rdt/rdt.h"

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (sender->base == sender->next)
        return RDT_NOTHING_NEW; // wait for call 0 or 1 from above
    if (packet->corrupt || packet->number != rdt_number(sender->base, sender->numbers)) {
        rdt_transmit(sender, sender->base);
        return packet->corrupt ? RDT_DAMAGED : RDT_REFUSED;
    }
    sender->base++;
    return RDT_ACKNOWLEDGED;
}

enum rdt_verdict rdt_2_2_receive(struct rdt_receiver *receiver, const struct rdt_packet *packet)
{
    bool expected = !packet->corrupt && packet->number == rdt_number(receiver->expected, receiver->numbers);
    if (expected)
        rdt_deliver(receiver, packet->data, packet->size);
    // The last one that arrived well; before any did, number 1, which nobody waits for.
    rdt_answer(receiver, RDT_ACK, rdt_number(receiver->expected + receiver->numbers - 1, receiver->numbers));
    return expected ? RDT_DELIVERED : packet->corrupt ? RDT_DAMAGED : RDT_DISCARDED;
}

const struct rdt_version rdt_2_2 = {
    .name = "2.2",
    .help = "the same without NAK: ACKs are numbered",
    .numbers = 2,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .receive = rdt_2_2_receive,
};
