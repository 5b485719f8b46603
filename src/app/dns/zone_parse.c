/**
 * Master files (RFC 1035 5): entries of owner, TTL, class, type and data, one to a line unless parentheses
 * join lines; ; comments; "quoted strings"; \DDD; $ORIGIN and $TTL (RFC 2308 4).
 *
 * An entry is first cut into words, then read from left to right. Every mistake is told with its line.
 */
#include "app/dns/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 128u
#define ENTRY_BYTES 65536u

/** One entry, in words. */
struct parser {
    struct dns_zone *zone;
    struct dns_zone_error *error;
    const char *text;
    size_t size, position;
    unsigned line, entry_line;
    bool indented; /**< The entry begins with a blank: it has the owner of the last one. */
    const char *words[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    bool quoted[WORDS_MAX];
    unsigned count;
    struct dns_name origin, owner;
    bool has_owner, has_ttl, has_last_ttl;
    uint32_t ttl, last_ttl;
    uint8_t data[ENTRY_BYTES];
};

static int complain(struct parser *p, unsigned line, const char *what, const char *word, size_t length)
{
    p->error->line = line;
    if (word)
        snprintf(p->error->text, sizeof p->error->text, "%s: %.*s", what, (int)(length < 60 ? length : 60),
                 word);
    else
        snprintf(p->error->text, sizeof p->error->text, "%s", what);
    return -EINVAL;
}

/* ---- Words --------------------------------------------------------------------------------------- */

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == '(' || c == ')' || c == '"';
}

/** Takes one word, quoted or not. @return 0, -EINVAL. */
static int take_word(struct parser *p)
{
    bool quoted = p->text[p->position] == '"';
    size_t start = p->position + quoted, at = start;
    if (p->count == WORDS_MAX)
        return complain(p, p->line, "too many words in one entry", NULL, 0);
    while (at < p->size && (quoted ? p->text[at] != '"' : !ends_word(p->text[at]))) {
        if (p->text[at] == '\n' || p->text[at] == 0)
            return complain(p, p->line, quoted ? "a quoted string without its end" : "a NUL", NULL, 0);
        at += p->text[at] == '\\' && at + 1 < p->size && p->text[at + 1] != '\n' ? 2 : 1;
    }
    if (quoted && at >= p->size)
        return complain(p, p->line, "a quoted string without its end", NULL, 0);
    p->words[p->count] = p->text + start;
    p->lengths[p->count] = at - start;
    p->quoted[p->count++] = quoted;
    p->position = at + quoted;
    return 0;
}

/** Cuts the next entry into words. @return 1, 0 at the end of the file, -EINVAL. */
static int next_entry(struct parser *p)
{
    unsigned depth = 0, opened = 0;
    bool begun = false;
    p->count = 0;
    p->indented = false;
    while (p->position < p->size) {
        char c = p->text[p->position];
        if (!begun) {
            p->indented = c == ' ' || c == '\t';
            p->entry_line = p->line;
            begun = true;
        }
        if (c == '\n') {
            p->line++;
            p->position++;
            if (depth == 0 && p->count > 0)
                return 1;
            if (depth == 0)
                begun = false;
        } else if (c == ';') {
            while (p->position < p->size && p->text[p->position] != '\n')
                p->position++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            p->position++;
        } else if (c == '(' || c == ')') {
            if (c == ')' && depth == 0)
                return complain(p, p->line, "a ) without its (", NULL, 0);
            opened = p->line;
            depth += c == '(' ? 1 : -1u;
            p->position++;
        } else if (take_word(p) < 0) {
            return -EINVAL;
        }
    }
    if (depth > 0)
        return complain(p, opened, "a ( without its )", NULL, 0);
    return p->count > 0;
}

/* ---- Entries ------------------------------------------------------------------------------------- */

int dns_zone_ttl(const char *text, size_t length, uint32_t *ttl)
{
    uint64_t total = 0, number = 0;
    bool digits = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') {
            number = number * 10 + (unsigned)(c - '0');
            digits = true;
        } else {
            char unit = (char)(c | 0x20);
            unsigned seconds = unit == 's'   ? 1
                               : unit == 'm' ? 60
                               : unit == 'h' ? 3600
                               : unit == 'd' ? 86400
                               : unit == 'w' ? 604800
                                             : 0;
            if (!digits || seconds == 0)
                return -EINVAL;
            total += number * seconds;
            number = 0;
            digits = false;
        }
        if (number > INT32_MAX || total > INT32_MAX)
            return -EINVAL;
    }
    if (length == 0 || (!digits && number > 0) || total + number > INT32_MAX)
        return -EINVAL;
    *ttl = (uint32_t)(total + number);
    return 0;
}

static bool word_is(const struct parser *p, unsigned word, const char *text)
{
    size_t length = strlen(text);
    if (word >= p->count || p->lengths[word] != length || p->quoted[word])
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = p->words[word][i];
        if ((c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c) != text[i])
            return false;
    }
    return true;
}

