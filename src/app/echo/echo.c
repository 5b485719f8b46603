/**
 * Echo over TCP and UDP (RFC 862): the server gives back what it gets, the client sends and checks.
 */
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECHO_PORT 7
#define ECHO_BUFFER_BYTES 16384u
#define ECHO_DATAGRAM_MAX 65507u
#define ECHO_SESSIONS_MAX 4096
/** A connection on which nothing moves for this long is ended. */
#define ECHO_IDLE_NS (300 * STRATA_SECOND)

/* ---- Server -------------------------------------------------------------------------------------- */

struct echo_server {
    struct strata_rt *rt;
    int sessions;
};

struct echo_session {
    struct echo_server *server;
    struct strata_conn *conn;
    uint8_t buffer[ECHO_BUFFER_BYTES];
};

static void echo_stream(void *argument)
{
    struct echo_session *session = argument;
    struct strata_rt *rt = session->server->rt;
    for (;;) {
        int64_t got = strata_rt_read(session->conn, session->buffer, sizeof session->buffer,
                                     strata_rt_now(rt) + ECHO_IDLE_NS);
        if (got <= 0)
            break;
        if (strata_rt_write(session->conn, session->buffer, (size_t)got, strata_rt_now(rt) + ECHO_IDLE_NS) <
            0)
            break;
    }
    strata_rt_close(session->conn);
    session->server->sessions--;
    free(session);
}

static void echo_accept(struct echo_server *server, struct strata_conn *conn)
{
    struct echo_session *session = server->sessions < ECHO_SESSIONS_MAX ? malloc(sizeof *session) : NULL;
    if (session) {
        session->server = server;
        session->conn = conn;
        if (strata_rt_spawn(server->rt, "echo-session", echo_stream, session, NULL) == 0) {
            server->sessions++;
            return;
        }
    }
    free(session);
    strata_rt_abort(conn);
}

struct echo_datagrams {
    struct strata_rt *rt;
    struct strata_conn *conn;
};

/** Datagrams go back from the address they were sent to. */
static void echo_datagrams(void *argument)
{
    struct echo_datagrams *self = argument;
    uint8_t *data = malloc(ECHO_DATAGRAM_MAX);
    while (data) {
        struct strata_envelope envelope = {.size = sizeof envelope};
        int64_t got = strata_rt_receive(self->conn, data, ECHO_DATAGRAM_MAX, &envelope, STRATA_NEVER);
        if (got == -ECANCELED)
            break;
        // A datagram from an echo or discard port would go round for ever.
        if (got < 0 || envelope.truncated || envelope.peer.port < 20)
            continue;
        envelope.ttl = 0;
        envelope.tos = 0;
        envelope.port = 0;
        strata_rt_send(self->conn, data, (size_t)got, &envelope, strata_rt_now(self->rt));
    }
    free(data);
    strata_rt_close(self->conn);
    free(self);
}

static int start_datagrams(struct strata_rt *rt, const struct strata_endpoint *local)
{
    struct echo_datagrams *self = malloc(sizeof *self);
    if (!self)
        return -ENOMEM;
    self->rt = rt;
    int result = strata_rt_datagram(rt, local, &self->conn);
    if (result == 0) {
        result = strata_rt_spawn(rt, "echo-datagrams", echo_datagrams, self, NULL);
        if (result < 0)
            strata_rt_close(self->conn);
    }
    if (result < 0)
        free(self);
    return result;
}

int program_echo_server(struct strata_rt *rt, int argc, char **argv)
{
    struct echo_server server = {.rt = rt};
    bool tcp = false, udp = false;
    int64_t port = ECHO_PORT;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 0, 65535},
        {"--tcp", OPTION_FLAG, &tcp, 0, 0},
        {"--udp", OPTION_FLAG, &udp, 0, 0},
    };
    if (options_parse(rt, argc, argv, "echo-server [--port N] [--tcp] [--udp]", entries, 3, NULL, 0) < 0)
        return 2;
    bool both = tcp == udp;
    struct strata_endpoint local = {.port = (uint16_t)port};
    struct strata_conn *listener = NULL, *conn;
    int result = 0;
    if (tcp || both)
        result = strata_rt_listen(rt, &local, 256, &listener);
    if (result == 0 && (udp || both))
        result = start_datagrams(rt, &local);
    if (result < 0) {
        strata_rt_complain(rt, "echo-server: port %d: %s\n", (int)port, error_text(result));
        strata_rt_close(listener);
        return 1;
    }
    if (listener)
        strata_rt_local(listener, &local);
    strata_rt_print(rt, "echo-server: at port %u\n", local.port);
    while (listener) {
        result = strata_rt_accept(listener, STRATA_NEVER, &conn, NULL);
        if (result == 0)
            echo_accept(&server, conn);
        else if (result == -ECANCELED ||
                 strata_rt_sleep(rt, strata_rt_now(rt) + 100 * STRATA_MILLISECOND) < 0)
            break;
    }
    strata_rt_close(listener);
    strata_rt_join(rt, STRATA_NEVER);
    return 0;
}

