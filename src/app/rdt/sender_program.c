/**
 * The sending side as a program: it sends packets over UDP to a receiver, tells what happens in the words of the
 * textbook, and how long it took. The datagrams carry no checksum of UDP, so that damage is found by the protocol.
 */
#include "app/dns/resolve.h"
#include "app/figures.h"
#include "app/options.h"
#include "app/programs.h"
#include "app/rdt/packet.h"
#include "app/rdt/program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct sending {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_endpoint peer;
    struct rdt_sender sender;
    /* What was asked for */
    int64_t packets, size, window, numbers;
    strata_time timeout, patience;
    bool quiet, resend_garbled;
    /* The story so far */
    bool fresh; /**< The packet that is being sent is sent for the first time. */
    int64_t given, again;
    char heard[RDT_NAME]; /**< Feedback that is not told yet, since it is not known what it says. */
    uint64_t data_bytes;
    strata_time timers[RDT_WINDOW_MAX]; /**< By count modulo window; STRATA_NEVER: does not run. */
};

static void tell_heard(struct sending *sending, const char *more)
{
    if (sending->heard[0] && !sending->quiet)
        strata_rt_print(sending->rt, "%s%s\n", sending->heard, more);
    sending->heard[0] = '\0';
}

static void udt_send(void *self, const struct rdt_packet *packet)
{
    struct sending *sending = self;
    uint8_t bytes[RDT_PACKET_MAX];
    char name[RDT_NAME];
    size_t length = rdt_emit(bytes, packet);
    tell_heard(sending, "");
    if (!sending->quiet)
        strata_rt_print(sending->rt, "send %s%s\n",
                        rdt_name("packet", packet->number, sending->sender.numbers, name),
                        sending->fresh ? "" : " again");
    sending->again += !sending->fresh;
    strata_rt_send_to(sending->conn, bytes, length, &sending->peer, STRATA_NEVER);
}

static void start_timer(void *self, uint64_t count)
{
    struct sending *sending = self;
    sending->timers[count % sending->sender.window] = strata_rt_now(sending->rt) + sending->timeout;
}

static void stop_timer(void *self, uint64_t count)
{
    struct sending *sending = self;
    sending->timers[count % sending->sender.window] = STRATA_NEVER;
}

static const struct rdt_calls calls = {.udt_send = udt_send, .start_timer = start_timer, .stop_timer = stop_timer};

/** The packet whose timer fires first; of several the oldest. @return false: no timer runs. */
static bool first_timer(const struct sending *sending, uint64_t *count, strata_time *due)
{
    *due = STRATA_NEVER;
    for (uint64_t i = sending->sender.base; i < sending->sender.next; i++)
        if (sending->timers[i % sending->sender.window] < *due) {
            *count = i;
            *due = sending->timers[i % sending->sender.window];
        }
    return *due != STRATA_NEVER;
}

static void give_data(struct sending *sending)
{
    uint8_t data[RDT_DATA_MAX];
    while (sending->given < sending->packets && rdt_may_send(&sending->sender)) {
        rdt_fill(data, (size_t)sending->data_bytes, (uint32_t)sending->given);
        sending->fresh = true;
        sending->given += rdt_send(&sending->sender, data, (size_t)sending->data_bytes);
        sending->fresh = false;
    }
}

static void hear(struct sending *sending, const uint8_t *bytes, size_t size)
{
    struct rdt_packet packet;
    rdt_parse(&packet, bytes, size);
    if (packet.corrupt)
        strcpy(sending->heard, "damaged feedback");
    else if (packet.kind == RDT_NAK)
        strcpy(sending->heard, "NAK");
    else
        rdt_name("ACK", packet.number, rdt_feedback_numbers(&sending->sender), sending->heard);
    enum rdt_verdict verdict = rdt_receive_feedback(&sending->sender, &packet);
    tell_heard(sending, verdict == RDT_NOTHING_NEW ? ", nothing new" : "");
}

static void fire(struct sending *sending, uint64_t count)
{
    char name[RDT_NAME];
    stop_timer(sending, count);
    if (!sending->quiet)
        strata_rt_print(sending->rt, "timeout of %s\n",
                        rdt_name("packet", rdt_number(count, sending->sender.numbers), sending->sender.numbers, name));
    rdt_timeout(&sending->sender, count);
}

/** @return 0, -ETIMEDOUT: nothing moves any more, another errno. */
static int transfer(struct sending *sending)
{
    uint8_t bytes[RDT_PACKET_MAX];
    strata_time moved_at = strata_rt_now(sending->rt);
    give_data(sending);
    while (sending->given < sending->packets || !rdt_is_done(&sending->sender)) {
        uint64_t count = 0, base = sending->sender.base;
        strata_time due, limit = moved_at + sending->patience;
        bool running = first_timer(sending, &count, &due);
        int64_t got = strata_rt_receive_from(sending->conn, bytes, sizeof bytes, NULL, due < limit ? due : limit);
        if (got == -ECANCELED)
            return -ECANCELED;
        if (got >= 0)
            hear(sending, bytes, (size_t)got);
        else if (strata_rt_now(sending->rt) >= limit)
            return -ETIMEDOUT;
        else if (running && strata_rt_now(sending->rt) >= due)
            fire(sending, count);
        if (sending->sender.base != base)
            moved_at = strata_rt_now(sending->rt);
        give_data(sending);
    }
    return 0;
}

