/**
 * talk: one end of a TCP conversation, written out step by step. For experiments with TCP itself, where it
 * matters who writes how much at what time and when who reads:
 *
 *     talk 10.0.0.2:9 --no-delay write 8 wait 0.1 write 20 finish read all
 *     talk --listen 9 wait 2 read all
 *
 * The k-th byte of a stream is a letter that depends on k alone, so that whoever reads can verify it; `say`
 * and `hear` are for texts. With --records no segment holds bytes of two writes.
 * After its last step a conversation ends with a FIN.
 */
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 256
#define PIECE_BYTES 16384u
/** A step that makes no progress for this long is given up. */
#define PATIENCE_NS (3600 * STRATA_SECOND)

enum verb {
    VERB_WRITE,
    VERB_READ,
    VERB_SAY,
    VERB_HEAR,
    VERB_WAIT,
    VERB_REPEAT,
    VERB_FINISH,
    VERB_CLOSE,
    VERB_ABORT
};
struct step {
    enum verb verb;
    int64_t amount; /**< Bytes, nanoseconds or times; -1: all. */
    const char *text;
};
struct talk {
    struct strata_rt *rt;
    struct step steps[WORDS_MAX];
    int step_count, repeat_from; /**< Steps from there on are done `repeats` times. */
    int64_t repeats;
    bool no_delay, quick_ack, records;
    int64_t receive_buffer, send_buffer, segment;
    int left;   /**< Conversations that have not ended. */
    char letters[PIECE_BYTES + 26]; /**< The alphabet again and again: byte k of a stream is letter k % 26. */
    int status; /**< Of the worst. */
};
struct conversation {
    struct talk *talk;
    struct strata_conn *conn;
    uint64_t written, read;
    bool closed;
};

/* ---- Steps ------------------------------------------------------------------------------------------------- */

static const struct verb_entry {
    const char *name;
    const char *argument; /**< What it takes, NULL: nothing. */
} verbs[] = {
    [VERB_WRITE] = {"write", "a number of bytes"},
    [VERB_READ] = {"read", "a number of bytes, or all"},
    [VERB_SAY] = {"say", "a text"},
    [VERB_HEAR] = {"hear", "a text"},
    [VERB_WAIT] = {"wait", "seconds, such as 0.25"},
    [VERB_REPEAT] = {"repeat", "how often"},
    [VERB_FINISH] = {"finish", NULL},
    [VERB_CLOSE] = {"close", NULL},
    [VERB_ABORT] = {"abort", NULL},
};

static bool parse_amount(const char *text, int64_t unit, int64_t *amount)
{
    int64_t value = 0, fraction = unit;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9' && digit - text < 12; digit++)
        value = value * 10 + (*digit - '0');
    if (digit == text || value > INT64_MAX / 4 / unit)
        return false;
    value *= unit;
    if (*digit == '.' && unit > 1)
        for (digit++; *digit >= '0' && *digit <= '9' && fraction > 1; digit++)
            value += (*digit - '0') * (fraction /= 10);
    *amount = value;
    return *digit == '\0';
}

static int wrong(struct strata_rt *rt, const char *verb, const char *what)
{
    strata_rt_complain(rt, "talk: %s %s\n", verb, what);
    return -EINVAL;
}

