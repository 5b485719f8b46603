/**
 * gnuplot as a child: it is started when the file is named, so that a missing one is told before the work, waits
 * at its standard input for what to draw, and writes the picture to the file.
 */
#ifndef TOOL_GNUPLOT_H
#define TOOL_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct gnuplot {
    const char *path;
    FILE *script; /**< Its standard input. */
    pid_t pid;
    bool abandoned;
    void (*before)(int); /**< What SIGPIPE did. */
};

/** Whether a file of this name is a picture: .svg or .png. */
bool picture_wanted(const char *path);
/** Makes the file and starts gnuplot. @return 0, or an exit status after a complaint. */
int gnuplot_open(struct gnuplot *gnuplot, const char *path);
/** Says what kind of picture it is, by the file's name. */
void gnuplot_terminal(const struct gnuplot *gnuplot, unsigned width, unsigned height);
/** A text in quotation marks. */
void gnuplot_text(FILE *to, const char *text);
/** Nothing will be drawn; gnuplot_close says nothing of it. */
void gnuplot_abandon(struct gnuplot *gnuplot);
/** Lets it draw. @return 0, or an exit status after a complaint. */
int gnuplot_close(struct gnuplot *gnuplot);

#endif
