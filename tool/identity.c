/*
 * What makes two failures the same.
 */
#include "tool/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Who says something and what, with words that have digits in them, and whatever is quoted, left out. */
static char *words_of(const char *name, const char *detail)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    fprintf(to, "%s: ", name);
    for (const char *c = detail; *c;) {
        size_t length = 0;
        bool digits = false;
        for (; isalnum((unsigned char)c[length]) || (c[length] == '.' && digits); length++)
            digits = digits || isdigit((unsigned char)c[length]);
        if (*c == '"') {
            fputs("\"\"", to);
            const char *end = strchr(c + 1, '"');
            c = end ? end + 1 : c + strlen(c);
        } else if (length == 0) {
            fputc(*c++, to);
        } else {
            fprintf(to, "%.*s", digits ? 1 : (int)length, digits ? "#" : c);
            c += length;
        }
    }
    fclose(to);
    return text;
}

void identity_free(struct identity *identity)
{
    for (unsigned i = 0; i < identity->failed_count; i++)
        free(identity->failed[i]);
    for (unsigned i = 0; i < identity->last_count; i++)
        free(identity->last[i]);
    free(identity->failed);
    free(identity->last);
    free(identity->said);
    free(identity->check);
    *identity = (struct identity){0};
}

void identity_of(struct identity *identity, const struct outcome *outcome, struct bytes_reader *rest)
{
    *identity = (struct identity){.kind = outcome->kind, .code = outcome->code};
    identity->said = words_of("", outcome->said ? outcome->said : "");
    identity->failed = calloc(outcome->check_count + 1, sizeof(char *));
    for (unsigned i = 0; i < outcome->check_count; i++) {
        const struct outcome_check *check = &outcome->checks[i];
        if (!check->ok && !identity->check)
            identity->check = strdup(check->name);
        if (check->ok)
            continue;
        identity->failed[identity->failed_count++] = words_of(check->name, check->detail);
        identity->unfinished |= strstr(check->detail, "not ended") || strstr(check->detail, "not done");
        identity->limited |= strcmp(check->name, scenario_limit_check) == 0;
    }
    unsigned count = (unsigned)bytes_number(rest);
    identity->last = calloc(count + 1, sizeof(char *));
    for (unsigned i = 0; i < count; i++)
        identity->last[identity->last_count++] = bytes_text(rest);
}

static bool has(char *const *list, unsigned count, const char *words)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(list[i], words) == 0)
            return true;
    return false;
}

/** Whether nothing is in a list that is not in the original's, and something where there was something. */
static bool is_part(char *const *original, unsigned original_count, char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!has(original, original_count, list[i]))
            return false;
    return count > 0 || original_count == 0;
}

bool identity_is_same(const struct identity *original, const struct identity *other)
{
    if (original->kind != other->kind || original->code != other->code ||
        strcmp(original->said, other->said) != 0 || !original->check != !other->check)
        return false;
    if (!original->check)
        return true;
    return original->limited == other->limited &&
           is_part(original->failed, original->failed_count, other->failed, other->failed_count) &&
           is_part(original->last, original->last_count, other->last, other->last_count) &&
           has(other->failed, other->failed_count, original->failed[0]);
}

static char *last_words(const struct scenario_program *program)
{
    const char *text = program->output.text ? program->output.text : "", *end = text + strlen(text);
    while (end > text && end[-1] == '\n')
        end--;
    const char *begin = end;
    while (begin > text && begin[-1] != '\n')
        begin--;
    char *line = strndup(begin, (size_t)(end - begin));
    char *words = line ? words_of(program->name, line) : NULL;
    free(line);
    return words;
}

void identity_put(void *context, struct scenario_run *run, struct bytes *answer)
{
    (void)context;
    uint64_t count = 0;
    struct bytes list = {0};
    for (unsigned i = 0; i < run->scenario->nodes.count; i++) {
        const struct scenario_node *node = &run->scenario->nodes.items[i];
        for (unsigned j = 0; j < node->programs.count; j++) {
            const struct scenario_program *program = &node->programs.items[j];
            if (!program->started || program->background || program->status <= 0)
                continue;
            char *words = last_words(program);
            bytes_put_text(&list, words);
            free(words);
            count++;
        }
    }
    bytes_put_number(answer, count);
    bytes_put(answer, list.data, list.size);
    bytes_free(&list);
}
