/**
 * Heads of requests and responses (RFC 9112 2 to 5, RFC 9110 5).
 *
 * A head is looked at only when all of it is there (RFC 9110 5.3). Lines end in CRLF; a lone LF is taken as
 * well (RFC 9112 2.2), a lone CR never. Parsing is on octets; nothing is decoded before the grammar was
 * checked.
 */
#include "app/http/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool http_is_token_byte(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool http_slice_is(struct http_slice slice, const char *text)
{
    return strlen(text) == slice.length && (slice.length == 0 || memcmp(slice.text, text, slice.length) == 0);
}

bool http_slice_is_nocase(struct http_slice slice, const char *text)
{
    if (strlen(text) != slice.length)
        return false;
    for (size_t i = 0; i < slice.length; i++)
        if (lower(slice.text[i]) != lower(text[i]))
            return false;
    return true;
}

int http_number(struct http_slice text, uint64_t *number)
{
    uint64_t value = 0;
    if (text.length == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)(unsigned char)text.text[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) // RFC 9110-11
            return -EINVAL;
        value = value * 10 + digit;
    }
    *number = value;
    return 0;
}

/* ---- Lines and fields ---------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct http_slice trim(struct http_slice slice)
{
    while (slice.length > 0 && is_blank(slice.text[0])) {
        slice.text++;
        slice.length--;
    }
    while (slice.length > 0 && is_blank(slice.text[slice.length - 1]))
        slice.length--;
    return slice;
}

/** The next line without its end. @return 1; 0: its end has not come; -1: it holds a bare CR. */
static int next_line(const char *bytes, size_t size, size_t *position, struct http_slice *line)
{
    const char *start = bytes + *position;
    const char *end = memchr(start, '\n', size - *position);
    if (!end)
        return 0;
    size_t length = (size_t)(end - start);
    *position += length + 1;
    if (length > 0 && start[length - 1] == '\r')
        length--;
    *line = (struct http_slice){start, length};
    return memchr(start, '\r', length) ? -1 : 1; // RFC 9112-2
}

static int parse_field(struct http_head *head, struct http_slice line)
{
    size_t colon = 0;
    while (colon < line.length && http_is_token_byte((unsigned char)line.text[colon]))
        colon++;
    // White space before the colon (RFC 9112-13), a folded line (RFC 9112-14) and white space before the
    // first field (RFC 9112-5) all end here: a blank is no token.
    if (colon == 0 || colon == line.length || line.text[colon] != ':')
        return -EBADMSG;
    struct http_slice value = trim((struct http_slice){line.text + colon + 1, line.length - colon - 1});
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) // RFC 9110-3
            return -EBADMSG;
    }
    if (head->field_count == HTTP_FIELDS_MAX)
        return -E2BIG;
    head->fields[head->field_count++] = (struct http_field){{line.text, colon}, value};
    return 0;
}

/** All field lines up to the empty one. @return 1, 0: more bytes are needed, -EBADMSG, -E2BIG. */
static int parse_fields(struct http_head *head, const char *bytes, size_t size, size_t *position)
{
    head->field_count = 0;
    for (;;) {
        struct http_slice line;
        int got = next_line(bytes, size, position, &line);
        if (got <= 0)
            return got < 0 ? -EBADMSG : 0;
        if (line.length == 0)
            return 1;
        int result = parse_field(head, line);
        if (result < 0)
            return result;
    }
}

const struct http_field *http_field_find(const struct http_head *head, const char *name, unsigned index)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (http_slice_is_nocase(head->fields[i].name, name) && index-- == 0)
            return &head->fields[i];
    return NULL;
}

bool http_list_next(struct http_slice *list, struct http_slice *element)
{
    while (list->length > 0) {
        size_t length = 0;
        bool quoted = false;
        while (length < list->length && (quoted || list->text[length] != ',')) {
            if (quoted && list->text[length] == '\\' && length + 1 < list->length)
                length++;
            else if (list->text[length] == '"')
                quoted = !quoted;
            length++;
        }
        *element = trim((struct http_slice){list->text, length});
        size_t skip = length < list->length ? length + 1 : length;
        list->text += skip;
        list->length -= skip;
        if (element->length > 0) // RFC 9110-8: empty elements are passed over.
            return true;
    }
    return false;
}

bool http_field_has_token(const struct http_head *head, const char *name, const char *token)
{
    const struct http_field *field;
    for (unsigned i = 0; (field = http_field_find(head, name, i)) != NULL; i++) {
        struct http_slice list = field->value, element;
        while (http_list_next(&list, &element))
            if (http_slice_is_nocase(element, token))
                return true;
    }
    return false;
}

