/**
 * The HTTP/1.1 client: fetches URLs one after another over a connection that is kept while it serves, follows
 * redirections, and can send a file (RFC 9110 8 to 15, RFC 9112 9). As browsers did at one time or another, it may also
 * use a connection for each URL, several at once, or send all requests ahead; the first URL is the page, of which it
 * learns the others, and comes alone.
 *
 * A request that failed on a kept connection before any answer came is sent once more on a new one, if it may
 * be repeated (RFC 9110 9.2.2): the server may have closed it in the meantime.
 */
#include "app/dns/resolve.h"
#include "app/http/stream.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define CLIENT_BUFFER_BYTES 262144u
#define CLIENT_UPLOAD_BYTES 131072u
#define CLIENT_ADDRESSES 8
#define CLIENT_URLS 64
/** How long the go-ahead for a body is awaited before it is sent without (RFC 9110 10.1.1). */
#define CLIENT_CONTINUE_NS STRATA_SECOND

struct client {
    struct strata_rt *rt;
    /* What was asked for. */
    const char *output, *upload, *range, *extra;
    bool head, include, discard, verbose, close, pipeline;
    int64_t parallel;
    int64_t timeout_s, redirects, count;
    /* The connection that is open, if any. */
    struct http_stream stream;
    bool connected, reused;
    bool answers_ahead; /**< Further requests were sent: what comes behind this response answers them. */
    struct http_url url; /**< Of the connection and the request. */
    /* The response that is being read. */
    struct http_head response;
    struct strata_file *file, *upload_file;
    uint64_t file_bytes, upload_bytes;
    strata_time patience_ns;
};

static strata_time deadline_of(const struct client *client)
{
    return strata_rt_now(client->rt) + client->patience_ns;
}

static int say(struct client *client, const char *what, int error)
{
    strata_rt_complain(client->rt, "http-client: %s: %s\n", what, error_text(error));
    return error;
}

static void disconnect(struct client *client)
{
    if (client->connected)
        http_stream_close(&client->stream);
    client->connected = false;
}

/* ---- Connecting ---------------------------------------------------------------------------------- */

static int dial(struct client *client, const struct http_url *url)
{
    struct strata_address addresses[CLIENT_ADDRESSES];
    strata_time deadline = deadline_of(client);
    int count = dns_resolve(client->rt, url->host, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6, deadline, addresses,
                            CLIENT_ADDRESSES);
    if (count < 0)
        return say(client, url->host, count);
    int result = -EHOSTUNREACH;
    for (int i = 0; i < count && result < 0 && result != -ECANCELED; i++) {
        struct strata_endpoint peer = {.address = addresses[i], .port = url->port};
        char text[STRATA_ENDPOINT_TEXT];
        struct strata_conn *conn;
        result = strata_rt_dial(client->rt, &peer, deadline, &conn);
        strata_endpoint_format(&peer, text, sizeof text);
        if (result == 0)
            result = http_stream_init(&client->stream, client->rt, conn, CLIENT_BUFFER_BYTES);
        if (result < 0)
            say(client, text, result);
        else if (client->verbose)
            strata_rt_print(client->rt, "http-client: connected to %s\n", text);
    }
    if (result < 0)
        return result;
    strata_rt_set_option(client->stream.conn, STRATA_OPTION_NO_DELAY, 1);
    client->connected = true;
    client->reused = false;
    return 0;
}

static int connect_to(struct client *client, const struct http_url *url)
{
    if (client->connected && strcmp(client->url.host, url->host) == 0 && client->url.port == url->port) {
        // Bytes that nobody asked for, or the end, make it useless (RFC 9112-31).
        client->reused = http_stream_fill(&client->stream, strata_rt_now(client->rt)) == -ETIMEDOUT;
        client->url = *url;
        if (client->reused)
            return 0;
    }
    disconnect(client);
    client->url = *url;
    return dial(client, url);
}

/* ---- Requests ------------------------------------------------------------------------------------ */

static enum http_method method_of(const struct client *client)
{
    return client->upload ? HTTP_PUT : client->head ? HTTP_HEAD : HTTP_GET;
}

