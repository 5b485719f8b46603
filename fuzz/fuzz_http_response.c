/**
 * Responses as a client reads them: head, framing, where a redirection leads.
 */
#include "app/http/message.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    struct http_framing framing;
    struct http_url base, next;
    int length = http_response_parse(&head, data, size);
    ASSERT(length < 0 || (size_t)length <= size);
    if (length <= 0)
        return 0;
    ASSERT(head.status >= 100 && head.status <= 999);
    for (int method = HTTP_GET; method <= HTTP_CONNECT; method++)
        if (http_response_framing(&head, (enum http_method)method, &framing) == 0 && method == HTTP_HEAD)
            ASSERT(framing.body == HTTP_BODY_NONE);
    static const char text[] = "http://base/a/b?c";
    ASSERT(http_url_parse((struct http_slice){text, sizeof text - 1}, &base) == 0);
    const struct http_field *location = http_field_find(&head, "Location", 0);
    if (location && http_url_resolve(&base, location->value, &next) == 0)
        ASSERT(next.target[0] == '/' && next.port != 0 && strlen(next.host) > 0);
    http_head_closes(&head);
    return 0;
}
