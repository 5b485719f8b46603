/*
 * Tables and folded texts for terminals.
 */
#include "tool/sheet.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 2u
#define GAP 2u
/** A column that is cut keeps so much. */
#define LEAST 12u

unsigned sheet_column(struct sheet *sheet, struct sheet_column column)
{
    if (sheet->columns == SHEET_COLUMNS_MAX)
        return SHEET_COLUMNS_MAX - 1;
    sheet->column[sheet->columns] = column;
    return sheet->columns++;
}

static void *must(void *memory)
{
    if (!memory) {
        fputs("strata: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void sheet_cell(struct sheet *sheet, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (sheet->count == sheet->room) {
        sheet->room = sheet->room ? sheet->room * 2 : 64;
        sheet->cells = must(realloc(sheet->cells, sheet->room * sizeof *sheet->cells));
    }
    // Names come from files: a terminal gets printable characters only.
    for (char *c = must(text); *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '.';
    sheet->cells[sheet->count++] = text;
}

void sheet_free(struct sheet *sheet)
{
    for (unsigned i = 0; i < sheet->count; i++)
        free(sheet->cells[i]);
    free(sheet->cells);
    *sheet = (struct sheet){0};
}

/** Characters, not bytes: a name may be in any language. */
static unsigned length_of(const char *text)
{
    unsigned length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

static bool is_nothing(const char *cell)
{
    return !*cell || strcmp(cell, "0") == 0 || strcmp(cell, "-") == 0;
}

struct layout {
    unsigned width[SHEET_COLUMNS_MAX];
    bool shown[SHEET_COLUMNS_MAX];
};

static void measure(const struct sheet *sheet, struct layout *layout)
{
    for (unsigned c = 0; c < sheet->columns; c++) {
        layout->width[c] = length_of(sheet->column[c].title);
        layout->shown[c] = !sheet->column[c].optional;
        for (unsigned i = c; i < sheet->count; i += sheet->columns) {
            unsigned length = length_of(sheet->cells[i]);
            layout->width[c] = length > layout->width[c] ? length : layout->width[c];
            layout->shown[c] = layout->shown[c] || !is_nothing(sheet->cells[i]);
        }
    }
}

static unsigned total(const struct sheet *sheet, const struct layout *layout)
{
    unsigned sum = INDENT;
    for (unsigned c = 0; c < sheet->columns; c++)
        if (layout->shown[c])
            sum += layout->width[c] + (sum > INDENT ? GAP : 0);
    return sum;
}

/** Takes from the widest of those that may be cut, until it fits or nothing can be taken any more. */
static void squeeze(const struct sheet *sheet, struct layout *layout, unsigned width)
{
    while (total(sheet, layout) > width) {
        int widest = -1;
        for (unsigned c = 0; c < sheet->columns; c++)
            if (layout->shown[c] && sheet->column[c].stretch && layout->width[c] > LEAST &&
                (widest < 0 || layout->width[c] > layout->width[widest]))
                widest = (int)c;
        if (widest < 0)
            return;
        layout->width[widest]--;
    }
}

/** One cell, cut to its width. @return how many spaces it has to its right, not written yet. */
static unsigned print_cell(FILE *to, const char *text, unsigned width, bool left)
{
    unsigned length = length_of(text), spaces = width > length ? width - length : 0;
    if (!left)
        fprintf(to, "%*s", (int)spaces, "");
    if (length <= width) {
        fputs(text, to);
    } else {
        unsigned kept = 0;
        for (const char *c = text; *c; c++) {
            kept += ((unsigned char)*c & 0xc0) != 0x80;
            if (kept > width - 2)
                break;
            fputc(*c, to);
        }
        fputs("..", to);
    }
    return left ? spaces : 0;
}

static void print_row(const struct sheet *sheet, const struct layout *layout, const bool *chosen, FILE *to,
                      unsigned row)
{
    unsigned spaces = INDENT;
    for (unsigned c = 0; c < sheet->columns; c++) {
        if (!chosen[c])
            continue;
        const struct sheet_column *column = &sheet->column[c];
        const char *text = row == 0 ? column->title : sheet->cells[(row - 1) * sheet->columns + c];
        if (*text)
            fprintf(to, "%*s", (int)spaces, "");
        if (*text)
            spaces = print_cell(to, text, layout->width[c], column->left) + GAP;
        else
            spaces += layout->width[c] + GAP;
    }
    fputc('\n', to);
}

/** Chooses the columns of the next part: the keys, and from `next` on what has room. @return where it goes on. */
static unsigned choose(const struct sheet *sheet, const struct layout *layout, unsigned next, unsigned width,
                       bool *chosen)
{
    unsigned used = INDENT;
    for (unsigned c = 0; c < sheet->columns; c++) {
        chosen[c] = sheet->column[c].key && layout->shown[c];
        used += chosen[c] ? layout->width[c] + GAP : 0;
    }
    for (bool any = false; next < sheet->columns; next++) {
        if (!layout->shown[next] || chosen[next])
            continue;
        if (any && used + layout->width[next] > width)
            break;
        chosen[next] = any = true;
        used += layout->width[next] + GAP;
    }
    return next;
}

void sheet_print(const struct sheet *sheet, FILE *to, unsigned width)
{
    struct layout layout = {0};
    if (sheet->columns == 0)
        return;
    measure(sheet, &layout);
    squeeze(sheet, &layout, width);
    unsigned rows = sheet->count / sheet->columns;
    for (unsigned next = 0; next < sheet->columns;) {
        bool chosen[SHEET_COLUMNS_MAX];
        if (next > 0)
            fputc('\n', to);
        next = choose(sheet, &layout, next, width, chosen);
        for (unsigned row = 0; row <= rows; row++)
            print_row(sheet, &layout, chosen, to, row);
    }
}

void sheet_fold(FILE *to, const char *text, unsigned begin, unsigned indent, unsigned width)
{
    unsigned column = begin;
    bool first = true;
    while (*text) {
        size_t bytes = strcspn(text, " \n");
        unsigned length = 0;
        for (size_t i = 0; i < bytes; i++)
            length += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (!first && column + 1 + length > width) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', to);
            column++;
        }
        fwrite(text, 1, bytes, to);
        column += length;
        first = false;
        text += bytes;
        if (*text == '\n') {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        text += *text != '\0';
    }
    fputc('\n', to);
}
