/**
 * Listings of folders: made as they are sent, so in chunks where the client knows them (RFC 9112 7.1).
 */
#include "app/http/server.h"

#include <stdarg.h>
#include <stdio.h>

#define LISTING_ENTRIES_MAX 10000u

/** Content of unknown length that goes out in chunks, or up to the end of the connection. */
struct chunked {
    struct http_session *session;
    bool plain;
    char text[4096];
    size_t length;
};

static void chunk_flush(struct chunked *out)
{
    char line[16];
    int length = snprintf(line, sizeof line, "%zx\r\n", out->length);
    if (out->length == 0)
        return;
    if (!out->plain)
        http_session_write(out->session, line, (size_t)length);
    http_session_write(out->session, out->text, out->length);
    if (!out->plain)
        http_session_write(out->session, "\r\n", 2);
    out->session->sent_bytes += out->length;
    out->length = 0;
}

static void chunk_text(struct chunked *out, const char *text)
{
    for (; *text; text++) {
        if (out->length == sizeof out->text)
            chunk_flush(out);
        out->text[out->length++] = *text;
    }
}

/** Text that may hold anything, as HTML. */
static void chunk_escaped(struct chunked *out, const char *text)
{
    char one[2] = {0, 0};
    for (; *text; text++) {
        one[0] = *text;
        chunk_text(out, *text == '<'   ? "&lt;"
                        : *text == '>' ? "&gt;"
                        : *text == '&' ? "&amp;"
                        : *text == '"' ? "&quot;"
                                       : one);
    }
}

static void list_entry(struct chunked *out, const char *folder, const char *name)
{
    char path[HTTP_PATH_MAX * 2 + 260], link[256 * 3 + 4], size[32] = "";
    struct strata_stat stat;
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path || strata_rt_stat(out->session->rt, path, &stat) < 0)
        return;
    http_encode_path(name, link, sizeof link);
    const char *slash = stat.folder ? "/" : "";
    if (!stat.folder)
        snprintf(size, sizeof size, " %llu", (unsigned long long)stat.size_bytes);
    chunk_text(out, "<li><a href=\"./");
    chunk_text(out, link);
    chunk_text(out, slash);
    chunk_text(out, "\">");
    chunk_escaped(out, name);
    chunk_text(out, slash);
    chunk_text(out, "</a>");
    chunk_text(out, size);
    chunk_text(out, "</li>\n");
}

void http_session_listing(struct http_session *session, const char *path, const char *relative)
{
    struct chunked out = {.session = session, .plain = session->minor == 0};
    if (out.plain)
        session->close = true;
    http_session_begin(session, 200);
    http_make_field(&session->maker, "Content-Type", "text/html; charset=utf-8");
    if (!out.plain)
        http_make_field(&session->maker, "Transfer-Encoding", "chunked");
    http_session_send(session, NULL, 0);
    if (session->method == HTTP_HEAD)
        return;
    chunk_text(&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>/");
    chunk_escaped(&out, relative);
    chunk_text(&out, "</title></head>\n<body><h1>/");
    chunk_escaped(&out, relative);
    chunk_text(&out, "</h1>\n<ul>\n");
    if (relative[0])
        chunk_text(&out, "<li><a href=\"../\">../</a></li>\n");
    char name[256];
    for (unsigned i = 0; i < LISTING_ENTRIES_MAX && !session->failed; i++) {
        if (strata_rt_list(session->rt, path, i, name, sizeof name) < 0)
            break;
        if (name[0] != '.')
            list_entry(&out, path, name);
    }
    chunk_text(&out, "</ul></body></html>\n");
    chunk_flush(&out);
    if (!out.plain)
        http_session_write(session, "0\r\n\r\n", 5);
}