/** $ORIGIN and $TTL. */
static int directive(struct parser *p)
{
    if (word_is(p, 0, "$ORIGIN") && p->count == 2) {
        struct dns_name name;
        if (dns_name_from_text(&name, p->words[1], p->lengths[1], &p->origin) < 0)
            return complain(p, p->entry_line, "not a name", p->words[1], p->lengths[1]);
        p->origin = name;
        return 0;
    }
    if (word_is(p, 0, "$TTL") && p->count == 2) {
        if (dns_zone_ttl(p->words[1], p->lengths[1], &p->ttl) < 0)
            return complain(p, p->entry_line, "not a time", p->words[1], p->lengths[1]);
        p->has_ttl = true;
        return 0;
    }
    return complain(p, p->entry_line, "not $ORIGIN NAME nor $TTL TIME", p->words[0], p->lengths[0]);
}

/** TTL and class in either order, then the type. @return the first word of the data, -EINVAL. */
static int read_middle(struct parser *p, unsigned word, struct dns_zone_record *record, bool *has_ttl)
{
    bool has_class = false;
    *has_ttl = false;
    for (; word < p->count; word++) {
        const char *text = p->words[word];
        if (!has_class && word_is(p, word, "IN")) {
            has_class = true;
        } else if (word_is(p, word, "CH") || word_is(p, word, "HS") || word_is(p, word, "CS")) {
            return complain(p, p->entry_line, "only class IN is served, not", text, p->lengths[word]);
        } else if (!*has_ttl && text[0] >= '0' && text[0] <= '9') {
            if (dns_zone_ttl(text, p->lengths[word], &record->ttl) < 0)
                return complain(p, p->entry_line, "not a time", text, p->lengths[word]);
            *has_ttl = true;
        } else {
            record->type = dns_type_from_text(text, p->lengths[word]);
            if (record->type == 0 || record->type == DNS_TYPE_OPT || record->type >= DNS_TYPE_IXFR)
                if (record->type < 256) // RFC 6891-3: neither OPT nor the types of questions stand in zones.
                    return complain(p, p->entry_line, "not a type of record", text, p->lengths[word]);
            return (int)word + 1;
        }
    }
    return complain(p, p->entry_line, "the type of the record is missing", NULL, 0);
}

/** The TTL of an entry without one: $TTL, that of the last entry, the SOA's minimum (RFC 2308 4, RFC
 * 1035 5.1). */
static int default_ttl(struct parser *p, struct dns_zone_record *record)
{
    struct dns_soa soa;
    if (p->has_ttl)
        record->ttl = p->ttl;
    else if (p->has_last_ttl)
        record->ttl = p->last_ttl;
    else if (record->type == DNS_TYPE_SOA && dns_rdata_soa(record->data, record->length, &soa) == 0)
        record->ttl = dns_ttl(soa.minimum);
    else
        return complain(p, p->entry_line, "no TTL, and no $TTL before", NULL, 0);
    return 0;
}

static int record_entry(struct parser *p)
{
    struct dns_zone_record record = {.line = p->entry_line};
    unsigned word = 0;
    bool has_ttl;
    if (!p->indented) {
        if (dns_name_from_text(&p->owner, p->words[0], p->lengths[0], &p->origin) < 0)
            return complain(p, p->entry_line, "not a name", p->words[0], p->lengths[0]);
        p->has_owner = true;
        word = 1;
    }
    if (!p->has_owner)
        return complain(p, p->entry_line, "the first entry has no name", NULL, 0);
    record.name = p->owner;
    int first = read_middle(p, word, &record, &has_ttl);
    if (first < 0)
        return first;
    const struct dns_words words = {p->words + first, p->lengths + first, p->quoted + first,
                                    p->count - (unsigned)first};
    const char *why = NULL;
    int length = dns_zone_data(record.type, &words, &p->origin, p->data, sizeof p->data, &why);
    if (length < 0)
        return complain(p, p->entry_line, why, words.count ? words.text[0] : NULL,
                        words.count ? words.length[0] : 0);
    uint8_t *data = dns_zone_memory(p->zone, (size_t)length);
    if (!data)
        return -ENOMEM;
    memcpy(data, p->data, (size_t)length);
    record.data = data;
    record.length = (uint16_t)length;
    if (!has_ttl) {
        int result = default_ttl(p, &record);
        if (result < 0)
            return result;
    }
    p->last_ttl = record.ttl;
    p->has_last_ttl = true;
    return dns_zone_append(p->zone, &record);
}

int dns_zone_parse(struct dns_zone *zone, const char *text, size_t size, const struct dns_name *origin,
                   struct dns_zone_error *error)
{
    *zone = (struct dns_zone){0};
    *error = (struct dns_zone_error){0};
    struct parser *p = malloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    memset(p, 0, offsetof(struct parser, data));
    p->zone = zone;
    p->error = error;
    p->text = text;
    p->size = size;
    p->line = 1;
    p->origin = origin ? *origin : dns_name_root();
    int result;
    while ((result = next_entry(p)) > 0) {
        result = p->words[0][0] == '$' && !p->quoted[0] ? directive(p) : record_entry(p);
        if (result < 0)
            break;
    }
    free(p);
    return result < 0 ? result : dns_zone_finish(zone, error);
}
