/*
 * Fills in the page. Its policy names the one script and the one style that it has by their hashes, so that
 * nothing else in it can run or be fetched, whatever a scenario or a program managed to write there.
 */
#include "lab/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/sha256.h"

/** 'sha256-...' of a part, in base64. */
static void hash_of(const struct page_part *part, char text[60])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[65];
    sha256_text(part->text, part->length, hex);
    size_t at = (size_t)snprintf(text, 60, "'sha256-");
    for (int i = 0; i < 32; i += 3) {
        unsigned group = 0, byte;
        for (int j = 0; j < 3; j++)
            group = group << 8 | (i + j < 32 && sscanf(hex + 2 * (i + j), "%2x", &byte) == 1 ? byte : 0);
        for (int j = 0; j < 4; j++)
            text[at++] = i + j > 32 ? '=' : digits[group >> (18 - 6 * j) & 63];
    }
    text[at++] = '\'';
    text[at] = '\0';
}

void page_policy(char policy[PAGE_POLICY_BYTES], bool live)
{
    char script[60], style[60];
    hash_of(&page_script, script);
    hash_of(&page_style, style);
    snprintf(policy, PAGE_POLICY_BYTES,
             "default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action "
             "'none'%s",
             script, style, live ? "; connect-src 'self'; frame-ancestors 'none'" : "");
}

static int put_part(const struct page_part *part, record_sink sink, void *context)
{
    return sink(context, part->text, part->length);
}

/** What stands where the page has @NAME@. */
static int put_named(const char *name, size_t length, struct record *record, const struct record_story *story,
                     record_sink sink, void *context)
{
    if (length == 5 && memcmp(name, "STYLE", 5) == 0)
        return put_part(&page_style, sink, context);
    if (length == 6 && memcmp(name, "SCRIPT", 6) == 0)
        return put_part(&page_script, sink, context);
    if (length == 6 && memcmp(name, "RECORD", 6) == 0)
        return record ? record_write(record, story, true, sink, context) : 0;
    char policy[PAGE_POLICY_BYTES];
    page_policy(policy, false);
    // A page that is served has its policy in the head of the response, where it may say more.
    if (length == 6 && memcmp(name, "POLICY", 6) == 0)
        return record ? sink(context, policy, strlen(policy)) : 0;
    return -EINVAL;
}

int page_write(struct record *record, const struct record_story *story, record_sink sink, void *context)
{
    const char *at = page_html.text, *end = at + page_html.length;
    int error = 0;
    while (!error && at < end) {
        const char *mark = memchr(at, '@', (size_t)(end - at));
        const char *close = mark ? memchr(mark + 1, '@', (size_t)(end - mark - 1)) : NULL;
        size_t before = (size_t)((mark ? mark : end) - at);
        error = before ? sink(context, at, before) : 0;
        if (!mark)
            break;
        if (!close)
            return -EINVAL;
        if (!error)
            error = put_named(mark + 1, (size_t)(close - mark - 1), record, story, sink, context);
        at = close + 1;
    }
    return error;
}
