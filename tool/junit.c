/*
 * JUnit's XML. A suite begins with how many cases it has, so cases are kept until the end.
 */
#include "tool/junit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/tool.h"

struct junit {
    const char *path, *suite;
    FILE *file, *cases;
    char *text;
    size_t size;
    uint64_t tests, failures, errors;
    strata_time time;
};

/** How many bytes a character of UTF-8 has that stands there, 0: none does. */
static unsigned character(const unsigned char *text)
{
    unsigned bytes = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (text[0] > 0xf4)
        return 0;
    for (unsigned i = 1; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    // Longer than need be, half of a pair, or beyond the last character.
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return bytes;
}

/** XML 1.0 knows no other control characters than these, and is UTF-8: what is not is told as a question mark. */
static void escape(FILE *to, const char *text)
{
    while (*text) {
        unsigned char c = (unsigned char)*text;
        unsigned bytes = character((const unsigned char *)text);
        if (c == '<')
            fputs("&lt;", to);
        else if (c == '>')
            fputs("&gt;", to);
        else if (c == '&')
            fputs("&amp;", to);
        else if (c == '"')
            fputs("&quot;", to);
        else if (bytes == 0 || (c < 32 && c != '\n') || c == 127)
            fputc('?', to);
        else
            fwrite(text, 1, bytes, to);
        text += bytes ? bytes : 1;
    }
}

static void seconds(FILE *to, strata_time time)
{
    fprintf(to, "%" PRId64 ".%03" PRId64, time / STRATA_SECOND, time % STRATA_SECOND / STRATA_MILLISECOND);
}

int junit_open(struct junit **made, const char *path, const char *suite)
{
    struct junit *junit = calloc(1, sizeof *junit);
    if (!junit)
        return tool_complain(TOOL_FAILED, "%s: out of memory", path);
    junit->path = path;
    junit->suite = suite;
    junit->file = fopen(path, "we");
    junit->cases = junit->file ? open_memstream(&junit->text, &junit->size) : NULL;
    if (!junit->cases) {
        int status = tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno));
        if (junit->file)
            fclose(junit->file);
        free(junit);
        return status;
    }
    *made = junit;
    return 0;
}

void junit_case(struct junit *junit, const char *name, strata_time time, enum junit_verdict verdict,
                const char *message, const char *text)
{
    FILE *to = junit->cases;
    junit->tests++;
    junit->failures += verdict == JUNIT_FAILURE;
    junit->errors += verdict == JUNIT_ERROR;
    junit->time += time;
    fputs("    <testcase classname=\"", to);
    escape(to, junit->suite);
    fputs("\" name=\"", to);
    escape(to, name);
    fputs("\" time=\"", to);
    seconds(to, time);
    if (verdict == JUNIT_OK) {
        fputs("\"/>\n", to);
        return;
    }
    const char *element = verdict == JUNIT_FAILURE ? "failure" : "error";
    fprintf(to, "\">\n      <%s message=\"", element);
    escape(to, message);
    fputs("\">", to);
    escape(to, text ? text : "");
    fprintf(to, "</%s>\n    </testcase>\n", element);
}

int junit_close(struct junit *junit)
{
    fclose(junit->cases);
    FILE *to = junit->file;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"", to);
    escape(to, junit->suite);
    fprintf(to, "\" tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\" time=\"", junit->tests,
            junit->failures, junit->errors);
    seconds(to, junit->time);
    fputs("\">\n", to);
    fwrite(junit->text, 1, junit->size, to);
    fputs("  </testsuite>\n</testsuites>\n", to);
    errno = 0;
    bool failed = ferror(to);
    failed |= fclose(to) != 0;
    int status = failed ? tool_complain(TOOL_FAILED, "%s: %s", junit->path, strerror(errno ? errno : EIO)) : 0;
    free(junit->text);
    free(junit);
    return status;
}
