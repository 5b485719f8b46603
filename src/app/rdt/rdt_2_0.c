/**
 * rdt 2.0: bits may flip in data. The receiver says ACK or NAK to each packet, the sender waits for that, and sends
 * again after a NAK. Stop and wait.
 *
 * Its flaw: the ACK may be damaged itself, and no arrow of its machine says what to do then. Either the sender goes on
 * waiting, for ever; or, when `resend_garbled` is set, it sends the packet again, and the receiver, who has no means to
 * tell a new packet from an old one, delivers it twice.
 */
#include "app/rdt/rdt.h"

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (sender->base == sender->next)
        return RDT_NOTHING_NEW; // wait for call from above
    if (packet->corrupt) {
        if (sender->resend_garbled)
            rdt_transmit(sender, sender->base);
        return RDT_DAMAGED;
    }
    if (packet->kind == RDT_NAK) {
        rdt_transmit(sender, sender->base);
        return RDT_REFUSED;
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
    rdt_deliver(receiver, packet->data, packet->size);
    rdt_answer(receiver, RDT_ACK, 0);
    return RDT_DELIVERED;
}

const struct rdt_version rdt_2_0 = {
    .name = "2.0",
    .help = "bits of data may flip: ACK and NAK",
    .numbers = 1,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .receive = receive,
};
