/**
 * What users and peers write: URLs, targets, dates, ranges, lists.
 */
#include "app/http/message.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_slice text = {(const char *)data, size};
    struct http_url url;
    if (http_url_parse(text, &url) == 0) {
        // Nothing that could split a request.
        ASSERT(url.target[0] == '/' && url.port != 0);
        for (const char *c = url.target; *c; c++)
            ASSERT(*c > 0x20 && *c < 0x7f);
        for (const char *c = url.host; *c; c++)
            ASSERT(*c > 0x20 && *c < 0x7f);
        char authority[HTTP_HOST_MAX + 16];
        http_url_authority(&url, authority, sizeof authority);
    }
    char path[HTTP_PATH_MAX], date[HTTP_DATE_TEXT];
    bool folder;
    if (http_target_path(text, path, &folder) == 0)
        ASSERT(path[0] != '/' && strcmp(path, "..") != 0 && !strstr(path, "/../") &&
               strncmp(path, "../", 3) != 0);
    int64_t seconds, again;
    if (http_date_parse(text, 1700000000, &seconds) == 0 && seconds >= 0) {
        http_date_format(seconds, date);
        ASSERT(http_date_parse((struct http_slice){date, strlen(date)}, 0, &again) == 0 && again == seconds);
    }
    struct http_range ranges[HTTP_RANGES_MAX];
    int count = http_range_parse(text, 777, ranges);
    for (int i = 0; i < count; i++)
        ASSERT(ranges[i].first <= ranges[i].last && ranges[i].last < 777);
    struct http_slice element;
    while (http_list_next(&text, &element))
        ASSERT(element.length > 0);
    http_media_type("x");
    return 0;
}
