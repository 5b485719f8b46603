/*
 * Running gnuplot.
 */
#include "tool/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/tool.h"

extern char **environ;

bool picture_wanted(const char *path)
{
    size_t length = strlen(path);
    return length >= 4 && (!strcmp(path + length - 4, ".svg") || !strcmp(path + length - 4, ".png"));
}

/** gnuplot between a pipe and a file. @return 0 or a positive errno. */
static int spawn_gnuplot(pid_t *pid, int input, int output)
{
    char *const words[] = {"gnuplot", "-", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    int error = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int gnuplot_open(struct gnuplot *gnuplot, const char *path)
{
    *gnuplot = (struct gnuplot){.path = path};
    FILE *file = fopen(path, "we");
    if (!file)
        return tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno));
    int ends[2], error = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
    if (!error) {
        error = spawn_gnuplot(&gnuplot->pid, ends[0], fileno(file));
        close(ends[0]);
        gnuplot->script = error ? NULL : fdopen(ends[1], "w");
        if (!gnuplot->script)
            close(ends[1]);
    }
    fclose(file);
    if (!error)
        gnuplot->before = signal(SIGPIPE, SIG_IGN); // a gnuplot that ends early must not end us
    if (error)
        unlink(path);
    if (error == ENOENT)
        return tool_complain(TOOL_FAILED,
                             "gnuplot draws %s and is not installed (package gnuplot-nox); "
                             "a .csv needs none",
                             path);
    return error ? tool_complain(TOOL_FAILED, "cannot start gnuplot: %s", strerror(error)) : 0;
}

void gnuplot_terminal(const struct gnuplot *gnuplot, unsigned width, unsigned height)
{
    bool svg = !strcmp(strrchr(gnuplot->path, '.'), ".svg");
    fprintf(gnuplot->script, "set terminal %s size %u, %u font 'sans,%d' noenhanced background rgb 'white'\n",
            svg ? "svg" : "pngcairo", width, height, svg ? 12 : 10);
}

/** In gnuplot's plain quotation marks only themselves mean anything. */
void gnuplot_text(FILE *to, const char *text)
{
    putc('\'', to);
    for (; *text; text++)
        if (*text == '\'')
            fputs("''", to);
        else
            putc((unsigned char)*text < ' ' ? ' ' : *text, to);
    putc('\'', to);
}

void gnuplot_abandon(struct gnuplot *gnuplot)
{
    gnuplot->abandoned = true;
}

int gnuplot_close(struct gnuplot *gnuplot)
{
    bool failed = !gnuplot->script || fclose(gnuplot->script) != 0;
    signal(SIGPIPE, gnuplot->before);
    struct stat drawn; // gnuplot does not say when it could not write
    int ended = 0;
    while (waitpid(gnuplot->pid, &ended, 0) < 0 && errno == EINTR)
        ;
    if (gnuplot->abandoned)
        return 0;
    if (failed || ended != 0 || stat(gnuplot->path, &drawn) != 0 || drawn.st_size == 0)
        return tool_complain(TOOL_FAILED, "%s: gnuplot could not draw it", gnuplot->path);
    return 0;
}
