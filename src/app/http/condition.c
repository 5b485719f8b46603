/**
 * Conditional requests (RFC 9110 13) and ranges (RFC 9110 14).
 */
#include "app/http/message.h"

#include <errno.h>

/* ---- Preconditions ------------------------------------------------------------------------------- */

/** Compares entity tags; strongly: neither may be weak. */
static bool etag_matches(struct http_slice tag, const char *etag, bool strong)
{
    bool weak = tag.length >= 2 && memcmp(tag.text, "W/", 2) == 0;
    bool own_weak = strncmp(etag, "W/", 2) == 0;
    if (strong && (weak || own_weak))
        return false;
    if (weak) {
        tag.text += 2;
        tag.length -= 2;
    }
    return http_slice_is(tag, own_weak ? etag + 2 : etag);
}

/** Whether a list of entity tags, or "*", names the resource as it is. */
static bool etag_listed(const struct http_head *head, const char *name,
                        const struct http_validators *resource, bool strong)
{
    const struct http_field *field;
    for (unsigned i = 0; (field = http_field_find(head, name, i)) != NULL; i++) {
        struct http_slice list = field->value, tag;
        while (http_list_next(&list, &tag))
            if (resource->exists && (http_slice_is(tag, "*") || etag_matches(tag, resource->etag, strong)))
                return true;
    }
    return false;
}

/** The date of a field. @return false: absent or invalid, so ignored (RFC 9110-22). */
static bool field_date(const struct http_head *head, const char *name, int64_t now_s, int64_t *date)
{
    const struct http_field *field = http_field_find(head, name, 0);
    return field && !http_field_find(head, name, 1) && http_date_parse(field->value, now_s, date) == 0;
}

int http_condition(const struct http_head *head, const struct http_validators *resource)
{
    bool reads = head->method == HTTP_GET || head->method == HTTP_HEAD;
    int64_t date;
    if (http_field_find(head, "If-Match", 0)) {
        if (!etag_listed(head, "If-Match", resource, true))
            return 412;
    } else if (resource->exists && field_date(head, "If-Unmodified-Since", resource->now_s, &date)) {
        if (resource->modified_s > date)
            return 412;
    }
    if (http_field_find(head, "If-None-Match", 0)) {
        if (etag_listed(head, "If-None-Match", resource, false))
            return reads ? 304 : 412; // RFC 9110-23
    } else if (reads && resource->exists && field_date(head, "If-Modified-Since", resource->now_s, &date)) {
        if (resource->modified_s <= date)
            return 304;
    }
    return 0;
}

bool http_condition_range(const struct http_head *head, const struct http_validators *resource)
{
    const struct http_field *field = http_field_find(head, "If-Range", 0);
    if (!field)
        return true;
    if (http_field_find(head, "If-Range", 1) || field->value.length == 0)
        return false;
    if (field->value.text[0] == '"' || field->value.text[0] == 'W')
        return etag_matches(field->value, resource->etag, true);
    // A date is a strong validator only when the file has long been as it is (RFC 9110 8.8.2.2).
    int64_t date;
    return http_date_parse(field->value, resource->now_s, &date) == 0 && date == resource->modified_s &&
           resource->modified_s + 1 < resource->now_s;
}

/* ---- Ranges -------------------------------------------------------------------------------------- */

/** One "first-last", "first-" or "-suffix". @return 1: satisfiable, 0: not, -EINVAL. */
static int parse_range(struct http_slice text, uint64_t size, struct http_range *range)
{
    const char *dash = memchr(text.text, '-', text.length);
    if (!dash)
        return -EINVAL;
    struct http_slice left = {text.text, (size_t)(dash - text.text)};
    struct http_slice right = {dash + 1, text.length - left.length - 1};
    uint64_t first = 0, last = UINT64_MAX;
    if (left.length > 0 && http_number(left, &first) < 0)
        return -EINVAL;
    if (right.length > 0 && http_number(right, &last) < 0)
        return -EINVAL;
    if (left.length == 0) {
        if (right.length == 0)
            return -EINVAL;
        if (last == 0 || size == 0)
            return 0;
        *range = (struct http_range){last < size ? size - last : 0, size - 1};
        return 1;
    }
    if (first > last)
        return -EINVAL;
    if (first >= size)
        return 0;
    *range = (struct http_range){first, last < size ? last : size - 1};
    return 1;
}

/** RFC 9110-27: more than two ranges that overlap are no honest request. */
static bool overlaps(const struct http_range *ranges, int count)
{
    int pairs = 0;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            pairs += ranges[i].first <= ranges[j].last && ranges[j].first <= ranges[i].last;
    return pairs > 1;
}

int http_range_parse(struct http_slice value, uint64_t size, struct http_range ranges[HTTP_RANGES_MAX])
{
    static const char unit[] = "bytes=";
    size_t skip = sizeof unit - 1;
    if (value.length < skip || !http_slice_is_nocase((struct http_slice){value.text, skip}, unit))
        return 0; // RFC 9110-24
    struct http_slice list = {value.text + skip, value.length - skip}, element;
    int count = 0;
    bool any = false;
    while (http_list_next(&list, &element)) {
        struct http_range range = {0, 0};
        int result = parse_range(element, size, &range);
        if (result < 0 || (result > 0 && count == (int)HTTP_RANGES_MAX))
            return 0;
        if (result > 0)
            ranges[count++] = range;
        any = true;
    }
    if (!any || overlaps(ranges, count))
        return 0;
    return count > 0 ? count : -416;
}
