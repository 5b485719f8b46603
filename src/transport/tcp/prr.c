/*
 * Proportional rate reduction (RFC 9937, before that RFC 6937): during a recovery each ACK lets as much go as brings
 * what is in flight down to ssthresh in step with what arrives, neither in silence nor in bursts. Where losses have
 * brought it below that already, it grows back: by what arrives, and by a segment more for ACKs that make progress
 * and tell of no further loss.
 *
 * Reductions are counted in whole segments, rounded up, so that the first ACK already lets one go.
 */
#include "transport/tcp/recovery.h"

void prr_begin(struct tcp_connection *c, uint32_t delivered)
{
    struct tcp_repair *repair = recovery_record(c);
    if (!repair) {
        c->cwnd = c->ssthresh; // at once, then
        return;
    }
    repair->prr = true;
    repair->prr_delivered = repair->prr_out = repair->credited = 0; // RFC 9937-1
    // What was out, less what was known to have arrived before this ACK; it stays for the whole episode.
    uint32_t flight = connection_flight(c) - c->sent.sacked_bytes + delivered;
    repair->recover_flight = flight > 0 ? flight : 1;
}

uint32_t prr_estimate(struct tcp_connection *c, const struct tcp_news *news)
{
    struct tcp_repair *repair = c->repair;
    if (c->flags & FLAG_SACK || !repair)
        return news->ack.delivered;
    if (news->duplicate) {
        uint32_t left = repair->recover_flight - repair->prr_delivered, bytes = c->smss < left ? c->smss : left;
        repair->credited += bytes;
        return bytes;
    }
    // What duplicates stood for is not counted again when it is acknowledged.
    uint32_t known = news->ack.acked < repair->credited ? news->ack.acked : repair->credited;
    repair->credited -= known;
    return news->ack.acked - known;
}

void prr_acked(struct tcp_connection *c, uint32_t delivered, uint32_t lost, bool advanced)
{
    struct tcp_repair *repair = c->repair;
    if (!repair || !repair->prr || delivered == 0 || congestion_of(c)->own_window)
        return; // RFC 9937-5
    uint32_t most = repair->recover_flight - repair->prr_delivered;
    repair->prr_delivered += delivered < most || c->flags & FLAG_SACK ? delivered : most; // RFC 9937-6
    uint32_t pipe = connection_pipe(c), send;
    if (pipe > c->ssthresh) {
        // RFC 9937-2.
        uint64_t share = (uint64_t)repair->prr_delivered * c->ssthresh + repair->recover_flight - 1;
        share = (share / repair->recover_flight + c->smss - 1) / c->smss * c->smss;
        send = share > repair->prr_out ? (uint32_t)share - repair->prr_out : 0;
    } else {
        // RFC 9937-3, RFC 9937-4. After a mark there are no holes to fill in a hurry.
        uint32_t owed = repair->prr_delivered > repair->prr_out ? repair->prr_delivered - repair->prr_out : 0;
        bool safe = advanced && lost == 0 && c->recovery == RECOVERY_FAST;
        send = (owed > delivered ? owed : delivered) + (safe ? c->smss : 0);
        if (send > c->ssthresh - pipe)
            send = c->ssthresh - pipe;
    }
    if (repair->prr_out == 0 && send < c->smss)
        send = c->smss; // RFC 9937-5: the first retransmission waits for nothing
    c->cwnd = pipe + send;
}