/* ---- Client -------------------------------------------------------------------------------------- */

struct echo_client {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_endpoint peer;
    uint8_t *sent, *back;
    size_t size;
    strata_time timeout_ns;
    bool udp;
};

/** Sends one message and waits for it. @return 0, -EBADMSG: something else came back, another errno. */
static int round_trip(struct echo_client *client)
{
    strata_time deadline = strata_rt_now(client->rt) + client->timeout_ns;
    int64_t got;
    if (client->udp)
        got = strata_rt_send_to(client->conn, client->sent, client->size, &client->peer, deadline);
    else
        got = strata_rt_write(client->conn, client->sent, client->size, deadline);
    while (got >= 0) {
        if (client->udp)
            got = strata_rt_receive_from(client->conn, client->back, client->size + 1, NULL, deadline);
        else
            got = strata_rt_read_full(client->conn, client->back, client->size, deadline);
        if (got < 0)
            break;
        if ((size_t)got == client->size && memcmp(client->sent, client->back, client->size) == 0)
            return 0;
        if (!client->udp) // A late datagram of an earlier round may come first; a stream has no excuse.
            return (size_t)got < client->size ? -ECONNRESET : -EBADMSG;
    }
    return (int)got;
}

/** Messages that differ, so that a wrong one is noticed. */
static void fill_message(struct echo_client *client, const char *text, int64_t round)
{
    size_t length = text ? strlen(text) : 0;
    for (size_t i = 0; i < client->size; i++)
        client->sent[i] = i < length ? (uint8_t)text[i] : (uint8_t)('a' + (i * 7 + (size_t)round) % 26);
}

static int run_client(struct echo_client *client, const char *text, int64_t count)
{
    strata_time begin = strata_rt_now(client->rt);
    int64_t lost = 0;
    for (int64_t i = 0; i < count; i++) {
        fill_message(client, text, i);
        int result = round_trip(client);
        if (result == -ETIMEDOUT && client->udp) {
            lost++;
        } else if (result < 0) {
            strata_rt_complain(client->rt, "echo-client: message %lld: %s\n", (long long)i + 1,
                               error_text(result));
            return 1;
        }
    }
    strata_time took = strata_rt_now(client->rt) - begin;
    strata_rt_print(client->rt, "echo-client: %lld of %lld messages of %zu bytes came back in %lld.%03d ms\n",
                    (long long)(count - lost), (long long)count, client->size,
                    (long long)(took / STRATA_MILLISECOND),
                    (int)(took % STRATA_MILLISECOND / STRATA_MICROSECOND));
    return lost > 0;
}

int program_echo_client(struct strata_rt *rt, int argc, char **argv)
{
    struct echo_client client = {.rt = rt};
    const char *name = NULL, *text = NULL;
    int64_t port = ECHO_PORT, count = 1, size = 0, timeout_s = 10;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},   {"--udp", OPTION_FLAG, &client.udp, 0, 0},
        {"--message", OPTION_TEXT, &text, 0, 0},      {"--count", OPTION_NUMBER, &count, 1, 1000000000},
        {"--size", OPTION_NUMBER, &size, 1, 1 << 24}, {"--timeout", OPTION_NUMBER, &timeout_s, 1, 86400},
    };
    const char *usage =
        "echo-client HOST [--port N] [--udp] [--message TEXT] [--size BYTES] [--count N] [--timeout S]";
    int words = options_parse(rt, argc, argv, usage, entries, 6, &name, 1);
    if (words < 1) {
        if (words == 0)
            strata_rt_complain(rt, "echo-client: which host?\n");
        return 2;
    }
    client.size = size > 0 ? (size_t)size : text && *text ? strlen(text) : 64;
    client.timeout_ns = timeout_s * STRATA_SECOND;
    client.peer.port = (uint16_t)port;
    strata_time deadline = strata_rt_now(rt) + client.timeout_ns;
    int result = dns_resolve(rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6, deadline, &client.peer.address, 1);
    if (result > 0)
        result = client.udp ? strata_rt_datagram(rt, NULL, &client.conn)
                            : strata_rt_dial(rt, &client.peer, deadline, &client.conn);
    if (result < 0) {
        strata_rt_complain(rt, "echo-client: %s: %s\n", name, error_text(result));
        return 1;
    }
    client.sent = malloc(client.size);
    client.back = malloc(client.size + 1);
    int status = client.sent && client.back ? run_client(&client, text, count) : 1;
    strata_rt_close(client.conn);
    free(client.sent);
    free(client.back);
    return status;
}
