/**
 * The receiving side as a program: it tells what becomes of each packet, and whether the data that go up are those that
 * are due. With that it can be seen when a protocol fails.
 */
#include "app/options.h"
#include "app/programs.h"
#include "app/rdt/packet.h"
#include "app/rdt/program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct receiving {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_endpoint peer;
    struct rdt_receiver receiver;
    int64_t window, numbers, packets;
    bool quiet;
    int64_t delivered, wrong;
    /* What the packet at hand led to */
    bool answered;
    struct rdt_packet answer;
    unsigned up; /**< Data that went up with it. */
    char names[200], trouble[100];
};

static void udt_send(void *self, const struct rdt_packet *packet)
{
    struct receiving *receiving = self;
    uint8_t bytes[RDT_PACKET_MAX];
    size_t length = rdt_emit(bytes, packet);
    receiving->answered = true;
    receiving->answer = *packet;
    strata_rt_send_to(receiving->conn, bytes, length, &receiving->peer, STRATA_NEVER);
}

static void deliver_data(void *self, uint32_t number, const uint8_t *data, size_t size)
{
    struct receiving *receiving = self;
    int64_t index = rdt_check(data, size);
    size_t used = strlen(receiving->names);
    snprintf(receiving->names + used, sizeof receiving->names - used, " %u", (unsigned)number);
    receiving->up++;
    if (index != receiving->delivered) {
        receiving->wrong++;
        if (index < 0)
            snprintf(receiving->trouble, sizeof receiving->trouble, " (WRONG: damaged data)");
        else
            snprintf(receiving->trouble, sizeof receiving->trouble,
                     " (WRONG: data %" PRId64 " where data %" PRId64 " were due)", index, receiving->delivered);
    }
    receiving->delivered++;
}

static const struct rdt_calls calls = {.udt_send = udt_send, .deliver_data = deliver_data};

/** "packet 2: deliver 2 3 4 5, ACK 2" */
static void tell(struct receiving *receiving, const struct rdt_packet *packet, enum rdt_verdict verdict)
{
    static const char *const verbs[] = {
        [RDT_DELIVERED] = "deliver", [RDT_BUFFERED] = "buffer", [RDT_DISCARDED] = "discard", [RDT_DAMAGED] = "discard"};
    char name[RDT_NAME] = "damaged packet", answer[RDT_NAME + 2] = "";
    uint32_t numbers = receiving->receiver.numbers;
    if (verdict != RDT_DAMAGED)
        rdt_name("packet", packet->number, numbers, name);
    if (receiving->answered) {
        bool plain = receiving->answer.kind == RDT_NAK || receiving->receiver.version == &rdt_2_1;
        memcpy(answer, ", ", 3);
        rdt_name(receiving->answer.kind == RDT_NAK ? "NAK" : "ACK", receiving->answer.number, plain ? 1 : numbers,
                 answer + 2);
    }
    strata_rt_print(receiving->rt, "%s: %s%s%s%s\n", name, verbs[verdict], receiving->up > 1 ? receiving->names : "",
                    receiving->trouble, answer);
}

static void take(struct receiving *receiving, const uint8_t *bytes, size_t size)
{
    struct rdt_packet packet;
    rdt_parse(&packet, bytes, size);
    receiving->answered = false;
    receiving->up = 0;
    receiving->names[0] = receiving->trouble[0] = '\0';
    int64_t before = receiving->delivered;
    enum rdt_verdict verdict = rdt_receive(&receiving->receiver, &packet);
    if (!receiving->quiet)
        tell(receiving, &packet, verdict);
    if (before < receiving->packets && receiving->delivered >= receiving->packets)
        strata_rt_print(receiving->rt, "delivered: %" PRId64 " packets, %" PRId64 " wrong\n", receiving->delivered,
                        receiving->wrong);
}

/** Serves until it is cancelled. @return 0, or a negative errno. */
static int serve(struct receiving *receiving, int64_t port)
{
    uint8_t bytes[RDT_PACKET_MAX + 1];
    struct strata_endpoint local = {.port = (uint16_t)port};
    int64_t got = strata_rt_datagram(receiving->rt, &local, &receiving->conn);
    if (got < 0)
        return (int)got;
    strata_rt_set_option(receiving->conn, STRATA_OPTION_NO_CHECKSUM, 1);
    while (got != -ECANCELED) {
        got = strata_rt_receive_from(receiving->conn, bytes, sizeof bytes, &receiving->peer, STRATA_NEVER);
        if (got >= 0 && receiving->peer.port >= 1024)
            take(receiving, bytes, (size_t)got);
    }
    strata_rt_close(receiving->conn);
    return 0;
}

int program_rdt_receiver(struct strata_rt *rt, int argc, char **argv)
{
    struct receiving *receiving = calloc(1, sizeof *receiving);
    const char *protocol = "3.0";
    int64_t port = RDT_PORT;
    if (!receiving)
        return 1;
    *receiving = (struct receiving){.rt = rt};
    const struct option_entry entries[] = {
        {"--protocol", OPTION_TEXT, &protocol, 0, 0},
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--window", OPTION_NUMBER, &receiving->window, 1, RDT_WINDOW_MAX},
        {"--numbers", OPTION_NUMBER, &receiving->numbers, 1, INT32_MAX},
        {"--packets", OPTION_NUMBER, &receiving->packets, 1, INT64_MAX},
        {"--quiet", OPTION_FLAG, &receiving->quiet, 0, 0},
    };
    static const char usage[] = "rdt-receiver [OPTION ...]\n"
                                "  --protocol P  1.0, 2.0, 2.1, 2.2, 3.0 (unless given), gbn or sr\n"
                                "  --window N    sr: packets it keeps at most\n"
                                "  --numbers N   gbn, sr: sequence numbers there are; 65536 unless given\n"
                                "  --packets N   tells when so many were delivered\n"
                                "  --quiet       nothing else\n"
                                "  --port N      5002 unless given";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, NULL, 0);
    int status = 2, error = 0;
    const struct rdt_version *version = words == 0 ? rdt_choose(rt, "rdt-receiver", protocol) : NULL;
    if (version)
        error = rdt_receiver_init(&receiving->receiver, version, (uint32_t)receiving->window,
                                  (uint32_t)receiving->numbers, &calls, receiving);
    if (error)
        rdt_complain(rt, "rdt-receiver", version, error);
    if (version && !error) {
        error = serve(receiving, port);
        status = error != 0;
        if (error)
            strata_rt_complain(rt, "rdt-receiver: port %d: %s\n", (int)port, error_text(error));
        rdt_receiver_free(&receiving->receiver);
    }
    free(receiving);
    return status;
}