static int run(struct sending *sending)
{
    char text[FIGURE_TEXT];
    strata_time begin = strata_rt_now(sending->rt);
    for (size_t i = 0; i < RDT_WINDOW_MAX; i++)
        sending->timers[i] = STRATA_NEVER;
    int error = transfer(sending);
    strata_time took = strata_rt_now(sending->rt) - begin;
    if (error == -ETIMEDOUT) {
        strata_rt_print(sending->rt, "stands still: %" PRIu64 " of %" PRId64 " packets are acknowledged\n",
                        sending->sender.base, sending->packets);
        return 1;
    }
    if (error)
        return 1;
    strata_rt_print(sending->rt, "done: %" PRId64 " packets of %" PRId64 " bytes in %s\n", sending->packets,
                    sending->size, figure_time(took, text));
    strata_rt_print(sending->rt, "sent again: %" PRId64 "\n", sending->again);
    if (took > 0)
        strata_rt_print(sending->rt, "throughput: %s\n",
                        figure_rate((uint64_t)sending->packets * (uint64_t)sending->size * 8, took, text));
    return 0;
}

/** Looks the host up and runs. */
static int begin(struct sending *sending, const char *name)
{
    int result = dns_resolve(sending->rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                             strata_rt_now(sending->rt) + sending->patience, &sending->peer.address, 1);
    if (result > 0)
        result = strata_rt_datagram(sending->rt, NULL, &sending->conn);
    if (result < 0) {
        strata_rt_complain(sending->rt, "rdt-sender: %s: %s\n", name, error_text(result));
        return 1;
    }
    strata_rt_set_option(sending->conn, STRATA_OPTION_NO_CHECKSUM, 1);
    size_t headers = (strata_address_is_ipv4(&sending->peer.address) ? 28 : 48) + RDT_HEADER_BYTES;
    if ((size_t)sending->size < headers + RDT_FILL_MIN)
        sending->size = (int64_t)(headers + RDT_FILL_MIN);
    sending->data_bytes = (uint64_t)sending->size - headers;
    if (sending->data_bytes > RDT_DATA_MAX)
        sending->data_bytes = RDT_DATA_MAX;
    int status = run(sending);
    strata_rt_close(sending->conn);
    return status;
}

int program_rdt_sender(struct strata_rt *rt, int argc, char **argv)
{
    struct sending *sending = calloc(1, sizeof *sending);
    const char *name = NULL, *protocol = "3.0";
    int64_t port = RDT_PORT;
    if (!sending)
        return 1;
    *sending = (struct sending){.rt = rt, .packets = 6, .size = 1000, .timeout = STRATA_SECOND,
                                .patience = 10 * STRATA_SECOND};
    const struct option_entry entries[] = {
        {"--protocol", OPTION_TEXT, &protocol, 0, 0},
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--packets", OPTION_NUMBER, &sending->packets, 1, INT32_MAX},
        {"--size", OPTION_NUMBER, &sending->size, 1, 1500},
        {"--window", OPTION_NUMBER, &sending->window, 1, RDT_WINDOW_MAX},
        {"--numbers", OPTION_NUMBER, &sending->numbers, 1, INT32_MAX},
        {"--timeout", OPTION_SECONDS, &sending->timeout, 1, INT64_MAX},
        {"--patience", OPTION_SECONDS, &sending->patience, 1, INT64_MAX},
        {"--resend-garbled", OPTION_FLAG, &sending->resend_garbled, 0, 0},
        {"--quiet", OPTION_FLAG, &sending->quiet, 0, 0},
    };
    static const char usage[] =
        "rdt-sender HOST [OPTION ...]\n"
        "  --protocol P      1.0, 2.0, 2.1, 2.2, 3.0 (unless given), gbn or sr\n"
        "  --packets N       6 unless given\n"
        "  --size BYTES      of the whole IP datagram; 1000 unless given\n"
        "  --window N        gbn, sr: packets on their way at most\n"
        "  --numbers N       gbn, sr: sequence numbers there are; 65536 unless given\n"
        "  --timeout TIME    until a packet is sent again; 1s unless given\n"
        "  --patience TIME   until the sender gives up; 10s unless given\n"
        "  --resend-garbled  2.0: send again when feedback is damaged, instead of waiting\n"
        "  --quiet           only the result\n"
        "  --port N          5002 unless given";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &name, 1);
    int status = 2;
    if (words == 0)
        strata_rt_complain(rt, "rdt-sender: to which host?\nusage: %s\n", usage);
    const struct rdt_version *version = words == 1 ? rdt_choose(rt, "rdt-sender", protocol) : NULL;
    int error = version ? rdt_sender_init(&sending->sender, version, (uint32_t)sending->window,
                                          (uint32_t)sending->numbers, &calls, sending)
                        : 0;
    if (error)
        rdt_complain(rt, "rdt-sender", version, error);
    if (version && !error) {
        sending->sender.resend_garbled = sending->resend_garbled;
        sending->peer.port = (uint16_t)port;
        status = begin(sending, name);
        rdt_sender_free(&sending->sender);
    }
    free(sending);
    return status;
}
