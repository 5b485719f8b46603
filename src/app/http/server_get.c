/**
 * GET and HEAD of files: preconditions, ranges, and the way of bytes from file to connection (RFC 9110 13 to
 * 15).
 */
#include "app/http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/** A file that is being sent. */
struct source {
    struct strata_file *file;
    struct strata_stat stat;
    char etag[48];
    const char *type;
};

size_t http_encode_path(const char *path, char *text, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t length = 0;
    for (; *path && length + 4 < size; path++) {
        unsigned char c = (unsigned char)*path;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain || strchr("-._~/", c)) {
            text[length++] = (char)c;
        } else {
            text[length++] = '%';
            text[length++] = hex[c >> 4];
            text[length++] = hex[c & 15];
        }
    }
    text[length] = 0;
    return length;
}

/** The status for a file that cannot be opened. */
static int status_of(int error)
{
    if (error == -EACCES || error == -EPERM || error == -ELOOP)
        return 403;
    return error == -ENOENT || error == -ENOTDIR || error == -EINVAL || error == -ENAMETOOLONG ? 404 : 500;
}

/**
 * Makes sure that no folder on the way is a symbolic link, which would lead out of what is served. What was
 * found good is remembered as long as the connection lives.
 */
static int check_way(struct http_session *session, char *path, size_t start)
{
    for (char *slash = strchr(path + start, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        if (strncmp(session->good_way, path, length) == 0 && strchr("/", session->good_way[length]))
            continue;
        struct strata_file *file = NULL;
        *slash = 0;
        int result = strata_rt_file_open(session->rt, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &file);
        if (result == 0 || result == -EISDIR)
            snprintf(session->good_way, sizeof session->good_way, "%s", path);
        *slash = '/';
        strata_rt_file_close(file);
        if (result < 0 && result != -EISDIR)
            return -status_of(result);
    }
    return 0;
}

int http_session_path(struct http_session *session, char *path, size_t size, char relative[HTTP_PATH_MAX],
                      bool *folder)
{
    int result = http_target_path(session->target, relative, folder);
    if (result < 0)
        return result;
    const char *slash = relative[0] ? "/" : "";
    int length = snprintf(path, size, "%s%s%s", session->server->folder, slash, relative);
    if (length < 0 || (size_t)length >= size)
        return -414;
    return check_way(session, path, strlen(session->server->folder) + 1 - !relative[0]);
}

void http_session_etag(struct http_session *session, const struct strata_stat *stat, char *text, size_t size)
{
    int64_t now_s = strata_rt_wall(session->rt) / STRATA_SECOND;
    bool settled = stat->modified_s + 1 < now_s;
    snprintf(text, size, "%s\"%llx-%llx\"", settled ? "" : "W/", (unsigned long long)stat->size_bytes,
             (unsigned long long)stat->modified_s);
}

/** Sends `first` to `last` of the file behind what the maker holds already. */
static void send_span(struct http_session *session, struct source *source, uint64_t first, uint64_t last)
{
    struct http_maker *maker = &session->maker;
    uint64_t left = last - first + 1;
    while (left > 0 && !session->failed) {
        size_t room = maker->size - maker->length;
        size_t want = left < room ? (size_t)left : room;
        int64_t got = strata_rt_file_read(source->file, maker->text + maker->length, want, first);
        if (got <= 0) { // The file became shorter than we said: the response cannot be completed.
            session->failed = true;
            return;
        }
        maker->length += (size_t)got;
        first += (uint64_t)got;
        left -= (uint64_t)got;
        session->sent_bytes += (uint64_t)got;
        if (left > 0 && maker->size - maker->length < maker->size / 2) {
            http_session_write(session, maker->text, maker->length);
            maker->length = 0;
        }
    }
}

/** Fields that a 200, a 206 and a 304 have in common. */
static void add_validators(struct http_session *session, const struct source *source)
{
    char date[HTTP_DATE_TEXT];
    int64_t now_s = strata_rt_wall(session->rt) / STRATA_SECOND;
    http_date_format(source->stat.modified_s < now_s ? source->stat.modified_s : now_s, date);
    http_make_field(&session->maker, "Last-Modified", "%s", date);
    http_make_field(&session->maker, "ETag", "%s", source->etag);
}

/** The whole file, or one range of it. */
static void send_plain(struct http_session *session, struct source *source, const struct http_range *range)
{
    uint64_t size = source->stat.size_bytes;
    uint64_t length = range ? range->last - range->first + 1 : size;
    struct http_maker *maker = &session->maker;
    http_session_begin(session, range ? 206 : 200);
    http_make_field(maker, "Content-Type", "%s", source->type);
    http_make_field(maker, "Content-Length", "%llu", (unsigned long long)length);
    http_make_field(maker, "Accept-Ranges", "bytes");
    if (range) // RFC 9110-25
        http_make_field(maker, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                        (unsigned long long)range->last, (unsigned long long)size);
    add_validators(session, source);
    http_make_end(maker);
    if (maker->failed) {
        session->failed = true;
        return;
    }
    if (session->method != HTTP_HEAD && length > 0)
        send_span(session, source, range ? range->first : 0, range ? range->last : size - 1);
    http_session_write(session, maker->text, maker->length);
}

/** The head of one part of multipart/byteranges. */
static int part_head(char *text, size_t size, const struct source *source, const char *boundary,
                     const struct http_range *range)
{
    return snprintf(text, size, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                    boundary, source->type, (unsigned long long)range->first, (unsigned long long)range->last,
                    (unsigned long long)source->stat.size_bytes);
}

/** Several ranges (RFC 9110 14.6). */
static void send_parts(struct http_session *session, struct source *source, const struct http_range *ranges,
                       int count)
{
    struct http_maker *maker = &session->maker;
    char boundary[40], part[256];
    uint64_t number, length = 0;
    strata_rt_random(session->rt, &number, sizeof number);
    snprintf(boundary, sizeof boundary, "part-%016llx", (unsigned long long)number);
    for (int i = 0; i < count; i++)
        length += (uint64_t)part_head(part, sizeof part, source, boundary, &ranges[i]) + ranges[i].last -
                  ranges[i].first + 1;
    length += (uint64_t)snprintf(part, sizeof part, "\r\n--%s--\r\n", boundary);
    http_session_begin(session, 206);
    http_make_field(maker, "Content-Type", "multipart/byteranges; boundary=%s", boundary);
    http_make_field(maker, "Content-Length", "%llu", (unsigned long long)length);
    http_make_field(maker, "Accept-Ranges", "bytes");
    add_validators(session, source);
    http_make_end(maker);
    for (int i = 0; i < count && !maker->failed && !session->failed; i++) {
        if (maker->size - maker->length < maker->size / 2) {
            http_session_write(session, maker->text, maker->length);
            maker->length = 0;
        }
        maker->length += (size_t)part_head(maker->text + maker->length, maker->size - maker->length, source,
                                           boundary, &ranges[i]);
        send_span(session, source, ranges[i].first, ranges[i].last);
    }
    if (maker->size - maker->length < sizeof part) {
        http_session_write(session, maker->text, maker->length);
        maker->length = 0;
    }
    maker->length += (size_t)snprintf(maker->text + maker->length, maker->size - maker->length,
                                      "\r\n--%s--\r\n", boundary);
    session->failed = session->failed || maker->failed;
    http_session_write(session, maker->text, maker->length);
}

/** What is sent of the file: nothing but validators, all of it, or ranges. */
static void send_selected(struct http_session *session, struct source *source)
{
    struct http_validators resource = {.exists = true,
                                       .etag = source->etag,
                                       .modified_s = source->stat.modified_s,
                                       .now_s = strata_rt_wall(session->rt) / STRATA_SECOND};
    int condition = http_condition(&session->head, &resource);
    if (condition == 304) { // RFC 9110-19
        http_session_begin(session, 304);
        add_validators(session, source);
        http_session_send(session, NULL, 0);
        return;
    }
    if (condition != 0) {
        http_session_answer(session, condition, NULL, NULL);
        return;
    }
    struct http_range ranges[HTTP_RANGES_MAX];
    const struct http_field *field = http_field_find(&session->head, "Range", 0);
    int count = 0;
    // A range of HEAD means nothing (RFC 9110-24); a false If-Range asks for all (RFC 9110-28).
    if (field && !http_field_find(&session->head, "Range", 1) && session->method == HTTP_GET &&
        http_condition_range(&session->head, &resource))
        count = http_range_parse(field->value, source->stat.size_bytes, ranges);
    if (count == -416) { // RFC 9110-26
        char value[48];
        snprintf(value, sizeof value, "bytes */%llu", (unsigned long long)source->stat.size_bytes);
        http_session_answer(session, 416, "Content-Range", value);
    } else if (count > 1) {
        send_parts(session, source, ranges, count);
    } else {
        send_plain(session, source, count == 1 ? ranges : NULL);
    }
}

/**
 * Opens a file and sees what it is. Neither a symbolic link, which may lead out of the folder, nor a pipe,
 * which may have no writer, is followed or waited for. @return 0, -EISDIR, another errno; then nothing is
 * open.
 */
static int open_source(struct http_session *session, const char *path, struct source *source)
{
    *source = (struct source){.type = http_media_type(path)};
    int result = strata_rt_file_open(session->rt, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &source->file);
    if (result == 0) {
        result = strata_rt_stat(session->rt, path, &source->stat);
        if (result == 0 && source->stat.folder)
            result = -EISDIR;
        if (result < 0)
            strata_rt_file_close(source->file);
    }
    return result;
}

static void send_source(struct http_session *session, struct source *source)
{
    http_session_etag(session, &source->stat, source->etag, sizeof source->etag);
    send_selected(session, source);
    strata_rt_file_close(source->file);
}

/** A folder whose name came without the slash at its end. */
static void redirect_to_folder(struct http_session *session, const char *relative)
{
    char location[HTTP_PATH_MAX * 3 + 4] = "/";
    size_t length = 1 + http_encode_path(relative, location + 1, sizeof location - 2);
    memcpy(location + length, "/", 2);
    http_session_answer(session, 301, "Location", location);
}

/** A folder itself: its index, or a listing of it where that is allowed. */
static void send_folder(struct http_session *session, char *path, const char *relative)
{
    struct source source;
    size_t length = strlen(path);
    memcpy(path + length, "/index.html", sizeof "/index.html");
    if (open_source(session, path, &source) == 0) {
        send_source(session, &source);
        return;
    }
    path[length] = 0;
    if (session->server->listing)
        http_session_listing(session, path, relative);
    else
        http_session_answer(session, 403, NULL, NULL);
}

void http_session_get(struct http_session *session)
{
    char path[HTTP_PATH_MAX * 2], relative[HTTP_PATH_MAX];
    struct source source;
    bool folder;
    int result = http_session_path(session, path, sizeof path - 16, relative, &folder);
    if (result < 0) {
        http_session_answer(session, -result, NULL, NULL);
        return;
    }
    // The folder that is served may itself be reached by a link.
    result = relative[0] ? open_source(session, path, &source) : -EISDIR;
    if (result == 0 && folder) { // A file has nothing below it.
        strata_rt_file_close(source.file);
        result = -ENOENT;
    }
    if (result == 0)
        send_source(session, &source);
    else if (result == -EISDIR && !folder)
        redirect_to_folder(session, relative);
    else if (result == -EISDIR)
        send_folder(session, path, relative);
    else
        http_session_answer(session, status_of(result), NULL, NULL);
}