/** @return how many words the step took, or -EINVAL after a complaint. */
static int read_step(struct talk *talk, const char **words, int count)
{
    struct strata_rt *rt = talk->rt;
    size_t verb = 0;
    while (verb < sizeof verbs / sizeof *verbs && strcmp(verbs[verb].name, words[0]) != 0)
        verb++;
    if (verb == sizeof verbs / sizeof *verbs)
        return wrong(rt, words[0], "is no step: write, read, say, hear, wait, repeat, finish, close or abort");
    struct step step = {.verb = (enum verb)verb};
    const char *argument = verbs[verb].argument && count > 1 ? words[1] : NULL;
    bool right = argument || !verbs[verb].argument;
    if (right && argument) {
        step.text = argument;
        if (step.verb == VERB_READ && strcmp(argument, "all") == 0)
            step.amount = -1;
        else if (step.verb != VERB_SAY && step.verb != VERB_HEAR)
            right = parse_amount(argument, step.verb == VERB_WAIT ? STRATA_SECOND : 1, &step.amount);
    }
    if (!right) {
        strata_rt_complain(rt, "talk: %s needs %s\n", words[0], verbs[verb].argument);
        return -EINVAL;
    }
    if (step.verb == VERB_REPEAT && (talk->repeats != 1 || step.amount < 1))
        return wrong(rt, "repeat", "stands once, with a number from 1 on before the steps that it is for");
    if (step.verb == VERB_REPEAT) {
        talk->repeats = step.amount;
        talk->repeat_from = talk->step_count;
    } else {
        talk->steps[talk->step_count++] = step;
    }
    return 1 + (argument != NULL);
}

static int write_bytes(struct conversation *c, int64_t amount)
{
    while (amount > 0) {
        size_t size = amount < (int64_t)PIECE_BYTES ? (size_t)amount : PIECE_BYTES;
        const char *piece = c->talk->letters + c->written % 26;
        strata_time deadline = strata_rt_now(c->talk->rt) + PATIENCE_NS;
        bool record = c->talk->records && amount == (int64_t)size;
        int64_t done = (record ? strata_rt_write_record : strata_rt_write)(c->conn, piece, size, deadline);
        if (done < 0)
            return (int)done;
        c->written += size;
        amount -= (int64_t)size;
    }
    return 0;
}

/** Reads and verifies; all: up to the end. */
static int read_bytes(struct conversation *c, int64_t amount)
{
    struct strata_rt *rt = c->talk->rt;
    char *room = malloc(PIECE_BYTES), *piece = room;
    int64_t got = piece ? 1 : -ENOMEM;
    while (got > 0 && amount != 0) {
        size_t size = amount < 0 || amount > (int64_t)PIECE_BYTES ? PIECE_BYTES : (size_t)amount;
        got = strata_rt_read(c->conn, piece, size, strata_rt_now(rt) + PATIENCE_NS);
        const char *expected = c->talk->letters + c->read % 26;
        if (got > 0 && memcmp(piece, expected, (size_t)got) != 0) {
            while (*piece == *expected)
                piece++, expected++, c->read++;
            strata_rt_complain(rt, "talk: byte %" PRIu64 " is not the one that was sent\n", c->read);
            got = -EBADMSG;
        }
        c->read += got > 0 ? (uint64_t)got : 0;
        if (got > 0 && amount > 0)
            amount -= got;
    }
    free(room);
    return got < 0 ? (int)got : amount > 0 ? -EPIPE : 0;
}

static int hear(struct conversation *c, const char *text)
{
    size_t length = strlen(text);
    char *heard = malloc(length + 1);
    if (!heard)
        return -ENOMEM;
    int64_t got = strata_rt_read_full(c->conn, heard, length, strata_rt_now(c->talk->rt) + PATIENCE_NS);
    int result = got < 0 ? (int)got : (size_t)got < length ? -EPIPE : 0;
    if (result == 0 && memcmp(heard, text, length) != 0) {
        strata_rt_complain(c->talk->rt, "talk: heard \"%.*s\", not \"%s\"\n", (int)length, heard, text);
        result = -EBADMSG;
    }
    c->read += length;
    free(heard);
    return result;
}