bool http_head_closes(const struct http_head *head)
{
    if (http_field_has_token(head, "Connection", "close"))
        return true;
    return head->minor == 0 && !http_field_has_token(head, "Connection", "keep-alive");
}

/* ---- Requests --------------------------------------------------------------------------------------------
 */

static const char *const method_names[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE", [HTTP_CONNECT] = "CONNECT",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",   [HTTP_PATCH] = "PATCH",
};

/** "HTTP/1.1". @return 0, -400, or -505: another major version. */
static int parse_version(struct http_slice text, int *minor)
{
    if (text.length != 8 || memcmp(text.text, "HTTP/", 5) != 0 || text.text[6] != '.')
        return -400;
    unsigned major_digit = (unsigned)(unsigned char)text.text[5] - '0';
    unsigned minor_digit = (unsigned)(unsigned char)text.text[7] - '0';
    if (major_digit > 9 || minor_digit > 9)
        return -400;
    if (major_digit != 1)
        return -505;
    *minor = minor_digit == 0 ? 0 : 1;
    return 0;
}

/** Method, target and version with exactly one space between (RFC 9112-7: nothing is corrected). */
static int parse_request_line(struct http_head *head, struct http_slice line)
{
    size_t i = 0;
    while (i < line.length && http_is_token_byte((unsigned char)line.text[i]))
        i++;
    if (i == 0 || i == line.length || line.text[i] != ' ')
        return -400;
    if (i > HTTP_METHOD_MAX_BYTES)
        return -501; // RFC 9112-8
    head->method_text = (struct http_slice){line.text, i};
    head->method = HTTP_UNKNOWN;
    for (unsigned m = 0; m < HTTP_UNKNOWN; m++)
        if (http_slice_is(head->method_text, method_names[m]))
            head->method = (enum http_method)m;
    size_t start = ++i;
    while (i < line.length && (unsigned char)line.text[i] > 0x20 && (unsigned char)line.text[i] < 0x7f)
        i++;
    head->target = (struct http_slice){line.text + start, i - start};
    if (head->target.length > HTTP_TARGET_MAX_BYTES)
        return -414; // RFC 9112-8
    if (head->target.length == 0 || i == line.length || line.text[i] != ' ')
        return -400;
    return parse_version((struct http_slice){line.text + i + 1, line.length - i - 1}, &head->minor);
}

/** Which status refuses a request head that is too long as far as it came. */
static int too_long(const char *bytes, size_t size, size_t start)
{
    const char *end = memchr(bytes + start, '\n', size - start);
    size_t line = end ? (size_t)(end - bytes) - start : size - start;
    return line > HTTP_TARGET_MAX_BYTES ? -414 : -431;
}

int http_request_parse(struct http_head *head, const void *data, size_t size)
{
    const char *bytes = data;
    size_t position = 0;
    // RFC 9112-4: empty lines before the request line are passed over.
    while (position < size &&
           (bytes[position] == '\n' ||
            (bytes[position] == '\r' && (position + 1 == size || bytes[position + 1] == '\n'))))
        position += bytes[position] == '\r' && position + 1 < size ? 2 : 1;
    size_t start = position;
    struct http_slice line;
    int got = next_line(bytes, size, &position, &line);
    if (got == 0)
        return size >= HTTP_HEAD_MAX_BYTES ? too_long(bytes, size, start) : 0;
    if (got < 0)
        return -400;
    int result = parse_request_line(head, line);
    if (result < 0)
        return result;
    got = parse_fields(head, bytes, size, &position);
    if (got == -E2BIG || (got == 0 && size >= HTTP_HEAD_MAX_BYTES) || position > HTTP_HEAD_MAX_BYTES)
        return -431; // RFC 9110-6
    if (got < 0)
        return -400; // RFC 9112-6
    return got == 0 ? 0 : (int)position;
}

/** Whether this may stand in Host: a name or address with an optional port. */
static bool authority_is_valid(struct http_slice text)
{
    size_t i = 0;
    if (text.length > 0 && text.text[0] == '[') {
        for (i = 1; i < text.length && text.text[i] != ']'; i++)
            if (!strchr("0123456789abcdefABCDEF:.", text.text[i]) || text.text[i] == 0)
                return false;
        if (i == text.length)
            return false;
        i++;
    } else {
        for (; i < text.length && text.text[i] != ':'; i++) {
            unsigned char c = (unsigned char)text.text[i];
            bool name = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            if (!name && (c == 0 || !strchr("-._~%!$&'()*+,;=", c)))
                return false;
        }
    }
    if (i == text.length)
        return true;
    if (text.text[i] != ':')
        return false;
    uint64_t port;
    struct http_slice digits = {text.text + i + 1, text.length - i - 1};
    return digits.length == 0 || (http_number(digits, &port) == 0 && port <= 65535);
}

