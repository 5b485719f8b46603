/**
 * Targets and URLs (RFC 9112 3.2, RFC 3986): which file of a folder a target names, and which server and
 * target a URL names. Also the media types of file names.
 */
#include "app/http/message.h"

#include <errno.h>
#include <stdio.h>

/* ---- Targets ------------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** One byte of a path segment, decoded. @return it, or -1. */
static int segment_byte(const char *text, size_t length, size_t *i)
{
    if (text[*i] != '%')
        return (unsigned char)text[(*i)++];
    if (length - *i < 3 || hex(text[*i + 1]) < 0 || hex(text[*i + 2]) < 0)
        return -1;
    int c = hex(text[*i + 1]) << 4 | hex(text[*i + 2]);
    *i += 3;
    // A decoded slash or NUL would make another path of what was one name.
    return c == 0 || c == '/' ? -1 : c;
}

/** Removes the last segment of a path. @return false: there is none. */
static bool climb(char *path, size_t *used)
{
    if (*used == 0)
        return false;
    while (*used > 0 && path[*used - 1] != '/')
        (*used)--;
    if (*used > 0)
        (*used)--;
    path[*used] = 0;
    return true;
}

int http_target_path(struct http_slice target, char path[HTTP_PATH_MAX], bool *folder)
{
    size_t end = 0, i = 0, used = 0;
    while (end < target.length && target.text[end] != '?' && target.text[end] != '#')
        end++;
    path[0] = 0;
    *folder = true;
    while (i < end) {
        if (target.text[i] == '/') {
            i++;
            *folder = true;
            continue;
        }
        size_t start = used;
        if (used > 0)
            path[used++] = '/';
        size_t name = used;
        while (i < end && target.text[i] != '/') {
            int c = segment_byte(target.text, end, &i);
            if (c < 0)
                return -400;
            if (used + 2 >= HTTP_PATH_MAX)
                return -414;
            path[used++] = (char)c;
        }
        path[used] = 0;
        *folder = false;
        bool dot = strcmp(path + name, ".") == 0, dots = strcmp(path + name, "..") == 0;
        if (dot || dots) {
            path[used = start] = 0;
            *folder = true;
        }
        if (dots && !climb(path, &used))
            return -400; // It climbs out of the folder.
    }
    return 0;
}

/* ---- URLs ---------------------------------------------------------------------------------------- */

/** Host and port; [address] for IPv6. @return 0, -EINVAL. */
static int parse_authority(struct http_slice text, struct http_url *url)
{
    struct http_slice host = text, port = {NULL, 0};
    url->literal6 = text.length > 0 && text.text[0] == '[';
    const char *colon;
    if (url->literal6) {
        const char *close = memchr(text.text, ']', text.length);
        if (!close)
            return -EINVAL;
        host = (struct http_slice){text.text + 1, (size_t)(close - text.text) - 1};
        size_t rest = text.length - host.length - 2;
        if (rest > 0 && close[1] != ':')
            return -EINVAL;
        colon = rest > 0 ? close + 1 : NULL;
    } else {
        colon = memchr(text.text, ':', text.length);
        if (colon)
            host.length = (size_t)(colon - text.text);
    }
    if (colon)
        port = (struct http_slice){colon + 1, (size_t)(text.text + text.length - colon) - 1};
    uint64_t number = 80;
    if (port.length > 0 && (http_number(port, &number) < 0 || number == 0 || number > 65535))
        return -EINVAL;
    if (host.length == 0 || host.length >= sizeof url->host)
        return -EINVAL;
    for (size_t i = 0; i < host.length; i++) {
        unsigned char c = (unsigned char)host.text[i];
        if (c <= 0x20 || c >= 0x7f || strchr("@/?#[]\\<>\"", c))
            return -EINVAL;
    }
    memcpy(url->host, host.text, host.length);
    url->host[host.length] = 0;
    url->port = (uint16_t)number;
    return 0;
}