static int send_head(struct client *client, uint64_t body_bytes, bool expect)
{
    char text[HTTP_PATH_MAX * 2 + 2048], authority[HTTP_HOST_MAX + 16];
    struct http_maker maker = {text, 0, sizeof text, false};
    static const char *const methods[] = {[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_PUT] = "PUT"};
    http_url_authority(&client->url, authority, sizeof authority);
    http_make_line(&maker, "%s %s HTTP/1.1", methods[method_of(client)], client->url.target);
    http_make_field(&maker, "Host", "%s", authority); // RFC 9112-11
    http_make_field(&maker, "User-Agent", "strata/%s", strata_version());
    http_make_field(&maker, "Accept", "*/*");
    if (client->close)
        http_make_field(&maker, "Connection", "close");
    if (client->range)
        http_make_field(&maker, "Range", "bytes=%s", client->range);
    if (client->extra)
        http_make_line(&maker, "%s", client->extra);
    if (client->upload)
        http_make_field(&maker, "Content-Length", "%" PRIu64, body_bytes);
    if (expect)
        http_make_field(&maker, "Expect", "100-continue");
    http_make_end(&maker);
    if (maker.failed)
        return -EINVAL;
    int64_t sent = strata_rt_write(client->stream.conn, text, maker.length, deadline_of(client));
    return sent < 0 ? (int)sent : 0;
}

/** Reads one head, whatever its status. @return 0, -EPIPE: closed before it, -EBADMSG, another errno. */
static int read_one_head(struct client *client, strata_time deadline)
{
    struct http_stream *stream = &client->stream;
    for (;;) {
        if (http_stream_pending(stream) > 0) {
            int length = http_response_parse(&client->response, stream->buffer + stream->start,
                                             http_stream_pending(stream));
            if (length < 0)
                return length;
            if (length > 0) {
                stream->start += (size_t)length;
                return 0;
            }
        }
        int64_t got = http_stream_fill(stream, deadline);
        if (got <= 0)
            return got < 0 ? (int)got : -EPIPE;
    }
}

/** Reads up to the final head: any number of 1xx are passed over (RFC 9110-17). */
static int read_head(struct client *client)
{
    for (;;) {
        int result = read_one_head(client, deadline_of(client));
        if (result < 0 || client->response.status >= 200)
            return result;
        if (client->response.status == 101)
            return -EPROTO; // We never ask to switch protocols.
    }
}

/** Sends the file. An error is not the last word: the server may have answered already. */
static int send_body(struct client *client)
{
    uint64_t size = client->upload_bytes;
    uint8_t *data = malloc(CLIENT_UPLOAD_BYTES);
    int64_t result = data ? 0 : -ENOMEM;
    for (uint64_t offset = 0; offset < size && result >= 0;) {
        size_t want = size - offset < CLIENT_UPLOAD_BYTES ? (size_t)(size - offset) : CLIENT_UPLOAD_BYTES;
        result = strata_rt_file_read(client->upload_file, data, want, offset);
        if (result == 0)
            result = -EIO; // The file became shorter than we said.
        if (result > 0) {
            offset += (uint64_t)result;
            result = strata_rt_write(client->stream.conn, data, (size_t)result, deadline_of(client));
        }
    }
    free(data);
    return result < 0 ? (int)result : 0;
}

/** @return 0 with a final head in hand, or a negative errno. */
static int upload(struct client *client)
{
    bool expect = client->upload_bytes > 65536, answered = false;
    int result = send_head(client, client->upload_bytes, expect);
    if (result == 0 && expect) {
        result = read_one_head(client, strata_rt_now(client->rt) + CLIENT_CONTINUE_NS);
        answered = result == 0 && client->response.status >= 200;
        if (result == -ETIMEDOUT)
            result = 0;
    }
    if (result < 0 || answered)
        return result;
    int sent = send_body(client);
    result = read_head(client);
    return result < 0 && sent < 0 ? sent : result;
}

static int exchange(struct client *client)
{
    if (client->upload)
        return upload(client);
    int result = send_head(client, 0, false);
    return result < 0 ? result : read_head(client);
}

/** One request on a kept connection or a new one. @return 0 with a final head, or a negative errno. */
static int request(struct client *client, const struct http_url *url)
{
    int result = connect_to(client, url);
    if (result < 0)
        return result;
    result = exchange(client);
    bool lost = result == -EPIPE || result == -ECONNRESET;
    if (lost && client->reused && http_stream_pending(&client->stream) == 0) {
        disconnect(client);
        result = connect_to(client, url);
        if (result < 0)
            return result;
        result = exchange(client);
    }
    if (result < 0)
        say(client, client->url.host, result);
    return result;
}