static int do_step(struct conversation *c, const struct step *step)
{
    struct strata_rt *rt = c->talk->rt;
    int64_t result = 0;
    switch (step->verb) {
    case VERB_WRITE:
        return write_bytes(c, step->amount);
    case VERB_READ:
        return read_bytes(c, step->amount);
    case VERB_SAY:
        result = strata_rt_write(c->conn, step->text, strlen(step->text), strata_rt_now(rt) + PATIENCE_NS);
        c->written += strlen(step->text);
        return result < 0 ? (int)result : 0;
    case VERB_HEAR:
        return hear(c, step->text);
    case VERB_WAIT:
        return strata_rt_sleep(rt, strata_rt_now(rt) + step->amount);
    case VERB_FINISH:
        return strata_rt_shutdown(c->conn, STRATA_SHUTDOWN_WRITE);
    case VERB_CLOSE:
    case VERB_ABORT:
        (step->verb == VERB_CLOSE ? strata_rt_close : strata_rt_abort)(c->conn);
        c->closed = true;
        return 0;
    case VERB_REPEAT:
        break;
    }
    return 0;
}

/* ---- Conversations ----------------------------------------------------------------------------------------- */

static int set_options(struct talk *talk, struct strata_conn *conn)
{
    const struct {
        enum strata_option option;
        int64_t value;
    } rows[] = {{STRATA_OPTION_NO_DELAY, talk->no_delay},
                {STRATA_OPTION_RECEIVE_BUFFER, talk->receive_buffer},
                {STRATA_OPTION_SEND_BUFFER, talk->send_buffer},
                {STRATA_OPTION_MAX_SEGMENT, talk->segment}};
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value > 0)
            error = strata_rt_set_option(conn, rows[i].option, rows[i].value);
    return error;
}

static void converse(void *argument)
{
    struct conversation *c = argument;
    struct talk *talk = c->talk;
    struct strata_rt *rt = talk->rt;
    strata_time begin = strata_rt_now(rt);
    int error = talk->quick_ack ? strata_rt_set_option(c->conn, STRATA_OPTION_QUICK_ACK, 1) : 0;
    for (int64_t turn = 0; error == 0 && !c->closed && turn < talk->repeats; turn++)
        for (int i = turn ? talk->repeat_from : 0; error == 0 && !c->closed && i < talk->step_count; i++) {
            error = do_step(c, &talk->steps[i]);
            if (error && error != -ECANCELED && error != -EBADMSG)
                strata_rt_complain(rt, "talk: %s %s: %s\n", verbs[talk->steps[i].verb].name,
                                   talk->steps[i].text ? talk->steps[i].text : "", error_text(error));
        }
    strata_time took = strata_rt_now(rt) - begin;
    strata_rt_print(rt, "talk: %" PRIu64 " bytes written, %" PRIu64 " read in %" PRId64 ".%03d s\n", c->written,
                    c->read, took / STRATA_SECOND, (int)(took % STRATA_SECOND / STRATA_MILLISECOND));
    if (!c->closed)
        strata_rt_close(c->conn);
    if (error)
        talk->status = 1;
    talk->left--;
    free(c);
}

static int begin(struct talk *talk, struct strata_conn *conn)
{
    struct conversation *c = malloc(sizeof *c);
    int error = -ENOMEM;
    if (c) {
        *c = (struct conversation){.talk = talk, .conn = conn};
        talk->left++;
        error = strata_rt_spawn_sized(talk->rt, "talk", 128 << 10, converse, c, NULL);
    }
    if (error) {
        if (c)
            talk->left--;
        free(c);
        strata_rt_abort(conn);
    }
    return error;
}

static int listen_for(struct talk *talk, uint16_t port, int64_t count)
{
    struct strata_endpoint local = {.port = port};
    struct strata_conn *listener, *conn;
    int error = strata_rt_listen(talk->rt, &local, 1024, &listener);
    if (error)
        return error;
    error = set_options(talk, listener); // those that are accepted inherit them
    for (int64_t i = 0; !error && i < count; i++) {
        error = strata_rt_accept(listener, STRATA_NEVER, &conn, NULL);
        if (!error)
            error = begin(talk, conn);
    }
    strata_rt_close(listener);
    return error;
}

