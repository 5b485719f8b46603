/**
 * rdt 3.0, the alternating bit: packets and ACKs may be lost. The sender waits for a while and sends again. Feedback
 * that is damaged or for the other number needs no answer any more: the timer will see to it.
 *
 * A timer that is too short does no harm but double packets. What it cannot bear is a channel that reorders: an old
 * packet 0 may come when a new packet 0 is due.
 */
#include "app/rdt/rdt.h"

static void sent(struct rdt_sender *sender, uint64_t count)
{
    sender->calls->start_timer(sender->self, count);
}

static enum rdt_verdict receive_feedback(struct rdt_sender *sender, const struct rdt_packet *packet)
{
    if (sender->base == sender->next)
        return RDT_NOTHING_NEW; // wait for call 0 or 1 from above
    if (packet->corrupt)
        return RDT_DAMAGED;
    if (packet->number != rdt_number(sender->base, sender->numbers))
        return RDT_NOTHING_NEW;
    sender->calls->stop_timer(sender->self, sender->base);
    sender->base++;
    return RDT_ACKNOWLEDGED;
}

static void timeout(struct rdt_sender *sender, uint64_t count)
{
    rdt_transmit(sender, count);
    sender->calls->start_timer(sender->self, count);
}

const struct rdt_version rdt_3_0 = {
    .name = "3.0",
    .help = "packets may be lost: a timer (the alternating bit)",
    .numbers = 2,
    .acknowledges = true,
    .receive_feedback = receive_feedback,
    .timeout = timeout,
    .sent = sent,
    .receive = rdt_2_2_receive,
};