/** Path and query; what may not stand in a request line is refused. */
static int set_target(struct http_url *url, struct http_slice text)
{
    const char *fragment = text.length > 0 ? memchr(text.text, '#', text.length) : NULL;
    if (fragment)
        text.length = (size_t)(fragment - text.text);
    size_t slash = text.length == 0 || text.text[0] != '/';
    if (text.length + slash >= sizeof url->target)
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.text[i] <= 0x20 || (unsigned char)text.text[i] >= 0x7f)
            return -EINVAL;
    url->target[0] = '/';
    if (text.length > 0)
        memcpy(url->target + slash, text.text, text.length);
    url->target[text.length + slash] = 0;
    return 0;
}

/** Where "://" begins, before any query; text.length if nowhere. */
static size_t find_mark(struct http_slice text)
{
    for (size_t i = 0; i + 3 <= text.length && text.text[i] != '?'; i++)
        if (memcmp(text.text + i, "://", 3) == 0)
            return i;
    return text.length;
}

int http_url_parse(struct http_slice text, struct http_url *url)
{
    size_t mark = find_mark(text);
    if (mark < text.length) {
        struct http_slice scheme = {text.text, mark};
        if (!http_slice_is_nocase(scheme, "http"))
            return -EPROTONOSUPPORT;
        text.length -= mark + 3;
        text.text += mark + 3;
    }
    size_t end = 0;
    while (end < text.length && text.text[end] != '/' && text.text[end] != '?' && text.text[end] != '#')
        end++;
    int result = parse_authority((struct http_slice){text.text, end}, url);
    return result < 0 ? result : set_target(url, (struct http_slice){text.text + end, text.length - end});
}

/** Whether it begins with a scheme ("https:"). */
static bool has_scheme(struct http_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.text[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (c == ':')
            return i > 0;
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || strchr("+-.", c))))
            return false;
    }
    return false;
}

int http_url_resolve(const struct http_url *base, struct http_slice location, struct http_url *url)
{
    if (location.length == 0)
        return -EINVAL;
    if (has_scheme(location))
        return find_mark(location) < location.length ? http_url_parse(location, url) : -EPROTONOSUPPORT;
    if (location.length >= 2 && memcmp(location.text, "//", 2) == 0)
        return http_url_parse((struct http_slice){location.text + 2, location.length - 2}, url);
    struct http_url result = *base;
    if (location.text[0] == '/') {
        int status = set_target(&result, location);
        *url = result;
        return status;
    }
    // Relative to the folder of the base, or to its path if only a query is given.
    char joined[sizeof result.target];
    size_t keep = strcspn(base->target, "?");
    if (location.text[0] == '#')
        keep = strlen(base->target);
    else if (location.text[0] != '?')
        while (keep > 0 && base->target[keep - 1] != '/')
            keep--;
    if (keep + location.length >= sizeof joined)
        return -EINVAL;
    memcpy(joined, base->target, keep);
    memcpy(joined + keep, location.text, location.length);
    int status = set_target(&result, (struct http_slice){joined, keep + location.length});
    *url = result;
    return status;
}

void http_url_authority(const struct http_url *url, char *text, size_t size)
{
    const char *open = url->literal6 ? "[" : "", *close = url->literal6 ? "]" : "";
    if (url->port == 80)
        snprintf(text, size, "%s%s%s", open, url->host, close);
    else
        snprintf(text, size, "%s%s%s:%u", open, url->host, close, url->port);
}

/* ---- Media types --------------------------------------------------------------------------------- */

const char *http_media_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"pdf", "application/pdf"},
        {"wasm", "application/wasm"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"tar", "application/x-tar"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"avif", "image/avif"},
        {"ico", "image/vnd.microsoft.icon"},
        {"mp3", "audio/mpeg"},
        {"ogg", "audio/ogg"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
    };
    const char *dot = strrchr(path, '.');
    if (dot && !strchr(dot, '/'))
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (http_slice_is_nocase((struct http_slice){dot + 1, strlen(dot + 1)}, types[i].suffix))
                return types[i].type;
    return "application/octet-stream";
}