int http_request_target(const struct http_head *head, struct http_slice *target, struct http_slice *authority)
{
    const struct http_field *host = http_field_find(head, "Host", 0);
    // RFC 9112-9: exactly one Host in 1.1, never two.
    if ((!host && head->minor > 0) || http_field_find(head, "Host", 1))
        return -400;
    if (host && !authority_is_valid(host->value))
        return -400;
    *authority = host ? host->value : (struct http_slice){NULL, 0};
    *target = head->target;
    if (head->method == HTTP_CONNECT) { // RFC 9112-12
        const char *colon = memrchr(target->text, ':', target->length);
        bool port = colon && colon > target->text && colon + 1 < target->text + target->length;
        *authority = *target;
        return port && authority_is_valid(*target) ? 0 : -400;
    }
    if (target->text[0] == '/')
        return 0;
    if (http_slice_is(*target, "*"))
        return head->method == HTTP_OPTIONS ? 0 : -400;
    // Absolute form: its authority overrides Host (RFC 9112-10).
    static const char scheme[] = "http://";
    size_t skip = sizeof scheme - 1;
    if (target->length <= skip || !http_slice_is_nocase((struct http_slice){target->text, skip}, scheme))
        return -400;
    size_t end = skip;
    while (end < target->length && target->text[end] != '/' && target->text[end] != '?')
        end++;
    *authority = (struct http_slice){target->text + skip, end - skip};
    *target = (struct http_slice){target->text + end, target->length - end};
    if (target->length == 0)
        *target = (struct http_slice){"/", 1};
    return authority->length > 0 && authority_is_valid(*authority) ? 0 : -400;
}

/* ---- Responses ----------------------------------------------------------------------------------- */

int http_response_parse(struct http_head *head, const void *data, size_t size)
{
    const char *bytes = data;
    size_t position = 0;
    struct http_slice line;
    int got = next_line(bytes, size, &position, &line);
    if (got <= 0)
        return got < 0 || size >= HTTP_HEAD_MAX_BYTES ? -EBADMSG : 0;
    // "HTTP/1.1 200" and, as some send it, without the space before an empty reason.
    if (line.length < 12 || line.text[8] != ' ' ||
        parse_version((struct http_slice){line.text, 8}, &head->minor) != 0)
        return -EBADMSG;
    head->status = 0;
    for (int i = 9; i < 12; i++) {
        unsigned digit = (unsigned)(unsigned char)line.text[i] - '0';
        if (digit > 9)
            return -EBADMSG;
        head->status = head->status * 10 + (int)digit;
    }
    if (head->status < 100 || (line.length > 12 && line.text[12] != ' '))
        return -EBADMSG;
    head->reason = (struct http_slice){NULL, 0};
    if (line.length > 13)
        head->reason = (struct http_slice){line.text + 13, line.length - 13};
    for (size_t i = 0; i < head->reason.length; i++) {
        unsigned char c = (unsigned char)head->reason.text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return -EBADMSG;
    }
    got = parse_fields(head, bytes, size, &position);
    if (got < 0 || (got == 0 && size >= HTTP_HEAD_MAX_BYTES))
        return -EBADMSG;
    return got == 0 ? 0 : (int)position;
}

/* ---- Making heads -------------------------------------------------------------------------------- */

static void make_text(struct http_maker *maker, const char *format, va_list arguments)
{
    size_t room = maker->size - maker->length;
    int length = vsnprintf(maker->text + maker->length, room, format, arguments);
    if (length < 0 || (size_t)length + 2 >= room) {
        maker->failed = true;
        return;
    }
    for (int i = 0; i < length; i++) { // RFC 9112-36
        char c = maker->text[maker->length + (size_t)i];
        if (c == '\r' || c == '\n' || c == 0)
            maker->failed = true;
    }
    maker->length += (size_t)length;
}

static void make_end_of_line(struct http_maker *maker)
{
    if (maker->size - maker->length < 2) {
        maker->failed = true;
        return;
    }
    memcpy(maker->text + maker->length, "\r\n", 2);
    maker->length += 2;
}

void http_make_line(struct http_maker *maker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    make_text(maker, format, arguments);
    va_end(arguments);
    make_end_of_line(maker);
}

static void make_plain(struct http_maker *maker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    make_text(maker, format, arguments);
    va_end(arguments);
}

void http_make_field(struct http_maker *maker, const char *name, const char *format, ...)
{
    make_plain(maker, "%s: ", name);
    va_list arguments;
    va_start(arguments, format);
    make_text(maker, format, arguments);
    va_end(arguments);
    make_end_of_line(maker);
}

void http_make_end(struct http_maker *maker)
{
    make_end_of_line(maker);
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}