static int dial(struct talk *talk, const struct strata_endpoint *peer, int64_t count)
{
    int error = 0;
    for (int64_t i = 0; !error && i < count; i++) {
        struct strata_conn *conn;
        error = strata_rt_open(talk->rt, 0, STRATA_STREAM, &conn);
        if (error)
            return error;
        error = set_options(talk, conn);
        if (!error)
            error = strata_rt_connect(conn, peer, strata_rt_now(talk->rt) + PATIENCE_NS);
        if (error)
            strata_rt_close(conn);
        else
            error = begin(talk, conn);
    }
    return error;
}

/** "10.0.0.2:9", or a name in its place. */
static int find_peer(struct strata_rt *rt, const char *text, struct strata_endpoint *peer)
{
    if (strata_endpoint_parse(text, peer) == 0)
        return 0;
    char name[256];
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof name ||
        !parse_amount(colon + 1, 1, &port) || port < 1 || port > 65535)
        return -EINVAL;
    snprintf(name, sizeof name, "%.*s", (int)(colon - text), text);
    peer->port = (uint16_t)port;
    int found = dns_resolve(rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6, strata_rt_now(rt) + 10 * STRATA_SECOND,
                            &peer->address, 1);
    return found < 0 ? found : 0;
}

static int run_talk(struct talk *talk, int64_t port, int64_t connections, const char **words, int count)
{
    struct strata_rt *rt = talk->rt;
    const char *whom = port > 0 ? NULL : words[0];
    for (int i = whom != NULL; i < count;) {
        int taken = read_step(talk, words + i, count - i);
        if (taken < 0)
            return 2;
        i += taken;
    }
    struct strata_endpoint peer = {0};
    int error = whom ? find_peer(rt, whom, &peer) : 0;
    if (error == -EINVAL) {
        strata_rt_complain(rt, "talk: %s is no address with a port, such as 10.0.0.2:9\n", whom);
        return 2;
    }
    if (!error)
        error = whom ? dial(talk, &peer, connections) : listen_for(talk, (uint16_t)port, connections);
    if (error && error != -ECANCELED)
        strata_rt_complain(rt, "talk: %s: %s\n", whom ? whom : "listening", error_text(error));
    strata_rt_join(rt, STRATA_NEVER);
    return error ? 1 : talk->status;
}

int program_talk(struct strata_rt *rt, int argc, char **argv)
{
    static const char usage[] =
        "talk HOST:PORT | --listen PORT [--connections N] [--no-delay] [--quick-ack] [--records]\n"
        "    [--segment N] [--receive-buffer N] [--send-buffer N] STEP ...\n"
        "steps: write N, read N, read all, say TEXT, hear TEXT, wait SECONDS, finish, close, abort;\n"
        "    repeat N: the steps behind it, N times";
    struct talk *talk = calloc(1, sizeof *talk);
    if (!talk)
        return 1;
    talk->rt = rt;
    talk->repeats = 1;
    for (size_t i = 0; i < sizeof talk->letters; i++)
        talk->letters[i] = (char)('a' + i % 26);
    int64_t port = 0, connections = 1;
    const char *words[WORDS_MAX];
    const struct option_entry entries[] = {
        {"--listen", OPTION_NUMBER, &port, 1, 65535},
        {"--connections", OPTION_NUMBER, &connections, 1, 100000},
        {"--no-delay", OPTION_FLAG, &talk->no_delay, 0, 0},
        {"--quick-ack", OPTION_FLAG, &talk->quick_ack, 0, 0},
        {"--records", OPTION_FLAG, &talk->records, 0, 0},
        {"--segment", OPTION_NUMBER, &talk->segment, 64, 65535},
        {"--receive-buffer", OPTION_NUMBER, &talk->receive_buffer, 2048, 1 << 30},
        {"--send-buffer", OPTION_NUMBER, &talk->send_buffer, 2048, 1 << 30},
    };
    int count = options_parse(rt, argc, argv, usage, entries, 8, words, WORDS_MAX);
    int status = 2;
    if (count == 0 && port == 0)
        strata_rt_complain(rt, "talk: to whom?\nusage: %s\n", usage);
    else if (count >= 0)
        status = run_talk(talk, port, connections, words, count);
    free(talk);
    return status;
}
