/**
 * PUT: a file is written beside its place and renamed, so that a reader sees the old or the new one, never a
 * part (RFC 9110 9.3.4).
 */
#include "app/http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/** Tells a client that waits to send its body (RFC 9110 10.1.1). */
static void send_continue(struct http_session *session)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (session->expects && http_stream_pending(&session->stream) == 0)
        http_session_write(session, text, sizeof text - 1);
    session->expects = false;
}

/** Copies the request's body into a file. @return 0, a negative errno. */
static int receive_file(struct http_session *session, struct strata_file *file)
{
    uint64_t offset = 0;
    strata_time begin = strata_rt_now(session->rt);
    for (;;) {
        const uint8_t *data;
        size_t length;
        strata_time limit =
            begin + HTTP_SERVER_GRACE_NS + (strata_time)(offset / HTTP_SERVER_BODY_RATE) * STRATA_SECOND;
        strata_time patience = strata_rt_now(session->rt) + HTTP_SERVER_GRACE_NS;
        int result = http_stream_body(&session->stream, &data, &length, limit < patience ? limit : patience);
        if (result <
            0) { // Nobody waits for an answer any more, or nobody can know where the next request begins.
            session->close = true;
            return result;
        }
        if (result == 0)
            return strata_rt_file_sync(file);
        int64_t written = strata_rt_file_write(file, data, length, offset);
        if (written != (int64_t)length)
            return written < 0 ? (int)written : -ENOSPC;
        offset += length;
    }
}

static int status_of(int error)
{
    switch (error) {
    case -EBADMSG:
    case -EPIPE:
        return 400;
    case -ETIMEDOUT:
        return 408;
    case -ENOENT:
    case -ENOTDIR:
    case -EISDIR:
        return 409;
    case -EACCES:
    case -EPERM:
    case -EROFS:
    case -ELOOP:
        return 403;
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
        return 507;
    default:
        return 500;
    }
}

static int write_file(struct http_session *session, const char *path)
{
    char temporary[HTTP_PATH_MAX * 2 + 32];
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    uint64_t number;
    strata_rt_random(session->rt, &number, sizeof number);
    snprintf(temporary, sizeof temporary, "%.*s.put-%016llx", folder, path, (unsigned long long)number);
    struct strata_file *file = NULL;
    int result = strata_rt_file_open(session->rt, temporary, O_WRONLY | O_CREAT | O_EXCL, &file);
    if (result < 0)
        return result;
    send_continue(session);
    result = session->failed ? -EPIPE : receive_file(session, file);
    strata_rt_file_close(file);
    if (result == 0)
        result = strata_rt_rename(session->rt, temporary, path);
    if (result < 0)
        strata_rt_unlink(session->rt, temporary);
    return result;
}

void http_session_put(struct http_session *session)
{
    char path[HTTP_PATH_MAX * 2], relative[HTTP_PATH_MAX], etag[48];
    bool folder;
    int result = http_session_path(session, path, sizeof path, relative, &folder);
    if (result == -404) // Where the file should go there is no folder.
        result = -409;
    if (result == 0 && (folder || http_field_find(&session->head, "Content-Range", 0)))
        result = -400; // A folder has no content; a part of a file is not what PUT writes (RFC 9110 14.5).
    struct strata_stat stat;
    if (result == 0) {
        struct http_validators resource = {.now_s = strata_rt_wall(session->rt) / STRATA_SECOND};
        resource.exists = strata_rt_stat(session->rt, path, &stat) == 0;
        if (resource.exists) {
            http_session_etag(session, &stat, etag, sizeof etag);
            resource.etag = etag;
            resource.modified_s = stat.modified_s;
        }
        int condition = http_condition(&session->head, &resource);
        result = condition ? -condition : resource.exists && stat.folder ? -409 : 0;
        if (result == 0) {
            bool existed = resource.exists;
            result = write_file(session, path);
            http_session_answer(session, result < 0 ? status_of(result) : existed ? 204 : 201, NULL, NULL);
            return;
        }
    }
    http_session_answer(session, -result, NULL, NULL);
}
