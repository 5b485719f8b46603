/**
 * Tables for a terminal: as wide as what is in them, and never wider than asked. Columns in which nothing was
 * counted are left out where that is allowed; what is too wide is cut with dots; what still does not fit goes on in
 * a second table below.
 */
#ifndef TOOL_SHEET_H
#define TOOL_SHEET_H

#include <stdbool.h>
#include <stdio.h>

enum { SHEET_COLUMNS_MAX = 32, SHEET_WIDTH = 80 };

struct sheet_column {
    const char *title;
    bool left;     /**< Text; otherwise a number, which stands at the right. */
    bool optional; /**< Not shown while every cell is empty, "0" or "-". */
    bool stretch;  /**< May be cut with dots where the table is too wide. */
    bool key;      /**< Says what the row is about: where the table goes on below, it is shown again. */
};
struct sheet {
    struct sheet_column column[SHEET_COLUMNS_MAX];
    unsigned columns;
    char **cells;
    unsigned count, room; /**< Of cells, row by row. */
};

/** Titles are not copied. @return the index of the column. */
unsigned sheet_column(struct sheet *sheet, struct sheet_column column);
/** The next cell, row by row. Running out of memory ends the process with a sentence. */
void sheet_cell(struct sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Prints it with an indent of two columns. */
void sheet_print(const struct sheet *sheet, FILE *to, unsigned width);
void sheet_free(struct sheet *sheet);

/** Prints a text that is folded at spaces to a width; the lines after the first begin `indent` columns in. */
void sheet_fold(FILE *to, const char *text, unsigned begin, unsigned indent, unsigned width);

#endif
