/**
 * Requests as a server reads them: head, framing, target, conditions, ranges, chunks; whole, and byte by
 * byte.
 */
#include "app/http/message.h"
#include "base/assert.h"

static void read_chunks(const uint8_t *data, size_t size)
{
    // The content must be the same however the bytes are cut.
    uint64_t totals[2] = {0, 0};
    int ends[2] = {0, 0};
    for (int way = 0; way < 2; way++) {
        struct http_chunks chunks = {0};
        for (size_t at = 0; at < size && ends[way] == 0;) {
            size_t used = 0, length = 0, part = way ? 1 : size - at;
            const uint8_t *content;
            ends[way] = http_chunks_take(&chunks, data + at, part, &used, &content, &length);
            ASSERT(ends[way] < 0 || (used <= part && length <= used && (used > 0 || ends[way])));
            if (ends[way] >= 0)
                totals[way] += length;
            at += used;
        }
    }
    ASSERT((ends[0] < 0) == (ends[1] < 0) && (ends[0] < 0 || totals[0] == totals[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    int length = http_request_parse(&head, data, size);
    ASSERT(length < 0 || (size_t)length <= size);
    if (length <= 0)
        return 0;
    // One byte less is not a whole head.
    static struct http_head shorter;
    ASSERT(http_request_parse(&shorter, data, (size_t)length - 1) <= 0);
    struct http_framing framing;
    struct http_slice target, authority;
    int framed = http_request_framing(&head, &framing);
    if (http_request_target(&head, &target, &authority) == 0) {
        char path[HTTP_PATH_MAX];
        bool folder;
        if (http_target_path(target, path, &folder) == 0) {
            ASSERT(strlen(path) < HTTP_PATH_MAX && path[0] != '/');
            ASSERT(strncmp(path, "../", 3) != 0 && strcmp(path, "..") != 0 && !strstr(path, "/../"));
        }
    }
    struct http_validators resource = {
        .exists = true, .etag = "\"a\"", .modified_s = 784111777, .now_s = 1 << 30};
    int condition = http_condition(&head, &resource);
    ASSERT(condition == 0 || condition == 304 || condition == 412);
    http_condition_range(&head, &resource);
    struct http_range ranges[HTTP_RANGES_MAX];
    const struct http_field *field = http_field_find(&head, "Range", 0);
    int count = field ? http_range_parse(field->value, 1000, ranges) : 0;
    for (int i = 0; i < count; i++)
        ASSERT(ranges[i].first <= ranges[i].last && ranges[i].last < 1000);
    if (framed == 0 && framing.body == HTTP_BODY_CHUNKED)
        read_chunks(data + length, size - (size_t)length);
    return 0;
}