/* ---- Responses ----------------------------------------------------------------------------------- */

static void print_head(struct client *client)
{
    const struct http_head *head = &client->response;
    strata_rt_print(client->rt, "HTTP/1.%d %d %.*s\n", head->minor, head->status, (int)head->reason.length,
                    head->reason.length ? head->reason.text : "");
    for (unsigned i = 0; i < head->field_count; i++)
        strata_rt_print(client->rt, "%.*s: %.*s\n", (int)head->fields[i].name.length,
                        head->fields[i].name.text, (int)head->fields[i].value.length,
                        head->fields[i].value.text);
    strata_rt_print(client->rt, "\n");
}

/** Puts content where the user wants it. */
static int put_content(struct client *client, const uint8_t *data, size_t length)
{
    if (client->file) {
        int64_t written = strata_rt_file_write(client->file, data, length, client->file_bytes);
        if (written != (int64_t)length)
            return say(client, client->output, written < 0 ? (int)written : -ENOSPC);
        client->file_bytes += length;
        return 0;
    }
    if (!client->discard) {
        int error = strata_rt_output(client->rt, data, length);
        if (error < 0)
            return say(client, "standard output", error);
    }
    return 0;
}

/** Reads the body. @return 0, or a negative errno; then the content is incomplete. */
static int read_body(struct client *client, const struct http_framing *framing, bool keep)
{
    http_stream_body_begin(&client->stream, framing);
    for (;;) {
        const uint8_t *data;
        size_t length;
        int result = http_stream_body(&client->stream, &data, &length, deadline_of(client));
        if (result < 0)
            return say(client, result == -EPIPE ? "the content is incomplete" : client->url.host, result);
        if (result == 0)
            return 0;
        result = keep ? put_content(client, data, length) : 0;
        if (result < 0)
            return result;
    }
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int open_output(struct client *client)
{
    if (!client->output || client->file || client->head)
        return 0;
    int result = strata_rt_file_open(client->rt, client->output, O_WRONLY | O_CREAT | O_TRUNC, &client->file);
    return result < 0 ? say(client, client->output, result) : 0;
}

/** Follows a response up to its last byte. @return 1 with `next` to go to, 0 when done, a negative errno. */
static int take_response(struct client *client, struct http_url *next)
{
    struct http_framing framing;
    const struct http_head *head = &client->response;
    int result = http_response_framing(head, method_of(client), &framing);
    if (result < 0)
        return say(client, client->url.host, result);
    if (client->include || client->head)
        print_head(client);
    bool close = http_head_closes(head) || framing.body == HTTP_BODY_UNTIL_CLOSE;
    const struct http_field *location = http_field_find(head, "Location", 0);
    bool redirect = is_redirect(head->status) && location;
    int status = head->status;
    if (redirect) {
        result = http_url_resolve(&client->url, location->value, next);
        if (result < 0)
            return say(client, "cannot follow the redirection", result);
        if (status == 303 && client->upload) // RFC 9110 15.4.4: the result is to be fetched, not written.
            client->upload = NULL;
    }
    bool keep = !redirect && (status < 400 || !client->output);
    result = keep ? open_output(client) : 0;
    if (result == 0)
        result = read_body(client, &framing, keep);
    // RFC 9112-31: what comes behind the response is no response of ours.
    if (result < 0 || close || (http_stream_pending(&client->stream) > 0 && !client->answers_ahead))
        disconnect(client);
    if (result < 0 || redirect)
        return result < 0 ? result : 1;
    return status >= 400 ? -status : 0;
}

/** How a URL went. @return `result`. */
static int tell(struct client *client, const char *text, strata_time begin, int result)
{
    if (result <= -400)
        strata_rt_complain(client->rt, "http-client: %s: the server says %d %s\n", text, -result,
                           http_reason(-result));
    if (result < 0)
        return result;
    strata_time took = strata_rt_now(client->rt) - begin;
    if (client->file || client->discard || client->verbose)
        strata_rt_print(client->rt, "http-client: %s: %d, %" PRIu64 " bytes in %" PRId64 ".%03d ms\n", text,
                        client->response.status, client->stream.body_bytes, took / STRATA_MILLISECOND,
                        (int)(took % STRATA_MILLISECOND / STRATA_MICROSECOND));
    return 0;
}

static int fetch(struct client *client, const char *text)
{
    struct http_url url, next;
    int result = http_url_parse((struct http_slice){text, strlen(text)}, &url);
    if (result < 0)
        return say(client, text, result);
    strata_time begin = strata_rt_now(client->rt);
    for (int64_t hops = 0;; hops++) {
        result = request(client, &url);
        if (result == 0)
            result = take_response(client, &next);
        if (result != 1)
            break;
        if (hops == client->redirects)
            return say(client, text, -ELOOP);
        url = next;
    }
    return tell(client, text, begin, result);
}

static int open_upload(struct client *client)
{
    struct strata_stat stat;
    int result = strata_rt_stat(client->rt, client->upload, &stat);
    if (result == 0 && stat.folder)
        result = -EISDIR;
    if (result == 0)
        result = strata_rt_file_open(client->rt, client->upload, O_RDONLY, &client->upload_file);
    if (result < 0)
        return say(client, client->upload, result);
    client->upload_bytes = stat.size_bytes;
    return 0;
}

/* ---- Several at once ------------------------------------------------------------------------------ */

/** URLs that several fibers fetch, each over a connection of its own. */
struct shared {
    const struct client *like;
    const char **urls;
    int next, count;
    bool failed;
};

static void fetch_some(void *argument)
{
    struct shared *shared = argument;
    struct client *client = malloc(sizeof *client);
    if (!client) {
        shared->failed = true;
        return;
    }
    *client = *shared->like;
    client->connected = false;
    while (shared->next < shared->count && !shared->failed)
        if (fetch(client, shared->urls[shared->next++]) < 0)
            shared->failed = true;
    disconnect(client);
    free(client);
}

static int fetch_parallel(struct client *client, const char **urls, int count)
{
    struct shared shared = {.like = client, .urls = urls, .count = count};
    disconnect(client);
    for (int64_t i = 0; i < client->parallel && i < count; i++)
        if (strata_rt_spawn(client->rt, "http-fetch", fetch_some, &shared, NULL) < 0)
            shared.failed = true;
    strata_rt_join(client->rt, STRATA_NEVER); // cancelled: those that were started are, too, and end
    return shared.failed ? -EIO : 0;
}

/** Sends requests without waiting for answers (RFC 9112 9.3.2). @return how many, all of the host of the first. */
static int send_ahead(struct client *client, const char **urls, int count)
{
    struct http_url url;
    int sent = 0;
    for (; sent < count; sent++) {
        if (http_url_parse((struct http_slice){urls[sent], strlen(urls[sent])}, &url) < 0)
            break;
        if (sent == 0 ? connect_to(client, &url) < 0
                      : strcmp(client->url.host, url.host) != 0 || client->url.port != url.port)
            break;
        client->url = url;
        if (send_head(client, 0, false) < 0)
            break;
    }
    return sent;
}

/** The answers come in the order of the requests. What was sent ahead in vain, since the server closed or points
 * elsewhere, is asked for again. */
static int fetch_pipelined(struct client *client, const char **urls, int count)
{
    int sent = send_ahead(client, urls, count), done = 0, result = 0;
    struct http_url next;
    while (done < sent && client->connected && result == 0) {
        strata_time begin = strata_rt_now(client->rt);
        http_url_parse((struct http_slice){urls[done], strlen(urls[done])}, &client->url);
        client->answers_ahead = done + 1 < sent;
        bool answered = read_head(client) == 0;
        if (answered)
            result = take_response(client, &next);
        if (!answered || result == 1) {
            disconnect(client);
            result = 0;
            break;
        }
        result = tell(client, urls[done++], begin, result);
    }
    client->answers_ahead = false;
    for (; done < count && result == 0; done++)
        result = fetch(client, urls[done]);
    return result;
}

static int fetch_all(struct client *client, const char **urls, int count)
{
    if (count > 1 && (client->parallel > 0 || client->pipeline)) {
        int result = fetch(client, urls[0]);
        if (result < 0)
            return result;
        return client->parallel > 0 ? fetch_parallel(client, urls + 1, count - 1)
                                    : fetch_pipelined(client, urls + 1, count - 1);
    }
    for (int i = 0; i < count; i++) {
        int result = fetch(client, urls[i]);
        if (result < 0)
            return result;
    }
    return 0;
}

static int run(struct client *client, const char **urls, int count)
{
    int status = client->upload && open_upload(client) < 0;
    strata_time begin = strata_rt_now(client->rt);
    for (int64_t round = 0; round < client->count && status == 0; round++)
        status = fetch_all(client, urls, count) < 0;
    strata_time took = strata_rt_now(client->rt) - begin;
    if (status == 0 && count > 1 && (client->discard || client->verbose))
        strata_rt_print(client->rt, "http-client: %d URLs in %" PRId64 ".%03d ms\n", count, took / STRATA_MILLISECOND,
                        (int)(took % STRATA_MILLISECOND / STRATA_MICROSECOND));
    if (client->file && strata_rt_file_sync(client->file) < 0)
        status = 1;
    strata_rt_file_close(client->file);
    strata_rt_file_close(client->upload_file);
    disconnect(client);
    return status;
}

int program_http_client(struct strata_rt *rt, int argc, char **argv)
{
    struct client *client = calloc(1, sizeof *client);
    const char *urls[CLIENT_URLS];
    if (!client)
        return 1;
    *client = (struct client){.rt = rt, .timeout_s = 30, .redirects = 10, .count = 1};
    const struct option_entry entries[] = {
        {"-o", OPTION_TEXT, &client->output, 0, 0},
        {"--output", OPTION_TEXT, &client->output, 0, 0},
        {"--head", OPTION_FLAG, &client->head, 0, 0},
        {"-I", OPTION_FLAG, &client->head, 0, 0},
        {"--include", OPTION_FLAG, &client->include, 0, 0},
        {"-i", OPTION_FLAG, &client->include, 0, 0},
        {"--range", OPTION_TEXT, &client->range, 0, 0},
        {"-r", OPTION_TEXT, &client->range, 0, 0},
        {"--upload", OPTION_TEXT, &client->upload, 0, 0},
        {"-T", OPTION_TEXT, &client->upload, 0, 0},
        {"--header", OPTION_TEXT, &client->extra, 0, 0},
        {"-H", OPTION_TEXT, &client->extra, 0, 0},
        {"--discard", OPTION_FLAG, &client->discard, 0, 0},
        {"--close", OPTION_FLAG, &client->close, 0, 0},
        {"--parallel", OPTION_NUMBER, &client->parallel, 1, 100},
        {"--pipeline", OPTION_FLAG, &client->pipeline, 0, 0},
        {"--verbose", OPTION_FLAG, &client->verbose, 0, 0},
        {"--timeout", OPTION_NUMBER, &client->timeout_s, 1, 86400},
        {"--redirects", OPTION_NUMBER, &client->redirects, 0, 100},
        {"--count", OPTION_NUMBER, &client->count, 1, 1000000000},
    };
    const char *usage =
        "http-client URL... [-o FILE] [--head] [--include] [--range FIRST-LAST] [--upload FILE]"
        " [--header LINE] [--discard] [--verbose] [--timeout S] [--redirects N] [--count N]"
        " [--close] [--parallel N] [--pipeline]";
    int count =
        options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, urls, CLIENT_URLS);
    client->patience_ns = client->timeout_s * STRATA_SECOND;
    int status = 2;
    if (count == 0)
        strata_rt_complain(rt, "http-client: which URL?\nusage: %s\n", usage);
    bool several = client->parallel > 0 || client->pipeline;
    if (count > 0 && (client->parallel > 0) + client->pipeline + (client->upload != NULL) > 1)
        strata_rt_complain(rt, "http-client: of --parallel, --pipeline and --upload only one\n");
    else if (count > 0 && several && client->output)
        strata_rt_complain(rt, "http-client: -o does not go with --parallel and --pipeline\n");
    else if (count > 0 && client->pipeline && client->close)
        strata_rt_complain(rt, "http-client: --close leaves nothing to pipeline on\n");
    else if (count > 0)
        status = run(client, urls, count);
    free(client);
    return status;
}
